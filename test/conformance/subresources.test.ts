import { expect } from 'vitest';
import { type Answer, eventually, type Server, uniqueName } from './server.js';
import { conformance } from './suite.js';
import { rule, withWebhooks } from './webhook-server.js';

const container = { name: 'app', image: 'example.com/app:1' };

/** A deployment without pods, so that nothing but the case changes it. */
async function deployment(server: Server, replicas = 0): Promise<string> {
  const namespace = await server.namespace();
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const labels = { app: 'web' };
  const answer = await server.post(path, {
    metadata: { name: 'web' },
    spec: {
      replicas,
      paused: true,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { schedulerName: 'nobody', containers: [container] } },
    },
  });
  expect(answer.status, answer.text).toBe(201);
  return `${path}/web`;
}

/** A pod that no scheduler takes, in a namespace of its own. */
async function pod(server: Server, namespace: string, name = 'web', spec = {}): Promise<string> {
  const answer = await server.post(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, labels: { app: 'web' } },
    spec: { schedulerName: 'nobody', containers: [container], ...spec },
  });
  expect(answer.status, answer.text).toBe(201);
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

/** Gives a pod the status of one that runs. */
async function run(server: Server, path: string, ready: boolean): Promise<void> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const answer = await server.patch('merge', `${path}/status`, { status: { phase: 'Running', conditions } });
  expect(answer.status, answer.text).toBe(200);
}

/** A budget of at least one pod; waits until its controller has counted. */
async function budget(server: Server, namespace: string, counted: object, spec: object = {}): Promise<string> {
  const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
  const name = uniqueName('budget');
  const created = await server.post(path, {
    metadata: { name },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  expect(created.status, created.text).toBe(201);
  await eventually(`a budget with ${JSON.stringify(counted)}`, async () => {
    const { status } = (await server.get(`${path}/${name}`)).body;
    const entries = Object.entries({ observedGeneration: 1, ...counted });
    return entries.every(([field, value]) => status[field] === value) ? true : undefined;
  });
  return `${path}/${name}`;
}

const eviction = (name: string, deleteOptions?: object) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: { name },
  ...(deleteOptions && { deleteOptions }),
});

function evict(server: Server, path: string, deleteOptions?: object, query = {}): Promise<Answer> {
  return server.post(`${path}/eviction`, eviction(path.split('/').at(-1)!, deleteOptions), { query });
}

conformance('subresources', (test) => {
  test('scale shows replicas and selector of a deployment, with its metadata', async (server) => {
    const path = await deployment(server, 3);
    const { body: object } = await server.get(path);
    const { status, body } = await server.get(`${path}/scale`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'web', namespace: object.metadata.namespace, uid: object.metadata.uid },
      spec: { replicas: 3 },
      status: { selector: 'app=web' },
    });
    expect(body.metadata).not.toHaveProperty('labels');
  });

  test('a replaced scale changes the replicas and nothing else, and raises the generation', async (server) => {
    const path = await deployment(server);
    const scaled = await server.put(`${path}/scale`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web' },
      spec: { replicas: 2 },
    });
    expect(scaled.status, scaled.text).toBe(200);
    expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    const { body } = await server.get(path);
    expect(body.spec).toMatchObject({ replicas: 2, paused: true });
    expect(body.metadata.generation).toBe(2);
  });

  test('a scale of an old version is a conflict', async (server) => {
    const path = await deployment(server);
    const { body: scale } = await server.get(`${path}/scale`);
    await server.patch('merge', path, { metadata: { labels: { changed: 'yes' } } });
    const answer = await server.put(`${path}/scale`, { ...scale, spec: { replicas: 2 } });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('a negative scale is refused as a Scale', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('merge', `${path}/scale`, { spec: { replicas: -1 } });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
    expect(answer.body.details).toMatchObject({ group: 'autoscaling', kind: 'Scale' });
  });

  test('scale is patched; none is 404 for what is missing and for kinds without it', async (server) => {
    const path = await deployment(server);
    const patched = await server.patch('merge', `${path}/scale`, { spec: { replicas: 4 } });
    expect(patched.body.spec).toEqual({ replicas: 4 });
    const missing = await server.get(`${path}x/scale`);
    expect(missing.body).toMatchObject({ code: 404, message: 'deployments.apps "webx" not found' });
    const unknown = await server.get(`${path.replace('deployments', 'daemonsets')}/scale`);
    expect(unknown.body).toMatchObject({ code: 404, message: 'the server could not find the requested resource' });
    expect((await server.post(`${path}/scale`, {})).status).toBe(405);
  });

  test('status is changed only through the subresource, and spec not through it', async (server) => {
    // No controller writes the status of a pod that no scheduler takes.
    const path = await pod(server, await server.namespace());
    const { body } = await server.get(path);
    const status = { ...body.status, message: 'from the case', reason: 'Testing' };
    const viaStatus = await server.put(`${path}/status`, { ...body, status, spec: { ...body.spec, priority: 9 } });
    expect(viaStatus.status, viaStatus.text).toBe(200);
    expect(viaStatus.body.status).toEqual(status);
    expect(viaStatus.body.spec).toEqual(body.spec);
    expect(viaStatus.body.metadata.generation).toBe(1);
    const change = { spec: { activeDeadlineSeconds: 5 }, status: { reason: 'Other' } };
    const viaObject = await server.patch('merge', path, change);
    expect(viaObject.body.spec.activeDeadlineSeconds).toBe(5);
    expect(viaObject.body.status).toEqual(status);
    expect(viaObject.body.metadata.generation).toBe(2);
  });

  test('a status that contradicts itself is refused', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('merge', `${path}/status`, { status: { replicas: 1, readyReplicas: 2 } });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'Deployment.apps "web" is invalid: status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    );
  });

  test('a binding puts a pod onto a node, with labels and annotations, and only once', async (server) => {
    const path = await pod(server, await server.namespace());
    const binding = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, annotations: { 'example.com/why': 'because' } },
      target: { kind: 'Node', name: 'no-such-node' },
    });
    const other = await server.post(`${path}/binding`, binding('other'));
    expect(other.body).toMatchObject({ code: 400, message: 'name in URL does not match name in Binding object' });
    const bound = await server.post(`${path}/binding`, binding('web'));
    expect(bound.status).toBe(201);
    expect(bound.body).toMatchObject({ kind: 'Status', status: 'Success' });
    const { body } = await server.get(path);
    expect(body.spec.nodeName).toBe('no-such-node');
    expect(body.metadata.annotations).toMatchObject({ 'example.com/why': 'because' });
    expect(body.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
    const again = await server.post(`${path}/binding`, binding('web'));
    expect(again.body).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "no-such-node"',
    });
  });

  test('an eviction without a budget deletes the pod, with a condition that says why', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace, 'web', { nodeName: 'no-such-node' });
    const answer = await evict(server, path);
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Success' });
    const { body } = await server.get(path);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    expect(body.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(body.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }),
    );
    await server.delete(path, { query: { gracePeriodSeconds: 0 } });
  });

  test('webhooks for deletions of pods are not asked about evictions', async (server) => {
    const spec = { rules: [rule(['DELETE'], ['pods'])] };
    const hooks = [{ name: 'a', answer: () => ({ allowed: false }), spec }];
    await withWebhooks(server, [{ type: 'validating', hooks }], async ({ namespace, asked }) => {
      const path = await pod(server, namespace);
      expect((await server.delete(path)).status).toBe(400);
      const answer = await evict(server, path);
      expect(answer.status, answer.text).toBe(201);
      expect((await server.get(path)).status).toBe(404);
      expect(asked('a')).toHaveLength(1);
    });
  });

  test('a dry eviction leaves the pod alone, by query and by its options', async (server) => {
    const path = await pod(server, await server.namespace());
    expect((await evict(server, path, undefined, { dryRun: 'All' })).status).toBe(201);
    expect((await evict(server, path, { dryRun: ['All'] })).status).toBe(201);
    const { body } = await server.get(path);
    expect(body.metadata).not.toHaveProperty('deletionTimestamp');
  });

  test('an eviction of another version of the pod is a conflict; one of nobody is not found', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace);
    const stale = await evict(server, path, { preconditions: { resourceVersion: '1' } });
    expect(stale.status).toBe(409);
    expect(stale.body.message).toMatch(
      /^Operation cannot be fulfilled on Pod "web": the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(\d+\)\. The object might have been modified$/,
    );
    const missing = await evict(server, `${path}x`);
    expect(missing.body).toMatchObject({ code: 404, message: 'pods "webx" not found' });
    const misnamed = await server.post(`${path}/eviction`, eviction('other'));
    expect(misnamed.body).toMatchObject({ code: 400, message: 'name in URL does not match name in Eviction object' });
  });

  test('a budget that allows no disruption refuses an eviction, and says what it needs', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace);
    await run(server, path, true);
    const name = (await budget(server, namespace, { currentHealthy: 1, disruptionsAllowed: 0 })).split('/').at(-1);
    const answer = await evict(server, path);
    expect(answer.status, answer.text).toBe(429);
    expect(answer.body).toMatchObject({
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: `The disruption budget ${name} needs 1 healthy pods and has 1 currently`,
          },
        ],
      },
    });
    expect((await evict(server, path, undefined, { dryRun: 'All' })).status).toBe(429);
    expect((await server.get(path)).body.metadata).not.toHaveProperty('deletionTimestamp');
  });

  test('an allowed disruption is taken from the budget, with the name of the pod', async (server) => {
    const namespace = await server.namespace();
    const names = ['web', 'second', 'third'];
    for (const name of names) await run(server, await pod(server, namespace, name, { nodeName: 'no-such-node' }), true);
    const path = await budget(server, namespace, { currentHealthy: 3, disruptionsAllowed: 2 });
    const watch = await server.watch(path.replace(/\/[^/]+$/, ''));
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    try {
      expect((await evict(server, `${pods}/web`)).status).toBe(201);
      const taken = await watch.next(({ object }) => object.status?.disruptedPods?.web !== undefined);
      expect(taken.object.status).toMatchObject({ disruptionsAllowed: 1, currentHealthy: 3 });
    } finally {
      watch.close();
      for (const name of names) await server.delete(`${pods}/${name}`, { query: { gracePeriodSeconds: 0 } });
    }
  });

  test('a dry eviction takes nothing from the budget', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace);
    await run(server, path, true);
    await run(server, await pod(server, namespace, 'second'), true);
    const budgetPath = await budget(server, namespace, { currentHealthy: 2, disruptionsAllowed: 1 });
    for (let time = 0; time < 3; time++) {
      expect((await evict(server, path, undefined, { dryRun: 'All' })).status).toBe(201);
    }
    const { status } = (await server.get(budgetPath)).body;
    expect(status.disruptionsAllowed).toBe(1);
    expect(status).not.toHaveProperty('disruptedPods');
  });

  test('a pod that is not ready may go where enough others are healthy, and where the budget says so', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace);
    await run(server, path, false);
    const first = await budget(server, namespace, { currentHealthy: 0, expectedPods: 1 });
    expect((await evict(server, path)).status).toBe(429);
    await server.delete(first);
    const lenient = await budget(server, namespace, { expectedPods: 1 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    expect((await evict(server, path, undefined, { dryRun: 'All' })).status).toBe(201);
    await server.delete(lenient);
    await run(server, await pod(server, namespace, 'second'), true);
    await budget(server, namespace, { currentHealthy: 1, expectedPods: 2, disruptionsAllowed: 0 });
    expect((await evict(server, path)).status).toBe(201);
  });

  test('a pod that has not started or has ended is not protected', async (server) => {
    const namespace = await server.namespace();
    const pending = await pod(server, namespace, 'pending');
    const ended = await pod(server, namespace, 'ended');
    await server.patch('merge', `${ended}/status`, { status: { phase: 'Failed' } });
    await budget(server, namespace, { currentHealthy: 0 });
    expect((await evict(server, pending)).status).toBe(201);
    expect((await evict(server, ended)).status).toBe(201);
    expect((await server.get(pending)).status).toBe(404);
  });

  test('several budgets for one pod are an error', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace);
    await run(server, path, true);
    await budget(server, namespace, {});
    await budget(server, namespace, {});
    const answer = await evict(server, path);
    expect(answer.status).toBe(500);
    expect(answer.body.message).toBe(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  });

  test('a token says whose it is, for whom and until when, and opens the door', async (server) => {
    const namespace = await server.namespace();
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    const { body: account } = await server.get(`${accounts}/default`);
    const answer = await server.post(`${accounts}/default/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 1200 },
    });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body).toMatchObject({
      kind: 'TokenRequest',
      metadata: { name: 'default', namespace, uid: account.metadata.uid },
      spec: { expirationSeconds: 1200, boundObjectRef: null },
    });
    const { token, expirationTimestamp } = answer.body.status;
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({
      sub: `system:serviceaccount:${namespace}:default`,
      aud: answer.body.spec.audiences,
      'kubernetes.io': { namespace, serviceaccount: { name: 'default', uid: account.metadata.uid } },
    });
    expect(claims.exp - claims.iat).toBe(1200);
    expect(Math.abs(Date.parse(expirationTimestamp) / 1000 - claims.exp)).toBeLessThanOrEqual(1);
    const review = await server.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
    expect(review.body.status).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${namespace}:default`, uid: account.metadata.uid },
    });
  });

  test('requests for tokens are checked: age, account, object that it is bound to', async (server) => {
    const path = `/api/v1/namespaces/${await server.namespace()}/serviceaccounts`;
    const ask = (spec: object, name = 'default') =>
      server.post(`${path}/${name}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
    const short = await ask({ expirationSeconds: 60 });
    expect(short.status).toBe(422);
    expect(short.body.message).toBe(
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
    );
    expect((await ask({}, 'nobody')).body.message).toBe('serviceaccounts "nobody" not found');
    const bound = await ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'nobody' } });
    expect(bound.body).toMatchObject({ code: 404, message: 'pods "nobody" not found' });
    const odd = await ask({ boundObjectRef: { kind: 'Job', apiVersion: 'batch/v1', name: 'x' } });
    expect(odd.body).toMatchObject({ code: 400, message: 'cannot bind token to object of type batch/v1, Kind=Job' });
  });

  test('only finalize takes the finalizer of a namespace, and the namespace goes with it', async (server) => {
    const name = uniqueName('c');
    await server.post('/api/v1/namespaces', { metadata: { name } });
    const path = `/api/v1/namespaces/${name}`;
    const ordinary = await server.patch('merge', path, { spec: { finalizers: null } });
    expect(ordinary.body.spec.finalizers).toEqual(['kubernetes']);
    const finalized = await server.put(`${path}/finalize`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      spec: { finalizers: ['example.com/last'] },
    });
    expect(finalized.status, finalized.text).toBe(200);
    expect(finalized.body.spec.finalizers).toEqual(['example.com/last']);
    await server.delete(path);
    expect((await server.get(path)).body.status.phase).toBe('Terminating');
    const last = await server.put(`${path}/finalize`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      spec: {},
    });
    expect(last.status, last.text).toBe(200);
    await eventually('the end of the namespace', async () =>
      (await server.get(path)).status === 404 ? true : undefined,
    );
  });

  test('logs of a pod that has none are not found, as is a subresource that nobody knows', async (server) => {
    const namespace = await server.namespace();
    const path = await pod(server, namespace, 'web', { nodeName: 'no-such-node' });
    expect((await server.get(`${path}/log`)).status).toBe(404);
    const missing = await server.get(`${path}x/log`);
    expect(missing.body).toMatchObject({ code: 404, message: 'pods "webx" not found' });
    const unknown = await server.get(`${path}/nothing`);
    expect(unknown.body).toMatchObject({ code: 404, message: 'the server could not find the requested resource' });
    await server.delete(path, { query: { gracePeriodSeconds: 0 } });
  });
});
