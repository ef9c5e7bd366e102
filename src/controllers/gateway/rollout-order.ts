import type { Gateway } from '../../api/gateway-api.js';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import { contentHash } from '../../kube/apply.js';
import { findCondition } from '../../kube/conditions.js';
import type { Deployment } from '../../kube/types.js';
import { deploymentRollout } from '../../mesh/rollout.js';

/** A waypoint that we deploy, as far as it decides whose turn it is. */
export interface Turn {
  /** `namespace/name` of the Gateway. */
  readonly key: string;
  /** Its Deployment is replacing pods. */
  readonly isRolling: boolean;
  /** Its Deployment was rendered from another configuration of the mesh, and nothing keeps us from rendering it anew. */
  readonly isOutdated: boolean;
}

/**
 * The waypoint that one has to wait for before it takes over a new configuration of the mesh: one at a time is rolled out. Those that
 * are being rolled out already go on first, for what holds them may be what the new configuration mends; the others follow by name.
 *
 * @returns `namespace/name` of the Gateway directly before it, so that this changes seldom; undefined if it is its turn
 */
export function predecessor(self: Turn, others: readonly Turn[]): string | undefined {
  const underWay = others.filter(({ isRolling, isOutdated }) => isRolling && !isOutdated);
  const before = others.filter((other) => other.isOutdated && compare(other, self) < 0);
  return [...underWay.toSorted(compare), ...before.toSorted(compare)].at(-1)?.key;
}

/**
 * Those of the waypoints that wait whom the begin or the end of a rollout concerns: the one that comes next, and those that are stuck, for
 * they come before it. All others wait on for the one before them; woken each time, many would look at many.
 */
export function nextInTurn<T extends Pick<Turn, 'key' | 'isRolling'>>(waiting: readonly T[]): readonly T[] {
  const first = waiting.reduce<T | undefined>((a, b) => (a && compare(a, b) < 0 ? a : b), undefined);
  return waiting.filter((each) => each === first || each.isRolling);
}

function compare(a: Pick<Turn, 'key' | 'isRolling'>, b: Pick<Turn, 'key' | 'isRolling'>): number {
  if (a.isRolling !== b.isRolling) return a.isRolling ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

/**
 * Whether pods of the Deployment are being replaced by others. One that only lacks pods, because they were lost or have never come up,
 * replaces none: if others waited for it, a namespace without room would keep the whole mesh from an upgrade. So would one that somebody
 * has paused, or whose controller has given up.
 *
 * @see kubernetes/kubectl pkg/polymorphichelpers/rollout_status.go
 * @see kubernetes/kubernetes pkg/controller/deployment/progress.go: the reason stays, whatever becomes of the pods
 */
export function isRolling(deployment: Deployment): boolean {
  const { metadata, spec, status = {} } = deployment;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const wanted = spec.replicas ?? 1;
  if (observedGeneration < (metadata.generation ?? 0)) return true;
  if (isFirstRevision(deployment) || !hasServed(deployment)) return false;
  if (spec.paused === true || isGivenUp(deployment)) return false;
  const wasComplete = isCompleteOnce(deployment) && replicas <= updatedReplicas;
  const lacksPods = updatedReplicas < wanted || replicas > updatedReplicas || availableReplicas < updatedReplicas;
  return lacksPods && !wasComplete;
}

/**
 * Whether the Deployment has no pod left that is available, and its controller has seen none come up for `progressDeadlineSeconds`. Where a
 * rollout keeps pods while it replaces others, it is not the new configuration that has taken the last of them: they were lost before,
 * and tell nothing about it. Where pods are left, or a rollout may take all of them, others still wait: what has broken one does not
 * reach them.
 *
 * @see kubernetes/kubernetes pkg/controller/deployment/progress.go
 */
export function isGivenUp({ spec, status = {} }: Deployment): boolean {
  const progressing = findCondition(status.conditions, 'Progressing');
  const isOver = progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded';
  return isOver && (status.availableReplicas ?? 0) === 0 && !deploymentRollout(spec).outage;
}

/** So soon after a Deployment was made, its controller has judged for the first time whether enough pods are available. */
const FIRST_LOOK_MS = 30_000;

/** Whether a pod of the Deployment has ever been available, as far as it tells: nobody loses anything by a change of one without. */
export function hasServed(deployment: Deployment): boolean {
  const { metadata, status = {} } = deployment;
  if ((status.availableReplicas ?? 0) > 0 || isCompleteOnce(deployment)) return true;
  if (isFirstRevision(deployment)) return false;
  const available = findCondition(status.conditions, 'Available');
  const sinceMs = Date.parse(available?.lastTransitionTime ?? '') - Date.parse(metadata.creationTimestamp ?? '');
  return !(available?.status === 'False' && sinceMs < FIRST_LOOK_MS);
}

/** The annotation is written before the generation is called observed. */
const isFirstRevision = ({ metadata }: Deployment): boolean =>
  metadata.annotations?.['deployment.kubernetes.io/revision'] === '1';

/** Whether all pods have been there with the template of now. */
const isCompleteOnce = ({ status }: Deployment): boolean =>
  findCondition(status?.conditions, 'Progressing')?.reason === 'NewReplicaSetAvailable';

/**
 * Hash of what a Gateway itself asks for, whatever the mesh is configured to: if this has changed, too, nobody has to wait.
 *
 * @param parameters  of the Gateway alone
 */
export function gatewayHash({ metadata, spec }: Gateway, parameters: readonly Parameters[]): string {
  const { addresses: _, ...rest } = spec;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !isOfTools(key));
  return contentHash([
    metadata.labels ?? {},
    Object.fromEntries(annotations),
    rest,
    parameters.map(({ data }) => data),
  ]);
}

/** Annotations that are not rendered; the sizing is among the parameters. */
const isOfTools = (key: string): boolean =>
  key.startsWith('sidestep.dev/') || key === 'kubectl.kubernetes.io/last-applied-configuration';
