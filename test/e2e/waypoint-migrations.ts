import { expect, it } from 'vitest';
import type { AmbientMigrationStatus } from '../../src/api/ambient-migration.js';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { DEPLOYMENT, NAMESPACE, SERVICE, SERVICE_ACCOUNT, type Service } from '../../src/kube/types.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import type { Cluster } from '../support/cluster.js';
import { unboundMoments } from '../support/bound-services.js';
import { changesIn } from '../support/changes.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';

/** One replica: what is sized larger has to be scaled first. */
const ONE = { min: 1, max: 1 };

const service = (inNamespace: string, name: string, labels: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: inNamespace, labels },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});

const policy = (inNamespace: string, name: string, spec: object): object => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: inNamespace },
  spec,
});

/** The form of ambient mode: sidecars do not know it. */
const attached = (inNamespace: string, target: string): object =>
  policy(inNamespace, 'only-get', {
    targetRefs: [{ kind: 'Service', group: '', name: target }],
    rules: [{ to: [{ operation: { methods: ['GET'] } }] }],
  });

/** Findings but those about others in the mesh, such as old sidecars and whose requests are refused, and about what is freed. */
const policyFindings = (status: AmbientMigrationStatus | undefined): string[] =>
  (status?.plan?.findings ?? [])
    .filter(({ code }) => !/^SST3|SST4027|SST2043/.test(code))
    .map(({ code, object }) => `${code} ${object}`);

/** Migrations that need a waypoint: created, bound to, and taken away again. */
export function waypointMigrations(cluster: () => Cluster): void {
  const services = async (name: string): Promise<Record<string, Service>> => {
    const { items } = await cluster().client.list(SERVICE, { namespace: name });
    return Object.fromEntries(items.map((item) => [item.metadata.name, item]));
  };

  const labelOf = (object: Service | undefined, label = 'use-waypoint'): string | undefined =>
    object?.metadata.labels?.[`istio.io/${label}`];

  const boundMessage = (object: Service | undefined): string =>
    findCondition(object?.status?.conditions, 'istio.io/WaypointBound')?.message ?? '';

  const gatewayIn = async (name: string): Promise<Gateway | undefined> =>
    cluster()
      .client.get<Gateway>(GATEWAY, { namespace: name, name: 'waypoint' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });

  /** Two Deployments with a Service each, and what else is given; the state before. */
  const prepare = async (name: string, ...others: object[]): Promise<unknown> => {
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'web'),
        deployment(name, 'api'),
        service(name, 'web'),
        service(name, 'api'),
        ...others,
      ),
    );
    await cluster().podsReady(name, 2);
    return namespaceState(cluster().client, name);
  };

  const goBack = async (name: string, before: unknown, spec: object = {}): Promise<void> => {
    await cluster().migrate(name, { ...spec, dataplaneMode: 'Sidecar' });
    const { status } = await cluster().ready(name, 'RolledBack');
    for (const type of ['WaypointReady', 'WaypointBound']) {
      expect(findCondition(status?.conditions ?? [], type)).toMatchObject({ status: 'False', reason: 'RolledBack' });
    }
    await cluster().podsReady(name, 2);
    expect(await gatewayIn(name)).toBeUndefined();
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  };

  it('creates a waypoint for a policy that needs one, sends ingress traffic through it too, and takes all of it away again', async () => {
    const name = 'waypoint-auto';
    const before = await prepare(
      name,
      attached(name, 'web'),
      service(name, 'own', { 'istio.io/use-waypoint': 'none' }),
    );
    await cluster().migrate(name);
    const { status } = await cluster().ready(name, 'Migrated');
    // By default two replicas: the step waits for what the controller of Gateways tells istiod of the size.
    const deployed = await cluster().client.get(DEPLOYMENT, { namespace: name, name: 'waypoint' });
    expect(deployed.status?.availableReplicas).toBe(2);
    expect(status?.waypoints).toEqual([
      { name: 'waypoint', namespace: name, className: 'istio-waypoint', created: true, ready: true, services: '2/2' },
    ]);
    expect(policyFindings(status)).toEqual(['SST5001 AuthorizationPolicy/only-get']);
    const { metadata } = await cluster().client.get(NAMESPACE, { name });
    expect(metadata.labels).toMatchObject({ 'istio.io/use-waypoint': 'waypoint' });
    const { web, api, own } = await services(name);
    for (const one of [web, api]) {
      expect(boundMessage(one)).toContain(`waypoint ${name}/waypoint. Ingress traffic will traverse the waypoint`);
    }
    expect(labelOf(own)).toBe('none');
    expect(labelOf(own, 'ingress-use-waypoint')).toBeUndefined();
    await goBack(name, before);
  });

  it('binds the Services with pods in the mesh, and no others', async () => {
    const name = 'waypoint-services';
    const before = await prepare(name, service(name, 'nobody'));
    const spec = { waypoint: { provision: 'Always', scope: 'Service', replicas: ONE } };
    await cluster().migrate(name, spec);
    const { status } = await cluster().ready(name, 'Migrated');
    expect(status?.waypoints).toMatchObject([{ services: '2/2' }]);
    const { web, api, nobody } = await services(name);
    expect([web, api, nobody].map((one) => labelOf(one))).toEqual(['waypoint', 'waypoint', undefined]);
    expect(boundMessage(web)).toContain(`${name}/waypoint`);
    expect((await cluster().client.get(NAMESPACE, { name })).metadata.labels).not.toHaveProperty(
      'istio.io/use-waypoint',
    );
    await goBack(name, before, spec);
  });

  it('labels the accounts of its workloads, whose Services then follow', async () => {
    const name = 'waypoint-accounts';
    const before = await prepare(name);
    const spec = { waypoint: { provision: 'Always', scope: 'ServiceAccount', replicas: ONE } };
    await cluster().migrate(name, spec);
    const { status } = await cluster().ready(name, 'Migrated');
    expect(status?.waypoints).toMatchObject([{ services: '2/2' }]);
    const account = await cluster().client.get(SERVICE_ACCOUNT, { namespace: name, name: 'default' });
    expect(account.metadata.labels).toEqual({ 'istio.io/use-waypoint': 'waypoint' });
    const { web, api } = await services(name);
    expect([web, api].map((one) => labelOf(one))).toEqual(['waypoint', 'waypoint']);
    await goBack(name, before, spec);
  });

  it('changes scope and name of the waypoint while pods are ambient, and no Service is ever without one', async () => {
    const name = 'waypoint-scopes';
    const before = await prepare(name, attached(name, 'web'));
    const waypoint = { provision: 'Always', replicas: ONE };
    const change = async (changed: object): Promise<void> => {
      await cluster().migrate(name, { waypoint: { ...waypoint, ...changed } });
      await cluster().ready(name, 'Migrated');
    };
    const bound = (): Promise<unknown> =>
      services(name).then(({ web, api }) =>
        [web, api].map((one) => boundMessage(one).match(/waypoint (\S+?)(\.|$)/)?.[1]),
      );
    await change({ scope: 'Service' });
    const since = cluster().audit().length;
    const steps = [
      { scope: 'ServiceAccount' },
      { scope: 'Service' },
      { scope: 'ServiceAccount', name: 'second' },
      { scope: 'Namespace', name: 'waypoint' },
      { scope: 'Service', name: 'second' },
    ];
    for (const step of steps) {
      await change(step);
      expect(await bound()).toEqual(['web', 'api'].map(() => `${name}/${step.name ?? 'waypoint'}`));
      const gateways = await cluster().client.list(GATEWAY, { namespace: name });
      expect(gateways.items.map(({ metadata }) => metadata.name)).toEqual([step.name ?? 'waypoint']);
    }
    expect(unboundMoments(cluster().audit().slice(since), name)).toEqual([]);
    const { web } = await services(name);
    expect(web?.metadata.annotations).not.toHaveProperty('sidestep.dev/bound-waypoint');
    await goBack(name, before, { waypoint: { ...waypoint, ...steps.at(-1) } });
    expect(unboundMoments(cluster().audit().slice(since), name)).toHaveLength(2);
  });

  it('uses the Gateway of another namespace that lets it in, and changes nothing there', async () => {
    const name = 'waypoint-elsewhere';
    const infra = `${name}-infra`;
    const gateway = (from: string): object => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'shared', namespace: infra },
      spec: {
        gatewayClassName: 'istio-waypoint',
        listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', allowedRoutes: { namespaces: { from } } }],
      },
    });
    await cluster().apply(yaml(namespace(infra, {}), gateway('Same')));
    const before = await prepare(name);
    const spec = { waypoint: { provision: 'Always', name: 'shared', namespace: infra } };
    await cluster().migrate(name, spec);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(policyFindings(stalled.status)).toEqual([`SST5006 Gateway/${infra}/shared`]);
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().apply(yaml(gateway('All')));
    const { status } = await cluster().ready(name, 'Migrated');
    expect(status?.waypoints).toMatchObject([{ namespace: infra, created: false, services: '2/2' }]);
    expect(await cluster().kubectl('get', 'am', '-n', name, '-o', 'wide')).toMatch(/WAYPOINT .*\n.* shared /);
    await goBack(name, before, spec);
    expect(changesIn(cluster(), infra)).toEqual([]);
    await cluster().kubectl('delete', 'ns', infra, '--wait=false');
  });

  it('uses the Gateway that a person has made, and leaves it', async () => {
    const name = 'waypoint-theirs';
    const made = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'waypoint', namespace: name },
      spec: { gatewayClassName: 'istio-waypoint', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
    };
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), service(name, 'web'), made));
    await cluster().podsReady(name, 2);
    const metadata = (await gatewayIn(name))?.metadata;
    const spec = { waypoint: { provision: 'Always', replicas: ONE } };
    await cluster().migrate(name, spec);
    const { status } = await cluster().ready(name, 'Migrated');
    expect(status?.waypoints).toMatchObject([{ created: false, ready: true, services: '1/1' }]);
    expect((await gatewayIn(name))?.metadata.annotations).toMatchObject({
      'sidestep.dev/sizing': '{"replicas":{"min":1,"max":1},"resources":{}}',
    });
    await cluster().migrate(name, { ...spec, dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    const after = (await gatewayIn(name))?.metadata;
    expect([after?.uid, after?.annotations ?? {}]).toEqual([metadata?.uid, metadata?.annotations ?? {}]);
  });

  it('stops before the first change where a policy would refuse the waypoint, and names the principal', async () => {
    const name = 'waypoint-refused';
    const rules = [{ from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }] }];
    await prepare(name, policy(name, 'callers', { rules }));
    const waypoint = { provision: 'Always', replicas: ONE };
    await cluster().migrate(name, { waypoint, policies: { translation: 'Manual' } });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(policyFindings(stalled.status)).toEqual(['SST2005 AuthorizationPolicy/callers']);
    expect(stalled.status?.nextAction).toContain(`cluster.local/ns/${name}/sa/waypoint`);
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().migrate(name, { waypoint });
    const { status } = await cluster().ready(name, 'Migrated');
    expect(policyFindings(status)).toEqual(['SST2033 AuthorizationPolicy/callers']);
    // ztunnel enforces it by itself: all pods may change at their next restart.
    expect(
      (await cluster().client.get(DEPLOYMENT, { namespace: name, name: 'web' })).spec.template.metadata?.labels,
    ).toEqual({
      app: 'web',
    });
    expect(changesIn(cluster(), name).filter((change) => change.includes('authorizationpolicies'))).toHaveLength(2);
  });
}
