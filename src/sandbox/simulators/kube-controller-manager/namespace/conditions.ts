import type { WorkloadCondition } from '../kinds.js';

/** What is left of a kind. */
export interface Remainder {
  /** `pods.`, `deployments.apps`: plural, a dot, the group. */
  resource: string;
  count: number;
  /** How many of them have each finalizer. */
  finalizers: Record<string, number>;
}

type Draft = Pick<WorkloadCondition, 'type' | 'status'> & { reason: string; message: string };

const fine = (type: string, reason: string, message: string): Draft => ({ type, status: 'False', reason, message });
const trouble = (type: string, reason: string, message: string): Draft => ({ type, status: 'True', reason, message });

/**
 * The conditions of a namespace that is being deleted, after its content was asked to go.
 *
 * Rules: kubernetes/pkg/controller/namespace/deletion/status_condition_utils.go.
 *
 * @param failures  what went wrong, in the server's words
 */
export function deletionConditions(
  before: readonly WorkloadCondition[],
  remainders: readonly Remainder[],
  failures: readonly string[],
  now: string,
): WorkloadCondition[] {
  const next = [
    fine('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'),
    fine(
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    contentFailure(failures),
    contentRemaining(remainders),
    finalizersRemaining(remainders),
  ];
  return next.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const lastTransitionTime = (old?.status === condition.status ? old.lastTransitionTime : undefined) ?? now;
    return { ...condition, lastTransitionTime };
  });
}

function contentFailure(failures: readonly string[]): Draft {
  const type = 'NamespaceDeletionContentFailure';
  if (failures.length === 0) {
    return fine(type, 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization');
  }
  const list = [...failures].sort().join(', ');
  const message = `Failed to delete all resource types, ${failures.length} remaining: ${list}`;
  return trouble(type, 'ContentDeletionFailed', message);
}

function contentRemaining(remainders: readonly Remainder[]): Draft {
  const type = 'NamespaceContentRemaining';
  if (remainders.length === 0) return fine(type, 'ContentRemoved', 'All content successfully removed');
  const list = remainders.map(({ resource, count }) => `${resource} has ${count} resource instances`).sort();
  return trouble(type, 'SomeResourcesRemain', `Some resources are remaining: ${list.join(', ')}`);
}

function finalizersRemaining(remainders: readonly Remainder[]): Draft {
  const type = 'NamespaceFinalizersRemaining';
  const counts = new Map<string, number>();
  for (const { finalizers } of remainders) {
    for (const [name, count] of Object.entries(finalizers)) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  if (counts.size === 0) return fine(type, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished');
  const list = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const message = `Some content in the namespace has finalizers remaining: ${list.join(', ')}`;
  return trouble(type, 'SomeFinalizersRemain', message);
}
