import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../cdk8s/objects.js';
import { observed, mesh, pod, workload } from '../../../test/support/observed.js';
import { type Reply, StubApiServer } from '../../../test/support/stub-api-server.js';
import { Client } from '../../kube/client.js';
import { ApiError } from '../../kube/errors.js';
import type { KubeObject } from '../../kube/resource.js';
import { type BindingChange, changeFor } from './binding.js';
import { dryRun } from './dry-run.js';
import type { DryRuns } from './observed.js';
import type { TriedAction } from './verdict.js';

const PODS = '/api/v1/namespaces/shop/pods';
const POLICIES = '/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies';
const podObject = (containers: string[], annotations = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', annotations },
  spec: { containers: containers.map((name) => ({ name })) },
});
const status = (code: number, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason: 'InternalError',
  message,
});
const callFailed = (webhook: string): string =>
  `Internal error occurred: failed calling webhook "${webhook}": connection refused`;

describe('dryRuns', () => {
  let server: StubApiServer;
  let client: Client;

  beforeEach(async () => {
    server = await StubApiServer.start();
    client = new Client({ connection: server.connection() });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  const signal = new AbortController().signal;
  const ask = (pods: boolean, istiod: boolean) =>
    dryRun({ pods: pods ? [workload()] : [], istiod }, observed(), client, signal);

  it.each<[string, number, object, object]>([
    [
      'a sidecar',
      201,
      podObject(['app', 'istio-proxy'], { 'sidecar.istio.io/status': '{}' }),
      { kind: 'created', sidecar: true },
    ],
    ['no sidecar', 201, podObject(['app']), { kind: 'created', sidecar: false }],
    ['a dead injector', 500, status(500, callFailed('namespace.sidecar-injector.istio.io')), { kind: 'injector-down' }],
    ['another dead webhook', 500, status(500, callFailed('policy.example.com')), { kind: 'refused' }],
    [
      'an exceeded quota',
      403,
      status(403, 'exceeded quota: pods'),
      { kind: 'refused', message: expect.stringContaining('exceeded quota') as string },
    ],
  ])('see %s', async (_, code, body, expected) => {
    server.on({ method: 'POST', path: PODS }, { status: code, body });
    const { pods, istiod } = await ask(true, false);
    expect(pods.get('Deployment/web')).toMatchObject(expected);
    expect(istiod).toBe('not-asked');
    const [request] = server.seen({ method: 'POST' });
    expect(request?.query['dryRun']).toBe('All');
    expect(request?.body).toMatchObject({
      metadata: { labels: { app: 'web' }, namespace: 'shop' },
      spec: { containers: [{ name: 'app' }] },
    });
  });

  describe('without sidecar', () => {
    const web = workload({
      template: {
        metadata: { labels: { app: 'web', 'sidecar.istio.io/inject': 'true' }, annotations: { team: 'shop' } },
        spec: { containers: [{ name: 'app' }] },
      },
    });
    const sidecar = { status: 201, body: podObject(['app', 'istio-proxy'], { 'sidecar.istio.io/status': '{}' }) };
    const refused = { status: 403, body: status(403, 'a pod must have a sidecar') };
    const full = {
      status: 403,
      body: status(403, 'exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1'),
    };
    const askBoth = async (first: Reply, second: Reply): Promise<DryRuns> => {
      server.on({ method: 'POST', path: PODS }, first);
      server.on({ method: 'POST', path: PODS }, second);
      return dryRun(
        { pods: [web], withoutSidecar: [web], istiod: true },
        observed({ mesh: noValidation }),
        client,
        signal,
      );
    };
    const noValidation = mesh({ validatingRevisions: [] });

    it('carry the label that keeps the injector away, and are told apart', async () => {
      const { pods, withoutSidecar } = await askBoth(sidecar, refused);
      expect(pods.get('Deployment/web')).toEqual({ kind: 'created', sidecar: true });
      expect(withoutSidecar?.get('Deployment/web')).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('a pod must have a sidecar') as string,
      });
      const bodies = server.seen({ method: 'POST' }).map(({ body }) => body);
      expect(bodies).toMatchObject([
        { metadata: { labels: { app: 'web', 'sidecar.istio.io/inject': 'true' }, annotations: { team: 'shop' } } },
        { metadata: { labels: { app: 'web', 'sidecar.istio.io/inject': 'false' }, annotations: { team: 'shop' } } },
      ]);
    });

    it('are asked for though a quota has no room for one with a sidecar', async () => {
      expect((await askBoth(full, refused)).withoutSidecar?.get('Deployment/web')).toMatchObject({ kind: 'refused' });
    });

    it('are not asked for where one with a sidecar is refused', async () => {
      const { withoutSidecar } = await askBoth(refused, sidecar);
      expect(withoutSidecar).toEqual(new Map());
      expect(server.seen({ method: 'POST' })).toHaveLength(1);
    });

    it.each<[string, string, string, DryRuns['istiod']]>([
      ['the injector', 'object.sidecar-injector.istio.io', 'injector-down', 'down'],
      ['another webhook', 'validate.kyverno.svc', 'refused', 'unknown'],
    ])('say nothing while %s does not answer', async (_, webhook, kind, istiod) => {
      const dryRuns = await askBoth(sidecar, { status: 500, body: status(500, callFailed(webhook)) });
      expect(dryRuns.pods.get('Deployment/web')).toMatchObject({ kind });
      expect(dryRuns.withoutSidecar?.size ?? 0).toBe(0);
      expect(dryRuns.istiod).toBe(istiod);
    });
  });

  describe('of many workloads', () => {
    const many = Array.from({ length: 20 }, (_, i) => workload({ name: `web-${i}` }));
    /** Of how many pods it is asked, and of how many at most at once. */
    const askMany = async (answer: () => Promise<unknown>) => {
      const counts = { asked: 0, most: 0 };
      let underWay = 0;
      const create = async (): Promise<unknown> => {
        counts.asked += 1;
        counts.most = Math.max(counts.most, (underWay += 1));
        await setImmediate();
        underWay -= 1;
        return answer();
      };
      const request = { pods: many, withoutSidecar: many, istiod: false };
      const { pods, withoutSidecar } = await dryRun(request, observed(), { create } as unknown as Client, signal);
      return { ...counts, answers: [pods.size, withoutSidecar?.size] };
    };

    it('ask for several at once, each with its sidecar and without', async () => {
      expect(await askMany(async () => podObject(['app']))).toEqual({ asked: 40, most: 8, answers: [20, 20] });
    });

    it('ask for no more where the injector does not answer', async () => {
      const message = callFailed('namespace.sidecar-injector.istio.io');
      const silent = async (): Promise<never> => {
        throw new ApiError(message, { code: 500, reason: 'InternalError' });
      };
      expect(await askMany(silent)).toEqual({ asked: 8, most: 8, answers: [8, undefined] });
    });
  });

  it.each([
    ['web', 'web-sidestep-dry-run-bf4xw', 'web-sidestep-dry-run'],
    ['w'.repeat(50), `${'w'.repeat(50)}-sidestebf4xw`, `${'w'.repeat(50)}-sideste`],
    ['web.v1', 'web-v1-sidestep-dry-run-bf4xw', 'web-v1-sidestep-dry-run-bf4xw'],
  ])('tell the same of %s, whatever name the pod is given', async (name, given, told) => {
    const message = `pods "${given}" is forbidden: ${given} must have a sidecar`;
    server.on({ method: 'POST', path: PODS }, { status: 403, body: status(403, message) });
    const { pods } = await dryRun({ pods: [workload({ name })], istiod: false }, observed(), client, signal);
    const answer = pods.get(`Deployment/${name}`);
    expect(answer?.kind === 'refused' && answer.message).toContain(`pods "${told}" is forbidden: ${told} must have`);
  });

  it('give a pod of a StatefulSet the volumes of its claims', async () => {
    server.on({ method: 'POST', path: PODS }, { status: 201, body: podObject(['app']) });
    const claiming = workload({ kind: 'StatefulSet', name: 'db', volumeClaims: ['data'] });
    await dryRun({ pods: [claiming], istiod: false }, observed(), client, signal);
    expect(server.seen({ method: 'POST' })[0]?.body).toMatchObject({
      spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    });
  });

  it.each<[string, number, object, string]>([
    [
      'alive when it denies what is invalid',
      400,
      status(400, 'admission webhook "rev.validation.istio.io" denied the request: unknown attribute'),
      'alive',
    ],
    ['down when its webhook does not answer', 500, status(500, callFailed('rev.validation.istio.io')), 'down'],
    [
      'down when what is invalid is accepted',
      201,
      { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'x' } },
      'down',
    ],
  ])('find istiod %s', async (_, code, body, expected) => {
    server.on({ method: 'POST', path: POLICIES }, { status: code, body });
    expect((await ask(false, true)).istiod).toBe(expected);
    expect(server.seen({ method: 'POST' })[0]?.query['dryRun']).toBe('All');
  });

  describe('of an eviction', () => {
    const PATH = `${PODS}/web-1/eviction`;
    const evicting = pod();
    const eviction = { kind: 'evict', pod: evicting, message: '', underWay: '', toldAtMs: 0, deadlineAtMs: 0 } as const;
    const action = { type: 'evict', workload: workload(), goal: 'ambient', eviction } as const;
    const asked = async (code: number, body: object) => {
      server.on({ method: 'POST', path: PATH }, { status: code, body });
      const answer = await dryRun({ pods: [], istiod: false, evictions: [action] }, observed(), client, signal);
      return answer.evictions?.get(evicting.uid);
    };

    it('ask for the very pod, and evict nobody', async () => {
      expect(await asked(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })).toEqual({
        kind: 'accepted',
      });
      const [request] = server.seen({ method: 'POST' });
      expect(request).toMatchObject({
        query: { dryRun: 'All' },
        body: { kind: 'Eviction', deleteOptions: { preconditions: { uid: evicting.uid } } },
      });
    });

    const budget = { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2' }] };
    it.each<[string, number, object, object]>([
      [
        'see a budget that is against it, and what it needs',
        429,
        { ...status(429, 'Cannot evict pod'), details: budget },
        { kind: 'budget', message: 'The disruption budget web needs 2' },
      ],
      ['see that the pod has gone', 404, status(404, 'not found'), { kind: 'gone' }],
      [
        'see that another pod has its name',
        409,
        { ...status(409, 'the UID in the precondition does not match'), reason: 'Conflict' },
        { kind: 'gone' },
      ],
      ['see two budgets', 500, status(500, 'This pod has more than one PodDisruptionBudget'), { kind: 'refused' }],
      ['see a webhook that denies it', 403, status(403, 'denied the request: not now'), { kind: 'refused' }],
    ])('%s', async (_, code, body, expected) => {
      expect(await asked(code, body)).toMatchObject(expected);
    });

    it('do not take trouble of the API server for an answer', async () => {
      await expect(asked(500, status(500, 'etcdserver: request timed out'))).rejects.toThrow(/timed out/);
    });
  });

  it('do not guess where istiod validates nothing', async () => {
    const blind = observed({ mesh: mesh({ validatingRevisions: [] }) });
    expect((await dryRun({ pods: [], istiod: true }, blind, client, signal)).istiod).toBe('unknown');
    expect(server.requests).toEqual([]);
  });

  describe('of a restart', () => {
    const PATH = '/apis/apps/v1/namespaces/shop/deployments/web';
    const mark = { goal: 'ambient', generation: 1, attempt: 1 } as const;
    const write = { type: 'restart', workload: workload(), mark } as const;
    const deployment = (own: object, inTemplate: object): object => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', resourceVersion: '1', annotations: own },
      spec: { template: { metadata: { annotations: inTemplate } } },
    });
    const ours = { 'sidestep.dev/restart': 'ambient.1.1' };
    const at = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T10:00:00.000Z' };
    const ask = (): Promise<DryRuns> =>
      dryRun({ pods: [], istiod: false, writes: [write] }, observed(), client, signal);

    it.each<[string, object, readonly string[] | undefined]>([
      ['nothing that stays', deployment(ours, { ...ours, ...at }), undefined],
      [
        'what admission takes off the pod template',
        deployment(ours, at),
        ['spec.template.metadata.annotations.sidestep.dev/restart'],
      ],
      [
        'what it takes off everywhere',
        deployment({}, at),
        ['metadata.annotations.sidestep.dev/restart', 'spec.template.metadata.annotations.sidestep.dev/restart'],
      ],
    ])('tell %s', async (_, answer, undone) => {
      server.on({ method: 'GET', path: PATH }, { status: 200, body: deployment({}, {}) });
      server.on({ method: 'PATCH', path: PATH }, { status: 200, body: answer });
      expect((await ask()).undone?.get('Deployment/web')).toEqual(undone ?? []);
      expect(server.seen({ method: 'PATCH' }).map(({ query }) => query['dryRun'])).toEqual(['All']);
    });

    it('leave a refusal to the write itself', async () => {
      server.on({ method: 'GET', path: PATH }, { status: 200, body: deployment({}, {}) });
      server.on({ method: 'PATCH', path: PATH }, { status: 422, body: status(422, 'denied by a policy') });
      expect((await ask()).undone).toEqual(new Map([['Deployment/web', []]]));
    });
  });

  describe('of what is applied', () => {
    const sent = (kind: string, spec: object): Manifest => ({
      apiVersion: kind === 'Gateway' ? 'gateway.networking.k8s.io/v1' : 'security.istio.io/v1',
      kind,
      metadata: { name: 'x', namespace: 'shop', annotations: { 'sidestep.dev/a': '1' } },
      spec,
    });
    const copy = sent('AuthorizationPolicy', { rules: [{}] });
    const waypoint = sent('Gateway', { gatewayClassName: 'istio-waypoint' });
    const gateways = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways';
    const stripped = (manifest: Manifest): object => ({
      ...manifest,
      metadata: { ...manifest.metadata, annotations: { other: 'x' } },
    });
    const note = '';

    it.each<[string, TriedAction, string, string, Manifest, string]>([
      [
        'a policy',
        { type: 'apply-policy', manifest: copy, note },
        'PATCH',
        `${POLICIES}/x`,
        copy,
        'AuthorizationPolicy/x',
      ],
      [
        'a Gateway',
        { type: 'apply-gateway', manifest: waypoint, note },
        'PATCH',
        `${gateways}/x`,
        waypoint,
        'Gateway/x',
      ],
      ['a new Gateway', { type: 'create-gateway', manifest: waypoint, note }, 'POST', gateways, waypoint, 'Gateway/x'],
    ])('tell what becomes of %s, as it would be written', async (_, write, method, path, manifest, target) => {
      const ask = (): Promise<DryRuns> =>
        dryRun({ pods: [], istiod: false, writes: [write] }, observed(), client, signal);
      const more = { ...manifest, status: {}, metadata: { ...manifest.metadata, uid: 'u', labels: { other: 'x' } } };
      server.on({ method, path }, { status: 200, body: more });
      server.on({ method, path }, { status: 200, body: stripped(manifest) });
      server.on({ method, path }, { status: 403, body: status(403, 'denied by a policy') });
      expect((await ask()).undone).toEqual(new Map([[target, []]]));
      expect((await ask()).undone).toEqual(new Map([[target, ['metadata.annotations.sidestep.dev/a']]]));
      expect((await ask()).undone).toEqual(new Map([[target, []]]));
      const requests = server.seen({ method });
      expect(requests.map(({ query }) => query['dryRun'])).toEqual(['All', 'All', 'All']);
      expect(requests.map(({ query }) => query['force'])).toEqual(
        Array(3).fill(method === 'PATCH' ? 'true' : undefined),
      );
      expect(requests[0]?.body).toEqual(manifest);
    });

    it('see an annotation that a Gateway of somebody else does not keep', async () => {
      const changes = [
        { path: ['metadata', 'annotations', 'sidestep.dev/sizing'], value: '{}' },
        { path: ['metadata', 'annotations', 'other'], value: undefined },
      ];
      const before = { ...waypoint, metadata: { name: 'x', namespace: 'shop', resourceVersion: '1' } };
      const annotated = { ...before, metadata: { ...before.metadata, annotations: { other: 'x' } } };
      server.on({ method: 'GET', path: `${gateways}/x` }, { status: 200, body: annotated });
      server.on({ method: 'PATCH', path: `${gateways}/x` }, { status: 200, body: before });
      const write = { type: 'size-gateway', name: 'x', changes, note } as const;
      const { undone } = await dryRun({ pods: [], istiod: false, writes: [write] }, observed(), client, signal);
      expect(undone).toEqual(new Map([['Gateway/x', ['metadata.annotations.sidestep.dev/sizing']]]));
      expect(server.seen({ method: 'PATCH' }).map(({ query }) => query['dryRun'])).toEqual(['All']);
    });
  });

  describe('of what names a waypoint', () => {
    const PATH = '/api/v1/namespaces/shop/services/web';
    const USE = 'istio.io/use-waypoint';
    const OURS = 'sidestep.dev/waypoint-labels';
    const web = (labels: object, annotations: object): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop', resourceVersion: '1', labels, annotations } as KubeObject['metadata'],
    });
    const bare = web({}, {});
    const binding = changeFor({ object: bare, labels: { [USE]: 'waypoint' } }, { generation: 1, migration: 'a' })!;
    const bound = web({ [USE]: 'waypoint' }, { [OURS]: JSON.stringify(binding.mark) });
    const letGo = changeFor({ object: bound, labels: {} }, { generation: 1, migration: 'a' })!;

    it.each<[string, KubeObject, BindingChange, KubeObject, readonly string[]]>([
      ['nothing that stays', bare, binding, bound, []],
      ['what is taken off', bare, binding, bare, [`metadata.labels.${USE}`, `metadata.annotations.${OURS}`]],
      [
        'our mark, without which a label would be a person’s',
        bare,
        binding,
        web({ [USE]: 'waypoint' }, {}),
        [`metadata.annotations.${OURS}`],
      ],
      ['nothing of what goes', bound, letGo, bare, []],
      ['nothing of a label that comes back as somebody else’s', bound, letGo, web({ [USE]: 'waypoint' }, {}), []],
      ['our mark, by which it would be ours again', bound, letGo, bound, [`metadata.annotations.${OURS}`]],
    ])('tell %s', async (_, object, change, answer, undone) => {
      server.on({ method: 'GET', path: PATH }, { status: 200, body: object });
      server.on({ method: 'PATCH', path: PATH }, { status: 200, body: answer });
      const write = { type: 'bind', kind: 'Service', object, change, note: '' } as const;
      const dryRuns = await dryRun({ pods: [], istiod: false, writes: [write] }, observed(), client, signal);
      expect(dryRuns.undone).toEqual(new Map([['Service/web', undone]]));
      expect(server.seen({ method: 'PATCH' }).map(({ query }) => query['dryRun'])).toEqual(['All']);
    });
  });

  it('see a snapshot that cannot be closed', async () => {
    const path = '/apis/apps/v1/namespaces/shop/controllerrevisions/sidestep-before';
    const metadata = { name: 'sidestep-before', namespace: 'shop', resourceVersion: '1' };
    const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata };
    server.on({ method: 'PATCH', path }, { status: 200, body: revision });
    const write = { type: 'close-snapshot', name: 'sidestep-before' } as const;
    const { undone } = await dryRun({ pods: [], istiod: false, writes: [write] }, observed(), client, signal);
    expect(undone).toEqual(
      new Map([['ControllerRevision/sidestep-before', ['metadata.annotations.sidestep.dev/restored']]]),
    );
    expect(server.seen({ method: 'PATCH' }).map(({ query }) => query['dryRun'])).toEqual(['All']);
    // The operator lists and watches them, and has no right to get one.
    expect(server.seen({ method: 'GET' })).toEqual([]);
  });

  it('fail, to be repeated, when the API server itself is in trouble', async () => {
    server.on({ method: 'POST', path: PODS }, { status: 401, body: status(401, 'Unauthorized') }, 3);
    await expect(ask(true, false)).rejects.toThrow(/401/);
  });
});
