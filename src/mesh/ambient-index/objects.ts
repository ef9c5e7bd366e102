import type { Labels, PolicyObject } from '../policy-object.js';
import type { LabelSelector } from './label-selector.js';

/*
 * Objects as far as the ambient index reads them, each as the API server lists it. What a cache does not keep of an object is
 * missing in the index.
 */

/** Every object of a mesh that its ambient index is computed from; of all namespaces. */
export interface MeshObjects {
  readonly namespaces: readonly IndexedNamespace[];
  readonly nodes: readonly IndexedNode[];
  readonly pods: readonly IndexedPod[];
  readonly services: readonly IndexedService[];
  readonly endpointSlices: readonly IndexedEndpointSlice[];
  readonly serviceEntries: readonly IndexedServiceEntry[];
  readonly workloadEntries: readonly IndexedWorkloadEntry[];
  readonly gateways: readonly IndexedGateway[];
  readonly gatewayClasses: readonly IndexedGatewayClass[];
  readonly authorizationPolicies: readonly PolicyObject[];
  readonly peerAuthentications: readonly PolicyObject[];
}

/** What of the mesh's and istiod's configuration decides its ambient index. */
export interface IndexSettings {
  /** istiod's `CLUSTER_ID` (`Kubernetes`). */
  readonly clusterId: string;
  /** `trustDomain` of MeshConfig (`cluster.local`). */
  readonly trustDomain: string;
  /** istiod's `--domain`: the end of Services' host names (`cluster.local`). */
  readonly clusterDomain: string;
  /** Its policies apply to all namespaces: `rootNamespace` of MeshConfig, else istiod's own. */
  readonly rootNamespace: string;
  /** Where istiod runs; a label on it names the network. */
  readonly systemNamespace: string;
  /** istiod's revision; Istio's objects with a label of another one are not seen (`default`). */
  readonly revision: string;
  /** `serviceEntryVisibility` of MeshConfig: who sees the ServiceEntries of a namespace (everybody). */
  readonly serviceEntryVisibility?: ServiceEntryVisibility;
  /** istiod's `AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY` (false). */
  readonly dryRunPolicies?: boolean;
}

/** The first policy whose rules all match decides; without one the default. */
export interface ServiceEntryVisibility {
  readonly defaultVisibility?: Visibility;
  readonly policies?: readonly {
    readonly visibility?: Visibility;
    readonly matchingRules?: readonly { readonly namespaceSelector?: LabelSelector }[];
  }[];
}

/** `UNSPECIFIED` is `PUBLIC`. */
export type Visibility = 'UNSPECIFIED' | 'PUBLIC' | 'NAMESPACE' | 'NONE';

/** Metadata of any object. */
export interface IndexedMetadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly labels?: Labels | undefined;
  readonly annotations?: Labels | undefined;
}

/** A Namespace. */
export interface IndexedNamespace {
  readonly metadata: IndexedMetadata;
}

/** A Node: its labels say where it is. */
export interface IndexedNode {
  readonly metadata: IndexedMetadata;
}

/** A Pod. */
export interface IndexedPod {
  readonly metadata: IndexedMetadata & {
    readonly generateName?: string | undefined;
    readonly ownerReferences?:
      | readonly { readonly kind: string; readonly name: string; readonly controller?: boolean | undefined }[]
      | undefined;
  };
  readonly spec?:
    | {
        readonly nodeName?: string | undefined;
        readonly serviceAccountName?: string | undefined;
        readonly hostNetwork?: boolean | undefined;
        readonly containers?: readonly IndexedContainer[] | undefined;
        readonly initContainers?: readonly IndexedContainer[] | undefined;
      }
    | undefined;
  readonly status?:
    | {
        readonly phase?: string | undefined;
        readonly podIP?: string | undefined;
        readonly podIPs?: readonly { readonly ip: string }[] | undefined;
        readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined;
      }
    | undefined;
}

/** A container and its ports. */
export interface IndexedContainer {
  readonly name?: string | undefined;
  readonly restartPolicy?: string | undefined;
  readonly ports?:
    | readonly {
        readonly name?: string | undefined;
        readonly containerPort: number;
        readonly protocol?: string | undefined;
      }[]
    | undefined;
}

/** A Service. */
export interface IndexedService {
  readonly metadata: IndexedMetadata;
  readonly spec?:
    | {
        readonly type?: string | undefined;
        readonly clusterIP?: string | undefined;
        readonly clusterIPs?: readonly string[] | undefined;
        readonly ipFamilies?: readonly string[] | undefined;
        readonly selector?: Labels | undefined;
        readonly internalTrafficPolicy?: string | undefined;
        readonly trafficDistribution?: string | undefined;
        readonly publishNotReadyAddresses?: boolean | undefined;
        readonly ports?:
          | readonly {
              readonly name?: string | undefined;
              readonly port: number;
              readonly targetPort?: number | string | undefined;
              readonly appProtocol?: string | undefined;
            }[]
          | undefined;
      }
    | undefined;
}

/** An EndpointSlice; a pod is in it by its `targetRef`. */
export interface IndexedEndpointSlice {
  readonly metadata: IndexedMetadata;
  readonly addressType: string;
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: { readonly ready?: boolean | undefined } | undefined;
        readonly targetRef?:
          | {
              readonly kind?: string | undefined;
              readonly namespace?: string | undefined;
              readonly name?: string | undefined;
              readonly uid?: string | undefined;
            }
          | undefined;
      }[]
    | undefined;
  readonly ports?:
    | readonly {
        readonly name?: string | undefined;
        readonly port?: number | undefined;
        readonly protocol?: string | undefined;
      }[]
    | undefined;
}

/** `spec` of a WorkloadEntry, and an endpoint of a ServiceEntry. */
export interface WorkloadEntrySpec {
  readonly address?: string | undefined;
  readonly ports?: Readonly<Record<string, number>> | undefined;
  readonly labels?: Labels | undefined;
  readonly network?: string | undefined;
  readonly locality?: string | undefined;
  readonly weight?: number | undefined;
  readonly serviceAccount?: string | undefined;
}

/** A WorkloadEntry. */
export interface IndexedWorkloadEntry {
  readonly metadata: IndexedMetadata;
  readonly spec?: WorkloadEntrySpec | undefined;
}

/** A ServiceEntry. */
export interface IndexedServiceEntry {
  readonly metadata: IndexedMetadata;
  readonly spec?:
    | {
        readonly hosts?: readonly string[] | undefined;
        readonly addresses?: readonly string[] | undefined;
        readonly ports?:
          | readonly {
              readonly number: number;
              readonly name?: string | undefined;
              readonly targetPort?: number | undefined;
            }[]
          | undefined;
        readonly resolution?: string | undefined;
        readonly endpoints?: readonly WorkloadEntrySpec[] | undefined;
        readonly workloadSelector?: { readonly labels?: Labels | undefined } | undefined;
        readonly subjectAltNames?: readonly string[] | undefined;
      }
    | undefined;
  readonly status?:
    | { readonly addresses?: readonly { readonly value: string; readonly host?: string | undefined }[] | undefined }
    | undefined;
}

/** A Gateway; the traffic of others goes through it if it has an address. */
export interface IndexedGateway {
  readonly metadata: IndexedMetadata;
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners: readonly {
      readonly port: number;
      readonly protocol: string;
      readonly allowedRoutes?:
        | {
            readonly namespaces?:
              { readonly from?: string | undefined; readonly selector?: LabelSelector | undefined } | undefined;
          }
        | undefined;
    }[];
  };
  readonly status?:
    | { readonly addresses?: readonly { readonly type?: string | undefined; readonly value: string }[] | undefined }
    | undefined;
}

/** A GatewayClass. */
export interface IndexedGatewayClass {
  readonly metadata: IndexedMetadata;
}
