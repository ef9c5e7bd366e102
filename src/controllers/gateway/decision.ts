import type { Manifest } from '../../../cdk8s/objects.js';
import type { Gateway } from '../../api/gateway-api.js';
import { type ServingReason, WAYPOINT_FINALIZER } from '../../api/serving.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import type { Deployment } from '../../kube/types.js';
import type { LiveObject, Problem } from './observed.js';

/** One write, or nothing if it is so already. */
export type Action =
  /** The finalizer that keeps a Gateway until nothing is bound to it any more. */
  | { readonly type: 'hold' | 'release' }
  /** An object of ours, by server-side apply. */
  | ({ readonly type: 'apply' } & Wanted)
  /** More replicas at once, before an autoscaler looks at the Deployment. */
  | { readonly type: 'scale'; readonly deployment: Deployment; readonly replicas: number }
  /** `spec.addresses` of the Gateway names our Service, so that istiod deploys nothing; undefined gives the field up. */
  | { readonly type: 'set-address'; readonly host: string | undefined }
  /** `spec.infrastructure.parametersRef` of the Gateway names our ConfigMap; undefined takes that away again. */
  | { readonly type: 'set-parameters'; readonly name: string | undefined }
  /** An object that does not belong to the waypoint. */
  | { readonly type: 'delete'; readonly target: LiveObject };

/** An object that should be there, and the one that is. */
export interface Wanted {
  readonly kind: ResourceType;
  readonly manifest: Manifest;
  readonly live: KubeObject | undefined;
}

/** What the condition `sidestep.dev/Serving` says. */
export interface ServingCondition {
  readonly status: 'True' | 'False';
  readonly reason: ServingReason;
  readonly message: string;
}

/** What a pass comes to. */
export interface Decision {
  readonly actions: readonly Action[];
  /** Undefined: nothing is said about the Gateway, and what has been said goes. */
  readonly serving: ServingCondition | undefined;
  /** The Gateway whose rollout comes first. */
  readonly awaits?: string | undefined;
}

/** Whether Sidestep deploys the waypoint of the Gateway, or has deployed it. */
export const isHeld = ({ metadata }: Gateway): boolean => metadata.finalizers?.includes(WAYPOINT_FINALIZER) ?? false;

/** The condition of a Gateway that is not served, or not yet. */
export const refused = ({ reason, message }: Problem): ServingCondition => ({ status: 'False', reason, message });

/** Deletes an object, if it is still the one that was seen. */
export const remove = (target: LiveObject): Action => ({ type: 'delete', target });
