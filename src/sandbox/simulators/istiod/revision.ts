import type { KubeObject } from '../../../kube/resource.js';
import type { Namespace } from '../../../kube/types.js';

const label = 'istio.io/rev';

/**
 * Whether an object belongs to the revision `default`: by its own label, or else its namespace's, or because neither has
 * one.
 *
 * @see istio/istio pkg/revisions/tag_watcher.go, IsMine
 */
export function isOfDefaultRevision(object: KubeObject, namespace: Namespace | undefined): boolean {
  const revision = object.metadata.labels?.[label] ?? namespace?.metadata.labels?.[label];
  return revision === undefined || revision === 'default';
}
