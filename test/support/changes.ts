import { changesOf } from './audit.js';
import type { Cluster } from './cluster.js';

/** What the operator changed in a namespace, status and Events left out. */
export function changesIn(cluster: Cluster, name: string): string[] {
  return changesOf(cluster.audit())
    .filter(
      ({ objectRef }) =>
        (objectRef?.namespace === name || objectRef?.name === name) &&
        (objectRef.subresource === undefined || objectRef.subresource === 'eviction') &&
        objectRef.resource !== 'events',
    )
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}
