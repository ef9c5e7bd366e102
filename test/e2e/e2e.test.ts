import { MIGRATION_SUITES, WAYPOINT_SUITES, onOneCluster } from './suites.js';

// For the real control plane, whose start takes long.
onOneCluster([...MIGRATION_SUITES, ...WAYPOINT_SUITES], {
  unusedPermissions: [],
  atLeast: { changedNamespaces: 16, servedGateways: 6, boundServices: 3 },
});
