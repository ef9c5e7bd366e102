import type { FieldChange } from '../../../../kube/patch.js';
import type { Deployment, ReplicaSet } from '../kinds.js';
import { canonicalTemplate } from '../template-hash.js';

/** Label of the pods of one revision. */
export const hashLabel = 'pod-template-hash';

/** Annotation: which revision of the Deployment this is. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';

/** Annotations of a ReplicaSet: what its Deployment wanted when it was last scaled. */
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations that belong to one of the two and are not copied. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** Older first, then by name. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [createdA = '', createdB = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (createdA !== createdB) return createdA < createdB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The ReplicaSet whose template is the Deployment's; the oldest, if there are several. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = canonicalTemplate(deployment.spec.template, [hashLabel]);
  return [...sets].sort(byCreation).find(({ spec }) => canonicalTemplate(spec.template, [hashLabel]) === wanted);
}

/** The number of a revision; 0 if it has none. */
function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** The number that the newest ReplicaSet has or gets. */
export function nextRevision(oldSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...oldSets.map(revisionOf)) + 1;
}

/** The annotations of a new ReplicaSet. */
export function newSetAnnotations(
  deployment: Deployment,
  revision: number,
  sizes: { desired: number; max: number },
): Record<string, string> {
  return {
    ...copied(deployment),
    [revisionAnnotation]: String(revision),
    [desiredAnnotation]: String(sizes.desired),
    [maxAnnotation]: String(sizes.max),
  };
}

/** What must change in the newest ReplicaSet when it exists already: annotations of the Deployment, its number. */
export function newSetChanges(deployment: Deployment, set: ReplicaSet, revision: number): FieldChange[] {
  const changes = Object.entries(copied(deployment)).map(([key, value]) => annotation(key, value));
  const before = revisionOf(set);
  if (before < revision) {
    changes.push(annotation(revisionAnnotation, String(revision)));
    const history = set.metadata.annotations?.[historyAnnotation] ?? '';
    if (before > 0)
      changes.push(annotation(historyAnnotation, history === '' ? String(before) : `${history},${before}`));
  }
  if ((set.spec.minReadySeconds ?? 0) !== (deployment.spec.minReadySeconds ?? 0)) {
    changes.push({ path: ['spec', 'minReadySeconds'], value: deployment.spec.minReadySeconds ?? 0 });
  }
  return changes;
}

/** A change of one annotation. */
export function annotation(key: string, value: string): FieldChange {
  return { path: ['metadata', 'annotations', key], value };
}

function copied({ metadata }: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key)));
}

/**
 * Old ReplicaSets beyond `revisionHistoryLimit`, lowest revision first; only those that have no pods any more.
 *
 * Rules: `cleanupDeployment` in kubernetes/pkg/controller/deployment/sync.go.
 */
export function expiredSets(deployment: Deployment, oldSets: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const cleanable = oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [...cleanable]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, Math.max(0, cleanable.length - limit))
    .filter(
      ({ metadata, spec, status }) =>
        (status?.replicas ?? 0) === 0 &&
        (spec.replicas ?? 0) === 0 &&
        (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0),
    );
}
