import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NAMESPACE } from '../../src/kube/types.js';
import { repositoryRoot } from '../controlplane/paths.js';
import type { Cluster } from '../support/cluster.js';
import { budget, daemonSet, deployment, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';

/** Namespaces of several shapes go to ambient mode, and come back equal to what they were. */
export function thereAndBack(cluster: () => Cluster): void {
  it('migrates the article’s legacy-apps, and brings it back', async () => {
    const article = (name: string): string =>
      readFileSync(join(repositoryRoot, 'examples', 'article', `${name}.yaml`), 'utf8');
    await cluster().apply(article('legacy-apps'));
    await cluster().apply(article('ambient-apps'));
    await cluster().podsReady('ambient-apps', 3);
    await goThereAndBack(cluster(), 'legacy-apps', 1, () =>
      cluster().apply(readFileSync(join(repositoryRoot, 'examples', 'migrate-legacy-apps.yaml'), 'utf8')),
    );
  });

  it('migrates a namespace with a revision label, which it keeps', async () => {
    const name = 'revision';
    await cluster().apply(
      yaml(
        namespace(name, { 'istio.io/rev': 'default' }),
        deployment(name, 'web', { replicas: 2 }),
        deployment(name, 'api'),
      ),
    );
    await goThereAndBack(
      cluster(),
      name,
      3,
      () => cluster().migrate(name),
      (labels) => {
        expect(labels).toMatchObject({
          'istio.io/rev': 'default',
          'istio-injection': 'disabled',
          'istio.io/dataplane-mode': 'ambient',
        });
      },
    );
  });

  it('migrates a StatefulSet with a budget, a DaemonSet and workloads without pods', async () => {
    const name = 'stateful';
    await cluster().apply(
      yaml(
        namespace(name),
        statefulSet(name, 'db', { replicas: 3 }),
        budget(name, 'db', 2),
        daemonSet(name, 'agent'),
        deployment(name, 'idle', { replicas: 0 }),
        deployment(name, 'once', { strategy: { type: 'Recreate' } }),
      ),
    );
    const acknowledge = [{ code: 'SST4030', object: 'Deployment/once', reason: 'it may be away' }];
    await goThereAndBack(cluster(), name, 6, () => cluster().migrate(name, { acknowledge }));
  });

  it('starts from the state of now when a namespace is migrated again after a rollback', async () => {
    const name = 'twice';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await goThereAndBack(cluster(), name, 1, () => cluster().migrate(name));
    // Meanwhile somebody moves the namespace to a revision, and adds a workload.
    await cluster().kubectl('label', 'ns', name, 'istio-injection-', 'istio.io/rev=default');
    await cluster().apply(yaml(deployment(name, 'api')));
    await goThereAndBack(cluster(), name, 2, () => cluster().migrate(name, { dataplaneMode: 'Ambient' }));
    const revisions = await cluster().kubectl('get', 'controllerrevisions', '-n', name, '-o', 'name');
    expect(revisions.trim().split('\n')).toEqual([
      'controllerrevision.apps/sidestep-before',
      'controllerrevision.apps/sidestep-before-2',
    ]);
  });
}

async function goThereAndBack(
  cluster: Cluster,
  name: string,
  pods: number,
  start: () => Promise<void>,
  checkLabels: (labels: Record<string, string>) => void = () => undefined,
): Promise<void> {
  await cluster.podsReady(name, pods);
  const before = await namespaceState(cluster.client, name);
  for (const pod of await cluster.pods(name)) expect(containersOf(pod)).toContain('istio-proxy');

  await start();
  const migrated = await cluster.ready(name, 'Migrated');
  expect(migrated.status).toMatchObject({
    phase: 'Ambient',
    nextAction: 'Nothing to do.',
    workloads: { pending: 0, failed: 0 },
  });
  for (const pod of await cluster.podsReady(name, pods)) {
    expect(containersOf(pod)).toHaveLength(1);
    expect(containersOf(pod)).not.toContain('istio-proxy');
    expect(pod.metadata.annotations?.['ambient.istio.io/redirection']).toBe('enabled');
    expect(await cluster.ambientWorkload(name, pod.metadata.name)).toMatchObject({
      tunnelProtocol: 'HBONE',
    });
  }
  const { metadata } = await cluster.client.get(NAMESPACE, { name });
  expect(metadata.labels).toMatchObject({ 'istio.io/dataplane-mode': 'ambient' });
  checkLabels({ ...metadata.labels });

  await cluster.kubectl(
    'patch',
    'am',
    name,
    '-n',
    name,
    '--type',
    'merge',
    '-p',
    '{"spec":{"dataplaneMode":"Sidecar"}}',
  );
  await cluster.ready(name, 'RolledBack');
  await cluster.podsReady(name, pods);
  expect(await namespaceState(cluster.client, name)).toEqual(before);
}
