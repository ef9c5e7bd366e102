import { conformance } from '../conformance/suite.js';
import { Golden } from './golden.js';
import { configMap, deployment, gateway, ingress, object, service, type Json } from './istiod-objects.js';
import { create, expectSettled, seenIn } from './istiod-settled.js';

const golden = new Golden('istiod-gateways', 'a waypoint');

const hbone = { name: 'mesh', port: 15008, protocol: 'HBONE' };
const hostname = (value: string): Json => ({ type: 'Hostname', value });
const tunnel = { ports: [{ name: 'mesh', port: 15008, appProtocol: 'hbone' }] };

/** Gateways in a namespace of their own, with what they need. */
const cases: Record<string, { namespace?: Json; objects: (namespace: string) => Json[] }> = {
  'a waypoint': { objects: () => [gateway()] },
  'a waypoint for workloads': {
    objects: () => [gateway('waypoint', {}, { labels: { 'istio.io/waypoint-for': 'all' } })],
  },
  'a waypoint with labels and annotations of its own': {
    objects: () => [
      gateway(
        'waypoint',
        {},
        { labels: { team: 'shop' }, annotations: { note: 'mine', 'sidecar.istio.io/logLevel': 'debug' } },
      ),
    ],
  },
  'a waypoint with labels and annotations for its infrastructure': {
    objects: () => [
      gateway(
        'waypoint',
        { infrastructure: { labels: { a: 'b', 'topology.istio.io/network': 'west' }, annotations: { c: 'd' } } },
        { labels: { team: 'shop' }, annotations: { note: 'mine' } },
      ),
    ],
  },
  'a waypoint with another port': { objects: () => [gateway('waypoint', { listeners: [{ ...hbone, port: 15009 }] })] },
  'a waypoint with a second listener': {
    objects: () => [gateway('waypoint', { listeners: [hbone, { name: 'http', port: 80, protocol: 'HTTP' }] })],
  },
  'a waypoint that other namespaces may use': {
    objects: () => [gateway('waypoint', { listeners: [{ ...hbone, allowedRoutes: { namespaces: { from: 'All' } } }] })],
  },
  'a waypoint with kinds of routes that it cannot have': {
    objects: () => [
      gateway('waypoint', { listeners: [{ ...hbone, allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } }] }),
    ],
  },
  'a waypoint with another name for its objects': {
    objects: () => [
      gateway(
        'waypoint',
        {},
        {
          annotations: { 'gateway.istio.io/name-override': 'other', 'gateway.istio.io/service-account': 'identity' },
        },
      ),
    ],
  },
  'a waypoint with parameters': {
    objects: () => [
      configMap('parameters', {
        deployment:
          'spec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      - name: istio-proxy\n        env:\n        - name: EXTRA\n          value: "yes"\n',
        horizontalPodAutoscaler: 'spec:\n  minReplicas: 2\n  maxReplicas: 3\n',
        podDisruptionBudget: 'spec:\n  minAvailable: 1\n',
      }),
      gateway('waypoint', { infrastructure: { parametersRef: { group: '', kind: 'ConfigMap', name: 'parameters' } } }),
    ],
  },
  'a waypoint with parameters that do not exist': {
    objects: () => [
      gateway('waypoint', { infrastructure: { parametersRef: { group: '', kind: 'ConfigMap', name: 'parameters' } } }),
    ],
  },
  'a waypoint whose Service somebody else has made': {
    objects: () => [service('waypoint', {}, { ...tunnel, selector: { app: 'mine' } }), gateway()],
  },
  'a waypoint with an address': {
    objects: () => [gateway('waypoint', { addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] })],
  },
  'a waypoint of a newer istiod': {
    objects: () => [gateway('waypoint', {}, { annotations: { 'gateway.istio.io/controller-version': '6' } })],
  },
  'a waypoint of a deployment by hand': {
    objects: (namespace) => [
      deployment('hand', 15008),
      service('hand', {}, { ...tunnel, selector: { app: 'hand' } }),
      gateway('waypoint', { addresses: [hostname(`hand.${namespace}.svc.cluster.local`)] }),
    ],
  },
  'a waypoint of another revision': {
    namespace: { 'istio.io/rev': 'canary' },
    objects: () => [gateway()],
  },
  'a waypoint of the revision by its own label': {
    namespace: { 'istio.io/rev': 'canary' },
    objects: () => [gateway('waypoint', {}, { labels: { 'istio.io/rev': 'default' } })],
  },
  'class istio with HBONE': { objects: () => [ingress({ listeners: [hbone] })] },
  'class istio with HBONE, deployed by hand': {
    objects: (namespace) => [
      deployment('hand', 15008),
      service('hand', {}, { ...tunnel, selector: { app: 'hand' } }),
      ingress({ listeners: [hbone], addresses: [hostname(`hand.${namespace}.svc.cluster.local`)] }),
    ],
  },
  'class istio with HBONE, by a Service that does not exist': {
    objects: (namespace) => [
      ingress({ listeners: [hbone], addresses: [hostname(`hand.${namespace}.svc.cluster.local`)] }),
    ],
  },
  'class istio with HBONE, by a Service without the port': {
    objects: () => [
      deployment('hand'),
      service('hand'),
      ingress({ listeners: [hbone], addresses: [hostname('hand')] }),
    ],
  },
  'class istio with HBONE, by a Service without pods': {
    objects: () => [service('hand', {}, tunnel), ingress({ listeners: [hbone], addresses: [hostname('hand')] })],
  },
  'class istio with HBONE, by a Service whose port is another one': {
    objects: () => [
      deployment('hand', 15008),
      service('hand', {}, { ports: [{ port: 80, targetPort: 15008 }] }),
      ingress({ listeners: [hbone], addresses: [hostname('hand')] }),
    ],
  },
  'class istio with HTTP': { objects: () => [ingress()] },
  'class istio with HTTP and no load balancer': {
    objects: () => [ingress({}, { annotations: { 'networking.istio.io/service-type': 'ClusterIP' } })],
  },
  'class istio with several listeners': {
    objects: () => [
      ingress({
        listeners: [
          { name: 'a', port: 80, protocol: 'HTTP', hostname: 'a.example.com' },
          { name: 'b', port: 80, protocol: 'HTTP', hostname: 'b.example.com' },
          { name: 'tcp', port: 9000, protocol: 'TCP' },
          { name: 'udp', port: 53, protocol: 'UDP' },
        ],
      }),
    ],
  },
  'class istio with two addresses': {
    objects: () => [ingress({ addresses: [hostname('one'), { type: 'IPAddress', value: '10.1.2.3' }] })],
  },
  'class istio-remote': {
    objects: () => [gateway('far', { gatewayClassName: 'istio-remote', addresses: [hostname('far.example.com')] })],
  },
  'a class that nobody knows': { objects: () => [gateway('alien', { gatewayClassName: 'alien' })] },
};

conformance('istiod, gateways', (test) => {
  for (const [name, { namespace: labels = {}, objects }] of Object.entries(cases)) {
    test(name, async (server) => {
      const namespace = await server.namespace(labels);
      await create(server, namespace, objects(namespace));
      await expectSettled(golden, name, () => seenIn(server, namespace));
    });
  }

  test('classes', async (server) => {
    const { items } = (await server.get('/apis/gateway.networking.k8s.io/v1/gatewayclasses')).body;
    const istios = (items as Json[]).filter(({ metadata }) => /^istio/.test(metadata.name as string));
    const told = istios.map(({ metadata, spec, status }) => {
      const conditions = status.conditions.map((condition: Json) => ({ ...condition, lastTransitionTime: 'TIME' }));
      return { name: metadata.name, spec, conditions };
    });
    golden.expect('classes', told);
  });

  test('a class that is deleted comes back', async (server) => {
    const path = '/apis/gateway.networking.k8s.io/v1/gatewayclasses/istio-remote';
    const { uid } = (await server.get(path)).body.metadata;
    await server.delete(path);
    await expectSettled(golden, 'a class that is deleted comes back', async () => {
      const { metadata, spec } = (await server.get(path)).body;
      return { isNew: metadata.uid !== undefined && metadata.uid !== uid, spec };
    });
  });

  test('a Gateway that is taken over keeps what istiod made', async (server) => {
    const namespace = await server.namespace();
    await create(server, namespace, [ingress({ listeners: [hbone] })]);
    await expectSettled(golden, 'class istio with HBONE', () => seenIn(server, namespace));
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways/edge`;
    const addresses = [hostname(`hand.${namespace}.svc.cluster.local`)];
    const takeover = object('gateway.networking.k8s.io/v1', 'Gateway', 'edge', { spec: { addresses } });
    await server.apply(path, takeover, 'sidestep');
    await expectSettled(golden, 'a Gateway that is taken over keeps what istiod made', () => seenIn(server, namespace));
  });
});
