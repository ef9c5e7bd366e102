import { MIGRATION_SUITES, WAYPOINT_SUITES, onOneCluster } from './suites.js';

// For the real control plane, whose start takes long.
onOneCluster([WAYPOINT_SUITES, MIGRATION_SUITES], {
  unusedPermissions: [],
  atLeast: { changedNamespaces: 16, servedGateways: 6, boundServices: 3 },
  settled: ['view-calm', 'waypoint-article', 'form-own', 'label-'],
});
