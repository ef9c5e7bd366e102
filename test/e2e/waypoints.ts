import { expect, it } from 'vitest';
import { GATEWAY } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import { DEPLOYMENT, NAMESPACE, SERVICE } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import {
  ambient,
  article,
  deployed,
  deployment,
  gateway,
  GatewayWatcher,
  INGRESS_OF_ISTIOD,
  NAME,
  OURS,
  service,
  WAYPOINT_OF_ISTIOD,
  waypointsOf,
} from './waypoint-gateways.js';

/** What the controller of namespaces may take beside other work: it waits between its looks at what is left. Milliseconds. */
const NAMESPACE_GONE_MS = 90_000;

/** Waypoints of class `istio`, which Sidestep deploys. */
export function waypoints(cluster: () => Cluster): void {
  const watcher = new GatewayWatcher(cluster);
  const read = watcher.read.bind(watcher);
  const serving = watcher.serving.bind(watcher);
  const whenDeployed = watcher.deployed.bind(watcher);

  it('get a Deployment of their very name, and istiod deploys nothing', async () => {
    const name = 'waypoint-article';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    const served = await serving(name, 'True', 'Serving');
    await whenDeployed(name, ...OURS);
    expect(served.spec.addresses).toEqual([{ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` }]);
    expect(findCondition(served.status?.conditions, 'Programmed')).toMatchObject({ status: 'True' });
    expect(served.status?.addresses).toContainEqual({ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` });
    await cluster().podsReady(name, 2);
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
    await serving(name, 'False', 'StillNamed');
    expect(await cluster().eventNote(name, 'StillNamed')).toMatch(/Service waypoint-let-go\/own/);
    expect(await deployed(cluster(), name)).toEqual([...OURS].sort());
    await cluster().kubectl('label', 'service', '-n', name, 'own', 'istio.io/use-waypoint-');
    await whenDeployed(name);
    // In a namespace where there is none of the name.
    expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME, own: undefined });
  });

  it('take everything along when they are deleted', async () => {
    const name = 'waypoint-deleted';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await whenDeployed(name);
    await cluster().until('the end of the Gateway', () =>
      read(name).then(
        () => undefined,
        (error) => isNotFound(error) || undefined,
      ),
    );
  });

  it('do not hold a namespace back that is deleted', async () => {
    const name = 'waypoint-namespace';
    await cluster().apply(yaml(...article(name)));
    await cluster().until(
      'web is bound',
      async () => (await waypointsOf(cluster(), name))['web'] === NAME || undefined,
    );
    await cluster().client.delete(NAMESPACE, { name });
    const look = (): Promise<true | undefined> =>
      cluster()
        .client.get(NAMESPACE, { name })
        .then(
          () => undefined,
          (error) => isNotFound(error) || undefined,
        );
    await cluster().until('the end of the namespace', look, { timeoutMs: NAMESPACE_GONE_MS });
  });

  it('are given up when they turn into something else', async () => {
    const name = 'waypoint-changed';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().apply(yaml(gateway(name, { gatewayClassName: 'istio-waypoint' })));
    await whenDeployed(name, ...WAYPOINT_OF_ISTIOD);
    const { metadata } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
    expect(metadata.labels).toMatchObject({ 'gateway.istio.io/managed': 'istio.io-mesh-controller' });
    await cluster().until('nothing is said of it any more', async () => {
      const { metadata: left, status } = await read(name);
      const isSaid = findCondition(status?.conditions, 'sidestep.dev/Serving') !== undefined;
      return (!isSaid && (left.finalizers ?? []).length === 0) || undefined;
    });
  });

  it('go back to istiod with an annotation, and come again without it', async () => {
    const name = 'waypoint-opt-out';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await serving(name, 'True', 'Serving');
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve=false');
    const declined = await serving(name, 'False', 'OptedOut');
    await whenDeployed(name, ...INGRESS_OF_ISTIOD);
    expect(declined.spec.addresses ?? []).toEqual([]);
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve-');
    await serving(name, 'True', 'Serving');
    await whenDeployed(name, ...OURS);
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
    await cluster().until('the key is named', async () => {
      const refused = await serving(name, 'False', 'ParametersInvalid');
      return JSON.stringify(refused.status?.conditions).includes('key ingress: no such key') || undefined;
    });
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
}
