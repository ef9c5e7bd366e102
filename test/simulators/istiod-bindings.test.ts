import { conformance } from '../conformance/suite.js';
import { Golden } from './golden.js';
import { gateway, policy, service, type Json } from './istiod-objects.js';
import { create, expectSettled, seenIn } from './istiod-settled.js';

const golden = new Golden('istiod-bindings', 'a waypoint and nobody who uses it');

const use = (waypoint: string, more: Json = {}): Json => ({ 'istio.io/use-waypoint': waypoint, ...more });
const targets = (...targetRefs: Json[]): Json => ({ targetRefs, rules: [{}] });
const web = { group: '', kind: 'Service', name: 'web' };
const principals = { from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }] };
const methods = { to: [{ operation: { methods: ['GET'] } }] };

/** Services and policies in a namespace of their own, with a waypoint. */
const cases: Record<string, { namespace?: Json; objects: Json[] }> = {
  'a waypoint and nobody who uses it': { objects: [gateway(), service('web')] },
  'a Service that uses it': { objects: [gateway(), service('web', use('waypoint'))] },
  'a Service that uses one that does not exist': { objects: [service('web', use('missing'))] },
  'a Service that uses none': { namespace: use('waypoint'), objects: [gateway(), service('web', use('none'))] },
  'a namespace that uses it': { namespace: use('waypoint'), objects: [gateway(), service('web')] },
  'a namespace that uses one that does not exist': { namespace: use('missing'), objects: [service('web')] },
  'a Service of a namespace of its own choice': {
    objects: [service('web', use('waypoint', { 'istio.io/use-waypoint-namespace': 'elsewhere' }))],
  },
  'ingress through the waypoint': {
    objects: [gateway(), service('web', use('waypoint', { 'istio.io/ingress-use-waypoint': 'true' }))],
  },
  'ingress around the waypoint': {
    objects: [gateway(), service('web', use('waypoint', { 'istio.io/ingress-use-waypoint': 'false' }))],
  },
  'ingress through the waypoint, by the namespace': {
    namespace: use('waypoint', { 'istio.io/ingress-use-waypoint': 'true' }),
    objects: [gateway(), service('web')],
  },
  'a waypoint for workloads only': {
    objects: [
      gateway('waypoint', {}, { labels: { 'istio.io/waypoint-for': 'workload' } }),
      service('web', use('waypoint')),
    ],
  },
  'a Service without an address that uses it': {
    objects: [gateway(), service('web', use('waypoint'), { clusterIP: 'None' })],
  },
  'policies for ztunnel': {
    objects: [
      policy('everything', { rules: [{}] }),
      policy('nothing', {}),
      policy('allow-l4', { rules: [principals] }),
      policy('deny-l4', { action: 'DENY', rules: [principals] }),
      policy('selected', { selector: { matchLabels: { app: 'web' } }, rules: [principals] }),
    ],
  },
  'policies with HTTP for ztunnel': {
    objects: [
      policy('allow', { rules: [{ ...principals, ...methods }] }),
      policy('deny', { action: 'DENY', rules: [{ ...principals, ...methods }] }),
      policy('several', {
        rules: [
          { from: [{ source: { requestPrincipals: ['*'], remoteIpBlocks: ['10.0.0.0/8'] } }] },
          { to: [{ operation: { hosts: ['a'], notPaths: ['/b'] } }] },
          {
            when: [
              { key: 'request.headers[x]', values: ['y'] },
              { key: 'source.ip', values: ['10.0.0.1'] },
            ],
          },
        ],
      }),
    ],
  },
  // One at a time: istiod keeps such policies under one key, and forgets all but the last.
  'a policy that audits': { objects: [policy('audit', { action: 'AUDIT', rules: [principals] })] },
  'a policy of a provider': {
    objects: [policy('custom', { action: 'CUSTOM', provider: { name: 'ext' }, rules: [methods] })],
  },
  'a policy that is only tried': {
    objects: [policy('dry-run', { rules: [principals] }, { 'istio.io/dry-run': 'true' })],
  },
  'policies for Services': {
    objects: [
      gateway(),
      service('web', use('waypoint')),
      service('other'),
      policy('bound', targets(web)),
      policy('unbound', targets({ ...web, name: 'other' })),
      policy('missing', targets({ ...web, name: 'missing' })),
      policy('partly', targets(web, { ...web, name: 'other' })),
      policy('all', targets(web, { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' })),
      policy('neither', targets({ ...web, name: 'missing' }, { ...web, name: 'other' })),
    ],
  },
  'policies for Gateways': {
    objects: [
      gateway(),
      policy('bound', targets({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' })),
      policy('missing', targets({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'missing' })),
      policy('class', targets({ group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'istio-waypoint' })),
    ],
  },
};

conformance('istiod, bindings and policies', (test) => {
  for (const [name, { namespace: labels = {}, objects }] of Object.entries(cases)) {
    test(name, async (server) => {
      const namespace = await server.namespace(labels);
      await create(server, namespace, objects);
      await expectSettled(golden, name, async () => withoutRendered(await seenIn(server, namespace)));
    });
  }

  test('a policy is bound when its Service is', async (server) => {
    const namespace = await server.namespace();
    await create(server, namespace, [gateway(), service('web'), policy('allow', targets(web))]);
    const look = async (): Promise<unknown> => withoutRendered(await seenIn(server, namespace));
    await expectSettled(golden, 'before', look);
    await server.patch('merge', `/api/v1/namespaces/${namespace}/services/web`, {
      metadata: { labels: use('waypoint') },
    });
    await expectSettled(golden, 'after', look);
    await server.patch('merge', `/api/v1/namespaces/${namespace}/services/web`, {
      metadata: { labels: { 'istio.io/use-waypoint': null } },
    });
    await expectSettled(golden, 'before again', look);
  });

  test('a Service of another namespace', async (server) => {
    const [home, away] = [await server.namespace(), await server.namespace()];
    const all = { name: 'mesh', port: 15008, protocol: 'HBONE', allowedRoutes: { namespaces: { from: 'All' } } };
    await create(server, home, [gateway('closed'), gateway('open', { listeners: [all] })]);
    const there = { 'istio.io/use-waypoint-namespace': home };
    await create(server, away, [service('denied', use('closed', there)), service('allowed', use('open', there))]);
    const look = async (): Promise<unknown> => {
      const seen = JSON.stringify(withoutRendered(await seenIn(server, away)));
      return JSON.parse(seen.replaceAll(home, 'HOME'));
    };
    await expectSettled(golden, 'a Service of another namespace', look);
  });
});

/** What istiod renders for waypoints is compared elsewhere. */
function withoutRendered(seen: unknown): unknown {
  const entries = Object.entries(seen as Json).filter(([, value]) => (value as Json).ownerReferences === undefined);
  return Object.fromEntries(entries);
}
