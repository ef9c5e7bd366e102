import type { Manifest } from '../../../cdk8s/objects.js';
import type { Reason } from '../../api/conditions.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import type { BindingChange, BoundKind } from './binding.js';
import type { Fields } from './field-owners.js';
import type { Eviction } from './restarts.js';
import type { SnapshotData } from './snapshot.js';
import type { RestartGoal, RestartMark, Workload } from './workloads.js';

/**
 * What a step says about itself, in one direction. The engine takes the first step that is not `done` (forward; back: the
 * last that is not undone) and does what it says; the reason and the message go to the step's condition.
 */
export type Verdict =
  | { readonly kind: 'done'; readonly reason: Reason; readonly message: string }
  /** Something to write now; the next pass sees the result. */
  | { readonly kind: 'act'; readonly actions: readonly Action[]; readonly reason: Reason; readonly message: string }
  /** Dry runs are needed before this pass can decide. */
  | { readonly kind: 'dry-run'; readonly request: DryRunRequest; readonly reason: Reason; readonly message: string }
  /** Something in the cluster has to happen first. `recheckMs`: look again after that long, for no event may tell. */
  | { readonly kind: 'wait'; readonly reason: Reason; readonly message: string; readonly recheckMs?: number }
  /** A person has to act; `recheckMs` as above. `reverted`: the fields whose managers the message shall name. */
  | {
      readonly kind: 'stalled';
      readonly reason: Reason;
      readonly message: string;
      readonly recheckMs?: number;
      readonly reverted?: Fields;
    };

/** A write, as data. Each is computed again from a fresh read when it is carried out. */
export type Action =
  | { readonly type: 'write-snapshot'; readonly name: string; readonly data: SnapshotData }
  | { readonly type: 'close-snapshot'; readonly name: string }
  | { readonly type: 'label-namespace'; readonly changes: readonly FieldChange[]; readonly note: string }
  /** Waypoints; `uid`: of the Gateway that was looked at. */
  | { readonly type: 'create-gateway'; readonly manifest: KubeObject; readonly note: string }
  | { readonly type: 'apply-gateway'; readonly manifest: KubeObject; readonly note: string }
  | {
      readonly type: 'size-gateway';
      readonly name: string;
      readonly changes: readonly FieldChange[];
      readonly note: string;
    }
  | { readonly type: 'delete-gateway'; readonly name: string; readonly uid: string; readonly note: string }
  /** `object`: as it was when the change was decided. */
  | {
      readonly type: 'bind';
      readonly kind: BoundKind;
      readonly object: KubeObject;
      readonly change: BindingChange;
      readonly note: string;
    }
  /** What goes with policies for a waypoint; `object`: as it was when that was decided. */
  | { readonly type: 'apply-policy'; readonly manifest: Manifest; readonly note: string }
  | { readonly type: 'delete-policy'; readonly object: KubeObject; readonly note: string }
  | RestartAction
  | EvictAction;

/** A write that is tried in a dry run first: where admission changes what it says, each pass would repeat it. */
export type TriedAction = Extract<
  Action,
  {
    readonly type:
      | 'label-namespace'
      | 'restart'
      | 'create-gateway'
      | 'apply-gateway'
      | 'size-gateway'
      | 'apply-policy'
      | 'bind'
      | 'close-snapshot';
  }
>;

/** Marks the pod template of a workload, which starts its rollout; one with OnDelete has its pods evicted afterwards. */
export interface RestartAction {
  readonly type: 'restart';
  readonly workload: Workload;
  readonly mark: RestartMark;
}

/** Evicts a pod of a workload with OnDelete, whose template has been marked for the goal. */
export interface EvictAction {
  readonly type: 'evict';
  readonly workload: Workload;
  readonly goal: RestartGoal;
  readonly eviction: Eviction;
}

/** Requests that write nothing, made before a decision. */
export interface DryRunRequest {
  /** Workloads from whose templates a pod is created in a dry run. */
  readonly pods: readonly Workload[];
  /** Those of them of which a pod without sidecar is created as well. */
  readonly withoutSidecar?: readonly Workload[];
  /** Whether istiod is alive. */
  readonly istiod: boolean;
  /** Writes that admission might undo. */
  readonly writes?: readonly TriedAction[];
  /** Evictions that a budget, or an admission webhook, might refuse. */
  readonly evictions?: readonly EvictAction[];
}

/** A step that is complete. */
export function done(reason: Reason, message: string): Verdict {
  return { kind: 'done', reason, message };
}
