import { GATEWAY } from '../../api/gateway-api.js';
import { type Namespace, NAMESPACE, type Service, SERVICE } from '../../kube/types.js';
import { chosenWaypoint, refKey, type WaypointRef } from '../../mesh/use-waypoint.js';
import type { ControllerGauge } from '../../runtime/controller.js';
import { isProgrammed } from '../../mesh/waypoint-gateway.js';
import { homeOf } from '../use-waypoint.js';

/** For each Gateway that is named as a waypoint and is missing or not Programmed: how many Namespaces and Services name it. */
export const missingWaypoints: ControllerGauge = {
  name: 'sidestep_waypoint_missing',
  help: 'Namespaces and Services that name a waypoint which is missing or not Programmed, so that traffic goes around it',
  labelNames: ['namespace', 'name'],
  read: (stores) => {
    const users = new Map<string, { ref: WaypointRef; value: number }>();
    const objects: readonly (Namespace | Service)[] = [...stores.of(NAMESPACE).list(), ...stores.of(SERVICE).list()];
    for (const object of objects) {
      const ref = chosenWaypoint(object.metadata.labels, homeOf(object));
      if (ref === undefined || ref === 'none') continue;
      const gateway = stores.of(GATEWAY).get(ref);
      if (gateway && isProgrammed(gateway)) continue;
      users.set(refKey(ref), { ref, value: (users.get(refKey(ref))?.value ?? 0) + 1 });
    }
    return [...users.values()].map(({ ref, value }) => ({ labels: { ...ref }, value }));
  },
};
