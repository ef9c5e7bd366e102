import type { ApiObject } from '../object.js';

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

/** What is stored now, for parts of the API server that must know other objects. Objects are frozen. */
export interface ClusterView {
  get(
    resource: { group: string; plural: string },
    ref: { namespace?: string | undefined; name: string },
  ): ApiObject | undefined;
  list(resource: { group: string; plural: string }, namespace?: string): readonly ApiObject[];
  /** Calls back in the same tick, after each stored change. Returns what ends it. */
  onCommit(callback: (commit: Commit) => void): () => void;
}
