import { expect, it } from 'vitest';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { DEPLOYMENT, SERVICE } from '../../src/kube/types.js';
import { type AuditEntry, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import { allBound, mostWrites } from '../support/many-waypoints.js';
import { operatorLeads } from './crashes.js';
import {
  ambient,
  article,
  deployed,
  gateway,
  GatewayWatcher,
  INGRESS_OF_ISTIOD,
  NAME,
  OURS,
} from './waypoint-gateways.js';

/** How long the API server is away, ms: on the sandbox a minute costs nothing. */
const AWAY_MS = { sandbox: 60_000, controlplane: 3_000 };

const PATIENCE = { timeoutMs: 60_000 };

/** The API server and the operator go away while a waypoint comes; people edit what is deployed. */
export function waypointOutages(cluster: () => Cluster): void {
  it('come all the same when the API server was away in between', async () => {
    const name = 'waypoint-api-server-away';
    await cluster().apply(yaml(...article(name)));
    await cluster().until('a first write', async () => wrote(cluster(), name) || undefined);
    const { apiServer } = cluster();
    await apiServer.kill();
    await cluster().time.sleep(AWAY_MS[cluster().kind]);
    await apiServer.start();
    await operatorLeads(cluster());
    await allBound(cluster(), name, PATIENCE);
    // What istiod has deployed by mistake goes then.
    await cluster().until(
      'nothing but the waypoint is deployed',
      async () => (await deployed(cluster(), name)).length === 5 || undefined,
    );
  });

  it('are taken over from istiod, which has deployed an ingress gateway for them while there was no operator', async () => {
    const name = 'waypoint-takeover';
    const watcher = new GatewayWatcher(cluster);
    await cluster().operator.stop();
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await watcher.deployed(name, ...INGRESS_OF_ISTIOD);
    await cluster().operator.start();
    await watcher.serving(name, 'True', 'Serving');
    await watcher.deployed(name, ...OURS);
    expect(await cluster().eventNote(name, 'Removed')).toMatch(/-istio/);
  });

  it('are taken over by a second operator in between, and nothing is written twice', async () => {
    const name = 'waypoint-two-operators';
    const second = await cluster().secondOperator('waypoint-second');
    try {
      await second.start();
      const before = cluster().audit().length;
      await cluster().apply(yaml(...article(name)));
      await cluster().until('a first write', async () => wrote(cluster(), name) || undefined);
      await cluster().operator.kill('SIGTERM');
      await allBound(cluster(), name, PATIENCE);
      const { 'patch gateways/status': status, ...writes } = mostWrites(cluster().audit().slice(before), name);
      // The second may say once more what the first was about to do.
      expect(status).toBeLessThanOrEqual(3);
      expect(Object.entries(writes).filter(([what, count]) => count > (what === 'patch gateways' ? 2 : 1))).toEqual([]);
    } finally {
      await second.stop();
      await cluster().operator.start();
    }
  });

  it('are put right when a person deletes a Deployment or changes labels', async () => {
    const name = 'waypoint-hands';
    await cluster().apply(yaml(...article(name)));
    await allBound(cluster(), name, PATIENCE);
    const { metadata: before } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
    await cluster().kubectl('delete', 'deployment', '-n', name, NAME);
    const owner = 'gateway.networking.k8s.io/gateway-name';
    await cluster().kubectl('label', 'service', '-n', name, NAME, `${owner}=other`, 'team=shop', '--overwrite');
    await cluster().until('what is ours again', async () => {
      const { metadata } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
      const service = await cluster().client.get(SERVICE, { namespace: name, name: NAME });
      return (metadata.uid !== before.uid && service.metadata.labels?.[owner] === NAME) || undefined;
    });
    // The application's pod, and the least number of those of the waypoint.
    await cluster().podsReady(name, 3);
    const { metadata } = await cluster().client.get(SERVICE, { namespace: name, name: NAME });
    expect(metadata.labels).toMatchObject({ team: 'shop' });
    const gateway = await cluster().client.get<Gateway>(GATEWAY, { namespace: name, name: NAME });
    expect(gateway.spec.addresses).toHaveLength(1);
    await allBound(cluster(), name, PATIENCE);
  });
}

/** Whether the operator has changed anything in the namespace. */
function wrote(cluster: Cluster, name: string): boolean {
  const isDone = ({ objectRef, responseStatus }: AuditEntry): boolean =>
    objectRef?.namespace === name && (responseStatus?.code ?? 500) < 300;
  return writesOf(cluster.audit()).some(isDone);
}
