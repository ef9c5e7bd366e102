import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { startCluster } from '../support/start-cluster.js';
import { type AccountingOptions, accounting } from './accounting.js';
import { badInput } from './bad-input.js';
import { crashes } from './crashes.js';
import { hands } from './hands.js';
import { migrationWrites } from './migration-writes.js';
import { namespaceWaypoints } from './namespace-waypoints.js';
import { obstacles } from './obstacles.js';
import { outages } from './outages.js';
import { reverts } from './reverts.js';
import { rolloutKinds } from './rollout-kinds.js';
import { thereAndBack } from './there-and-back.js';
import { otherForms } from './waypoint-forms.js';
import { leavingWaypoints } from './waypoint-leaving.js';
import { waypointMigrations } from './waypoint-migrations.js';
import { waypointOutages } from './waypoint-outages.js';
import { sizedWaypoints } from './waypoint-sizing.js';
import { waypointTurns } from './waypoint-turns.js';
import { waypointWrites } from './waypoint-writes.js';
import { waypoints } from './waypoints.js';
import { ztunnelView } from './ztunnel-view.js';

/** Names what it tests, and declares tests on the cluster that the function returns once they run. */
type Suite = readonly [name: string, declare: (cluster: () => Cluster) => void];

/** Of namespaces on their way to ambient mode and back. */
export const MIGRATION_SUITES: readonly Suite[] = [
  ['there and back', thereAndBack],
  ['bad input', badInput],
  ['what a migration meets', obstacles],
  ['kinds of rollouts', rolloutKinds],
  ['hands in between', hands],
  ['what somebody sets back', reverts],
  ['a crash of the operator', crashes],
  ['outages', outages],
  ['migrations with a waypoint', waypointMigrations],
  ['the view of ztunnel', ztunnelView],
  ['many workloads', migrationWrites],
];

/** Of waypoints. */
export const WAYPOINT_SUITES: readonly Suite[] = [
  // First: it reaches every waypoint that there is.
  ['a new configuration of the mesh', waypointTurns],
  ['waypoints', waypoints],
  ['waypoints of other classes', otherForms],
  ['waypoints that are to go', leavingWaypoints],
  ['waypoints that istiod deploys', sizedWaypoints],
  ['outages of waypoints', waypointOutages],
  ['writes for waypoints', waypointWrites],
  ['waypoints that labels ask for', namespaceWaypoints],
];

/**
 * Declares suites on one cluster, with one audit log: the last suite accounts for every request of all of them. Every test has
 * namespaces of its own. The project says which cluster: the real control plane, or the sandbox.
 */
export function onOneCluster(suites: readonly Suite[], options: AccountingOptions): void {
  let cluster: Cluster;
  let failed = false;

  beforeAll(async () => {
    cluster = await startCluster({ kind: inject('cluster') });
    await cluster.operator.start();
  }, 120_000);

  afterAll(async () => {
    await cluster?.stop({ keepLogs: failed });
    if (failed) console.error(`logs are kept in ${cluster.dir}`);
  }, 60_000);

  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });

  for (const [name, declare] of suites) describe(name, () => declare(() => cluster));
  describe('accounting', () => accounting(() => cluster, options));
}
