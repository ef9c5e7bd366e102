import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { startCluster } from '../support/start-cluster.js';
import { accounting } from './accounting.js';
import { badInput } from './bad-input.js';
import { crashes } from './crashes.js';
import { hands } from './hands.js';
import { namespaceWaypoints } from './namespace-waypoints.js';
import { obstacles } from './obstacles.js';
import { outages } from './outages.js';
import { thereAndBack } from './there-and-back.js';
import { otherForms } from './waypoint-forms.js';
import { leavingWaypoints } from './waypoint-leaving.js';
import { sizedWaypoints } from './waypoint-sizing.js';
import { waypointOutages } from './waypoint-outages.js';
import { waypointWrites } from './waypoint-writes.js';
import { waypointMigrations } from './waypoint-migrations.js';
import { waypointTurns } from './waypoint-turns.js';
import { waypoints } from './waypoints.js';
import { ztunnelView } from './ztunnel-view.js';

/*
 * One cluster for all end-to-end tests, and one audit log: the last suite accounts for every request of all of them. Every
 * test has namespaces of its own. The project says which cluster: the real control plane, or the sandbox.
 */

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ kind: inject('cluster') });
  await cluster.operator.start();
}, 120_000);

afterAll(async () => {
  await cluster?.stop({ keepLogs: failed });
  if (failed) console.error(`logs are kept in ${cluster.dir}`);
}, 60_000);

let failed = false;

afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});

const current = (): Cluster => cluster;

describe('there and back', () => thereAndBack(current));
describe('bad input', () => badInput(current));
describe('what a migration meets', () => obstacles(current));
describe('hands in between', () => hands(current));
describe('a crash of the operator', () => crashes(current));
describe('outages', () => outages(current));
// First: it reaches every waypoint that there is.
describe('a new configuration of the mesh', () => waypointTurns(current));
describe('waypoints', () => waypoints(current));
describe('waypoints of other classes', () => otherForms(current));
describe('waypoints that are to go', () => leavingWaypoints(current));
describe('waypoints that istiod deploys', () => sizedWaypoints(current));
describe('outages of waypoints', () => waypointOutages(current));
describe('writes for waypoints', () => waypointWrites(current));
describe('migrations with a waypoint', () => waypointMigrations(current));
describe('waypoints that labels ask for', () => namespaceWaypoints(current));
describe('the view of ztunnel', () => ztunnelView(current));
describe('accounting', () => accounting(current));
