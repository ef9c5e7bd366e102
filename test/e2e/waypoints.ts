import { expect, it } from 'vitest';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  NAMESPACE,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../src/kube/types.js';
import { OPERATOR_USER, changesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { namespace, yaml } from '../support/fixtures.js';

const DEPLOYED: readonly ResourceType[] = [
  SERVICE_ACCOUNT,
  SERVICE,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  POD_DISRUPTION_BUDGET,
];

/** Name of the article's Gateway. */
export const NAME = 'httpbin-ambient-waypoint';

/** The Gateway of the older articles: class `istio`, one HBONE listener. */
const gateway = (namespace: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'Gateway',
  metadata: { name: NAME, namespace, ...metadata },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }], ...spec },
});

const ambient = (name: string): object => namespace(name, { 'istio.io/dataplane-mode': 'ambient' });

/** A Deployment whose pods carry `app` and `mesh: yes`. */
const deployment = (namespace: string, app: string, { account }: { account?: string }): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app, namespace },
  spec: {
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app, mesh: 'yes' } },
      spec: {
        ...(account !== undefined && { serviceAccountName: account }),
        containers: [{ name: 'app', image: 'example.com/app' }],
      },
    },
  },
});

const service = (namespace: string, name: string, selector: object = { app: name }, labels: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels },
  spec: { selector, ports: [{ name: 'http', port: 80 }] },
});

/** A namespace with one account, its Service, and the Gateway that serves it. */
export const article = (name: string): object[] => [
  ambient(name),
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'httpbin-ambient', namespace: name } },
  deployment(name, 'web', { account: 'httpbin-ambient' }),
  service(name, 'web'),
  gateway(name),
];

/** The label `istio.io/use-waypoint` of the Services of a namespace, that of the waypoint left out. */
export async function waypointsOf(cluster: Cluster, namespace: string): Promise<Record<string, string | undefined>> {
  const { items } = await cluster.client.list(SERVICE, { namespace });
  const others = items.filter(({ metadata }) => !metadata.name.startsWith(NAME));
  return Object.fromEntries(others.map(({ metadata: { name, labels } }) => [name, labels?.['istio.io/use-waypoint']]));
}

/** `Kind/name` of everything that is deployed for the Gateway. */
export async function deployed(cluster: Cluster, namespace: string): Promise<string[]> {
  const lists = await Promise.all(
    DEPLOYED.map(async (type) => {
      const { items } = await cluster.client.list<KubeObject>(type, { namespace });
      return items.map(({ metadata }) => `${type.kind}/${metadata.name}`);
    }),
  );
  return lists
    .flat()
    .filter((object) => object.includes(NAME))
    .sort();
}

/** Waypoints of class `istio`, which Sidestep deploys. */
export function waypoints(cluster: () => Cluster): void {
  const read = (name: string): Promise<Gateway> =>
    cluster().client.get<Gateway>(GATEWAY, { namespace: name, name: NAME });

  const serving = (name: string, status: string, reason: string): Promise<Gateway> =>
    cluster().until(
      `Gateway of ${name} with Serving=${status}, ${reason}`,
      async () => {
        const object = await read(name);
        const found = findCondition(object.status?.conditions, 'sidestep.dev/Serving');
        const isIt = found?.status === status && found.reason === reason;
        if (isIt && found.observedGeneration === object.metadata.generation) return object;
        throw new Error(JSON.stringify(object.status?.conditions));
      },
      { timeoutMs: 60_000 },
    );

  const whenDeployed = (name: string, ...expected: string[]): Promise<boolean> =>
    cluster().until(`${expected.join(', ') || 'nothing'} in ${name}`, async () => {
      const found = await deployed(cluster(), name);
      if (found.join() === [...expected].sort().join()) return true;
      throw new Error(found.join());
    });

  const ours = DEPLOYED.map(({ kind }) => `${kind}/${NAME}`);
  const istiods = ['Deployment', 'Service', 'ServiceAccount'].map((kind) => `${kind}/${NAME}-istio`);

  it('get a Deployment of their very name, and istiod deploys nothing', async () => {
    const name = 'waypoint-article';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    const served = await serving(name, 'True', 'Serving');
    await whenDeployed(name, ...ours);
    expect(served.spec.addresses).toEqual([{ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` }]);
    expect(findCondition(served.status?.conditions, 'Programmed')).toMatchObject({ status: 'True' });
    expect(served.status?.addresses).toContainEqual({ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` });
    await cluster().podsReady(name, 2);
  });

  it('are taken over from istiod, which has deployed an ingress gateway for them', async () => {
    const name = 'waypoint-takeover';
    await cluster().operator.stop();
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await whenDeployed(name, ...istiods);
    await cluster().operator.start();
    await serving(name, 'True', 'Serving');
    await whenDeployed(name, ...ours);
    expect(await cluster().eventNote(name, 'Removed')).toMatch(/-istio/);
  });

  it('are bound to the Services of their account, and to no other; deleted, they let these go first', async () => {
    const name = 'waypoint-bound';
    const pods = (app: string, account: string): object[] => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: name } },
      deployment(name, app, { account }),
      service(name, app),
    ];
    await cluster().apply(
      yaml(
        ambient(name),
        ...pods('httpbin-ambient', 'httpbin-ambient'),
        ...pods('sleep', 'sleep'),
        service(name, 'mixed', { mesh: 'yes' }),
        service(name, 'chosen', { app: 'httpbin-ambient' }, { 'istio.io/use-waypoint': 'none' }),
        gateway(name),
      ),
    );
    await serving(name, 'True', 'Serving');
    const bound = (): Promise<Record<string, string | undefined>> => waypointsOf(cluster(), name);
    await cluster().until('istiod binds the Service', async () => {
      const { status } = await cluster().client.get(SERVICE, { namespace: name, name: 'httpbin-ambient' });
      return findCondition(status?.conditions, 'istio.io/WaypointBound')?.status === 'True' || undefined;
    });
    expect(await bound()).toEqual({ 'httpbin-ambient': NAME, sleep: undefined, mixed: undefined, chosen: 'none' });

    const before = cluster().audit().length;
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await whenDeployed(name);
    expect(await bound()).toEqual({ 'httpbin-ambient': undefined, sleep: undefined, mixed: undefined, chosen: 'none' });
    const order = cluster()
      .audit()
      .slice(before)
      .filter(({ objectRef }) => objectRef?.namespace === name)
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.name}`);
    const unbound = order.indexOf('patch services httpbin-ambient');
    expect(unbound).toBeGreaterThanOrEqual(0);
    expect(order.indexOf(`delete services ${NAME}`)).toBeGreaterThan(unbound);
  });

  it('let a Service go when other pods join it, and leave one that a person has bound', async () => {
    const name = 'waypoint-let-go';
    await cluster().apply(
      yaml(
        ambient(name),
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'httpbin-ambient', namespace: name } },
        deployment(name, 'web', { account: 'httpbin-ambient' }),
        service(name, 'web', { mesh: 'yes' }),
        service(name, 'own', { app: 'web' }, { 'istio.io/use-waypoint': NAME }),
        gateway(name),
      ),
    );
    await serving(name, 'True', 'Serving');
    const untilWebIs = (waypoint: string | undefined): Promise<unknown> =>
      cluster().until(`web bound to ${waypoint}`, async () => {
        const found = await waypointsOf(cluster(), name);
        return found['web'] === waypoint || undefined;
      });
    await untilWebIs(NAME);
    await cluster().apply(yaml(deployment(name, 'other', {})));
    await untilWebIs(undefined);
    await cluster().apply(yaml(service(name, 'web', { app: 'web', mesh: 'yes' })));
    await untilWebIs(NAME);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME, own: NAME });
    await cluster().kubectl('label', 'service', '-n', name, 'web', 'istio.io/use-waypoint-namespace=other');
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await whenDeployed(name);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME, own: NAME });
  });

  it('take everything along when they are deleted', async () => {
    const name = 'waypoint-deleted';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await whenDeployed(name);
    await expect(read(name)).rejects.toSatisfy(isNotFound);
  });

  it('do not hold a namespace back that is deleted', async () => {
    const name = 'waypoint-namespace';
    await cluster().apply(yaml(...article(name)));
    await cluster().until(
      'web is bound',
      async () => (await waypointsOf(cluster(), name))['web'] === NAME || undefined,
    );
    await cluster().client.delete(NAMESPACE, { name });
    await cluster().until('the end of the namespace', () =>
      cluster()
        .client.get(NAMESPACE, { name })
        .then(() => undefined, isNotFound),
    );
  });

  it('are given up when they turn into something else', async () => {
    const name = 'waypoint-changed';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().apply(yaml(gateway(name, { gatewayClassName: 'istio-waypoint' })));
    await serving(name, 'False', 'NotServable');
    await whenDeployed(name, ...['Deployment', 'Service', 'ServiceAccount'].map((kind) => `${kind}/${NAME}`));
    const { metadata } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
    expect(metadata.labels).toMatchObject({ 'gateway.istio.io/managed': 'istio.io-mesh-controller' });
    expect((await read(name)).metadata.finalizers ?? []).toEqual([]);
  });

  it('go back to istiod with an annotation, and come again without it', async () => {
    const name = 'waypoint-opt-out';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve=false');
    const declined = await serving(name, 'False', 'OptedOut');
    await whenDeployed(name, ...istiods);
    expect(declined.spec.addresses ?? []).toEqual([]);
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve-');
    await serving(name, 'True', 'Serving');
    await whenDeployed(name, ...ours);
  });

  it('are repaired where somebody takes away or changes what is ours, and keep what is not', async () => {
    const name = 'waypoint-edited';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().kubectl('label', 'deployment', '-n', name, NAME, 'team=shop');
    await cluster().kubectl('scale', 'deployment', '-n', name, NAME, '--replicas=0');
    await cluster().kubectl('delete', 'service', '-n', name, NAME);
    await cluster().kubectl('set', 'image', '-n', name, `deployment/${NAME}`, 'istio-proxy=example.com/other:1');
    await cluster().until('what is ours again', async () => {
      await cluster().client.get(SERVICE, { namespace: name, name: NAME });
      const { metadata, spec } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
      const [proxy] = spec.template.spec.containers;
      return (metadata.labels?.['team'] === 'shop' && proxy?.image !== 'example.com/other:1') || undefined;
    });
    await cluster().podsReady(name, 2);
    await serving(name, 'True', 'Serving');
  });

  it('take parameters as istiod does, and say what is wrong with them', async () => {
    const name = 'waypoint-parameters';
    const parametersRef = { group: '', kind: 'ConfigMap', name: 'options' };
    const options = (data: Record<string, string>): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'options', namespace: name },
      data,
    });
    const touch = (value: string): Promise<string> =>
      cluster().kubectl('annotate', 'gateway', '-n', name, NAME, `example.com/touched=${value}`, '--overwrite');
    await cluster().apply(yaml(ambient(name), gateway(name, { infrastructure: { parametersRef } })));
    await serving(name, 'False', 'ParametersInvalid');
    await cluster().apply(yaml(options({ ingress: '{}' })));
    await touch('1');
    const refused = await serving(name, 'False', 'ParametersInvalid');
    expect(JSON.stringify(refused.status?.conditions)).toMatch(/key ingress: no such key/);
    await cluster().apply(yaml(options({ horizontalPodAutoscaler: '{spec: {minReplicas: 3, maxReplicas: 9}}' })));
    await touch('2');
    await serving(name, 'True', 'Serving');
    await cluster().podsReady(name, 3);
  });

  it('are declined with a reason and what to do, and nothing of others is touched', async () => {
    const name = 'waypoint-declined';
    await cluster().apply(
      yaml(ambient(name), gateway(name, { addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] })),
    );
    await serving(name, 'False', 'AddressTaken');
    const taken = 'waypoint-name-taken';
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: NAME, namespace: taken } };
    await cluster().apply(yaml(ambient(taken), { ...service, spec: { ports: [{ port: 80 }] } }, gateway(taken)));
    await serving(taken, 'False', 'NameTaken');
    expect(await deployed(cluster(), taken)).toContain(`Service/${NAME}`);
    await cluster().kubectl('delete', 'service', '-n', taken, NAME);
    await serving(taken, 'True', 'Serving');
  });

  it('are written once: a second look changes nothing', async () => {
    const name = 'waypoint-quiet';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().podsReady(name, 2);
    await cluster().operator.stop();
    const before = cluster().audit().length;
    await cluster().operator.start();
    await cluster().time.sleep(5_000);
    const written = changesOf(cluster().audit().slice(before)).filter(
      ({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.resource !== 'leases',
    );
    expect(written).toEqual([]);
  });
}
