import { expect, it } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import { allBound, applications, gateways, mostWrites, refusedWrites } from '../support/many-waypoints.js';

/** How many waypoints come at once. */
const GATEWAYS = 4;

/** How long nothing may be written after the last of them serves, ms. */
const AFTERWARDS_MS = 2_000;

/** What each object of a waypoint takes on its way, and no more: two patches of the Gateway are its finalizer and its address. */
const ON_THE_WAY = {
  'patch gateways': 2,
  'patch gateways/status': 2,
  'patch serviceaccounts': 1,
  'patch deployments': 1,
  'patch deployments/scale': 1,
  'patch services': 1,
  'patch horizontalpodautoscalers': 1,
  'patch poddisruptionbudgets': 1,
};

/** How often the operator writes for a waypoint. */
export function waypointWrites(cluster: () => Cluster): void {
  it('apply each object once, and write a status twice, when many come at once', async () => {
    const name = 'waypoint-writes';
    await cluster().apply(yaml(...applications(name, GATEWAYS)));
    await cluster().podsReady(name, GATEWAYS);
    const before = cluster().audit().length;
    await cluster().apply(yaml(...gateways(name, GATEWAYS)));
    await allBound(cluster(), name, { timeoutMs: 60_000 });
    await cluster().time.sleep(AFTERWARDS_MS);
    const entries = cluster().audit().slice(before);
    const { applied, deleted } = split(mostWrites(entries, name));
    expect(applied).toEqual(ON_THE_WAY);
    // What istiod has deployed by mistake: as much as it had, and each of it once.
    expect(Math.max(0, ...Object.values(deleted))).toBeLessThanOrEqual(1);
    // Somebody was faster: it is gone, or has changed since it was read.
    expect(Object.keys(refusedWrites(entries, name)).filter((each) => !/: (404|409|422)$/.test(each))).toEqual([]);
  });
}

function split(writes: Record<string, number>): Record<'applied' | 'deleted', Record<string, number>> {
  const all = Object.entries(writes);
  const isDelete = ([what]: [string, number]): boolean => what.startsWith('delete ');
  return {
    applied: Object.fromEntries(all.filter((each) => !isDelete(each))),
    deleted: Object.fromEntries(all.filter(isDelete)),
  };
}
