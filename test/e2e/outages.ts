import { expect, it } from 'vitest';
import { LEASE } from '../../src/kube/types.js';
import { changesOf, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { fence } from '../support/fence.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { containersOf } from '../support/namespace-state.js';
import { operatorLeads, restartOperator } from './crashes.js';

/** A kind that Sidestep watches, and that a cluster may lack. */
const ABSENT_KIND = 'wasmplugins.extensions.istio.io';

/** The API server, istiod, and the right to write go away in mid-migration. */
export function outages(cluster: () => Cluster): void {
  it('goes on after the API server was killed and started again', async () => {
    const name = 'api-server-away';
    await cluster().apply(
      yaml(namespace(name), ...['a', 'b', 'c'].map((app) => deployment(name, app, { replicas: 2 }))),
    );
    await cluster().podsReady(name, 6);
    await cluster().migrate(name);
    await cluster().until('a first restart', async () => restarts(cluster(), name) > 0 || undefined);
    const { apiServer } = cluster();
    await apiServer.kill();
    await cluster().time.sleep(3_000);
    await apiServer.start();
    await operatorLeads(cluster());
    await cluster().ready(name, 'Migrated');
    for (const pod of await cluster().podsReady(name, 6)) expect(containersOf(pod)).toEqual(['app']);
  });

  it('does not begin while istiod is stopped, says so, and goes on by itself', async () => {
    const name = 'istiod-away-before';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const { istiod } = cluster();
    await istiod.kill();
    await cluster().migrate(name);
    const waiting = await cluster().condition(name, 'Ready', { status: 'False', reason: 'ClusterNotReady' });
    expect(waiting.status?.nextAction).toMatch(/SST1005|SST1007/);
    expect(
      changesOf(cluster().audit()).filter(
        ({ objectRef }) =>
          objectRef?.namespace === name && objectRef.resource !== 'events' && objectRef.subresource === undefined,
      ),
    ).toEqual([]);
    await istiod.start();
    await cluster().ready(name, 'Migrated');
  });

  it('notices before a restart that istiod has stopped in mid-migration, and goes on when it is back', async () => {
    const name = 'istiod-away-later';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const lift = await fence(cluster(), name, { apiGroup: 'apps', resource: 'deployments', operation: 'UPDATE' });
    await cluster().migrate(name);
    await cluster().condition(name, 'Ready', { reason: 'ReconcileFailed' });
    const { istiod } = cluster();
    await istiod.kill();
    await lift();
    await cluster().condition(name, 'WorkloadsMigrated', { status: 'False', reason: 'ControlPlaneDown' });
    expect(restarts(cluster(), name)).toBe(0);
    for (const pod of await cluster().podsReady(name, 1)) expect(containersOf(pod)).toContain('istio-proxy');
    await istiod.start();
    await cluster().ready(name, 'Migrated');
  });

  it('keeps a second operator from writing while the first leads', async () => {
    const name = 'two-operators';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const second = await cluster().secondOperator('second');
    try {
      await second.start();
      await cluster().migrate(name);
      await cluster().ready(name, 'Migrated');
      const requests = (await second.metrics()).match(/^rest_client_requests_total\{.*\}.*$/gm) ?? [];
      expect(requests.length).toBeGreaterThan(0);
      const writes = requests.filter(
        (line) =>
          /method="(POST|PUT|PATCH|DELETE|create|update|patch|apply|delete)"/i.test(line) && !line.endsWith(' 0'),
      );
      expect(writes).toEqual([]);
    } finally {
      await second.stop();
    }
  });

  it('stops writing, and ends, when it loses the Lease', async () => {
    const name = 'lease-lost';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    expect(cluster().operator.running).toBe(true);
    const lease = await cluster().client.get(LEASE, { namespace: 'sidestep-system', name: 'sidestep' });
    const taken = {
      ...lease.spec,
      holderIdentity: 'somebody-else',
      renewTime: new Date(cluster().time.now()).toISOString().replace('Z', '000Z'),
    };
    await cluster().client.jsonPatch(
      LEASE,
      { namespace: 'sidestep-system', name: 'sidestep' },
      [{ op: 'replace', path: '/spec', value: taken }],
      { fieldManager: 'test' },
    );
    await cluster().until('the operator has ended', async () => !cluster().operator.running || undefined);
    const before = writesOf(cluster().audit()).length;
    await cluster().migrate(name);
    await cluster().time.sleep(1_000);
    expect(writesOf(cluster().audit()).slice(before)).toEqual([]);
    await restartOperator(cluster());
    await cluster().ready(name, 'Migrated');
  });

  it('takes a kind whose CRD is absent for empty, and watches it once it appears', async () => {
    const name = 'absent-kind';
    const {
      metadata: _,
      status: __,
      ...crd
    } = JSON.parse(await cluster().kubectl('get', 'crd', ABSENT_KIND, '-o', 'json')) as Record<string, unknown>;
    await cluster().kubectl('delete', 'crd', ABSENT_KIND);
    await cluster().operator.kill('SIGTERM');
    await restartOperator(cluster());
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');

    const annotations = { 'api-approved.kubernetes.io': 'unapproved, test' };
    await cluster().apply(yaml({ ...crd, metadata: { name: ABSENT_KIND, annotations } }));
    await cluster().apply(
      yaml({
        apiVersion: 'extensions.istio.io/v1alpha1',
        kind: 'WasmPlugin',
        metadata: { name: 'late', namespace: name },
        spec: { url: 'oci://example.com/filter', match: [{ mode: 'CLIENT' }] },
      }),
    );
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(stalled.status?.nextAction).toMatch(/WasmPlugin late/);
  });
}

/** Restarts that the API server has accepted. */
function restarts(cluster: Cluster, name: string): number {
  return changesOf(cluster.audit()).filter(
    ({ objectRef, responseStatus }) =>
      objectRef?.namespace === name && objectRef.resource === 'deployments' && (responseStatus?.code ?? 500) < 300,
  ).length;
}
