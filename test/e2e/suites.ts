import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { startCluster } from '../support/start-cluster.js';
import { type AccountingOptions, accounting } from './accounting.js';
import { badInput } from './bad-input.js';
import { crashes } from './crashes.js';
import { draining } from './draining.js';
import { hands } from './hands.js';
import { layer7Policies } from './layer7-policies.js';
import { migrationWrites } from './migration-writes.js';
import { namespaceWaypoints } from './namespace-waypoints.js';
import { obstacles } from './obstacles.js';
import { oldSidecars } from './old-sidecars.js';
import { onDeleteRestarts } from './on-delete-restarts.js';
import { outages } from './outages.js';
import { provenPlans } from './proven-plans.js';
import { reverts } from './reverts.js';
import { rolloutKinds } from './rollout-kinds.js';
import { thereAndBack } from './there-and-back.js';
import { virtualServices } from './virtual-services.js';
import { otherForms } from './waypoint-forms.js';
import { leavingWaypoints } from './waypoint-leaving.js';
import { waypointMigrations } from './waypoint-migrations.js';
import { waypointOutages } from './waypoint-outages.js';
import { sizedWaypoints } from './waypoint-sizing.js';
import { waypointTurns } from './waypoint-turns.js';
import { waypointWrites } from './waypoint-writes.js';
import { waypoints } from './waypoints.js';
import { ztunnelView } from './ztunnel-view.js';
import { ztunnelViewRestarts } from './ztunnel-view-restarts.js';

/** Names what it tests, and declares tests on the cluster that the function returns once they run. */
interface Suite {
  readonly name: string;
  readonly declare: (cluster: () => Cluster) => void;
  /** Its tests run at the same time, where waiting takes real time. Where time is simulated only one can move it. */
  readonly sideBySide?: true;
}

/** Suites of one theme. */
export interface Suites {
  /** These reach everything of the theme that there is, and so begin. */
  readonly first: readonly Suite[];
  /**
   * These leave the operator, istiod, the API server and the mesh's configuration alone, and every test looks at namespaces of its
   * own only: so all of them run at the same time.
   */
  readonly independent: readonly Suite[];
  /** The others, one after the other. */
  readonly last: readonly Suite[];
}

const suite = (name: string, declare: Suite['declare']): Suite => ({ name, declare });

const independent = (name: string, declare: Suite['declare']): Suite => ({ name, declare, sideBySide: true });

/** Of namespaces on their way to ambient mode and back. */
export const MIGRATION_SUITES: Suites = {
  // What they route is routed for callers of every namespace.
  first: [suite('VirtualServices', virtualServices)],
  independent: [
    // Longest first.
    independent('the view of ztunnel', ztunnelView),
    independent('migrations with a waypoint', waypointMigrations),
    independent('layer 7 policies', layer7Policies),
    independent('there and back', thereAndBack),
    independent('what the proof of a migration finds', provenPlans),
    independent('bad input', badInput),
    independent('what a migration meets', obstacles),
    independent('what somebody sets back', reverts),
    independent('kinds of rollouts', rolloutKinds),
    independent('pods that drain', draining),
    independent('hands in between', hands),
  ],
  last: [
    suite('evictions, with the operator away', onDeleteRestarts),
    // Not beside the others: it counts requests over a time.
    suite('many workloads', migrationWrites),
    suite('sidecars without HBONE', oldSidecars),
    suite('a crash of the operator', crashes),
    suite('outages', outages),
    suite('the view of ztunnel, with the operator away', ztunnelViewRestarts),
  ],
};

/** Of waypoints. */
export const WAYPOINT_SUITES: Suites = {
  first: [suite('a new configuration of the mesh', waypointTurns)],
  independent: [
    independent('waypoints that labels ask for', namespaceWaypoints),
    independent('waypoints', waypoints),
    independent('waypoints of other classes', otherForms),
    independent('waypoints that are to go', leavingWaypoints),
  ],
  last: [
    suite('writes for waypoints', waypointWrites),
    // Not beside the others: it measures how long they take.
    independent('waypoints that istiod deploys', sizedWaypoints),
    suite('outages of waypoints', waypointOutages),
  ],
};

/**
 * Declares suites on one cluster, with one audit log: the last suite accounts for every request of all of them. Every test has
 * namespaces of its own. The project says which cluster: the real control plane, or the sandbox.
 */
export function onOneCluster(themes: readonly Suites[], options: AccountingOptions): void {
  const kind = inject('cluster');
  let cluster: Cluster;
  let failed = false;

  beforeAll(async () => {
    cluster = await startCluster({ kind });
    await cluster.operator.start();
  }, 900_000);

  afterAll(async () => {
    await cluster?.stop({ keepLogs: failed });
    if (failed) console.error(`logs are kept in ${cluster.dir}`);
  }, 60_000);

  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });

  const suites = (['first', 'independent', 'last'] as const).flatMap((part) => themes.flatMap((theme) => theme[part]));
  for (const { name, declare, sideBySide = false } of suites) {
    describe(name, { concurrent: sideBySide && kind === 'controlplane' }, () => declare(() => cluster));
  }
  describe('accounting', () => accounting(() => cluster, options));
}
