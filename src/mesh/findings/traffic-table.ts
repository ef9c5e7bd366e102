import { type FindingKind, FROM_PODS, kind } from '../finding-kind.js';

const MATRIX = 'istio.io, ambient/migrate/_index, support matrix';

/** The findings about traffic: how requests find their way, and what happens to them on it. */
export const TRAFFIC_FINDINGS = {
  SST3001: kind(
    'WARN',
    'Sidecars in other namespaces do not speak HBONE: they and the ambient pods of this namespace talk in plaintext.',
    'Restart those workloads, so that the injector gives them ISTIO_META_ENABLE_HBONE=true.',
    'istio.io, ambient/migrate/install-ambient-components, step 4',
    FROM_PODS,
  ),
  SST3002: kind(
    'BLOCK',
    'Sidecars in other namespaces do not speak HBONE, and a STRICT or principal-based policy here would refuse their plaintext.',
    'Restart those workloads, or acknowledge that none of them talks to this namespace.',
    'istio/istio pilot/pkg/xds/endpoints/endpoint_builder.go; istio-ambient facts 0.4',
    FROM_PODS,
  ),
  SST3003: kind(
    'BLOCK',
    'A VirtualService routes requests inside the mesh: ambient callers do not carry it out, so that its routes, weights, retries, timeouts, faults and header changes are lost.',
    'Apply the HTTPRoute that sidestep assess prints for it, and delete it; where it prints why there is none, write one in the namespace of the Service, with the Service as parent. The waypoint of the migration carries that out.',
    MATRIX,
  ),
  SST3004: kind(
    'BLOCK',
    'A VirtualService routes requests to Services of other namespaces: no waypoint carries out the routes of a caller, so that those of the ambient callers here are lost.',
    'Let the owners of the Service have an HTTPRoute in its namespace, and a waypoint; or acknowledge that callers here are no longer routed.',
    'istio/istio pilot/pkg/networking/core/listener_waypoint.go; istio-ambient facts 5.7',
  ),
  SST3005: kind(
    'BLOCK',
    'A DestinationRule, of any namespace, sets tls.mode for Services of this namespace: callers with sidecars would not use HBONE, and fail to reach ambient pods.',
    'Remove tls from the DestinationRule: with automatic mTLS sidecars choose what the pods can do.',
    'istio/istio issue 53526',
  ),
  SST3006: kind(
    'BLOCK',
    'A DestinationRule sets TLS that callers of this namespace start (tls.mode) towards other hosts: ztunnel starts none, so that the destination would get plaintext.',
    'Let the application speak TLS, or send it through an egress gateway or waypoint that does; acknowledge if nobody here calls the host.',
    'istio.io, ambient/migrate/_index, support matrix; istio-ambient facts 5.8',
  ),
  SST3007: kind(
    'DROP',
    'A DestinationRule asks for mTLS of Istio (ISTIO_MUTUAL) towards other namespaces: ztunnel uses it anyway, where the destination can.',
    'Nothing; remove tls before those namespaces migrate.',
    'istio.io, ambient/architecture/data-plane',
  ),
  SST3008: kind(
    'BLOCK',
    'A DestinationRule has subsets, and no HTTPRoute can name one: versions would no longer be told apart.',
    'Make a Service for each version, name these as backendRefs of an HTTPRoute (sidestep assess prints both for a VirtualService that it can translate), and remove the subsets.',
    MATRIX,
  ),
  SST3009: kind(
    'WARN',
    'A DestinationRule sets load balancing, connection pools or outlier detection, which ambient callers do not carry out, nor a waypoint of this migration.',
    'Nothing, if callers can do without; else set spec.waypoint.provision to Always, and have the DestinationRule in the namespace of the waypoint or the Service.',
    'istio-ambient facts 5.8',
  ),
  SST3010: kind(
    'KEEP',
    'A DestinationRule sets load balancing, connection pools or outlier detection for Services that the waypoint of this migration serves.',
    'Nothing: the waypoint carries it out.',
    'istio/istio pilot/pkg/model/push_context.go, destinationRule',
  ),
  SST3011: kind(
    'DROP',
    'A Sidecar limits what sidecars know of the mesh: ztunnel needs no such limit, and takes none.',
    'Nothing; delete it after the migration.',
    'istio-ambient facts 5.8',
  ),
  SST3012: kind(
    'BLOCK',
    'Sidecars refuse destinations that the mesh does not know (REGISTRY_ONLY): ztunnel lets them pass, so that every destination would be open.',
    'Limit egress by NetworkPolicies or an egress gateway, then acknowledge.',
    'istio/istio issue 54281',
  ),
  SST3013: kind(
    'BLOCK',
    'A Sidecar has listeners or limits of its own (ingress, inboundConnectionPool, or egress with port, bind or captureMode): ambient mode has none.',
    'Let the application listen on the port of the Service itself, then delete the Sidecar.',
    'istio.io, reference/config/networking/sidecar',
  ),
  SST3014: kind(
    'BLOCK',
    'Automatic mTLS is switched off in the mesh (enableAutoMtls): sidecars would talk plaintext to ambient pods.',
    'Set enableAutoMtls to true in the mesh configuration.',
    'istio-ambient facts 6.1',
  ),
  SST3015: kind(
    'BLOCK',
    'An EnvoyFilter patches sidecars of this namespace: neither ztunnel nor waypoints apply it.',
    'Say it with an AuthorizationPolicy, Telemetry, HTTPRoute, DestinationRule or WasmPlugin; or delete it; or leave the namespace on sidecars.',
    MATRIX,
  ),
  SST3016: kind(
    'BLOCK',
    'A WasmPlugin or TrafficExtension runs in sidecars of this namespace: ztunnel runs none.',
    'Change what the message names, so that Sidestep can write a copy for the waypoint; or write one yourself (targetRefs instead of the selector; sidestep assess prints it) and acknowledge.',
    MATRIX,
  ),
  SST3017: kind(
    'WARN',
    'A Telemetry says what sidecars of this namespace log, count and trace: ztunnel does not read it, and no waypoint of this migration does.',
    'Nothing, if logs and metrics of ztunnel, without HTTP, are enough; else set spec.waypoint.provision to Always: Sidestep writes a copy for the waypoint.',
    'istio-ambient facts 5.8',
  ),
  SST3018: kind(
    'KEEP',
    'A Telemetry of the whole namespace, or of the mesh: the waypoint of this migration takes it, and ztunnel has logs and metrics of its own.',
    'Check dashboards and alerts: the waypoint reports as reporter="waypoint".',
    'istio/istio issue 52590',
  ),
  SST3019: kind(
    'DROP',
    'A ProxyConfig sets up sidecars of this namespace: without them it has no effect.',
    'Nothing; delete it after the migration.',
    'istio-ambient facts 5.8',
  ),
  SST3020: kind(
    'KEEP',
    'A ServiceEntry or WorkloadEntry of this namespace names a destination outside the mesh: ztunnel knows it as sidecars do.',
    'Nothing: it keeps its effect.',
    'istio.io, ambient/usage/waypoint; istio-ambient facts 5.8',
  ),
  SST3021: kind(
    'BLOCK',
    'A ServiceEntry with a wildcard host, without an address (resolution NONE, or any but STATIC and DNS), or with a Unix socket: ztunnel cannot send traffic there by itself.',
    'Name hosts and resolve them by DNS, or give it an egress waypoint; or acknowledge that traffic passes as to an unknown destination.',
    'istio.io, ambient/usage/waypoint; istio-ambient facts 5.8',
  ),
  SST3022: kind(
    'WARN',
    'A ServiceEntry is not exported to this namespace (exportTo): ztunnel does not look at that, so that ambient callers here use it.',
    'Check that it does what callers here want.',
    'istio/istio issue 55163',
  ),
  SST3023: kind(
    'BLOCK',
    'Workloads outside the cluster are in the mesh (WorkloadGroup, WorkloadEntry, or ServiceEntry with location MESH_INTERNAL): ambient mode has no VMs.',
    'Leave the namespace on sidecars, or take them out of the mesh (location MESH_EXTERNAL, without serviceAccount).',
    MATRIX,
  ),
  SST3024: kind(
    'BLOCK',
    'A route has Services as parents, and no waypoint of this migration carries it out: ambient callers lose it.',
    'Have an HTTPRoute or GRPCRoute in the namespace of its Service, and let the migration have a waypoint (spec.waypoint.provision).',
    'istio.io, ambient/usage/l7-features',
  ),
  SST3025: kind(
    'WARN',
    'A Service is headless: callers address its pods, past every waypoint. Layer 4 is the same; sidecars that call it may fail while only one side is ambient.',
    'Move callers soon, and look at their errors meanwhile.',
    'istio/istio issue 54921',
  ),
  SST3026: kind(
    'BLOCK',
    'A policy or route for a waypoint names a headless Service: callers address its pods, past the waypoint, so that nobody enforces it.',
    'Give the Service an address (clusterIP), or acknowledge that it is not enforced there.',
    'istio-ambient facts 5.2, 6.3',
  ),
  SST3027: kind(
    'BLOCK',
    'A DestinationRule keeps a caller at one pod (consistentHash), or changes what is sent (tunnel, proxyProtocol), which ambient callers do not carry out, nor a waypoint of this migration.',
    'Set spec.waypoint.provision to Always, and have the DestinationRule in the namespace of the waypoint or the Service; or acknowledge that the application does without.',
    'istio.io, reference/config/networking/destination-rule; istio-ambient facts 5.8',
  ),
  SST3028: kind(
    'WARN',
    'A Service is not exported to every namespace (annotation networking.istio.io/exportTo): ztunnel does not look at that, so that ambient callers of any namespace know it.',
    'Say in an AuthorizationPolicy who may call it, if that was meant.',
    'istio/istio issue 55163',
  ),
  SST3029: kind(
    'BLOCK',
    'One istiod serves several clusters (primary-remote, or an external control plane): Istio does not support the move to ambient mode in such a mesh.',
    'Give each cluster an istiod of its own (multi-primary), or leave the namespace on sidecars; acknowledge what you have tried with your own clusters.',
    'istio.io, ambient/migrate/before-you-begin; istio/istio manifests/charts/istio-control/istio-discovery/values.yaml (remotePilotAddress, externalIstiod)',
  ),
} satisfies Record<string, FindingKind>;
