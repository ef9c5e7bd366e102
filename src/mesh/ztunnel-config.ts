/*
 * What a ztunnel knows of a namespace, in the shape of its own local configuration file. Names of fields and values are ztunnel's.
 * Source: istio/ztunnel src/config.rs (LocalConfig), src/state/workload.rs, src/state/service.rs, src/rbac.rs
 */

/** `network/ip`, such as `/10.0.0.1` in the default network; or `namespace/hostname`. */
export type Destination = string;

/** Where traffic goes instead of straight to its destination. */
export interface GatewayAddress {
  readonly destination: Destination;
  readonly hboneMtlsPort: number;
}

/** The root of the file. */
export interface LocalConfig {
  readonly workloads: readonly LocalWorkload[];
  readonly services: readonly LocalService[];
  readonly policies: readonly LocalPolicy[];
}

/**
 * A pod, a WorkloadEntry, or an endpoint of a ServiceEntry or an EndpointSlice. Fields at their default are left out; the
 * defaults of the file are not those of the wire.
 */
export interface LocalWorkload {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly workloadIps: readonly string[];
  readonly waypoint?: GatewayAddress;
  readonly networkGateway?: GatewayAddress;
  /** What it can receive (`TCP`). */
  readonly protocol?: 'TCP' | 'HBONE';
  /** (`Standard`) */
  readonly networkMode?: 'Standard' | 'HostNetwork';
  /** Always written: the file has no default for it. */
  readonly trustDomain?: string;
  /** Always written: the file has no default for it. */
  readonly serviceAccount?: string;
  readonly network?: string;
  readonly workloadName?: string;
  /** `deployment`, `cronjob`, `pod`, `job` */
  readonly workloadType?: string;
  readonly canonicalName?: string;
  readonly canonicalRevision?: string;
  readonly hostname?: string;
  readonly node?: string;
  readonly clusterId?: string;
  readonly nativeTunnel?: boolean;
  readonly applicationTunnel?: { readonly protocol: 'NONE' | 'PROXY'; readonly port?: number };
  /** `namespace/name` of the policies whose selector chooses it. */
  readonly authorizationPolicies?: readonly string[];
  readonly status?: 'Healthy' | 'Unhealthy';
  readonly locality?: Locality;
  /** (1) */
  readonly capacity?: number;
  /** By `namespace/hostname`: port of the service to port of the workload. */
  readonly services: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Where a workload runs; the file wants all three, empty if unknown. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

/** A Service, or one host of a ServiceEntry. */
export interface LocalService {
  readonly name: string;
  readonly namespace: string;
  readonly hostname: string;
  /** `network/ip`; none for a headless one. */
  readonly vips: readonly string[];
  /** `network/prefix`; from ztunnel 1.30 on. */
  readonly cidrVips?: readonly string[];
  /** Port of the service to port of its workloads. */
  readonly ports: Readonly<Record<string, number>>;
  readonly subjectAltNames?: readonly string[];
  readonly waypoint?: GatewayAddress;
  /** From ztunnel 1.31 on. */
  readonly weightedWaypoints?: readonly { readonly destination: GatewayAddress; readonly weight: number }[];
  readonly loadBalancer?: LoadBalancer;
  readonly ipFamilies?: 'Dual' | 'IPv4' | 'IPv6';
  /** From ztunnel 1.29 on. */
  readonly canonical?: boolean;
  /** From ztunnel 1.31 on. */
  readonly visibility?: 'Public' | 'Namespace';
}

/** How a service's workload is chosen; the file has no defaults for it. */
export interface LoadBalancer {
  readonly routingPreferences: readonly ('Region' | 'Zone' | 'Subzone' | 'Node' | 'Cluster' | 'Network')[];
  readonly mode: 'Standard' | 'Strict' | 'Failover' | 'Passthrough';
  readonly healthPolicy: 'OnlyHealthy' | 'AllowAll';
}

/** What ztunnel enforces of an AuthorizationPolicy, or of a PeerAuthentication. */
export interface LocalPolicy {
  readonly name: string;
  readonly namespace: string;
  readonly scope: 'Global' | 'Namespace' | 'WorkloadSelector';
  readonly action: 'Allow' | 'Deny';
  /** Any rule; of a rule every clause; of a clause any match. */
  readonly rules: readonly (readonly (readonly LocalMatch[])[])[];
  /** The file knows it from ztunnel 1.29 on; there it is required. */
  readonly dryRun: boolean;
}

/** Values of one field are alternatives; different fields must all match. An empty match is skipped. */
export interface LocalMatch {
  readonly namespaces?: readonly StringMatch[];
  readonly notNamespaces?: readonly StringMatch[];
  /** Without `spiffe://`. */
  readonly principals?: readonly StringMatch[];
  readonly notPrincipals?: readonly StringMatch[];
  readonly serviceAccounts?: readonly ServiceAccountMatch[];
  readonly notServiceAccounts?: readonly ServiceAccountMatch[];
  /** CIDR with the length of its prefix. */
  readonly sourceIps?: readonly string[];
  readonly notSourceIps?: readonly string[];
  readonly destinationIps?: readonly string[];
  readonly notDestinationIps?: readonly string[];
  readonly destinationPorts?: readonly number[];
  readonly notDestinationPorts?: readonly number[];
}

/** Exactly one key; `Presence` holds for any value. */
export type StringMatch =
  | { readonly Exact: string }
  | { readonly Prefix: string }
  | { readonly Suffix: string }
  | { readonly Presence: readonly [] };

/** An account of a namespace. */
export interface ServiceAccountMatch {
  readonly namespace: string;
  readonly serviceAccount: string;
}
