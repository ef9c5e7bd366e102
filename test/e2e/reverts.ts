import { expect, it } from 'vitest';
import { applyYaml } from '../../scripts/apply-yaml.js';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { GATEWAY } from '../../src/api/gateway-api.js';
import { AUTHORIZATION_POLICY } from '../../src/api/istio.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import { type Deployment, DEPLOYMENT, NAMESPACE, SERVICE } from '../../src/kube/types.js';
import { changesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { containersOf } from '../support/namespace-state.js';
import { Recurring } from '../support/recurring.js';
import { strippingWebhook } from '../support/stripping-webhook.js';
import { NOBODY_ELSE_CALLS, ownAccount, policy, service } from './layer7-policies.js';

/** How often somebody looks whether his object is as he wants it, ms; a rollout takes longer. */
const EVERY_MS = 20;
/** How long he is watched after the migration has given up, ms. */
const WATCHED_MS = 5_000;

/** Somebody sets back what a migration writes: it stops after the second time, and names him. */
export function reverts(cluster: () => Cluster): void {
  it('restarts no more than twice, there and back, where an operator sets the pod template back, and goes on without it', async () => {
    const name = 'template-reverted';
    // The pods of before stay until the new one has been ready for a while: so they outlive a revert.
    const web = deployment(name, 'web') as { spec: object };
    await cluster().apply(yaml(namespace(name)));
    const options = { client: cluster().client, fieldManager: 'web-operator', clock: cluster().time };
    const made = applyYaml(yaml({ ...web, spec: { ...web.spec, minReadySeconds: 3 } }), options);
    await cluster().time.during('apply', made);
    await cluster().podsReady(name, 1);
    for (const [way, spec, ready] of [
      ['ambient', {}, 'Migrated'],
      ['sidecar', { dataplaneMode: 'Sidecar' }, 'RolledBack'],
    ] as const) {
      const owner = await keepingTemplate(cluster(), name, 'web');
      const earlier = writesTo(cluster(), name, 'deployments');
      await cluster().migrate(name, spec);
      const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
      expect(stalled.status?.nextAction).toMatch(
        /^You: Deployment\/web: somebody sets the pod template back .*\(field manager web-operator/,
      );
      await cluster().time.sleep(WATCHED_MS);
      expect(writesTo(cluster(), name, 'deployments') - earlier, way).toBe(2);

      await owner.stop();
      // kubectl restarts nothing twice in a second of its own clock, and here time passes faster.
      await cluster().until('restarted by hand', () =>
        cluster().kubectl('rollout', 'restart', 'deployment/web', '-n', name),
      );
      await cluster().ready(name, ready);
      const [pod] = await cluster().podsReady(name, 1);
      expect(pod && containersOf(pod).includes('istio-proxy')).toBe(way === 'sidecar');
    }
  });

  it('sets labels no more than twice where somebody keeps setting them back, and goes on once they stay', async () => {
    const name = 'labels-reverted';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const earlier = writesTo(cluster(), name, 'namespaces');
    const git = new Recurring(cluster().time, EVERY_MS, () => setInjection(cluster(), name, 'enabled', 'git-sync'));
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
    expect(stalled.status?.nextAction).toMatch(/istio-injection=disabled.*field manager git-sync/);
    await cluster().time.sleep(WATCHED_MS);
    expect(writesTo(cluster(), name, 'namespaces') - earlier).toBe(2);

    await git.stop();
    await setInjection(cluster(), name, 'disabled', 'git-sync');
    await cluster().ready(name, 'Migrated');
    for (const pod of await cluster().podsReady(name, 1)) expect(containersOf(pod)).toEqual(['app']);
  });

  it('does not even restart where admission takes its annotation off, and goes on once that has gone', async () => {
    const name = 'stripped';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    const stripping = { type: DEPLOYMENT, annotation: 'sidestep.dev/restart' };
    const lift = await strippingWebhook(cluster(), name, stripping);
    await cluster().until('the webhook is in force', async () => {
      const probe = { op: 'add', path: '/metadata/annotations/sidestep.dev~1restart', value: 'probe' } as const;
      const options = { fieldManager: 'probe', dryRun: true };
      const answer = await cluster().client.jsonPatch(DEPLOYMENT, { namespace: name, name: 'web' }, [probe], options);
      return answer.metadata.annotations?.['sidestep.dev/restart'] === undefined ? true : undefined;
    });
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
    expect(stalled.status?.nextAction).toMatch(
      /Deployment\/web: an admission webhook or policy takes off or changes .*template\.metadata\.annotations\.sidestep\.dev\/restart;/,
    );
    await cluster().time.sleep(WATCHED_MS);
    expect(writesTo(cluster(), name, 'deployments')).toBe(0);

    await lift();
    await cluster().ready(name, 'Migrated', { timeoutMs: 90_000 });
    for (const pod of await cluster().podsReady(name, 1)) expect(containersOf(pod)).toEqual(['app']);
  });

  it.each<[target: string, annotation: string, type: ResourceType]>([
    ['waypoint', 'sidestep.dev/sizing', GATEWAY],
    ['no-headers-wp', 'sidestep.dev/content-hash', AUTHORIZATION_POLICY],
    ['api', 'sidestep.dev/waypoint-labels', SERVICE],
  ])(
    'does not even write %s where admission takes %s off, and goes on once that has gone',
    async (target, annotation, type) => {
      const name = `stripped-${type.plural}`;
      const rules = [{ to: [{ operation: { paths: ['/headers'] } }] }];
      const denying = { selector: { matchLabels: { app: 'api' } }, action: 'DENY', rules };
      await cluster().apply(yaml(namespace(name), policy('AuthorizationPolicy', name, 'no-headers', denying)));
      await cluster().apply(yaml(...ownAccount(name, 'api'), service(name, 'api')));
      await cluster().podsReady(name, 1);
      const lift = await strippingWebhook(cluster(), name, { type, annotation });
      await cluster().until('the webhook is in force', async () => {
        const probe = probeOf(type, name, annotation);
        const { metadata } = await cluster().client.create(type, probe, { fieldManager: 'probe', dryRun: true });
        return metadata.annotations?.[annotation] === undefined ? true : undefined;
      });
      await cluster().migrate(name, {
        acknowledge: NOBODY_ELSE_CALLS,
        waypoint: { replicas: { min: 1, max: 1 } },
      });
      const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'FieldReverted' });
      expect(stalled.status?.nextAction).toContain(
        `${type.kind}/${target}: an admission webhook or policy takes off or changes metadata.annotations.${annotation};`,
      );
      await cluster().time.sleep(WATCHED_MS);
      expect(writesTo(cluster(), name, type.plural)).toBe(0);

      await lift();
      await cluster().ready(name, 'Migrated', { timeoutMs: 90_000 });
      const written = await cluster().client.get(type, { namespace: name, name: target });
      expect(written.metadata.annotations).toHaveProperty([annotation]);
      const pods = await cluster().podsReady(name, 2);
      expect(pods.map(containersOf)).toContainEqual(['app']);
      await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
    },
  );
}

/** An object of a kind that Sidestep writes, with an annotation. */
function probeOf({ group, version, kind }: ResourceType, namespace: string, annotation: string): KubeObject {
  const listeners = [{ name: 'mesh', port: 15008, protocol: 'HBONE' }];
  const specs: Readonly<Record<string, object>> = {
    [GATEWAY.kind]: { gatewayClassName: 'istio-waypoint', listeners },
    [SERVICE.kind]: { ports: [{ port: 80 }] },
  };
  const metadata = { name: 'probe', namespace, annotations: { [annotation]: 'probe' } };
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { apiVersion, kind, metadata, spec: specs[kind] ?? {} } as KubeObject;
}

/** An operator that owns a Deployment, and keeps the annotations of the pod template as they are now. */
async function keepingTemplate(cluster: Cluster, namespace: string, name: string): Promise<Recurring> {
  const ref = { namespace, name };
  const annotationsOf = ({ spec }: Deployment): string => JSON.stringify(spec.template.metadata?.annotations ?? {});
  const kept = annotationsOf(await cluster.client.get(DEPLOYMENT, ref));
  return new Recurring(cluster.time, EVERY_MS, async () => {
    const now = await cluster.client.get(DEPLOYMENT, ref);
    if (annotationsOf(now) === kept) return;
    const operations = [
      { op: 'test', path: '/metadata/resourceVersion', value: now.metadata.resourceVersion },
      { op: 'add', path: '/spec/template/metadata/annotations', value: JSON.parse(kept) as unknown },
    ] as const;
    await cluster.client.jsonPatch(DEPLOYMENT, ref, [...operations], { fieldManager: 'web-operator' });
  });
}

async function setInjection({ client }: Cluster, name: string, value: string, fieldManager: string): Promise<void> {
  const { metadata } = await client.get(NAMESPACE, { name });
  if (metadata.labels?.['istio-injection'] === value) return;
  const path = '/metadata/labels/istio-injection';
  await client.jsonPatch(NAMESPACE, { name }, [{ op: 'replace', path, value }], { fieldManager });
}

/** How often the operator has written to a kind of objects of, or to, a namespace; a write that came too late changed nothing. */
function writesTo(cluster: Cluster, name: string, resource: string): number {
  return changesOf(cluster.audit()).filter(
    ({ objectRef, responseStatus }) =>
      objectRef?.resource === resource &&
      (objectRef.namespace ?? objectRef.name) === name &&
      !objectRef.subresource &&
      [200, 201].includes(responseStatus?.code ?? 0),
  ).length;
}
