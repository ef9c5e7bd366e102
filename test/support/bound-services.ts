import type { KubeObject } from '../../src/kube/resource.js';
import { findCondition } from '../../src/kube/conditions.js';
import type { Service } from '../../src/kube/types.js';
import { chosenWaypoint, refKey } from '../../src/mesh/use-waypoint.js';
import { type AuditEntry, objectVersions } from './audit.js';

/**
 * Moments at which a Service that was bound to a waypoint is not, by labels or by istiod's word, from all versions of the Services and
 * of the Namespace.
 *
 * @param entries  of the audit log, from when on it matters
 */
export function unboundMoments(entries: readonly AuditEntry[], namespace: string): string[] {
  const versions = [
    ...objectVersions(entries, 'services', (ref) => ref.namespace === namespace),
    ...objectVersions(entries, 'namespaces', (ref) => ref.name === namespace),
  ].sort((a, b) => revisionOf(a) - revisionOf(b));
  const services = new Map<string, Service>();
  const bound = new Map<string, string>();
  const moments: string[] = [];
  let home: KubeObject | undefined;
  for (const version of versions) {
    if (version.kind === 'Namespace') home = version;
    else services.set(version.metadata.name, version as Service);
    for (const [name, service] of services) {
      const chosen =
        chosenWaypoint(service.metadata.labels, namespace) ?? chosenWaypoint(home?.metadata.labels, namespace);
      const waypoint = chosen === undefined || chosen === 'none' ? 'nothing' : refKey(chosen);
      const isBound = findCondition(service.status?.conditions, 'istio.io/WaypointBound')?.status === 'True';
      const before = bound.get(name);
      if (isBound && waypoint !== 'nothing') bound.set(name, waypoint);
      else if (before !== undefined) {
        bound.delete(name);
        moments.push(`Service ${name} lost ${before} at ${version.metadata.resourceVersion}: ${waypoint}, ${isBound}`);
      }
    }
  }
  return moments;
}

const revisionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
