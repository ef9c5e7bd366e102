import { expect } from 'vitest';
import { defined, definition } from './definitions.js';
import { type Answer, uniqueName, type Server } from './server.js';
import { conformance } from './suite.js';
import { fullName, jsonPatch, rule, warnings, withWebhooks, type Hook } from './webhook-server.js';

const configMap = (name = 'one', metadata: object = {}, data?: object): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  ...(data && { data }),
});

const configMaps = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;

const mutating = (...hooks: Hook[]): { type: 'mutating'; hooks: Hook[] } => ({ type: 'mutating', hooks });
const validating = (...hooks: Hook[]): { type: 'validating'; hooks: Hook[] } => ({ type: 'validating', hooks });

/** Appends its own name to `data.trace`, or starts it. */
const tracing =
  (name: string) =>
  (review: { object: { data?: { trace?: string } } }): object => {
    const { data } = review.object;
    return jsonPatch({ op: 'add', path: '/data', value: { ...data, trace: `${data?.trace ?? ''}${name}` } });
  };

/** What a create answers while `hooks` are in force. */
async function createdUnder(server: Server, type: 'mutating' | 'validating', hook: Hook): Promise<object> {
  let seen: object = {};
  await withWebhooks(server, [{ type, hooks: [hook] }], async ({ namespace }) => {
    const { status, body } = await server.post(configMaps(namespace), configMap());
    seen = { status, reason: body.reason, message: body.message };
  });
  return seen;
}

conformance('admission', (test) => {
  test('a mutating webhook changes what is stored, by a JSON patch', async (server) => {
    const answer = (): object => jsonPatch({ op: 'add', path: '/metadata/labels', value: { patched: 'yes' } });
    await withWebhooks(server, [mutating({ name: 'a', answer })], async ({ namespace }) => {
      const created = await server.post(configMaps(namespace), configMap());
      expect(created.status).toBe(201);
      expect(created.body.metadata.labels).toEqual({ patched: 'yes' });
      const read = await server.get(`${configMaps(namespace)}/one`);
      expect(read.body.metadata.labels).toEqual({ patched: 'yes' });
    });
  });

  test('the review of a create says what, who and how', async (server) => {
    await withWebhooks(server, [mutating({ name: 'a' })], async ({ namespace, asked }) => {
      const query = { fieldManager: 'somebody' };
      await server.post(configMaps(namespace), configMap('one', {}, { k: 'v' }), { query });
      const [review] = asked('a');
      const { uid, object, userInfo, ...rest } = review;
      expect(uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(userInfo).toMatchObject({ username: 'admin', groups: expect.arrayContaining(['system:masters']) });
      expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { k: 'v' } });
      expect(object.metadata).toMatchObject({ name: 'one', namespace });
      expect(object.metadata.managedFields).toHaveLength(1);
      expect(rest).toEqual({
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        requestResource: { group: '', version: 'v1', resource: 'configmaps' },
        name: 'one',
        namespace,
        operation: 'CREATE',
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'somebody' },
      });
    });
  });

  test('the review of a patch is an update and has the object before and after', async (server) => {
    const spec = { rules: [rule(['UPDATE'], ['configmaps'])] };
    await withWebhooks(server, [validating({ name: 'a', spec })], async ({ namespace, asked }) => {
      const created = await server.post(configMaps(namespace), configMap('one', {}, { k: 'old' }));
      await server.patch('merge', `${configMaps(namespace)}/one`, { data: { k: 'new' } });
      const [review] = asked('a');
      expect(review).toMatchObject({ operation: 'UPDATE', name: 'one', namespace });
      expect(review.object.data).toEqual({ k: 'new' });
      expect(review.oldObject.data).toEqual({ k: 'old' });
      expect(review.oldObject.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
      expect(review.options).toMatchObject({ kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' });
    });
  });

  test('the review of a deletion has the old object only', async (server) => {
    const spec = { rules: [rule(['DELETE'], ['configmaps'])] };
    await withWebhooks(server, [validating({ name: 'a', spec })], async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap());
      expect(asked('a')).toEqual([]);
      expect((await server.delete(`${configMaps(namespace)}/one`)).status).toBe(200);
      const [review] = asked('a');
      expect(review).toMatchObject({ operation: 'DELETE', name: 'one', namespace, object: null });
      expect(review.oldObject.metadata.name).toBe('one');
      expect(review.options).toMatchObject({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' });
    });
  });

  test('the deletion of a collection is reviewed object by object', async (server) => {
    const deny = (review: { oldObject: { metadata: { name: string } } }): object => ({
      allowed: review.oldObject.metadata.name !== 'b-kept',
    });
    const spec = { rules: [rule(['DELETE'], ['configmaps'])] };
    await withWebhooks(server, [validating({ name: 'a', spec, answer: deny })], async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap('a-free', { labels: { of: 'case' } }));
      await server.post(configMaps(namespace), configMap('b-kept', { labels: { of: 'case' } }));
      const answer = await server.delete(configMaps(namespace), { query: { labelSelector: 'of=case' } });
      expect(answer.status).toBe(400);
      expect(asked('a').map(({ oldObject }) => oldObject.metadata.name)).toEqual(['a-free', 'b-kept']);
      expect((await server.get(`${configMaps(namespace)}/a-free`)).status).toBe(404);
      expect((await server.get(`${configMaps(namespace)}/b-kept`)).status).toBe(200);
    });
  });

  test('a create with generateName is reviewed without a name', async (server) => {
    await withWebhooks(server, [mutating({ name: 'a' })], async ({ namespace, asked }) => {
      const unnamed = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } };
      expect((await server.post(configMaps(namespace), unnamed)).status).toBe(201);
      const [review] = asked('a');
      expect(review.name ?? '').toBe('');
      expect(review.object.metadata.generateName).toBe('gen-');
    });
  });

  test('a denial has the code, reason and message of the webhook', async (server) => {
    const answer = (): object => ({
      allowed: false,
      status: { code: 422, reason: 'Invalid', message: 'not like this' },
    });
    expect(await createdUnder(server, 'validating', { name: 'a', answer })).toEqual({
      status: 422,
      reason: 'Invalid',
      message: `admission webhook "${fullName('a')}" denied the request: not like this`,
    });
  });

  test('a denial without a code is 400, without a message says so', async (server) => {
    const answer = (): object => ({ allowed: false });
    expect(await createdUnder(server, 'mutating', { name: 'a', answer })).toEqual({
      status: 400,
      reason: undefined,
      message: `admission webhook "${fullName('a')}" denied the request without explanation`,
    });
  });

  test('a denial with a reason only has it as the message', async (server) => {
    const answer = (): object => ({ allowed: false, status: { code: 403, reason: 'Forbidden' } });
    expect(await createdUnder(server, 'validating', { name: 'a', answer })).toEqual({
      status: 403,
      reason: 'Forbidden',
      message: `admission webhook "${fullName('a')}" denied the request: Forbidden`,
    });
  });

  test('nothing is stored of a denied create', async (server) => {
    const answer = (): object => ({ allowed: false });
    await withWebhooks(server, [validating({ name: 'a', answer })], async ({ namespace }) => {
      expect((await server.post(configMaps(namespace), configMap())).status).toBe(400);
      expect((await server.get(`${configMaps(namespace)}/one`)).status).toBe(404);
    });
  });

  test('with failurePolicy Fail a webhook that cannot be reached stops the request', async (server) => {
    const hook = { name: 'a', url: 'https://127.0.0.1:1/x' };
    expect(await createdUnder(server, 'mutating', hook)).toEqual({
      status: 500,
      reason: 'InternalError',
      message:
        `Internal error occurred: failed calling webhook "${fullName('a')}": failed to call webhook: ` +
        'Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });

  test('a webhook behind a Service that is not there cannot be reached', async (server) => {
    const service = { namespace: 'default', name: uniqueName('s'), path: '/inject' };
    const target = `https://${service.name}.default.svc:443/inject?timeout=10s`;
    expect(await createdUnder(server, 'validating', { name: 'a', spec: { clientConfig: { service } } })).toEqual({
      status: 500,
      reason: 'InternalError',
      message:
        `Internal error occurred: failed calling webhook "${fullName('a')}": failed to call webhook: ` +
        `Post "${target}": service "${service.name}" not found`,
    });
  });

  test('with failurePolicy Ignore a webhook that cannot be reached is passed over', async (server) => {
    const hook = { name: 'a', url: 'https://127.0.0.1:1/x', spec: { failurePolicy: 'Ignore' } };
    expect(await createdUnder(server, 'mutating', hook)).toMatchObject({ status: 201 });
    expect(await createdUnder(server, 'validating', hook)).toMatchObject({ status: 201 });
  });

  test('failurePolicy Ignore does not pass over a denial', async (server) => {
    const answer = (): object => ({ allowed: false });
    const spec = { failurePolicy: 'Ignore' };
    expect(await createdUnder(server, 'validating', { name: 'a', answer, spec })).toMatchObject({ status: 400 });
  });

  test('a webhook that does not answer in time stops the request', async (server) => {
    const answer = (): Promise<object> => new Promise(() => undefined);
    const seen = await createdUnder(server, 'validating', { name: 'a', answer, spec: { timeoutSeconds: 1 } });
    expect(seen).toMatchObject({ status: 500, reason: 'InternalError' });
    expect(seen).toHaveProperty(
      'message',
      expect.stringMatching(
        /failed calling webhook "a\..*": failed to call webhook: Post "https:.*\/a\?timeout=1s": context deadline exceeded$/,
      ),
    );
  });

  test('a webhook that answers with an HTTP error has failed', async (server) => {
    const answer = (): { code: number; text: string } => ({ code: 500, text: 'broken' });
    expect(await createdUnder(server, 'validating', { name: 'a', answer })).toEqual({
      status: 500,
      reason: 'InternalError',
      message:
        `Internal error occurred: failed calling webhook "${fullName('a')}": failed to call webhook: ` +
        'an error on the server ("broken") has prevented the request from succeeding',
    });
  });

  test('an answer to another review is refused', async (server) => {
    let asked = '';
    const answer = ({ uid }: { uid: string }): object => {
      asked = uid;
      return { allowed: true, uid: 'other' };
    };
    expect(await createdUnder(server, 'validating', { name: 'a', answer })).toEqual({
      status: 500,
      reason: 'InternalError',
      message:
        `Internal error occurred: failed calling webhook "${fullName('a')}": received invalid webhook response: ` +
        `expected response.uid="${asked}", got "other"`,
    });
  });

  test('an answer that is no review, or without a response, is refused', async (server) => {
    const failed = `Internal error occurred: failed calling webhook "${fullName('a')}": `;
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
    const empty = (): object => ({ code: 200, text: JSON.stringify(review) });
    expect(await createdUnder(server, 'mutating', { name: 'a', answer: empty })).toMatchObject({
      status: 500,
      message: `${failed}received invalid webhook response: webhook response was absent`,
    });
    const untyped = ({ uid }: { uid: string }): object => ({
      code: 200,
      text: JSON.stringify({ response: { uid, allowed: true } }),
    });
    expect(await createdUnder(server, 'mutating', { name: 'a', answer: untyped })).toMatchObject({
      status: 500,
      message:
        `${failed}received invalid webhook response: expected webhook response of ` +
        'admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=',
    });
  });

  test('a validating webhook may not patch, and a mutating one must name the type of its patch', async (server) => {
    const failed = `Internal error occurred: failed calling webhook "${fullName('a')}": received invalid webhook response: `;
    const answer = (): object => jsonPatch({ op: 'remove', path: '/data' });
    expect(await createdUnder(server, 'validating', { name: 'a', answer })).toMatchObject({
      status: 500,
      message: `${failed}validating webhook may not return response.patch`,
    });
    const untyped = (): object => ({ allowed: true, patch: Buffer.from('[]').toString('base64') });
    expect(await createdUnder(server, 'mutating', { name: 'a', answer: untyped })).toMatchObject({
      status: 500,
      message: `${failed}webhook returned response.patch but not response.patchType`,
    });
  });

  test('a patch that does not fit the object fails the request, also with failurePolicy Ignore', async (server) => {
    const answer = (): object => jsonPatch({ op: 'replace', path: '/spec/none', value: 1 });
    const seen = await createdUnder(server, 'mutating', { name: 'a', answer, spec: { failurePolicy: 'Ignore' } });
    expect(seen).toMatchObject({ status: 500, reason: 'InternalError' });
  });

  test('warnings of webhooks reach the client', async (server) => {
    const answer = (): object => ({ allowed: true, warnings: ['mind the gap'] });
    await withWebhooks(server, [validating({ name: 'a', answer })], async ({ namespace }) => {
      const created = await server.post(configMaps(namespace), configMap());
      expect(created.status).toBe(201);
      expect(warnings(created)).toEqual(['mind the gap']);
    });
  });

  test('a dry run reaches webhooks without side effects, which are told', async (server) => {
    const spec = { sideEffects: 'NoneOnDryRun' };
    await withWebhooks(server, [mutating({ name: 'a', answer: tracing('a'), spec })], async ({ namespace, asked }) => {
      const answer = await server.post(configMaps(namespace), configMap(), { query: { dryRun: 'All' } });
      expect(answer.status).toBe(201);
      expect(answer.body.data).toEqual({ trace: 'a' });
      expect(asked('a')[0].dryRun).toBe(true);
      expect(asked('a')[0].options.dryRun).toEqual(['All']);
      expect((await server.get(`${configMaps(namespace)}/one`)).status).toBe(404);
    });
  });

  test('a configuration that leaves side effects open is refused', async (server) => {
    const name = uniqueName('w');
    const answer = await server.post('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name: fullName('a'),
          clientConfig: { url: 'https://127.0.0.1:1/x' },
          rules: [rule(['CREATE'], ['configmaps'])],
          namespaceSelector: { matchLabels: { none: 'has-this' } },
          sideEffects: 'Unknown',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      `ValidatingWebhookConfiguration.admissionregistration.k8s.io "${name}" is invalid: ` +
        'webhooks[0].sideEffects: Unsupported value: "Unknown": supported values: "None", "NoneOnDryRun"',
    );
  });

  test('mutating webhooks run by name of the configuration, then by place', async (server) => {
    const hook = (name: string): Hook => ({ name, answer: tracing(name) });
    const configurations = [mutating(hook('z'), hook('b')), mutating(hook('a'))];
    await withWebhooks(server, configurations, async ({ namespace }) => {
      const created = await server.post(configMaps(namespace), configMap());
      expect(created.body.data.trace).toBe('zba');
    });
  });

  test('validating webhooks see what the mutating ones have left', async (server) => {
    const configurations = [mutating({ name: 'a', answer: tracing('a') }), validating({ name: 'b' })];
    await withWebhooks(server, configurations, async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap());
      expect(asked('b')[0].object.data).toEqual({ trace: 'a' });
    });
  });

  test('reinvocationPolicy IfNeeded: once more if a later webhook has changed the object', async (server) => {
    const spec = { reinvocationPolicy: 'IfNeeded' };
    const hooks: Hook[] = [
      { name: 'a', answer: tracing('a'), spec },
      { name: 'b', answer: tracing('b') },
    ];
    await withWebhooks(server, [mutating(...hooks)], async ({ namespace, asked }) => {
      const created = await server.post(configMaps(namespace), configMap());
      expect(created.body.data.trace).toBe('aba');
      expect([asked('a').length, asked('b').length]).toEqual([2, 1]);
    });
  });

  test('reinvocationPolicy IfNeeded: not if nothing has changed since', async (server) => {
    const spec = { reinvocationPolicy: 'IfNeeded' };
    await withWebhooks(
      server,
      [mutating({ name: 'a', answer: tracing('a'), spec }, { name: 'b' })],
      async (webhooks) => {
        const created = await server.post(configMaps(webhooks.namespace), configMap());
        expect(created.body.data.trace).toBe('a');
        expect([webhooks.asked('a').length, webhooks.asked('b').length]).toEqual([1, 1]);
      },
    );
  });

  test('the built-in plugins run again after a webhook: an injected container gets the token of the account', async (server) => {
    const injected = { name: 'injected', image: 'i' };
    const answer = (review: { object: { spec: { containers: object[] } } }): object =>
      review.object.spec.containers.length > 1
        ? { allowed: true }
        : jsonPatch(
            { op: 'add', path: '/spec/containers/-', value: injected },
            { op: 'add', path: '/spec/initContainers', value: [{ name: 'init', image: 'i' }] },
          );
    const spec = { rules: [rule(['CREATE'], ['pods'])] };
    await withWebhooks(server, [mutating({ name: 'a', answer, spec })], async ({ namespace }) => {
      const { status, body } = await server.post(`/api/v1/namespaces/${namespace}/pods`, pod());
      expect(status).toBe(201);
      const [volume] = body.spec.volumes;
      expect(body.spec.volumes).toHaveLength(1);
      const mount = { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
      expect(body.spec.containers[1]).toMatchObject({
        name: 'injected',
        imagePullPolicy: 'Always',
        volumeMounts: [mount],
      });
      expect(body.spec.initContainers[0]).toMatchObject({ terminationMessagePolicy: 'File', volumeMounts: [mount] });
    });
  });

  test('namespaceSelector: other namespaces are not concerned', async (server) => {
    await withWebhooks(server, [validating({ name: 'a', answer: () => ({ allowed: false }) })], async ({ asked }) => {
      const other = await server.namespace();
      expect((await server.post(configMaps(other), configMap())).status).toBe(201);
      expect(asked('a')).toEqual([]);
    });
  });

  test('namespaceSelector: of namespaces themselves it looks at their own labels', async (server) => {
    const mark = uniqueName('n');
    const namespaceSelector = { matchLabels: { mark } };
    const spec = { rules: [rule(['CREATE'], ['namespaces'], { scope: 'Cluster' })], namespaceSelector };
    const answer = (): object => ({ allowed: false, status: { message: 'seen' } });
    await withWebhooks(server, [validating({ name: 'a', spec, answer })], async () => {
      const namespace = (labels: object): object => ({ metadata: { name: uniqueName('c'), labels } });
      const dryRun = { query: { dryRun: 'All' } };
      const refused = await server.post('/api/v1/namespaces', namespace({ mark }), dryRun);
      expect(refused.body.message).toContain('denied the request: seen');
      expect((await server.post('/api/v1/namespaces', namespace({}), dryRun)).status).toBe(201);
    });
  });

  test('objectSelector: the object before or after must match', async (server) => {
    const spec = { rules: [rule(['*'], ['configmaps'])], objectSelector: { matchLabels: { seen: 'yes' } } };
    await withWebhooks(server, [validating({ name: 'a', spec })], async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap());
      expect(asked('a')).toHaveLength(0);
      const path = `${configMaps(namespace)}/one`;
      await server.patch('merge', path, { metadata: { labels: { seen: 'yes' } } });
      expect(asked('a')).toHaveLength(1);
      await server.patch('merge', path, { metadata: { labels: { seen: 'no' } } });
      expect(asked('a')).toHaveLength(2);
      await server.patch('merge', path, { metadata: { labels: { seen: null } } });
      expect(asked('a')).toHaveLength(2);
    });
  });

  test('matchConditions: all must be true', async (server) => {
    const matchConditions = [
      { name: 'by-name', expression: "object.metadata.name.startsWith('yes')" },
      { name: 'by-user', expression: "request.userInfo.username == 'admin'" },
    ];
    await withWebhooks(server, [validating({ name: 'a', spec: { matchConditions } })], async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap('no'));
      await server.post(configMaps(namespace), configMap('yes'));
      await server.post(configMaps(namespace), configMap('yes-2'), { as: 'other', groups: ['system:masters'] });
      expect(asked('a').map(({ name }) => name)).toEqual(['yes']);
    });
  });

  test('matchConditions: an error is a refusal with failurePolicy Fail, no match with Ignore', async (server) => {
    const matchConditions = [{ name: 'broken', expression: "object.data.missing == 'x'" }];
    const failing = await createdUnder(server, 'validating', { name: 'a', spec: { matchConditions } });
    expect(failing).toEqual({
      status: 403,
      reason: 'Forbidden',
      message:
        "configmaps \"one\" is forbidden: expression 'object.data.missing == 'x'' resulted in error: no such key: data",
    });
    const spec = { matchConditions, failurePolicy: 'Ignore' };
    const answer = (): object => ({ allowed: false });
    expect(await createdUnder(server, 'validating', { name: 'a', spec, answer })).toMatchObject({ status: 201 });
  });

  test('rules: a star stands for resources without their subresources', async (server) => {
    const spec = { rules: [{ apiGroups: ['apps'], apiVersions: ['*'], operations: ['UPDATE'], resources: ['*'] }] };
    const all = { rules: [{ ...spec.rules[0], resources: ['*/*'] }] };
    const hooks = [
      { name: 'own', spec },
      { name: 'all', spec: all },
      { name: 'scale', spec: { rules: [{ ...spec.rules[0], resources: ['deployments/scale'] }] } },
    ];
    await withWebhooks(server, [validating(...hooks)], async ({ namespace, asked }) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await server.post(path, deployment());
      await server.patch('merge', `${path}/one`, { metadata: { labels: { a: 'b' } } });
      const about = (name: string): string[] => [...new Set(asked(name).map(({ subResource }) => subResource ?? ''))];
      expect([about('own'), about('all'), about('scale')]).toEqual([[''], [''], []]);
      const scaled = await server.patch('merge', `${path}/one/scale`, { spec: { replicas: 0 } });
      expect(scaled.status).toBe(200);
      expect([about('own'), about('all'), about('scale')]).toEqual([[''], ['', 'scale'], ['scale']]);
      const [review] = asked('scale');
      expect(review).toMatchObject({
        kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        resource: { group: 'apps', version: 'v1', resource: 'deployments' },
        subResource: 'scale',
        requestSubResource: 'scale',
        name: 'one',
      });
      expect(review.object).toMatchObject({ kind: 'Scale', spec: {} });
    });
  });

  test('rules: operations, groups and versions must fit', async (server) => {
    const rules = (...list: object[]): Record<string, unknown> => ({ rules: list });
    const hooks: Hook[] = [
      { name: 'update', spec: rules(rule(['UPDATE'], ['configmaps'])) },
      { name: 'apps', spec: rules(rule(['CREATE'], ['configmaps'], { apiGroups: ['apps'] })) },
      { name: 'v2', spec: rules(rule(['CREATE'], ['configmaps'], { apiVersions: ['v2'] })) },
      { name: 'cluster', spec: rules(rule(['CREATE'], ['configmaps'], { scope: 'Cluster' })) },
      {
        name: 'either',
        spec: rules(rule(['DELETE'], ['pods']), rule(['*'], ['*'], { apiGroups: ['*'], apiVersions: ['*'] })),
      },
    ];
    await withWebhooks(server, [validating(...hooks)], async ({ namespace, asked }) => {
      await server.post(configMaps(namespace), configMap());
      const about = hooks.filter(({ name }) => asked(name).some((review) => review.name === 'one'));
      expect(about.map(({ name }) => name)).toEqual(['either']);
    });
  });

  test('matchPolicy Equivalent: a rule for one version sees requests in another, converted', async (server) => {
    await defined(server, definition([{}, {}]), async (kind) => {
      const { group } = kind.definition.spec;
      const rules = [rule(['CREATE'], ['widgets'], { apiGroups: [group] })];
      const hooks = [
        { name: 'equivalent', spec: { rules } },
        { name: 'exact', spec: { rules, matchPolicy: 'Exact' } },
      ];
      await withWebhooks(server, [mutating(...hooks)], async ({ namespace, asked }) => {
        const object = { ...kind.object(), apiVersion: `${group}/v2` };
        const path = `/apis/${group}/v2/namespaces/${namespace}/widgets`;
        expect((await server.post(path, object)).status).toBe(201);
        expect(asked('exact')).toEqual([]);
        expect(asked('equivalent')[0]).toMatchObject({
          kind: { group, version: 'v1', kind: 'Widget' },
          resource: { group, version: 'v1', resource: 'widgets' },
          requestKind: { group, version: 'v2', kind: 'Widget' },
          requestResource: { group, version: 'v2', resource: 'widgets' },
          object: { apiVersion: `${group}/v1` },
        });
      });
    });
  });

  test('what a webhook leaves is validated', async (server) => {
    const answer = (): object => jsonPatch({ op: 'add', path: '/data', value: { 'not a key': 'x' } });
    const seen = await createdUnder(server, 'mutating', { name: 'a', answer });
    expect(seen).toMatchObject({ status: 422, reason: 'Invalid' });
  });

  test('Services that are validated at the same time get different addresses and node ports', async (server) => {
    const answer = async (): Promise<object> => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { allowed: true };
    };
    const spec = { rules: [rule(['CREATE', 'UPDATE'], ['services'])] };
    await withWebhooks(server, [validating({ name: 'slow', answer, spec })], async ({ namespace }) => {
      const path = `/api/v1/namespaces/${namespace}/services`;
      const names = ['a', 'b', 'c', 'd', 'e'];
      const all = (send: (name: string) => Promise<Answer>): Promise<Answer[]> => Promise.all(names.map(send));
      const allDiffer = (answers: Answer[]): void => {
        expect(new Set(answers.map(({ body }) => body.spec.clusterIP)).size).toBe(names.length);
        expect(new Set(answers.map(({ body }) => body.spec.ports[0].nodePort)).size).toBe(names.length);
      };
      const open = { type: 'NodePort', ports: [{ port: 80 }] };
      const created = await all((name) => server.post(path, { metadata: { name }, spec: open }));
      expect(created.map(({ status }) => status)).toEqual(names.map(() => 201));
      allDiffer(created);

      const nowhere = { type: 'ExternalName', externalName: 'example.com' };
      await all((name) => server.post(path, { metadata: { name: `${name}-${name}` }, spec: nowhere }));
      const opened = await all((name) => server.patch('merge', `${path}/${name}-${name}`, { spec: open }));
      expect(opened.map(({ status }) => status)).toEqual(names.map(() => 200));
      allDiffer(opened);
    });
  });

  test('one connection serves the requests that follow each other', async (server) => {
    await withWebhooks(server, [validating({ name: 'a' })], async (webhooks) => {
      await server.post(configMaps(webhooks.namespace), configMap('first'));
      const before = webhooks.connections;
      for (const name of ['b', 'c', 'd']) await server.post(configMaps(webhooks.namespace), configMap(name));
      expect(webhooks.asked('a')).toHaveLength(4);
      expect(webhooks.connections).toBe(before);
    });
  });
});

function pod(spec: object = {}, metadata: object = {}): object {
  const container = { name: 'main', image: 'i' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'one', ...metadata },
    spec: { containers: [container], ...spec },
  };
}

function deployment(): object {
  const labels = { app: 'one' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'one' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'i' }] } },
    },
  };
}
