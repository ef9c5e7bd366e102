import { expect, it } from 'vitest';
import { type Gateway, GATEWAY, HTTP_ROUTE } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import type { KubeObject } from '../../src/kube/resource.js';
import { EVENT, type Event, NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';

const USE = 'istio.io/use-waypoint';
const CREATED = 'sidestep.dev/waypoint-created';
const MISSING_SINCE = 'sidestep.dev/waypoint-missing-since';
const UNUSED_SINCE = 'sidestep.dev/unused-since';
const DATAPLANE = 'sidestep.dev/dataplane';

const LONG_AGO = '2020-01-01T00:00:00Z';

/** An ambient namespace with other labels besides. */
const ambient = (name: string, labels: Record<string, string> = {}): object =>
  namespace(name, { 'istio.io/dataplane-mode': 'ambient', ...labels });

const service = (inNamespace: string, name: string, selector: object, labels: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: inNamespace, labels },
  spec: { selector, ports: [{ name: 'http', port: 8080 }] },
});

const account = (inNamespace: string, name: string, labels: object): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: inNamespace, labels },
});

/** A Deployment under an account. */
const under = (serviceAccountName: string, of: object): object => {
  const copy = structuredClone(of) as { spec: { template: { spec: object } } };
  Object.assign(copy.spec.template.spec, { serviceAccountName });
  return copy;
};

/** A waypoint of a person's own. */
const waypoint = (inNamespace: string, name: string, from?: string): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: inNamespace },
  spec: {
    gatewayClassName: 'istio-waypoint',
    listeners: [
      { name: 'mesh', port: 15008, protocol: 'HBONE', ...(from && { allowedRoutes: { namespaces: { from } } }) },
    ],
  },
});

const route = (inNamespace: string, name: string, rule: object): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: inNamespace },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'backend', port: 8080 }], rules: [rule] },
});

/** Waypoints that labels of Namespaces and ServiceAccounts ask for. */
export function namespaceWaypoints(cluster: () => Cluster): void {
  const findGateway = (inNamespace: string, name = 'waypoint'): Promise<Gateway | undefined> =>
    cluster()
      .client.get<Gateway>(GATEWAY, { namespace: inNamespace, name })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });

  const whenMade = (inNamespace: string, name = 'waypoint'): Promise<Gateway> =>
    cluster().until(`Gateway ${inNamespace}/${name}`, () => findGateway(inNamespace, name), { timeoutMs: 60_000 });

  const whenGone = (inNamespace: string, name = 'waypoint'): Promise<unknown> =>
    cluster().until(
      `the end of ${inNamespace}/${name}`,
      async () => (await findGateway(inNamespace, name)) === undefined || undefined,
    );

  const annotationsOf = async (name: string): Promise<Record<string, string>> =>
    (await cluster().client.get(NAMESPACE, { name })).metadata.annotations ?? {};

  const whenAnnotated = (name: string, key: string, value: string | undefined): Promise<unknown> =>
    cluster().until(`${key}=${value} on ${name}`, async () => {
      const annotations = await annotationsOf(name);
      if (annotations[key] === value) return true;
      throw new Error(JSON.stringify(annotations));
    });

  const boundBy = async (inNamespace: string, name: string): Promise<KubeObject['metadata']> =>
    cluster().until(
      `${name} bound`,
      async () => {
        const { metadata, status } = await cluster().client.get(SERVICE, { namespace: inNamespace, name });
        const bound = findCondition(status?.conditions, 'istio.io/WaypointBound');
        if (bound?.status === 'True') return metadata;
        throw new Error(JSON.stringify(bound));
      },
      { timeoutMs: 60_000 },
    );

  const whenTold = (inNamespace: string, reason: string, text: RegExp): Promise<Event> =>
    cluster().until(
      `Event ${reason} ${text} in ${inNamespace}`,
      async () => {
        const { items } = await cluster().client.list(EVENT, { namespace: inNamespace });
        const found = items.find((event) => event.reason === reason && text.test(event.note ?? ''));
        if (found) return found;
        throw new Error(items.map(({ reason: is, note }) => `${is}: ${note}`).join('\n'));
      },
      { timeoutMs: 75_000 },
    );

  const missingMetric = async (inNamespace: string, name: string): Promise<string | undefined> =>
    (await cluster().operator.metrics()).match(
      new RegExp(`^sidestep_waypoint_missing\\{namespace="${inNamespace}",name="${name}"\\} (\\d+)$`, 'm'),
    )?.[1];

  const setLabel = (kind: string, name: string, label: string, ...where: string[]): Promise<string> =>
    cluster().kubectl('label', kind, name, label, '--overwrite', ...where);

  /** On a real clock five minutes are not waited for: the operator reads the time from the annotation. */
  const passUnused = async (inNamespace: string, name = 'waypoint'): Promise<void> => {
    await cluster().until('it counts as unused', async () =>
      (await findGateway(inNamespace, name))?.metadata.annotations?.[UNUSED_SINCE] === undefined ? undefined : true,
    );
    if (cluster().kind === 'sandbox') return cluster().time.sleep(305_000);
    const value = `${UNUSED_SINCE}=${LONG_AGO}`;
    await cluster().kubectl('annotate', 'gateway', name, '-n', inNamespace, value, '--overwrite');
  };

  it('come 30 s after the label of an ambient namespace, once, and their Services are bound', async () => {
    const name = 'label-namespace';
    await cluster().apply(
      yaml(
        ambient(name, { [USE]: 'waypoint', 'istio.io/rev': 'default', 'istio-injection': 'disabled' }),
        deployment(name, 'web'),
        service(name, 'web', { app: 'web' }),
        service(name, 'own', { app: 'web' }, { [USE]: 'none' }),
      ),
    );
    await cluster().until(
      'the wait',
      async () => (await annotationsOf(name))[MISSING_SINCE]?.startsWith('waypoint/') || undefined,
    );
    expect(await findGateway(name)).toBeUndefined();
    expect(await missingMetric(name, 'waypoint')).toBe('1');
    const { metadata, spec } = await whenMade(name);
    expect(spec.gatewayClassName).toBe('istio-waypoint');
    expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'sidestep', 'istio.io/rev': 'default' });
    await whenAnnotated(name, CREATED, 'waypoint');
    await whenAnnotated(name, MISSING_SINCE, undefined);
    await whenAnnotated(name, DATAPLANE, 'Ambient');
    await boundBy(name, 'web');
    const { status } = await cluster().client.get(SERVICE, { namespace: name, name: 'own' });
    expect(findCondition(status?.conditions, 'istio.io/WaypointBound')).toBeUndefined();
    expect(await missingMetric(name, 'waypoint')).toBeUndefined();
    await whenTold(name, 'WaypointCreated', /label-namespace\/waypoint/);

    await cluster().client.delete(GATEWAY, { namespace: name, name: 'waypoint' });
    await whenTold(name, 'WaypointMissing', /somebody has deleted it/);
    expect(await findGateway(name)).toBeUndefined();
    expect(await missingMetric(name, 'waypoint')).toBe('1');
  });

  it('go when nothing has used them for 5 min: no label anywhere, no policy', async () => {
    const name = 'label-removed';
    const user = 'label-removed-user';
    const policy = { namespace: name, name: 'only-get' };
    await cluster().apply(
      yaml(
        ambient(name, { [USE]: 'waypoint' }),
        ambient(user),
        service(user, 'web', { app: 'web' }, { [USE]: 'waypoint', 'istio.io/use-waypoint-namespace': name }),
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: policy,
          spec: {
            targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }],
            rules: [{ to: [{ operation: { methods: ['GET'] } }] }],
          },
        },
      ),
    );
    await cluster().kubectl('annotate', 'namespace', name, `${MISSING_SINCE}=waypoint/${LONG_AGO}`, '--overwrite');
    await whenMade(name);
    await whenAnnotated(name, CREATED, 'waypoint');
    await setLabel('namespace', name, `${USE}-`);
    await cluster().time.sleep(cluster().kind === 'sandbox' ? 400_000 : 2_000);
    expect((await whenMade(name)).metadata.annotations?.[UNUSED_SINCE]).toBeUndefined();
    await setLabel('service', 'web', `${USE}-`, '-n', user);
    await cluster().time.sleep(cluster().kind === 'sandbox' ? 400_000 : 2_000);
    expect((await whenMade(name)).metadata.annotations?.[UNUSED_SINCE]).toBeUndefined();
    await cluster().kubectl('delete', 'authorizationpolicy', policy.name, '-n', name);
    // Whatever its class is by now.
    await cluster().kubectl(
      'patch',
      'gateway',
      'waypoint',
      '-n',
      name,
      '--type=merge',
      '-p',
      '{"spec":{"gatewayClassName":"istio-remote"}}',
    );
    await passUnused(name);
    await whenGone(name);
    await whenAnnotated(name, CREATED, undefined);
    await whenTold(name, 'WaypointRemoved', /label-removed\/waypoint/);
  });

  it('are never made, and never deleted, where they are a person’s or another namespace’s', async () => {
    const name = 'label-theirs';
    const shared = 'label-shared';
    const taken = 'label-taken';
    await cluster().apply(
      yaml(
        ambient(name, { [USE]: 'waypoint', 'istio.io/use-waypoint-namespace': shared }),
        deployment(name, 'web'),
        service(name, 'web', { app: 'web' }),
        ambient(shared, { [USE]: 'theirs' }),
        waypoint(shared, 'theirs'),
        ambient(taken, { [USE]: 'web' }),
        service(taken, 'web', { app: 'web' }),
      ),
    );
    await whenTold(name, 'WaypointMissing', /Gateway label-shared\/waypoint is missing.*namespace label-theirs/);
    await whenTold(taken, 'WaypointMissing', /Service web has the name that the waypoint needs/);
    expect(await findGateway(taken, 'web')).toBeUndefined();
    expect(await findGateway(shared)).toBeUndefined();
    expect(await findGateway(name)).toBeUndefined();
    await cluster().apply(yaml(waypoint(shared, 'waypoint')));
    await whenTold(name, 'WaypointNotBound', /allowedRoutes/);
    await cluster().apply(yaml(waypoint(shared, 'waypoint', 'All')));
    await boundBy(name, 'web');
    await setLabel('namespace', shared, `${USE}-`);
    await cluster().time.sleep(cluster().kind === 'sandbox' ? 400_000 : 2_000);
    const theirs = await whenMade(shared, 'theirs');
    expect(theirs.metadata.annotations?.[UNUSED_SINCE]).toBeUndefined();
    expect(await annotationsOf(shared)).not.toHaveProperty([CREATED]);
  });

  it('come for the label of a ServiceAccount, and routes with weights and mirroring on its Services stay accepted', async () => {
    const name = 'label-account';
    const backendRefs = [
      { name: 'backend-v1', port: 8080, weight: 90 },
      { name: 'backend-v2', port: 8080, weight: 10 },
    ];
    const requestMirror = { backendRef: { name: 'backend-v2', port: 8080 } };
    const mirror = { filters: [{ type: 'RequestMirror', requestMirror }], backendRefs: backendRefs.slice(0, 1) };
    await cluster().apply(
      yaml(
        ambient(name),
        account(name, 'backend', { [USE]: 'backend-waypoint' }),
        ...['v1', 'v2'].flatMap((version) => [
          under('backend', deployment(name, `backend-${version}`, { labels: { part: 'backend' } })),
          service(name, `backend-${version}`, { app: `backend-${version}` }),
        ]),
        deployment(name, 'other', { labels: { half: 'yes' } }),
        under('backend', deployment(name, 'half', { labels: { half: 'yes' } })),
        service(name, 'mixed', { half: 'yes' }),
        service(name, 'backend', { part: 'backend' }),
        service(name, 'other', { app: 'other' }),
        route(name, 'weights', { matches: [{ path: { value: '/orders' } }], backendRefs }),
        route(name, 'mirror', mirror),
      ),
    );
    await whenMade(name, 'backend-waypoint');
    for (const bound of ['backend', 'backend-v1', 'backend-v2']) {
      expect((await boundBy(name, bound)).annotations).toMatchObject({
        'sidestep.dev/bound-waypoint': 'backend-waypoint',
      });
    }
    const { items } = await cluster().client.list(SERVICE, { namespace: name });
    const labelled = items.filter(({ metadata }) => metadata.labels?.[USE] !== undefined);
    expect(labelled.map(({ metadata }) => metadata.name).sort()).toEqual(['backend', 'backend-v1', 'backend-v2']);
    for (const routeName of ['weights', 'mirror']) {
      const { status } = await cluster().until(`${routeName} is accepted`, async () => {
        const found = (await cluster().client.get(HTTP_ROUTE, { namespace: name, name: routeName })) as KubeObject & {
          status?: { parents: { conditions: { type: string; status: string }[] }[] };
        };
        return found.status?.parents.length ? found : undefined;
      });
      const conditions = status?.parents.flatMap((parent) => parent.conditions) ?? [];
      expect(conditions.filter(({ status: is }) => is !== 'True')).toEqual([]);
      expect(conditions.map(({ type }) => type)).toEqual(expect.arrayContaining(['Accepted', 'ResolvedRefs']));
    }
    const told = await whenTold(name, 'MixedAccounts', /backend, default, and only backend/);
    expect(told.regarding).toMatchObject({ kind: 'Service', name: 'mixed' });

    await setLabel('serviceaccount', 'backend', `${USE}-`, '-n', name);
    await passUnused(name, 'backend-waypoint');
    await whenGone(name, 'backend-waypoint');
    const { metadata } = await cluster().client.get(SERVICE_ACCOUNT, { namespace: name, name: 'backend' });
    expect(metadata.annotations ?? {}).not.toHaveProperty([CREATED]);
  });

  it('bind the Services of an account to a waypoint of another namespace that admits it, and let them go', async () => {
    const name = 'label-abroad';
    const shared = 'label-abroad-shared';
    await cluster().apply(
      yaml(
        ambient(shared),
        waypoint(shared, 'waypoint', 'All'),
        ambient(name),
        account(name, 'backend', { [USE]: 'waypoint', 'istio.io/use-waypoint-namespace': shared }),
        under('backend', deployment(name, 'web')),
        service(name, 'web', { app: 'web' }),
      ),
    );
    expect((await boundBy(name, 'web')).labels).toMatchObject({ 'istio.io/use-waypoint-namespace': shared });
    await cluster().apply(yaml(waypoint(shared, 'waypoint', 'Same')));
    await cluster().until('web is let go', async () => {
      const { metadata } = await cluster().client.get(SERVICE, { namespace: name, name: 'web' });
      const keys = Object.keys({ ...metadata.labels, ...metadata.annotations });
      return keys.some((key) => key.includes('waypoint')) ? undefined : true;
    });
    expect(await findGateway(name)).toBeUndefined();
    const { regarding } = await whenTold(name, 'WaypointNotBound', /does not admit namespace label-abroad/);
    expect(regarding).toMatchObject({ kind: 'ServiceAccount', name: 'backend' });
  });

  it('tell which mode a namespace is in, and that its labels ask for both', async () => {
    const name = 'label-both';
    await cluster().apply(yaml(ambient(name, { 'istio-injection': 'enabled' }), deployment(name, 'web')));
    await whenAnnotated(name, DATAPLANE, 'Sidecar');
    await cluster().podsReady(name, 1);
    await whenTold(name, 'BothModes', /istio-injection=disabled/);
    await setLabel('namespace', name, 'istio-injection=disabled');
    await cluster().kubectl('rollout', 'restart', 'deployment/web', '-n', name);
    await whenAnnotated(name, DATAPLANE, 'Ambient');
    await cluster().kubectl('label', 'namespace', name, 'istio-injection-', 'istio.io/dataplane-mode-');
    await whenAnnotated(name, DATAPLANE, undefined);
  });
}
