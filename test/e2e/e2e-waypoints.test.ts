import { WAYPOINT_SUITES, onOneCluster } from './suites.js';
import { UNUSED_BY_WAYPOINTS } from './unused-permissions.js';

onOneCluster([WAYPOINT_SUITES], {
  unusedPermissions: UNUSED_BY_WAYPOINTS,
  atLeast: { changedNamespaces: 0, servedGateways: 6, boundServices: 3 },
  settled: ['waypoint-article', 'form-own', 'label-'],
});
