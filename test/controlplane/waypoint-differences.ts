import { isDeepStrictEqual } from 'node:util';
import { LABEL } from '../../src/api/labels.js';

/** An object as the API server has it. */
export type LiveObject = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into all kinds

interface Difference {
  reason: string;
  /** Changes istiod's object into what ours should be. */
  from: (istiods: LiveObject) => void;
}

/** How our objects differ from istiod's, all of it. */
export const explainedDifferences: readonly Difference[] = [
  {
    reason: 'our mark, by which we know our objects again',
    from: ({ metadata }) => (metadata.labels[LABEL.managedBy] = 'sidestep'),
  },
  {
    reason: 'istiod overwrites an object with its mark; only the Service needs it, so as not to be bound to itself',
    from: ({ kind, metadata }) => kind !== 'Service' && delete metadata.labels[LABEL.gatewayManaged],
  },
  {
    reason: 'what the Gateway tells our operator is not copied: a change would restart the pods',
    from: ({ metadata, spec }) => {
      for (const { labels, annotations } of [metadata, spec?.template?.metadata ?? {}])
        for (const map of [labels, annotations])
          for (const key of Object.keys(map ?? {})) if (key.startsWith('sidestep.dev/')) delete map[key];
    },
  },
  {
    reason: 'the number of replicas is set by its own subresource: applied once and then left out it falls back to 1',
    from: ({ kind, spec }) => kind === 'Deployment' && (spec.replicas = 1),
  },
];

/** What others than istiod write, or the API server chooses for each object. */
const written: readonly Difference[] = [
  {
    reason: 'given by the API server at creation',
    from: ({ metadata }) => {
      for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields'])
        delete metadata[field];
    },
  },
  { reason: 'written by controllers', from: (object) => delete object.status },
  {
    reason: 'the Deployment controller counts revisions',
    from: ({ metadata }) => delete metadata.annotations?.['deployment.kubernetes.io/revision'],
  },
  {
    reason: 'addresses and ports are allocated',
    from: ({ kind, spec }) => {
      if (kind !== 'Service') return;
      delete spec.clusterIP;
      delete spec.clusterIPs;
      for (const port of spec.ports) delete port.nodePort;
    },
  },
  {
    reason: 'empty is absent',
    from: ({ metadata }) => Object.keys(metadata.annotations ?? {}).length === 0 && delete metadata.annotations,
  },
];

/** The object without what its writer did not choose. */
export function chosen(object: LiveObject): LiveObject {
  const copy = structuredClone(object);
  written.forEach(({ from }) => from(copy));
  return copy;
}

const used = new Set<string>();

/** What ours should be, given istiod's. */
export function expectedOf(istiods: LiveObject): LiveObject {
  const copy = chosen(istiods);
  for (const { reason, from } of explainedDifferences) {
    const before = structuredClone(copy);
    from(copy);
    if (!isDeepStrictEqual(before, copy)) used.add(reason);
  }
  return chosen(copy);
}

/** Reasons that have explained nothing so far. */
export function unusedDifferences(): string[] {
  return explainedDifferences.map(({ reason }) => reason).filter((reason) => !used.has(reason));
}
