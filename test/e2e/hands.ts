import { expect, it } from 'vitest';
import { findCondition } from '../../src/kube/conditions.js';
import { DEPLOYMENT, NAMESPACE } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { fence, type FencedWrite } from '../support/fence.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';

const SNAPSHOT: FencedWrite = { apiGroup: 'apps', resource: 'controllerrevisions', operation: 'CREATE' };
const LABELS: FencedWrite = { apiGroup: '', resource: 'namespaces', operation: 'UPDATE' };
export const RESTART: FencedWrite = { apiGroup: 'apps', resource: 'deployments', operation: 'UPDATE' };

/** A rollback that is asked for while a step is the current one. */
export interface Turn {
  readonly step: string;
  readonly name: string;
  readonly spec?: object;
  readonly fenced?: FencedWrite;
  readonly prepare?: (cluster: Cluster, name: string) => Promise<void>;
  /** Done once the step Workloads is reached. */
  readonly meanwhile?: (cluster: Cluster, name: string) => Promise<void>;
  readonly reason: string;
}

/** Something that applies to the namespace and would lose its effect: no waypoint sees what its pods send. */
function blocker(cluster: Cluster, name: string): Promise<void> {
  const metadata = { name: 'filter', namespace: name };
  return cluster.apply(
    yaml({
      apiVersion: 'extensions.istio.io/v1alpha1',
      kind: 'WasmPlugin',
      metadata,
      spec: { url: 'oci://example.com/filter', match: [{ mode: 'CLIENT' }] },
    }),
  );
}

/** People change things while a migration runs: they turn round, edit objects, delete the AmbientMigration. */
export function hands(cluster: () => Cluster): void {
  it.each<Turn>([
    { step: 'Preflight', name: 'turn-preflight', prepare: blocker, reason: 'NothingToRollBack' },
    { step: 'Approval', name: 'turn-approval', spec: { approval: 'Manual' }, reason: 'NothingToRollBack' },
    { step: 'Snapshot', name: 'turn-snapshot', fenced: SNAPSHOT, reason: 'NothingToRollBack' },
    { step: 'Enrol', name: 'turn-enrol', fenced: LABELS, reason: 'RolledBack' },
    { step: 'Workloads', name: 'turn-workloads', fenced: RESTART, reason: 'RolledBack' },
    { step: 'Plan', name: 'turn-plan', fenced: RESTART, meanwhile: blocker, reason: 'RolledBack' },
    { step: 'Verify', name: 'turn-verify', spec: { rollout: { soak: '1h' } }, reason: 'RolledBack' },
  ])('rolls back when asked to while $step is the current step', (turn) => rollsBack(cluster(), turn));

  it('says in its conditions which write was refused, and by what', async () => {
    const name = 'refused';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const lift = await fence(cluster(), name, LABELS);
    await cluster().migrate(name);
    const failed = await cluster().condition(name, 'Ready', { status: 'False', reason: 'ReconcileFailed' });
    expect(findCondition(failed.status?.conditions ?? [], 'Ready')?.message).toMatch(/fenced by the test/);
    await lift();
    await cluster().ready(name, 'Migrated');
  });

  it('keeps what people changed meanwhile: labels, replicas, image, a new Deployment', async () => {
    const name = 'edited';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web', { replicas: 2 })));
    await cluster().podsReady(name, 2);
    const lift = await fence(cluster(), name, RESTART);
    await cluster().migrate(name);
    await atStep(cluster(), name, 'Workloads');
    await cluster().kubectl('label', 'ns', name, 'team=shop');
    await cluster().kubectl('scale', 'deployment/web', '-n', name, '--replicas=3');
    await cluster().kubectl('set', 'image', 'deployment/web', '-n', name, 'app=docker.io/kennethreitz/httpbin:edited');
    await cluster().apply(yaml(deployment(name, 'newcomer')));
    await lift();
    await cluster().ready(name, 'Migrated');
    for (const pod of await cluster().podsReady(name, 4)) expect(containersOf(pod)).toEqual(['app']);

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    for (const pod of await cluster().podsReady(name, 4)) expect(containersOf(pod)).toContain('istio-proxy');
    const { metadata } = await cluster().client.get(NAMESPACE, { name });
    expect(metadata.labels).toMatchObject({ team: 'shop', 'istio-injection': 'enabled' });
    expect(metadata.labels).not.toHaveProperty(['istio.io/dataplane-mode']);
    const web = await cluster().client.get(DEPLOYMENT, { namespace: name, name: 'web' });
    expect(web.spec).toMatchObject({
      replicas: 3,
      template: { spec: { containers: [{ image: 'docker.io/kennethreitz/httpbin:edited' }] } },
    });
  });

  it('goes back with all the others where the new pod of one is refused, and another opts out of injection meanwhile', async () => {
    const name = 'back-without-some';
    const apps = ['a', 'opted-out', 'refused'];
    await cluster().apply(yaml(namespace(name), ...apps.map((app) => deployment(name, app))));
    await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    const refused = { apiGroup: '', resource: 'pods', operation: 'CREATE', app: 'refused' } as const;
    const lift = await fence(cluster(), name, refused);
    await optOut(cluster(), name, 'opted-out', 'false');
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    const withSidecar = async (): Promise<string[]> =>
      (await cluster().pods(name))
        .filter((pod) => containersOf(pod).includes('istio-proxy'))
        .map(({ metadata }) => metadata.labels?.['app'] ?? '');
    await cluster().until('a is back', async () => ((await withSidecar()).includes('a') ? true : undefined));
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'InjectionNotRestored' });
    expect(stalled.status?.nextAction).toMatch(/Deployment\/opted-out would get no sidecar/);
    await optOut(cluster(), name, 'opted-out', null);
    await cluster().condition(name, 'Stalled', { status: 'True', reason: 'PodRefused' });
    await cluster().until('opted-out is back, too', async () =>
      (await withSidecar()).sort().join() === 'a,opted-out' ? true : undefined,
    );
    await lift();
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 3);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });

  it('brings back labels as they were when it set them, not as they were at the snapshot', async () => {
    const name = 'relabelled';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const lift = await fence(cluster(), name, LABELS);
    await cluster().migrate(name);
    await atStep(cluster(), name, 'Enrol');
    await cluster().kubectl('label', 'ns', name, 'istio-injection-', 'istio.io/rev=default');
    await lift();
    await cluster().ready(name, 'Migrated');
    const labelsOf = async (): Promise<unknown> => (await cluster().client.get(NAMESPACE, { name })).metadata.labels;
    expect(await labelsOf()).toMatchObject({ 'istio-injection': 'disabled', 'istio.io/rev': 'default' });

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    for (const pod of await cluster().podsReady(name, 1)) expect(containersOf(pod)).toContain('istio-proxy');
    expect(await labelsOf()).toEqual({ 'kubernetes.io/metadata.name': name, 'istio.io/rev': 'default' });
  });

  it('sets a reverted label again once, then names who reverts it', async () => {
    const name = 'reverted';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    const revert = (): Promise<void> => cluster().apply(yaml(namespace(name, { 'istio-injection': 'enabled' })));
    await revert();
    await labelled(cluster(), name);
    await revert();
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
    expect(stalled.status?.nextAction).toMatch(
      /istio-injection=disabled.*field manager sidestep-controlplane.*commit these labels/,
    );
  });

  it('sets it again, too, for an AmbientMigration that is made anew, though somebody has reverted it twice for the one before', async () => {
    const name = 'anew';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    const revert = (): Promise<void> => cluster().apply(yaml(namespace(name, { 'istio-injection': 'enabled' })));
    await revert();
    await labelled(cluster(), name);
    await revert();
    await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
    await cluster().kubectl('delete', 'am', name, '-n', name);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    expect((await cluster().client.get(NAMESPACE, { name })).metadata.labels).toMatchObject({
      'istio-injection': 'disabled',
    });
  });

  it('rolls back to the first state after the AmbientMigration was deleted and applied again in mid-flight', async () => {
    const name = 'again';
    await cluster().apply(yaml(namespace(name), deployment(name, 'a'), deployment(name, 'b')));
    await cluster().podsReady(name, 2);
    const before = await namespaceState(cluster().client, name);
    const lift = await fence(cluster(), name, RESTART);
    await cluster().migrate(name);
    await atStep(cluster(), name, 'Workloads');
    await cluster().kubectl('delete', 'am', name, '-n', name);
    await cluster().migrate(name);
    await lift();
    await cluster().ready(name, 'Migrated');
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 2);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });

  it('leaves an Event that names what stays when an AmbientMigration is deleted', async () => {
    const name = 'deleted';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    await cluster().kubectl('delete', 'am', name, '-n', name);
    const note = await cluster().eventNote(name, 'MigrationDeleted');
    expect(note).toMatch(/istio\.io\/dataplane-mode=ambient.*ControllerRevision sidestep-before-2\./);
    for (const pod of await cluster().podsReady(name, 1))
      expect(pod.metadata.annotations?.['ambient.istio.io/redirection']).toBe('enabled');
  });

  it('goes back and forth as often as it is told to, and ends where it was told last', async () => {
    const name = 'forth';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web', { replicas: 2 }), deployment(name, 'api')));
    await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name);
    for (const dataplaneMode of ['Sidecar', 'Ambient', 'Sidecar', 'Ambient', 'Sidecar'])
      await cluster().migrate(name, { dataplaneMode });
    await cluster().condition(name, 'Ready', { status: 'True' });
    await cluster().podsReady(name, 3);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });
}

/** Turns round in the middle of a step: everything is as it was. */
export async function rollsBack(cluster: Cluster, turn: Turn): Promise<void> {
  const { step, name, spec = {}, reason } = turn;
  await cluster.apply(yaml(namespace(name), deployment(name, 'web', { replicas: 2 })));
  await cluster.podsReady(name, 2);
  const before = await namespaceState(cluster.client, name);
  await turn.prepare?.(cluster, name);
  const lift = turn.fenced && (await fence(cluster, name, turn.fenced));
  await cluster.migrate(name, spec);
  if (turn.meanwhile) {
    await atStep(cluster, name, 'Workloads');
    await turn.meanwhile(cluster, name);
  }
  await atStep(cluster, name, step);
  await cluster.migrate(name, { ...spec, dataplaneMode: 'Sidecar' });
  await lift?.();
  await cluster.condition(name, 'Ready', { status: 'True', reason });
  await cluster.podsReady(name, 2);
  expect(await namespaceState(cluster.client, name)).toEqual(before);
}

/** Waits until a step is the current one. */
async function atStep(cluster: Cluster, name: string, step: string): Promise<void> {
  await cluster.until(`${step} is the current step of ${name}`, async () => {
    const { status } = await cluster.migration(name);
    return status?.plan?.steps.some((reported) => reported.name === step && reported.state === 'Current')
      ? true
      : undefined;
  });
}

/** Says of a Deployment's pods whether they are injected; null: nothing. */
async function optOut(cluster: Cluster, namespace: string, name: string, value: 'false' | null): Promise<void> {
  const labels = { 'sidecar.istio.io/inject': value };
  const patch = JSON.stringify({ spec: { template: { metadata: { labels } } } });
  await cluster.kubectl('patch', 'deployment', name, '-n', namespace, '-p', patch);
}

async function labelled(cluster: Cluster, name: string): Promise<void> {
  await cluster.until(`${name} is labelled again`, async () => {
    const { metadata } = await cluster.client.get(NAMESPACE, { name });
    return metadata.labels?.['istio-injection'] === 'disabled' ? true : undefined;
  });
}
