import { describe, expect, test } from 'vitest';
import { type Condition, findCondition } from '../../../src/kube/conditions.js';
import { eventually } from '../../conformance/server.js';
import { gateway, ingress, type Json } from '../../simulators/istiod-objects.js';
import { pod, service } from '../ambient/objects.js';
import type { ConnectedProxy } from './connected-proxy.js';
import { AMBIENT, denies8080, UNCAPTURED, web } from './objects.js';
import { enforces, type Stage } from './stage.js';

/**
 * Gateways of class `istio` as waypoints: §3.7, and with the second one §5.1. What istiod deploys for these forms and for
 * form A, and their status, is in `test/simulators/istiod-gateways.test.ts`.
 */
export function gatewayForms(stage: () => Stage): void {
  const hbone = { name: 'mesh', port: 15008, protocol: 'HBONE' };
  const http = { name: 'http', port: 80, protocol: 'HTTP' };
  const bound = web({ 'istio.io/use-waypoint': 'edge' });
  const waypointOf = (namespace: string, service: string): object => ({
    destination: `${namespace}/${service}.${namespace}.svc.cluster.local`,
    hboneMtlsPort: 15008,
  });

  describe('§3.7, form F: a Gateway of class istio with an HBONE listener and no address', () => {
    const edge = (annotations: object = {}): Json => ingress({ listeners: [hbone] }, { annotations });

    test('binds no Service while it has no load balancer', async () => {
      const namespace = await stage().open(AMBIENT, edge(), bound);
      await stage().found(
        namespace,
        ['gateway.networking.k8s.io/v1', 'Gateway', 'edge'],
        ({ status }) => findCondition<Condition>(status?.conditions, 'Programmed')?.reason === 'AddressNotAssigned',
      );
      const { status } = await stage().found(namespace, ['v1', 'Service', 'web'], ({ status }) => status.conditions);
      expect(status.conditions).toMatchObject([
        { type: 'istio.io/WaypointBound', status: 'False', reason: 'WaypointIsNotReady' },
      ]);
      expect((await stage().ambientService(namespace, 'web')).waypoint).toBeUndefined();
    });

    test('binds a Service once it has one, and sends ztunnels to an address that they do not know', async () => {
      const namespace = await stage().open(AMBIENT, edge(), bound);
      await stage().found(namespace, ['v1', 'Service', 'edge-istio']);
      await stage().server.patch('merge', `/api/v1/namespaces/${namespace}/services/edge-istio/status`, {
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
      });
      await stage().boundService(namespace, 'web');
      const { waypoint } = await stage().ambientService(namespace, 'web');
      expect(waypoint).toEqual({ destination: '/203.0.113.7', hboneMtlsPort: 15008 });
      const { workloads, services } = await stage().ambientIndex();
      const known = [...workloads.flatMap(({ workloadIps }) => workloadIps), ...services.flatMap(({ vips }) => vips)];
      expect(known.filter((address) => address.includes('203.0.113.7'))).toEqual([]);
    });

    test('binds a Service at once if it needs none, and sends ztunnels to a router that does not listen', async () => {
      const inCluster = { 'networking.istio.io/service-type': 'ClusterIP' };
      const other = gateway('http', { gatewayClassName: 'istio', listeners: [http] }, { annotations: inCluster });
      const namespace = await stage().open(AMBIENT, edge(inCluster), bound, other);
      await stage().boundService(namespace, 'web');
      expect((await stage().ambientService(namespace, 'web')).waypoint).toEqual(waypointOf(namespace, 'edge-istio'));
      const listeners = async (of: string): Promise<string[]> => {
        const router = await eventually(`a pod of ${of}`, async () =>
          (await stage().names(namespace, 'v1', 'Pod')).find((name) => name.startsWith(of)),
        );
        return (await stage().proxy('router', namespace, router)).listeners();
      };
      expect(await listeners('http-istio')).toContain('0.0.0.0_80');
      expect(await listeners('edge-istio')).toEqual(['connect_originate']);
    });
  });

  describe('§3.7, form G: a Gateway of class istio with an HBONE listener and the address of a Service by hand', () => {
    const served = { 'gateway.istio.io/managed': 'istio.io-mesh-controller' };
    const ofGateway = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
    const tunnel = { name: 'mesh', port: 15008, appProtocol: 'hbone' };
    const byHand = service('hand', { selector: ofGateway, ports: [tunnel] }, { labels: served });
    const waypointPod = pod('hand', { labels: { ...ofGateway, ...served, ...UNCAPTURED } });
    const toGateway = { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }] };
    const toService = { targetRefs: [{ group: '', kind: 'Service', name: 'web' }] };

    interface Served {
      namespace: string;
      /** Address of the Service that is bound. */
      address: string;
      proxy: ConnectedProxy;
      listener: Json;
      /** What the waypoint does with what is for the Service. */
      chain: Json;
    }

    async function served8080(): Promise<Served> {
      const namespace = await stage().open(AMBIENT, byHand, waypointPod, bound);
      const addresses = [{ type: 'Hostname', value: `hand.${namespace}.svc.cluster.local` }];
      await stage().add(namespace, ingress({ listeners: [hbone], addresses }));
      await stage().add(namespace, denies8080('to-gateway', toGateway), denies8080('to-service', toService));
      const { spec } = await stage().boundService(namespace, 'web');
      const proxy = await stage().proxy('waypoint', namespace, 'hand');
      const listener = await proxy.listener('main_internal', (each) =>
        ['to-gateway', 'to-service'].every((policy) => enforces(each, policy)),
      );
      const name = `inbound-vip|80|http|web.${namespace}.svc.cluster.local`;
      const chain = listener.filterChains.find((each: Json) => each.name === name) as Json;
      return { namespace, address: spec.clusterIP as string, proxy, listener, chain };
    }

    test('binds Services, and its pod is a waypoint to them, with the policies for either', async () => {
      const { namespace, proxy, chain } = await served8080();
      expect((await stage().ambientService(namespace, 'web')).waypoint).toEqual(waypointOf(namespace, 'hand'));
      expect(await proxy.listeners()).toContain('connect_terminate');
      expect(['to-gateway', 'to-service'].map((policy) => enforces(chain, policy))).toEqual([true, true]);
    });

    // That both inputs are the port of the connection's own address is Envoy's.
    test('§5.1: has the port of a policy as it is, in the filter chain for the port of the Service', async () => {
      const { address, listener, chain } = await served8080();
      const { rangeMatchers } = listener.filterChainMatcher.matcherTree.customMatch.typedConfig;
      const forService = rangeMatchers.find(({ ranges }: Json) => ranges[0].addressPrefix === address);
      const { input, exactMatchMap } = forService.onMatch.matcher.matcherTree;
      expect(input.typedConfig['@type']).toMatch(/DestinationPortInput$/);
      expect(Object.keys(exactMatchMap.map as object)).toEqual(['80']);
      expect(exactMatchMap.map['80'].action.name).toBe(chain.name);
      expect(JSON.stringify(chain.filters)).toContain('"destinationPort":8080');
    });
  });
}
