import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import type { Gateway } from '../../api/gateway-api.js';
import type { ServingReason } from '../../api/serving.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import type { ConfigMap, Namespace } from '../../kube/types.js';
import type { WaypointInputs } from '../../mesh/waypoint-inputs.js';
import type { Turn } from './rollout-order.js';

/** An object together with its kind. */
export interface LiveObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** What a pass knows of the cluster; from the caches, so it may be a moment old. */
export interface Observed {
  readonly gateway: Gateway;
  /** The Gateway's. */
  readonly namespace: Namespace;
  /** What waypoints are rendered from, or why that is not known. */
  readonly inputs: { readonly found: WaypointInputs } | { readonly problem: Problem };
  /** Tells configurations of the mesh apart, as far as they change waypoints; empty if it is not known. */
  readonly meshHash: string;
  /** The other waypoints that we deploy, if this one's was rendered from another configuration of the mesh; else none. */
  readonly others: readonly Turn[];
  /** Of the class. */
  readonly defaults: readonly Parameters[];
  /** Of the ConfigMap that a person has named in `parametersRef`. */
  readonly parameters: readonly Parameters[];
  /** The ConfigMap of the name by which we size what istiod deploys, if there is one and it may concern us. */
  readonly sizes: ConfigMap | undefined;
  /** Objects of the kinds that a Gateway is deployed with, if they are the Gateway's or have one of its names. */
  readonly live: readonly LiveObject[];
  /** Services that are bound to the waypoint by us: `<name>`, or `<namespace>/<name>` in another namespace. */
  readonly bound: readonly string[];
  /** Policies that only this waypoint enforces, as messages name them. Of a Gateway whose waypoint is to go, as what follows. */
  readonly dependents: readonly string[];
  /** What names the waypoint, and is not bound by us, as messages name it. */
  readonly users: readonly string[];
  /** The account that the Gateway asks for, if another Gateway serves it. */
  readonly taken: { readonly account: string; readonly by: string } | undefined;
  readonly nowMs: number;
}

/** Why a Gateway is not served, and what to do about it. */
export interface Problem {
  readonly reason: ServingReason;
  readonly message: string;
}
