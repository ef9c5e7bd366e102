/** One observation about an object, as the Kubernetes API conventions have it. */
export interface Condition {
  /** CamelCase; unique in its list. */
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** One CamelCase word for programs. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** RFC 3339, whole seconds: since when `status` has had this value. */
  lastTransitionTime: string;
  /** The `metadata.generation` that this was observed on. */
  observedGeneration?: number;
}

/** RFC 3339 with whole seconds, the form of `metav1.Time`. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * The conditions to write: those of `next`, in their order, each with the transition time of `previous` while its status
 * is unchanged, else `nowMs`. Conditions that are absent from `next` are dropped, so pass those of others along.
 *
 * Reason, message and observedGeneration may change without moving the time: it says since when the status holds.
 */
export function mergeConditions(
  previous: readonly Condition[],
  next: readonly Omit<Condition, 'lastTransitionTime'>[],
  nowMs: number,
): Condition[] {
  return next.map((condition) => {
    const before = findCondition(previous, condition.type);
    const unchanged = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return { ...condition, lastTransitionTime: unchanged ? before.lastTransitionTime : formatTime(nowMs) };
  });
}

/** The condition of that type, if the list holds one. */
export function findCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}
