import type { Pod } from '../../../../kube/types.js';

/** Failures in a row, and when the last one was. */
export interface FailureRecord {
  failures: number;
  lastFailureMs: number;
}

const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** When a pod has ended: by its containers, else its readiness, else its deletion, else its creation. */
function finishedAt({ metadata, status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends);
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const notReadySince = ready?.status === 'False' ? ready.lastTransitionTime : undefined;
  return Date.parse(notReadySince ?? metadata.deletionTimestamp ?? metadata.creationTimestamp ?? '') || 0;
}

/** The record after more pods have ended: a success forgets the failures before it. */
export function recordAfter(
  before: FailureRecord | undefined,
  succeeded: readonly Pod[],
  failed: readonly Pod[],
): FailureRecord | undefined {
  const lastSuccess = succeeded.length === 0 ? undefined : Math.max(...succeeded.map(finishedAt));
  const later = failed.map(finishedAt).filter((at) => lastSuccess === undefined || at > lastSuccess);
  const kept = lastSuccess === undefined ? before : undefined;
  if (later.length === 0) return kept;
  return { failures: (kept?.failures ?? 0) + later.length, lastFailureMs: Math.max(...later) };
}

/** How long to wait before a failed pod is replaced: 10 s, 20 s … 10 min after the last failure. */
export function backoffMs(record: FailureRecord | undefined, nowMs: number): number {
  if (record === undefined) return 0;
  const delayMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(record.failures - 1, 20));
  return Math.max(0, record.lastFailureMs + delayMs - nowMs);
}
