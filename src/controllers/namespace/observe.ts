import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import { LABEL } from '../../api/labels.js';
import type { KubeObject } from '../../kube/resource.js';
import { NAMESPACE, type Namespace, POD, SERVICE } from '../../kube/types.js';
import { chosenWaypoint, refKey, type WaypointRef } from '../../mesh/use-waypoint.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { type OwnerObject, waypointSituation } from '../created-waypoint.js';
import { homeOf, obstacleTo } from '../use-waypoint.js';
import { isAmbient } from './decide.js';
import type { Observed, Unbound } from './observed.js';

/** What there is of a namespace; undefined if it is gone or going. */
export function observe({ name }: Request, { stores, clock }: ReconcileContext): Observed | undefined {
  const namespace = stores.of(NAMESPACE).get({ name });
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return undefined;
  return {
    namespace,
    waypoint: waypointSituation(ownerOf(namespace), stores, clock.now()),
    pods: stores.of(POD).list(name),
    unbound: unboundIn(namespace, stores),
    hasMigration: stores.of(AMBIENT_MIGRATION).list(name).length > 0,
  };
}

/** The namespace as one that may have a waypoint made for it: in ambient mode only. */
export function ownerOf(namespace: Namespace): OwnerObject {
  const { name } = namespace.metadata;
  const refusal = isAmbient(namespace) ? undefined : `the namespace is not labelled ${LABEL.dataplaneMode}=ambient`;
  return { type: NAMESPACE, name, namespace: name, object: namespace, refusal };
}

function unboundIn(namespace: Namespace, stores: Stores): Unbound[] {
  const { name } = namespace.metadata;
  const byWaypoint = new Map<string, { ref: WaypointRef; users: KubeObject[] }>();
  for (const object of [namespace, ...stores.of(SERVICE).list(name)]) {
    const ref = chosenWaypoint(object.metadata.labels, homeOf(object));
    if (ref === undefined || ref === 'none') continue;
    const users = byWaypoint.get(refKey(ref))?.users ?? [];
    byWaypoint.set(refKey(ref), { ref, users: [...users, object] });
  }
  return [...byWaypoint.values()].flatMap(({ ref, users }) => {
    const obstacle = obstacleTo(ref, name, stores);
    if (!obstacle) return [];
    const services = users.filter((user) => user !== namespace).map(({ metadata }) => metadata.name);
    return [{ ref, obstacle, byNamespace: users.includes(namespace), services: services.sort() }];
  });
}
