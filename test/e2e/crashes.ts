import { expect, it } from 'vitest';
import { isNotFound } from '../../src/kube/errors.js';
import { LEASE } from '../../src/kube/types.js';
import { changesOf, type AuditEntry } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { daemonSet, deployment, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';

/** A write of an object of that kind. */
export const wrote =
  (resource: string) =>
  ({ objectRef }: AuditEntry): boolean =>
    objectRef?.resource === resource && objectRef.subresource === undefined;

/** `kill -9` of the operator at moments of the way there and back; the end is the same, and a second pass writes nothing. */
export function crashes(cluster: () => Cluster): void {
  const there = [
    ['after the snapshot', 'crash-snapshot', wrote('controllerrevisions')],
    ['after the labels', 'crash-labels', wrote('namespaces')],
    ['after the first restart', 'crash-restart', wrote('deployments')],
  ] as const;

  it.each(there)('%s of the way there', async (_, name, moment) => {
    await deploy(cluster(), name);
    await killAfter(cluster(), name, moment, () => cluster().migrate(name));
    await restartOperator(cluster());
    await cluster().ready(name, 'Migrated');
    for (const pod of await cluster().podsReady(name, 5)) expect(containersOf(pod)).toHaveLength(1);
    await expectQuiet(cluster(), name);
  });

  const back = [
    ['after injection is restored', 'crash-back-labels', wrote('namespaces')],
    ['after the first restart', 'crash-back-restart', wrote('statefulsets')],
  ] as const;

  it.each(back)('%s of the way back', async (_, name, moment) => {
    await deploy(cluster(), name);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    await killAfter(cluster(), name, moment, () => cluster().migrate(name, { dataplaneMode: 'Sidecar' }));
    await restartOperator(cluster());
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 5);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    await expectQuiet(cluster(), name);
  });
}

async function deploy(cluster: Cluster, name: string): Promise<void> {
  await cluster.apply(
    yaml(
      namespace(name),
      deployment(name, 'web'),
      deployment(name, 'api'),
      daemonSet(name, 'agent'),
      statefulSet(name, 'db'),
    ),
  );
  await cluster.podsReady(name, 5);
}

/** Kills the operator as soon as the API server has carried out a write of its that is the moment. */
export async function killAfter(
  cluster: Cluster,
  name: string,
  moment: (entry: AuditEntry) => boolean,
  start: () => Promise<void>,
): Promise<void> {
  const inNamespace = ({ objectRef }: AuditEntry): boolean => objectRef?.namespace === name || objectRef?.name === name;
  const killed = cluster.killOperatorAfter(
    (entry) => changesOf([entry]).length > 0 && inNamespace(entry) && moment(entry),
  );
  await Promise.all([killed, start()]);
}

/** The Lease of the dead would run out after 15 s; the administrator need not wait for that. */
export async function restartOperator(cluster: Cluster): Promise<void> {
  await cluster.client.delete(LEASE, { namespace: 'sidestep-system', name: 'sidestep' }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  await cluster.operator.start();
}

/**
 * Waits until an operator leads again that could not reach the API server: who could not renew its Lease for so long has ended,
 * soon or at once, and the kubelet would start it again.
 */
export async function operatorLeads(cluster: Cluster): Promise<void> {
  const sinceMs = cluster.time.now();
  await cluster.until('an operator that has renewed its Lease, or ended', async () => {
    if (!cluster.operator.running) return true;
    const { spec } = await cluster.client.get(LEASE, { namespace: 'sidestep-system', name: 'sidestep' });
    return Date.parse(spec?.renewTime ?? '') > sinceMs || undefined;
  });
  if (!cluster.operator.running) await restartOperator(cluster);
}

/** A new operator looks at everything again, and finds nothing to write. */
export async function expectQuiet(cluster: Cluster, name: string): Promise<void> {
  await cluster.operator.kill('SIGTERM');
  const before = changesOf(cluster.audit()).length;
  await restartOperator(cluster);
  await cluster.time.sleep(1_000);
  const later = changesOf(cluster.audit())
    .slice(before)
    .filter(({ objectRef }) => objectRef?.resource !== 'leases');
  expect(
    later.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    `writes of a second pass over ${name}`,
  ).toEqual([]);
}
