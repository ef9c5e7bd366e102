import type { Gateway } from '../../api/gateway-api.js';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import { contentHash } from '../../kube/apply.js';
import type { Deployment } from '../../kube/types.js';

/** A waypoint that we deploy, as far as it decides whose turn it is. */
export interface Turn {
  /** `namespace/name` of the Gateway. */
  readonly key: string;
  /** Its Deployment is being rolled out. */
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
 * Whether pods of the Deployment are being replaced or added.
 *
 * @see kubernetes/kubectl pkg/polymorphichelpers/rollout_status.go
 */
export function isRolling({ metadata, spec, status = {} }: Deployment): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const wanted = spec.replicas ?? 1;
  const isSeen = observedGeneration >= (metadata.generation ?? 0);
  return !isSeen || updatedReplicas < wanted || replicas > updatedReplicas || availableReplicas < updatedReplicas;
}

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
