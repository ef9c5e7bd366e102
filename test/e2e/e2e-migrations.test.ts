import { expect, it } from 'vitest';
import { MIGRATION_SUITES, onOneCluster } from './suites.js';
import { UNUSED_BY_MIGRATIONS, UNUSED_BY_WAYPOINTS } from './unused-permissions.js';

onOneCluster([MIGRATION_SUITES], {
  unusedPermissions: UNUSED_BY_MIGRATIONS,
  atLeast: { changedNamespaces: 16, servedGateways: 0, boundServices: 0 },
  settled: ['view-calm'],
});

it('leaves nothing unused that the other half leaves unused too', () => {
  expect(UNUSED_BY_MIGRATIONS.filter((permission) => UNUSED_BY_WAYPOINTS.includes(permission))).toEqual([]);
});
