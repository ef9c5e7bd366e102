import { expect, it } from 'vitest';
import { GATEWAY } from '../../src/api/gateway-api.js';
import { LABEL } from '../../src/api/labels.js';
import type { KubeObject } from '../../src/kube/resource.js';
import { DEPLOYMENT, NAMESPACE, POD } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import {
  ambient,
  article,
  DEPLOYED,
  deployed,
  deployment,
  gateway,
  GatewayWatcher,
  NAME,
  OURS,
  waypointsOf,
} from './waypoint-gateways.js';

/** Waypoints that are to go while something depends on them. */
export function leavingWaypoints(cluster: () => Cluster): void {
  const watcher = new GatewayWatcher(cluster);

  const untilBound = (name: string): Promise<unknown> =>
    cluster().until('web is bound', async () => (await waypointsOf(cluster(), name))['web'] === NAME || undefined);

  const policy = (namespace: string, targetRef: object): object => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'gets', namespace },
    spec: { targetRefs: [targetRef], rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
  });

  const objectsOf = async (namespace: string): Promise<KubeObject[]> => {
    const lists = await Promise.all(DEPLOYED.map((type) => cluster().client.list<KubeObject>(type, { namespace })));
    return lists.flatMap(({ items }) => items).filter(({ metadata }) => metadata.name === NAME);
  };

  /** What runs the waypoint, pods included; those of the ingress gateway that istiod deploys by mistake end when they end. */
  const identities = async (namespace: string): Promise<unknown[]> => {
    const { items } = await cluster().client.list(POD, { namespace, labelSelector: `${LABEL.gatewayName}=${NAME}` });
    const pods = items.filter(({ metadata }) => !metadata.name.startsWith(`${NAME}-istio-`));
    return [...(await objectsOf(namespace)), ...pods].map(({ metadata }) => metadata.uid).sort();
  };

  it('stay, bound, until no policy depends on them', async () => {
    const name = 'leaving-policy';
    await cluster().apply(yaml(...article(name), policy(name, { kind: 'Service', group: '', name: 'web' })));
    await untilBound(name);
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await watcher.serving(name, 'False', 'PoliciesDepend');
    expect(await cluster().eventNote(name, 'PoliciesDepend')).toMatch(/AuthorizationPolicy leaving-policy\/gets/);
    await cluster().time.sleep(3_000);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME });
    expect(await deployed(cluster(), name)).toEqual([...OURS].sort());
    await cluster().kubectl('delete', 'authorizationpolicy', '-n', name, 'gets');
    await watcher.deployed(name);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: undefined });
  });

  // As `kubectl delete --cascade=foreground` and Argo CD do.
  it.each(['istio', 'sidestep-waypoint'])(
    'stay as they are while a Gateway of class %s waits that is deleted in the foreground',
    async (gatewayClassName) => {
      const name = `leaving-foreground-${gatewayClassName}`;
      const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: NAME };
      await cluster().apply(yaml(...article(name, { gatewayClassName }), policy(name, target)));
      await untilBound(name);
      const { addresses } = (await watcher.serving(name, 'True', 'Serving')).status ?? {};
      const before = await identities(name);
      await cluster().client.delete(GATEWAY, { namespace: name, name: NAME }, { propagationPolicy: 'Foreground' });
      await watcher.serving(name, 'False', 'PoliciesDepend');
      await cluster().until('the garbage collector is done, and the objects have both owners', async () => {
        const { finalizers } = (await watcher.read(name)).metadata;
        const owners = (await objectsOf(name)).map(({ metadata }) => metadata.ownerReferences?.length);
        return (finalizers?.join() === 'sidestep.dev/waypoint' && owners.every((count) => count === 2)) || undefined;
      });
      await cluster().time.sleep(3_000);
      expect(await identities(name)).toEqual(before);
      expect((await watcher.read(name)).status?.addresses).toEqual(addresses);
      expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME });
      await cluster().kubectl('delete', 'authorizationpolicy', '-n', name, 'gets');
      await watcher.deployed(name);
    },
  );

  it('are deployed again when a hand takes something away while they wait', async () => {
    const name = 'leaving-hands';
    await cluster().apply(yaml(...article(name), policy(name, { kind: 'Service', group: '', name: 'web' })));
    await untilBound(name);
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await watcher.serving(name, 'False', 'PoliciesDepend');
    await cluster().client.delete(DEPLOYMENT, { namespace: name, name: NAME });
    await watcher.deployed(name, ...OURS);
    await cluster().client.delete(NAMESPACE, { name });
    const isGone = async (): Promise<true | undefined> => {
      const { items } = await cluster().client.list(NAMESPACE);
      return !items.some(({ metadata }) => metadata.name === name) || undefined;
    };
    await cluster().until('the namespace is gone', isGone, { timeoutMs: 90_000 });
  });

  it('go at once if somebody insists', async () => {
    const name = 'leaving-forced';
    const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: NAME };
    await cluster().apply(yaml(...article(name), policy(name, target)));
    await untilBound(name);
    await cluster().client.delete(GATEWAY, { namespace: name, name: NAME });
    await watcher.serving(name, 'False', 'PoliciesDepend');
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/force-delete=true');
    await watcher.deployed(name);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: undefined });
  });

  it('leave nothing behind when a hand takes the finalizer away, and nothing goes with it that others need', async () => {
    const name = 'leaving-hand';
    await cluster().apply(yaml(...article(name), policy(name, { kind: 'Service', group: '', name: 'web' })));
    await untilBound(name);
    const before = await identities(name);
    const withoutFinalizers = { op: 'remove', path: '/metadata/finalizers' } as const;
    // As `kubectl replace` does with a manifest that declines the Gateway.
    const declined = { op: 'add', path: '/metadata/annotations', value: { 'sidestep.dev/serve': 'false' } } as const;
    const ref = { namespace: name, name: NAME };
    const fieldManager = 'test';
    await cluster().client.jsonPatch(GATEWAY, ref, [withoutFinalizers, declined], { fieldManager });
    await watcher.serving(name, 'False', 'PoliciesDepend');
    expect((await watcher.read(name)).metadata.finalizers).toEqual(['sidestep.dev/waypoint']);
    expect(await identities(name)).toEqual(before);
    expect(await waypointsOf(cluster(), name)).toEqual({ web: NAME });
    await cluster().client.delete(GATEWAY, ref);
    await cluster().client.jsonPatch(GATEWAY, ref, [withoutFinalizers], { fieldManager });
    await watcher.deployed(name);
  });

  it('stay while a namespace or a pod names them, wherever it is', async () => {
    const name = 'leaving-named';
    const far = 'leaving-far';
    await cluster().apply(yaml(ambient(name), gateway(name), ambient(far)));
    await watcher.serving(name, 'True', 'Serving');
    const labels = ['istio.io/use-waypoint', 'istio.io/use-waypoint-namespace'];
    await cluster().kubectl('label', 'namespace', far, `${labels[0]}=${NAME}`, `${labels[1]}=${name}`);
    await cluster().apply(yaml(deployment(far, 'web', {})));
    await cluster().podsReady(far, 1);
    await cluster().kubectl(
      'label',
      'pods',
      '-n',
      far,
      '-l',
      'app=web',
      `${labels[0]}=${NAME}`,
      `${labels[1]}=${name}`,
    );
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve=false');
    await watcher.serving(name, 'False', 'StillNamed');
    const noteMatches = (pattern: RegExp): Promise<unknown> =>
      cluster().until(
        `${pattern}`,
        async () => pattern.test(JSON.stringify((await watcher.read(name)).status)) || undefined,
      );
    await noteMatches(/Namespace leaving-far, Pod leaving-far\/web-/);
    await cluster().kubectl('label', 'namespace', far, ...labels.map((label) => `${label}-`));
    await noteMatches(/still named by Pod leaving-far\/web-/);
    expect(await deployed(cluster(), name)).toEqual([...OURS].sort());
    await cluster().client.delete(NAMESPACE, { name: far });
    await watcher.serving(name, 'False', 'OptedOut');
  });
}
