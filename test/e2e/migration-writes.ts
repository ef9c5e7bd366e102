import { expect, it } from 'vitest';
import { isFindingList, isFollowing } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { type Load, type RequestCounts, loadOf, requestsAbout } from '../support/migration-load.js';

/** Four times as many workloads, and fewer pods of each: what is asked grows with the former, and not with the latter. */
const LOADS: readonly Load[] = [
  { workloads: 3, replicas: 3 },
  { workloads: 12, replicas: 1 },
];

/** How long nothing more may be asked, ms. */
const AFTERWARDS_MS = 12_000;

/** How long dry runs stand while a migration waits before its first change, ms. */
const STAND_MS = 5_000;

/**
 * What the way of `n` workloads to ambient mode asks of the API server; nothing of it could be left out.
 *
 * - For each workload: a dry run of its pod in Preflight, one of a pod without sidecar, for what admission says against that must be known
 *   before anything is changed, and one of its pod before its restart, with the question whether istiod is there; a
 *   dry run of the patch of its template, a fresh read of it and of its pods, the guarded patch, and an Event; a status, when it
 *   is done.
 * - For the namespace: the question about istiod in Preflight and before the labels; the snapshot, and the labels after a dry run
 *   and a fresh read, each with an Event; a status for the new spec, for each of these two, and for the first restart; the list
 *   of findings, after a look whether somebody else has a ConfigMap of that name.
 */
const forward = (n: number): RequestCounts => ({
  'dry-run pods': 3 * n,
  'dry-run authorizationpolicies': n + 2,
  'dry-run deployments': n,
  'dry-run namespaces': 1,
  'get deployments': 2 * n,
  'list pods': n,
  'patch deployments': n,
  'get namespaces': 2,
  'patch namespaces': 1,
  'patch controllerrevisions': 1,
  'create events': n + 2,
  'get configmaps: 404': 1,
  'patch configmaps': 1,
  'patch ambientmigrations/status': n + 4,
});

/**
 * What the way back asks: the labels are two patches, the first tried before, the last after a dry run of every pod; the snapshot is
 * marked after it was tried. A status more says whose last pod still drains.
 */
const back = (n: number): RequestCounts => ({
  'dry-run pods': 2 * n,
  'dry-run controllerrevisions': 1,
  'dry-run deployments': n,
  'dry-run namespaces': 1,
  'get deployments': 2 * n,
  'list pods': n,
  'patch deployments': n,
  'get namespaces': 3,
  'patch namespaces': 2,
  'patch controllerrevisions': 1,
  'create events': n + 2,
  'patch ambientmigrations/status': n + 6,
});

/**
 * What does not depend on who is faster. Between a read of ours and the patch there may be somebody else's write, and the view that
 * admission has of labels lags: then it is read and asked once more.
 */
const WRITES = [
  'patch deployments',
  'patch namespaces',
  'patch controllerrevisions',
  'patch configmaps',
  'create events',
];

/** What many workloads ask of the API server. */
export function migrationWrites(cluster: () => Cluster): void {
  it.each(LOADS)('ask no more than $workloads workloads of $replicas pods need, on both ways', async (load) => {
    const { workloads, replicas } = load;
    const name = `writes-${workloads}`;
    await cluster().apply(loadOf(name, load));
    await cluster().podsReady(name, workloads * replicas);
    const asked = async (dataplaneMode: 'Ambient' | 'Sidecar'): Promise<RequestCounts> => {
      const before = cluster().audit().length;
      await cluster().migrate(name, { dataplaneMode });
      await cluster().ready(name, dataplaneMode === 'Ambient' ? 'Migrated' : 'RolledBack', { timeoutMs: 60_000 });
      await cluster().time.sleep(AFTERWARDS_MS);
      const entries = cluster().audit().slice(before);
      return requestsAbout(
        entries.filter((entry) => !isFollowing(entry) || isFindingList(entry)),
        (namespace) => namespace === name,
      );
    };
    const isExact = cluster().kind === 'sandbox';
    const certain = (counts: RequestCounts): RequestCounts =>
      isExact ? counts : Object.fromEntries(WRITES.map((what) => [what, counts[what] ?? 0]));
    expect(certain(await asked('Ambient'))).toEqual(certain(forward(workloads)));
    expect(certain(await asked('Sidecar'))).toEqual(certain(back(workloads)));
  });

  it('ask for no dry runs with every pod that comes while the migration waits for approval', async () => {
    const name = 'writes-awaiting';
    const workloads = 4;
    await cluster().apply(loadOf(name, { workloads, replicas: 1 }));
    await cluster().podsReady(name, workloads);
    await cluster().migrate(name, { approval: 'Manual' });
    await cluster().condition(name, 'Approved', { status: 'False', reason: 'AwaitingApproval' });
    await cluster().time.sleep(AFTERWARDS_MS);
    const before = cluster().audit().length;
    const startedAt = cluster().time.now();
    for (const replicas of [2, 3, 4, 5]) {
      await cluster().kubectl('scale', 'deployment', 'app-00', '-n', name, `--replicas=${replicas}`);
      await cluster().podsReady(name, workloads - 1 + replicas);
    }
    const tookMs = cluster().time.now() - startedAt;
    await cluster().time.sleep(AFTERWARDS_MS);
    const asked = requestsAbout(cluster().audit().slice(before), (namespace) => namespace === name);
    // With the first pod, and whenever what was shown is 5 s old.
    const times = 2 + Math.floor(tookMs / STAND_MS);
    expect(asked['dry-run pods']).toBeGreaterThanOrEqual(workloads);
    expect(asked['dry-run pods']).toBeLessThanOrEqual(times * workloads);

    const { status } = await cluster().migration(name);
    await cluster().migrate(name, { approval: 'Manual', approvedPlan: status?.plan?.hash });
    await cluster().ready(name, 'Migrated');
  });
}
