/**
 * Names of labels of others that Sidestep reads or writes: Istio's, Kubernetes' and the Gateway API's. They mean what their source says; ours
 * stand in `own-labels.ts`.
 */
export const LABEL = {
  /**
   * Namespace or pod: `ambient` lets ztunnel capture the pods, `none` keeps a pod out of an ambient namespace. On a
   * Namespace it acts at once on running pods that have no sidecar.
   *
   * @see istio/api label/labels.yaml, istio.io/dataplane-mode
   */
  dataplaneMode: 'istio.io/dataplane-mode',

  /**
   * Namespace: `enabled` injects sidecars into new pods, `disabled` does not; it beats the revision label.
   *
   * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
   */
  injection: 'istio-injection',

  /**
   * Namespace, pod or Gateway: the revision or tag of istiod that injects and owns it.
   *
   * @see istio/api label/labels.yaml, istio.io/rev
   */
  revision: 'istio.io/rev',

  /**
   * Pod: `true` or `false` overrides the namespace's injection.
   *
   * @see istio/api label/labels.yaml, sidecar.istio.io/inject
   */
  inject: 'sidecar.istio.io/inject',

  /**
   * Pod with a sidecar: `http` if the sidecar speaks HBONE, so that ambient pods reach it with mTLS; set by the injector.
   *
   * @see istio/api label/labels.yaml, networking.istio.io/tunnel
   */
  tunnel: 'networking.istio.io/tunnel',

  /**
   * Pod with a sidecar: `istio`, set by the injector; tells callers that they may use mTLS.
   *
   * @see istio/istio pkg/model/proxy.go, TunnelLabel and TLSModeLabelName
   */
  tlsMode: 'security.istio.io/tlsMode',

  /**
   * Namespace, Service, ServiceEntry or pod: the waypoint that its traffic goes through.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint
   */
  useWaypoint: 'istio.io/use-waypoint',

  /**
   * Beside `istio.io/use-waypoint`: the namespace of that waypoint, if it is another one.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint-namespace
   */
  useWaypointNamespace: 'istio.io/use-waypoint-namespace',

  /**
   * Namespace, Service or ServiceEntry: a second waypoint, for a share of the traffic.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint-canary
   */
  useWaypointCanary: 'istio.io/use-waypoint-canary',

  /**
   * Beside `istio.io/use-waypoint-canary`: the namespace of that waypoint, if it is another one.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint-canary-namespace
   */
  useWaypointCanaryNamespace: 'istio.io/use-waypoint-canary-namespace',

  /**
   * Service, ServiceEntry or Namespace: `true` sends traffic of ingress gateways through the waypoint too.
   *
   * @see istio/api label/labels.yaml, istio.io/ingress-use-waypoint
   */
  ingressUseWaypoint: 'istio.io/ingress-use-waypoint',

  /**
   * Gateway: what its traffic is addressed to, `service`, `workload`, `all` or `none`.
   *
   * @see istio/api label/labels.yaml, istio.io/waypoint-for
   */
  waypointFor: 'istio.io/waypoint-for',

  /**
   * Pod of a proxy that was deployed for a Gateway: the Gateway's name.
   *
   * @see kubernetes-sigs/gateway-api GEP-1762
   */
  gatewayName: 'gateway.networking.k8s.io/gateway-name',

  /**
   * Object that was deployed for a Gateway, and its pods: the Gateway's class.
   *
   * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
   */
  gatewayClassName: 'gateway.networking.k8s.io/gateway-class-name',

  /**
   * Gateway, its Service or pods: the network that they belong to.
   *
   * @see istio/api label/labels.yaml, topology.istio.io/network
   */
  network: 'topology.istio.io/network',

  /**
   * Pod or WorkloadEntry: the name of its workload, instead of that of its owner.
   *
   * @see istio/api label/labels.yaml, service.istio.io/workload-name
   */
  workloadName: 'service.istio.io/workload-name',

  /**
   * ServiceEntry: `false` keeps istiod from giving it addresses.
   *
   * @see istio/api label/labels.yaml, networking.istio.io/enable-autoallocate-ip
   */
  enableAutoallocateIp: 'networking.istio.io/enable-autoallocate-ip',

  /**
   * Object that istiod deployed for a Gateway: its controller, slashes written as dashes. istiod never overwrites an object
   * without it.
   *
   * @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go
   */
  gatewayManaged: 'gateway.istio.io/managed',

  /**
   * Who manages the object; `sidestep` on everything that we create.
   *
   * @see Kubernetes docs, "Recommended Labels"
   */
  managedBy: 'app.kubernetes.io/managed-by',

  /**
   * The application that an object is part of; on our own Deployment also the selector.
   *
   * @see Kubernetes docs, "Recommended Labels"
   */
  name: 'app.kubernetes.io/name',
} as const;

/** Names of annotations of others, likewise. */
export const ANNOTATION = {
  /**
   * Pod: what the injector did, as JSON. Its presence alone keeps the pod out of ambient mode.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/status; istio/istio cni/pkg/util/podutil.go
   */
  sidecarStatus: 'sidecar.istio.io/status',

  /**
   * Pod: comma-separated injection templates; a gateway's names one that is not `sidecar`.
   *
   * @see istio/api annotation/annotations.yaml, inject.istio.io/templates
   */
  injectTemplates: 'inject.istio.io/templates',

  /**
   * Pod: `enabled` once the CNI agent has captured it for ztunnel.
   *
   * @see istio/api annotation/annotations.yaml, ambient.istio.io/redirection
   */
  redirection: 'ambient.istio.io/redirection',

  /**
   * Gateway: type of the Service that is deployed for it.
   *
   * @see istio/api annotation/annotations.yaml, networking.istio.io/service-type
   */
  serviceType: 'networking.istio.io/service-type',

  /**
   * Gateway: which address of its Service the status names, `IPAddress` or `Hostname`; a waypoint has both without it.
   *
   * @see istio/api annotation/annotations.yaml, networking.istio.io/address-type
   */
  addressType: 'networking.istio.io/address-type',

  /**
   * Gateway: name of the Deployment and the Service that are deployed for it.
   *
   * @see istio/api annotation/annotations.yaml, gateway.istio.io/name-override
   */
  gatewayNameOverride: 'gateway.istio.io/name-override',

  /**
   * Gateway: name of the ServiceAccount that its proxy runs under.
   *
   * @see istio/api annotation/annotations.yaml, gateway.istio.io/service-account
   */
  gatewayServiceAccount: 'gateway.istio.io/service-account',

  /**
   * Gateway or pod: image of the proxy, instead of that of the mesh.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/proxyImage
   */
  proxyImage: 'sidecar.istio.io/proxyImage',

  /**
   * Gateway or pod: variant of the proxy's image, `default`, `debug` or `distroless`.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/proxyImageType
   */
  proxyImageType: 'sidecar.istio.io/proxyImageType',

  /**
   * Gateway or pod: log level of Envoy.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/logLevel
   */
  logLevel: 'sidecar.istio.io/logLevel',

  /**
   * Gateway or pod: log levels of parts of Envoy, such as `misc:error`.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/componentLogLevel
   */
  componentLogLevel: 'sidecar.istio.io/componentLogLevel',

  /**
   * Gateway or pod: log levels of the agent beside Envoy, such as `default:info`.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/agentLogLevel
   */
  agentLogLevel: 'sidecar.istio.io/agentLogLevel',

  /**
   * AuthorizationPolicy: `true` logs what it would do and enforces nothing.
   *
   * @see istio/api annotation/annotations.yaml, istio.io/dry-run
   */
  dryRun: 'istio.io/dry-run',

  /**
   * Beside the label `istio.io/use-waypoint-canary`: its share of the traffic, 0 to 100.
   *
   * @see istio/api annotation/annotations.yaml, istio.io/use-waypoint-canary-weight
   */
  useWaypointCanaryWeight: 'istio.io/use-waypoint-canary-weight',

  /**
   * Gateway or GatewayClass: how ztunnel hands connections to its pods, `PROTOCOL` or `PROTOCOL/PORT`.
   *
   * @see istio/api annotation/annotations.yaml, ambient.istio.io/waypoint-inbound-binding
   */
  waypointInboundBinding: 'ambient.istio.io/waypoint-inbound-binding',

  /**
   * Service, ServiceEntry or Namespace: `PreferSameZone` (`PreferClose`) or `PreferSameNode`, in any case of letters.
   *
   * @see istio/api annotation/annotations.yaml, networking.istio.io/traffic-distribution
   */
  trafficDistribution: 'networking.istio.io/traffic-distribution',

  /**
   * WorkloadEntry that registered itself: the WorkloadGroup.
   *
   * @see istio/api annotation/annotations.yaml, istio.io/autoRegistrationGroup
   */
  autoRegistrationGroup: 'istio.io/autoRegistrationGroup',

  /**
   * Service: the namespaces whose sidecars know it, separated by commas; `.` its own, `*` all, `~` none.
   *
   * @see istio/api annotation/annotations.yaml, networking.istio.io/exportTo
   */
  exportTo: 'networking.istio.io/exportTo',

  /**
   * Pod template: when `kubectl rollout restart` last changed it, RFC 3339; we write it too, so that tools which know it
   * show our restarts.
   *
   * @see kubernetes/kubectl pkg/polymorphichelpers/objectrestarter.go
   */
  restartedAt: 'kubectl.kubernetes.io/restartedAt',

  /**
   * Gateway: the ServiceAccount that a waypoint of the older articles serves.
   *
   * @see istio/istio release-1.18, pilot/pkg/config/kube/gateway/deploymentcontroller.go
   */
  forServiceAccount: 'istio.io/for-service-account',
} as const;
