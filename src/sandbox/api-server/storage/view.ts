import type { ClusterView } from './cluster-view.js';
import type { Registry } from '../registry.js';
import { keyOf, type Storage } from './storage.js';

/** What is stored, by group and plural. */
export function clusterView(storage: Storage, registry: Registry): ClusterView {
  const keyFor = ({ group, plural }: { group: string; plural: string }): string =>
    registry.findAny(group, plural)?.storageKey ?? `${group}/${plural}`;
  return {
    get: (resource, { namespace, name }) => storage.get(keyFor(resource), keyOf(namespace, name)),
    list: (resource, namespace) => [...storage.list(keyFor(resource), namespace ? `${namespace}/` : '')],
    onCommit: (callback) => storage.onCommit(callback),
  };
}
