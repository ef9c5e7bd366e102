import { conformance } from '../conformance/suite.js';
import { Golden } from './golden.js';
import { gateway, ingress, object, route, service, type Json } from './istiod-objects.js';
import { create, expectSettled, seenIn } from './istiod-settled.js';

const golden = new Golden('istiod-routes');

const web = { group: '', kind: 'Service', name: 'web' };
const edge = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
const use = { 'istio.io/use-waypoint': 'waypoint' };

/** HTTPRoutes in a namespace of their own, with what they need. */
const cases: Record<string, { namespace?: Json; objects: Json[] }> = {
  'of a Service with a waypoint': { objects: [gateway(), service('web', use), route('r', [web])] },
  'of a Service without a waypoint': { objects: [service('web'), route('r', [web])] },
  'of a Service of a namespace with a waypoint': {
    namespace: use,
    objects: [gateway(), service('web'), route('r', [web])],
  },
  'of a Service that does not exist': { objects: [service('other'), route('r', [web], { name: 'other', port: 80 })] },
  'to a Service that does not exist': {
    objects: [service('web', use), gateway(), route('r', [web], { name: 'missing', port: 80 })],
  },
  'to a Service of another namespace': {
    objects: [service('web'), route('r', [web], { name: 'web', namespace: 'elsewhere', port: 80 })],
  },
  'to another kind': {
    objects: [service('web'), route('r', [web], { group: 'example.com', kind: 'Thing', name: 'web', port: 80 })],
  },
  'of a Gateway': { objects: [ingress(), service('web'), route('r', [edge])] },
  'of a listener of a Gateway': {
    objects: [ingress(), service('web'), route('r', [{ ...edge, sectionName: 'http' }])],
  },
  'of a listener that does not exist': {
    objects: [ingress(), service('web'), route('r', [{ ...edge, sectionName: 'missing' }])],
  },
  'of a Gateway that does not exist': { objects: [service('web'), route('r', [edge])] },
  'of a waypoint': { objects: [gateway(), service('web'), route('r', [{ ...edge, name: 'waypoint' }])] },
  'of a Service and a Gateway': { objects: [ingress(), service('web'), route('r', [web, edge])] },
  'with a hostname that no listener has': {
    objects: [
      ingress({ listeners: [{ name: 'http', port: 80, protocol: 'HTTP', hostname: 'a.example.com' }] }),
      service('web'),
      object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'r', {
        spec: {
          parentRefs: [edge],
          hostnames: ['b.example.com'],
          rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
        },
      }),
    ],
  },
};

conformance('istiod, routes', (test) => {
  for (const [name, { namespace: labels = {}, objects }] of Object.entries(cases)) {
    test(name, async (server) => {
      const namespace = await server.namespace(labels);
      await create(server, namespace, objects);
      await expectSettled(golden, name, async () => routesAndListeners(await seenIn(server, namespace)));
    });
  }
});

/** The routes, and how many of them each listener says that it has. */
function routesAndListeners(seen: unknown): unknown {
  const entries = Object.entries(seen as Json).flatMap(([name, { parents, listeners }]: [string, Json]) => {
    if (parents !== undefined) return [[name, { parents }]];
    if (listeners === undefined) return [];
    return [[name, listeners.map((listener: Json) => ({ [listener.name]: listener.attachedRoutes }))]];
  });
  return Object.fromEntries(entries);
}
