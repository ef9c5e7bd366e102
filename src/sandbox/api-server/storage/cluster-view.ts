import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import { keyOf, type Storage } from './storage.js';

/** A change that has been stored. Objects are frozen, in the form in which they are stored. */
export interface Commit {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** {@link import('../resource.js').ServedResource.storageKey} of the kind, such as `apps/deployments` or `/pods`. */
  readonly storageKey: string;
  readonly revision: number;
  /** The new state; for DELETED the last one, with the revision of the deletion. */
  readonly object: ApiObject;
  /** The state before; absent for ADDED. */
  readonly previous?: ApiObject;
}

/** What is stored now, by group and plural. Objects are frozen. */
export interface StoredObjects {
  get(
    resource: { group: string; plural: string },
    ref: { namespace?: string | undefined; name: string },
  ): ApiObject | undefined;
  list(resource: { group: string; plural: string }, namespace?: string): readonly ApiObject[];
}

/** For parts of the API server that must know other objects, and hear of changes. */
export interface ClusterView extends StoredObjects {
  /** Calls back in the same tick, after each stored change. Returns what ends it. */
  onCommit(callback: (commit: Commit) => void): () => void;
}

/** The view of a storage. */
export function clusterView(storage: Storage, registry: Registry): ClusterView {
  const keyFor = ({ group, plural }: { group: string; plural: string }): string =>
    registry.findAny(group, plural)?.storageKey ?? `${group}/${plural}`;
  return {
    get: (resource, { namespace, name }) => storage.get(keyFor(resource), keyOf(namespace, name)),
    list: (resource, namespace) => [...storage.list(keyFor(resource), namespace ? `${namespace}/` : '')],
    onCommit: (callback) => storage.onCommit(callback),
  };
}
