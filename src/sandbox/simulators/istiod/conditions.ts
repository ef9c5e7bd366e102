import { formatTime, type Condition } from '../../../kube/conditions.js';

/** What a condition is to be. */
export type Wanted = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/**
 * The conditions with those of `wanted` among them: known ones stay in their place, new ones come behind, by type. A
 * condition that says the same as before is not touched, observedGeneration included.
 *
 * @see istio/istio pilot/pkg/model/kstatus/helper.go, UpdateConditionIfChanged
 */
export function withConditions(
  old: readonly Condition[] | undefined,
  wanted: readonly Wanted[],
  generation: number | undefined,
  nowMs: number,
): Condition[] {
  const result = [...(old ?? [])];
  const byType = wanted.toSorted((a, b) => (a.type < b.type ? -1 : 1));
  for (const condition of byType) {
    const index = result.findIndex(({ type }) => type === condition.type);
    const before = result[index];
    const next = dated(condition, before, generation, nowMs);
    if (index < 0) result.push(next);
    else if (!saysTheSame(before, next)) result[index] = next;
  }
  return result;
}

function dated(
  { type, status, reason, message }: Wanted,
  before: Condition | undefined,
  generation: number | undefined,
  nowMs: number,
): Condition {
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : formatTime(nowMs);
  return {
    lastTransitionTime,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
    reason,
    status,
    type,
  };
}

function saysTheSame(a: Condition | undefined, b: Condition): boolean {
  return (
    a?.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}
