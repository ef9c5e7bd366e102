import { expect, it } from 'vitest';
import { type Gateway, GATEWAY_CLASS } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { DEPLOYMENT, SERVICE } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import {
  ambient,
  deployed,
  deployment,
  gateway,
  GatewayWatcher,
  NAME,
  OURS,
  service,
  WAYPOINT_OF_ISTIOD,
} from './waypoint-gateways.js';

const SIDESTEP = { gatewayClassName: 'sidestep-waypoint' };

/** Waypoints that Sidestep deploys for classes other than `istio`. */
export function otherForms(cluster: () => Cluster): void {
  const watcher = new GatewayWatcher(cluster);

  const conditions = ({ status }: Gateway): Record<string, string> =>
    Object.fromEntries((status?.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]));

  const untilBound = (namespace: string, name: string): Promise<unknown> =>
    cluster().until(`${name} is bound`, async () => {
      const { status } = await cluster().client.get(SERVICE, { namespace, name });
      return findCondition(status?.conditions, 'istio.io/WaypointBound')?.status === 'True' || undefined;
    });

  it('of class sidestep-waypoint have their whole status from us, and istiod binds Services to them', async () => {
    const name = 'form-own';
    const chosen = service(name, 'web', { app: 'web' }, { 'istio.io/use-waypoint': NAME });
    await cluster().apply(yaml(ambient(name), deployment(name, 'web', {}), chosen, gateway(name, SIDESTEP)));
    const served = await watcher.serving(name, 'True', 'Serving');
    expect(conditions(served)).toEqual({
      Accepted: 'True Accepted',
      Programmed: 'True Programmed',
      ResolvedRefs: 'True ResolvedRefs',
      'sidestep.dev/Serving': 'True Serving',
    });
    expect(served.status?.addresses).toContainEqual({ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` });
    expect(served.status?.listeners).toMatchObject([{ name: 'mesh', attachedRoutes: 0 }]);
    expect(served.spec.addresses).toBeUndefined();
    await watcher.deployed(name, ...OURS);
    await untilBound(name, 'web');
    const { status } = await cluster().client.get(GATEWAY_CLASS, { name: 'sidestep-waypoint' });
    expect(findCondition(status?.conditions, 'Accepted')).toMatchObject({ status: 'True' });
    await cluster().podsReady(name, 3);
  });

  it('of class sidestep-waypoint are not accepted with another listener, and recover', async () => {
    const name = 'form-listener';
    const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
    await cluster().apply(yaml(ambient(name), gateway(name, { ...SIDESTEP, listeners })));
    const refused = await watcher.serving(name, 'False', 'UnsupportedListener');
    expect(conditions(refused)).toMatchObject({ Accepted: 'False ListenersNotValid', Programmed: 'False Invalid' });
    await cluster().apply(yaml(gateway(name, SIDESTEP)));
    await watcher.serving(name, 'True', 'Serving');
  });

  it('of class sidestep-waypoint leave no status behind when their class changes to one of somebody else', async () => {
    const name = 'form-foreign';
    await cluster().apply(yaml(ambient(name), gateway(name, SIDESTEP)));
    await watcher.serving(name, 'True', 'Serving');
    await cluster().apply(yaml(gateway(name, { gatewayClassName: 'of-somebody-else' })));
    await watcher.deployed(name);
    await cluster().until('the Gateway is as nobody has seen it', async () => {
      const found = await watcher.read(name);
      const { addresses, listeners } = found.status ?? {};
      expect([addresses, listeners, found.metadata.finalizers ?? []]).toEqual([undefined, undefined, []]);
      expect(conditions(found)).toEqual({ Accepted: 'Unknown Pending', Programmed: 'Unknown Pending' });
      return true;
    });
  });

  it('of class istio-waypoint are deployed by us if their address says so and somebody asks', async () => {
    const name = 'form-address';
    const addresses = [{ type: 'Hostname', value: `${NAME}.${name}.svc.cluster.local` }];
    await cluster().apply(yaml(ambient(name), gateway(name, { gatewayClassName: 'istio-waypoint', addresses })));
    await cluster().until('istiod looks at it', async () => {
      const { status } = await watcher.read(name);
      return findCondition(status?.conditions, 'Programmed')?.observedGeneration === 1 || undefined;
    });
    await cluster().time.sleep(2_000);
    expect(await deployed(cluster(), name)).toEqual([]);
    expect(conditions(await watcher.read(name))).not.toHaveProperty(['sidestep.dev/Serving']);
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve=true');
    const served = await watcher.serving(name, 'True', 'Serving');
    expect(conditions(served)).toMatchObject({ Accepted: 'True Accepted', Programmed: 'True Programmed' });
    expect(served.spec.addresses).toEqual(addresses);
    await watcher.deployed(name, ...OURS);
  });

  it('change into each other with the Deployment that they have', async () => {
    const name = 'form-changes';
    await cluster().apply(yaml(ambient(name), gateway(name)));
    await watcher.serving(name, 'True', 'Serving');
    const uid = async (): Promise<string | undefined> =>
      (await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME })).metadata.uid;
    const first = await uid();
    await cluster().apply(yaml(gateway(name, SIDESTEP)));
    const own = await watcher.serving(name, 'True', 'Serving');
    expect(conditions(own)).toMatchObject({ Accepted: 'True Accepted' });
    expect(await uid()).toBe(first);
    await cluster().apply(yaml(gateway(name)));
    await watcher.serving(name, 'True', 'Serving');
    await watcher.deployed(name, ...OURS);
    expect(await uid()).toBe(first);
    await cluster().apply(yaml(gateway(name, { gatewayClassName: 'istio-waypoint' })));
    await watcher.deployed(name, ...WAYPOINT_OF_ISTIOD);
    expect((await watcher.read(name)).spec.addresses).toBeUndefined();
  });
}
