import { expect } from 'vitest';
import { type Answer, type Server, eventually, uniqueName } from './server.js';
import { conformance } from './suite.js';

type Fields = Record<string, unknown>;

const web = { name: 'web', image: 'nginx:1', env: [{ name: 'A', value: '1' }] };
const side = { name: 'side', image: 'busybox:1' };

/** Makes a Deployment that starts no pods; returns its path. */
async function deployment(server: Server, spec: Fields = {}): Promise<string> {
  const ns = await server.namespace();
  const answer = await server.post(`/apis/apps/v1/namespaces/${ns}/deployments`, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [web, side], ...spec } },
    },
  });
  expect(answer.status).toBe(201);
  return `/apis/apps/v1/namespaces/${ns}/deployments/web`;
}

/** Makes a ConfigMap; returns its path. */
async function configMap(server: Server, data: Fields, metadata: Fields = {}): Promise<string> {
  const ns = await server.namespace();
  const answer = await server.post(`/api/v1/namespaces/${ns}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', ...metadata },
    data,
  });
  expect(answer.status).toBe(201);
  return `/api/v1/namespaces/${ns}/configmaps/settings`;
}

/** Makes a custom resource without schema; returns its path. */
async function custom(server: Server, spec: Fields): Promise<string> {
  const word = uniqueName('p').replaceAll('-', '');
  const group = `${word}.patches.example`;
  const kind = `P${word}`;
  await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${word}s.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural: `${word}s`, singular: word, kind, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  const path = `/apis/${group}/v1/${word}s`;
  await eventually('the new kind', async () => ((await server.get(path)).status === 200 ? true : undefined));
  const answer = await server.post(path, { apiVersion: `${group}/v1`, kind, metadata: { name: 'x' }, spec });
  expect(answer.status).toBe(201);
  return `${path}/x`;
}

const data = (answer: Answer): Fields | undefined => (answer.body as { data?: Fields }).data;
const message = (answer: Answer): string => (answer.body as { message: string }).message;
const version = (answer: Answer): string =>
  (answer.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
const podSpec = (answer: Answer): { containers: Fields[]; [field: string]: unknown } =>
  (answer.body as { spec: { template: { spec: { containers: Fields[] } } } }).spec.template.spec;
const names = (answer: Answer): unknown[] => podSpec(answer).containers.map(({ name }) => name);
const inTemplate = (spec: Fields): Fields => ({ spec: { template: { spec } } });

conformance('patches', (test) => {
  test('a JSON patch adds, replaces, removes, moves and copies', async (server) => {
    const path = await configMap(server, { a: '1', b: '2', c: '3', 'd.e': '4' });
    const answer = await server.patch('json', path, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'add', path: '/data/new', value: 'x' },
      { op: 'replace', path: '/data/a', value: 'y' },
      { op: 'remove', path: '/data/b' },
      { op: 'move', from: '/data/c', path: '/data/moved' },
      { op: 'copy', from: '/data/a', path: '/data/copied' },
      { op: 'replace', path: '/data/d.e', value: 'z' },
      { op: 'add', path: '/metadata/annotations', value: { 'example.com/a': '1' } },
      { op: 'replace', path: '/metadata/annotations/example.com~1a', value: '2' },
    ]);
    expect(answer.status).toBe(200);
    expect(data(answer)).toEqual({ a: 'y', new: 'x', moved: '3', copied: 'y', 'd.e': 'z' });
    expect(answer.body).toMatchObject({ metadata: { annotations: { 'example.com/a': '2' } } });
  });

  test('a JSON patch inserts into lists and appends to them', async (server) => {
    const path = await deployment(server);
    const containers = '/spec/template/spec/containers';
    const answer = await server.patch('json', path, [
      { op: 'add', path: `${containers}/0`, value: { name: 'first', image: 'a:1' } },
      { op: 'add', path: `${containers}/-`, value: { name: 'last', image: 'a:1' } },
      { op: 'remove', path: `${containers}/1` },
    ]);
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['first', 'side', 'last']);
  });

  test('a JSON patch whose test fails is answered with 422 and does nothing', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('json', path, [
      { op: 'replace', path: '/data/a', value: '2' },
      { op: 'test', path: '/metadata/resourceVersion', value: '1' },
    ]);
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'the server rejected our request due to an error in our request',
      reason: 'Invalid',
      details: {},
      code: 422,
    });
    expect(data(await server.get(path))).toEqual({ a: '1' });
  });

  test('a JSON patch of a path that is not there is answered with 422', async (server) => {
    const path = await configMap(server, { a: '1' });
    for (const operation of [
      { op: 'remove', path: '/data/b' },
      { op: 'add', path: '/spec/a', value: '1' },
      { op: 'replace', path: '/spec/a', value: '1' },
      { op: 'test', path: '/data/b', value: '1' },
      { op: 'move', from: '/data/b', path: '/data/c' },
      { op: 'turn', path: '/data/a' },
    ]) {
      const answer = await server.patch('json', path, [operation]);
      expect([operation, answer.status, message(answer)]).toEqual([
        operation,
        422,
        'the server rejected our request due to an error in our request',
      ]);
    }
  });

  test('a JSON patch may replace a field that is not there', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('json', path, [{ op: 'replace', path: '/data/b', value: '2' }]);
    expect(answer.status).toBe(200);
    expect(data(answer)).toEqual({ a: '1', b: '2' });
  });

  test('a test for null passes where there is nothing', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('json', path, [
      { op: 'test', path: '/data/b', value: null },
      { op: 'add', path: '/data/b', value: '1' },
    ]);
    expect(answer.status).toBe(200);
    expect(data(answer)).toEqual({ a: '1', b: '1' });
  });

  test('a test compares objects whatever the order of their fields', async (server) => {
    const path = await configMap(server, { a: '1', b: '2' });
    const answer = await server.patch('json', path, [{ op: 'test', path: '/data', value: { b: '2', a: '1' } }]);
    expect(answer.status).toBe(200);
  });

  test('a JSON patch that is no list is refused', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('json', path, { op: 'remove', path: '/data/a' });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ reason: 'BadRequest' });
    expect(message(answer)).toContain('cannot unmarshal object into Go value of type');
  });

  test('a JSON patch with an index beyond the list is answered with 422', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('json', path, [{ op: 'remove', path: '/spec/template/spec/containers/7' }]);
    expect(answer.status).toBe(422);
  });

  test('a JSON patch of what has no fields, or out of the document, is answered with 422', async (server) => {
    const path = await deployment(server);
    for (const operation of [
      { op: 'add', path: '/spec/replicas/x', value: 1 },
      { op: 'add', path: '/kind/length', value: 1 },
      { op: 'copy', from: '/kind/length', path: '/metadata/labels' },
      { op: 'move', from: '/metadata/uid', path: '/kind/x' },
      { op: 'add', path: '/__proto__/x', value: 1 },
      { op: 'add', path: '/constructor/prototype/x', value: 1 },
    ]) {
      expect((await server.patch('json', path, [operation])).status).toBe(422);
    }
  });

  test('a JSON patch that makes the object invalid names the field', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('json', path, [{ op: 'replace', path: '/spec/replicas', value: -2 }]);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      reason: 'Invalid',
      message: 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0',
      details: { group: 'apps', kind: 'Deployment', name: 'web', causes: [{ field: 'spec.replicas' }] },
    });
  });

  test('a patch that leaves a value of a wrong type is refused', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('merge', path, { spec: { replicas: 'two' } });
    expect(answer.status).toBe(422);
    expect(message(answer)).toContain('patch: Invalid value: ');
    expect(message(answer)).toContain(
      'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  });

  test('an outdated resourceVersion in a patch is a conflict', async (server) => {
    const path = await configMap(server, { a: '1' });
    const old = version(await server.get(path));
    const metadata = { resourceVersion: old };
    expect((await server.patch('merge', path, { metadata, data: { a: '2' } })).status).toBe(200);
    const answer = await server.patch('merge', path, { metadata, data: { a: '3' } });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'settings', kind: 'configmaps' },
    });
  });

  test('a patch that changes nothing writes nothing', async (server) => {
    const path = await configMap(server, { a: '1' });
    const before = await server.get(path);
    const patches: [Parameters<Server['patch']>[0], unknown][] = [
      ['merge', { data: { a: '1' } }],
      ['merge', {}],
      ['strategic', { data: { a: '1' } }],
      ['json', [{ op: 'replace', path: '/data/a', value: '1' }]],
      ['json', []],
    ];
    for (const [type, body] of patches) {
      const answer = await server.patch(type, path, body);
      expect([type, body, answer.status, answer.body]).toEqual([type, body, 200, before.body]);
    }
  });

  test('a merge patch changes fields, adds them, and removes those that are null', async (server) => {
    const path = await configMap(server, { a: '1', b: '1' }, { labels: { x: '1', y: '1' } });
    const answer = await server.patch('merge', path, {
      metadata: { labels: { x: null, z: '1' } },
      data: { a: '2', b: null, c: '3', d: null },
    });
    expect(answer.status).toBe(200);
    expect(data(answer)).toEqual({ a: '2', c: '3' });
    expect(answer.body).toMatchObject({ metadata: { labels: { y: '1', z: '1' } } });
    expect((answer.body as { metadata: { labels: Fields } }).metadata.labels).not.toHaveProperty('x');
  });

  test('a merge patch removes a whole object with null', async (server) => {
    const path = await configMap(server, { a: '1' }, { annotations: { x: '1' } });
    const answer = await server.patch('merge', path, { metadata: { annotations: null }, data: null });
    expect(answer.body).not.toHaveProperty('data');
    expect((answer.body as { metadata: Fields }).metadata).not.toHaveProperty('annotations');
  });

  test('a merge patch replaces lists', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('merge', path, inTemplate({ containers: [{ name: 'only', image: 'a:1' }] }));
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['only']);
  });

  test('a merge patch of a custom resource keeps unknown fields and drops nulls inside of new objects', async (server) => {
    const path = await custom(server, { a: { b: 1, c: 2 }, list: [1, 2] });
    const answer = await server.patch('merge', path, {
      spec: { a: { b: null, d: 3 }, list: [3], other: { keep: 1, drop: null } },
    });
    expect(answer.status).toBe(200);
    expect((answer.body as { spec: Fields }).spec).toEqual({ a: { c: 2, d: 3 }, list: [3], other: { keep: 1 } });
  });

  test('a merge patch that is no object is refused', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('merge', path, [1]);
    expect(answer.status).toBe(400);
    expect(message(answer)).toBe(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  });

  test('a patch that is no JSON is refused', async (server) => {
    const path = await configMap(server, { a: '1' });
    for (const type of ['merge', 'strategic', 'json'] as const) {
      const answer = await server.patch(type, path, '{"data":');
      expect([type, answer.status, (answer.body as { reason: string }).reason]).toEqual([type, 400, 'BadRequest']);
    }
  });

  test('a strategic merge patch merges containers by name', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({ containers: [{ name: 'side', image: 'busybox:2' }] }),
    );
    expect(answer.status).toBe(200);
    expect(podSpec(answer).containers.map(({ name, image }) => [name, image])).toEqual([
      ['web', 'nginx:1'],
      ['side', 'busybox:2'],
    ]);
  });

  test('a strategic merge patch puts new items before the others', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('strategic', path, inTemplate({ containers: [{ name: 'new', image: 'a:1' }] }));
    expect(names(answer)).toEqual(['new', 'web', 'side']);
  });

  test('a strategic merge patch merges lists inside of items', async (server) => {
    const path = await deployment(server);
    const env = [
      { name: 'B', value: '2' },
      { name: 'A', value: '9' },
    ];
    const answer = await server.patch('strategic', path, inTemplate({ containers: [{ name: 'web', env }] }));
    expect(podSpec(answer).containers[0]).toMatchObject({ name: 'web', image: 'nginx:1', env });
  });

  test('$patch: delete removes the item with that key', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({
        containers: [
          { $patch: 'delete', name: 'web' },
          { $patch: 'delete', name: 'none' },
        ],
      }),
    );
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['side']);
  });

  test('$patch: replace replaces a list or an object', async (server) => {
    const path = await deployment(server, { nodeSelector: { a: '1' } });
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({
        containers: [{ name: 'only', image: 'a:1' }, { $patch: 'replace' }],
        nodeSelector: { $patch: 'replace', b: '1' },
      }),
    );
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['only']);
    expect(podSpec(answer).nodeSelector).toEqual({ b: '1' });
  });

  test('$patch: delete in an object empties it', async (server) => {
    const path = await configMap(server, { a: '1' }, { labels: { x: '1' } });
    const answer = await server.patch('strategic', path, { data: { $patch: 'delete' } });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('data');
  });

  test('null removes a field in a strategic merge patch, also inside of an item', async (server) => {
    const path = await deployment(server, { nodeSelector: { a: '1', b: '1' } });
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({ nodeSelector: { a: null }, containers: [{ name: 'web', env: null }] }),
    );
    expect(podSpec(answer).nodeSelector).toEqual({ b: '1' });
    const container = podSpec(answer).containers.find(({ name }) => name === 'web');
    expect(container).not.toHaveProperty('env');
  });

  test('$setElementOrder sorts a merged list', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({
        '$setElementOrder/containers': [{ name: 'side' }, { name: 'new' }, { name: 'web' }],
        containers: [{ name: 'new', image: 'a:1' }],
      }),
    );
    expect(answer.status).toBe(200);
    expect(names(answer)).toEqual(['side', 'new', 'web']);
  });

  test('$setElementOrder sorts without other changes', async (server) => {
    const path = await deployment(server);
    const order = { '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }] };
    expect(names(await server.patch('strategic', path, inTemplate(order)))).toEqual(['side', 'web']);
  });

  test('a patch whose order contradicts $setElementOrder is refused', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch(
      'strategic',
      path,
      inTemplate({
        '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }],
        containers: [{ name: 'web' }, { name: 'side' }],
      }),
    );
    expect(answer.status).toBe(500);
    expect(message(answer)).toBe(
      "The order in patch list:\n[map[name:web] map[name:side]]\n doesn't match $setElementOrder list:\n[map[name:side] map[name:web]]\n",
    );
  });

  test('$retainKeys drops the fields that it does not name', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('strategic', path, {
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    });
    expect(answer.status).toBe(200);
    expect((answer.body as { spec: Fields }).spec.strategy).toEqual({ type: 'Recreate' });
    const invalid = await server.patch('strategic', path, {
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
    });
    expect(invalid.status).toBe(400);
    expect(message(invalid)).toBe('invalid patch format of retainKeys');
  });

  test('without $retainKeys a strategy keeps fields that do not go with it', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('strategic', path, { spec: { strategy: { type: 'Recreate' } } });
    expect(answer.status).toBe(422);
    expect(message(answer)).toBe(
      `Deployment.apps "web" is invalid: spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy \`type\` is 'Recreate'`,
    );
  });

  test('lists of plain values with merge strategy are merged, and $deleteFromPrimitiveList takes away', async (server) => {
    const path = await configMap(server, { a: '1' }, { finalizers: ['example.com/a', 'example.com/b'] });
    const added = await server.patch('strategic', path, { metadata: { finalizers: ['example.com/c'] } });
    const finalizers = (answer: Answer): unknown => (answer.body as { metadata: Fields }).metadata.finalizers;
    expect(finalizers(added)).toEqual(['example.com/c', 'example.com/a', 'example.com/b']);
    const removed = await server.patch('strategic', path, {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a', 'example.com/c'] },
    });
    expect(finalizers(removed)).toEqual(['example.com/b']);
    await server.patch('merge', path, { metadata: { finalizers: null } });
  });

  test('lists without merge strategy are replaced by a strategic merge patch', async (server) => {
    const path = await deployment(server);
    const args = (...words: string[]): Fields => inTemplate({ containers: [{ name: 'web', args: words }] });
    await server.patch('strategic', path, args('a', 'b'));
    const answer = await server.patch('strategic', path, args('c'));
    expect(podSpec(answer).containers.find(({ name }) => name === 'web')).toMatchObject({ args: ['c'] });
  });

  test('an item without its merge key is refused', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('strategic', path, inTemplate({ containers: [{ image: 'a:1' }] }));
    expect(answer.status).toBe(500);
    expect(message(answer)).toBe('map: map[image:a:1] does not contain declared merge key: name');
  });

  test('an unknown $patch directive is refused', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('strategic', path, { data: { $patch: 'turn' } });
    expect(answer.status).toBe(500);
    expect(message(answer)).toBe('unknown patch type: turn in map: map[$patch:turn]');
  });

  test('ports of a Service are merged by port', async (server) => {
    const ns = await server.namespace();
    await server.post(`/api/v1/namespaces/${ns}/services`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        clusterIP: 'None',
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81 },
        ],
      },
    });
    const answer = await server.patch('strategic', `/api/v1/namespaces/${ns}/services/web`, {
      spec: { ports: [{ port: 81, name: 'c' }] },
    });
    expect(answer.status).toBe(200);
    const { ports } = (answer.body as { spec: { ports: Fields[] } }).spec;
    expect(ports.map(({ name, port }) => [name, port])).toEqual([
      ['a', 80],
      ['c', 81],
    ]);
  });

  test('a strategic merge patch of a custom resource is refused', async (server) => {
    const path = await custom(server, { a: 1 });
    const answer = await server.patch('strategic', path, { spec: { a: 2 } });
    expect(answer.status).toBe(415);
    expect(answer.body).toMatchObject({
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    });
  });

  test('a patch of an unknown type is refused', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.request('PATCH', path, { body: { data: { a: '2' } }, contentType: 'application/json' });
    expect(answer.status).toBe(415);
    expect(answer.body).toMatchObject({
      reason: 'UnsupportedMediaType',
      message: '415: Unsupported Media Type',
    });
  });

  test('a patch of a missing object is answered with 404', async (server) => {
    const ns = await server.namespace();
    for (const [type, body] of [
      ['json', []],
      ['merge', {}],
      ['strategic', {}],
    ] as const) {
      const answer = await server.patch(type, `/api/v1/namespaces/${ns}/configmaps/none`, body);
      expect([type, answer.status, message(answer)]).toEqual([type, 404, 'configmaps "none" not found']);
    }
  });

  test('a dry run shows the result and changes nothing', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('merge', path, { data: { a: '2' } }, { query: { dryRun: 'All' } });
    expect(answer.status).toBe(200);
    expect(data(answer)).toEqual({ a: '2' });
    expect(data(await server.get(path))).toEqual({ a: '1' });
  });

  test('a patch cannot change the name or the namespace', async (server) => {
    const path = await configMap(server, { a: '1' });
    const name = await server.patch('merge', path, { metadata: { name: 'other' } });
    expect([name.status, message(name)]).toEqual([
      400,
      'the name of the object (other) does not match the name on the URL (settings)',
    ]);
    const namespace = await server.patch('merge', path, { metadata: { namespace: 'other' } });
    expect([namespace.status, message(namespace)]).toEqual([
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ]);
  });

  test('a patch cannot change the uid', async (server) => {
    const path = await configMap(server, { a: '1' });
    const answer = await server.patch('merge', path, { metadata: { uid: 'other' } });
    expect(answer.status).toBe(422);
    expect(message(answer)).toBe(
      'ConfigMap "settings" is invalid: metadata.uid: Invalid value: "other": field is immutable',
    );
  });

  test('a patch of the object leaves its status, a patch of the status all else', async (server) => {
    const path = await deployment(server);
    const main = await server.patch('merge', path, { status: { replicas: 7 }, metadata: { labels: { a: '1' } } });
    expect((main.body as { status: Fields }).status.replicas).toBeUndefined();
    const status = await server.patch('merge', `${path}/status`, { spec: { replicas: 3 }, status: { replicas: 7 } });
    expect(status.status).toBe(200);
    expect(status.body).toMatchObject({ spec: { replicas: 0 } });
  });

  test('an immutable field refuses a patch', async (server) => {
    const path = await deployment(server);
    const answer = await server.patch('merge', path, {
      spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } },
    });
    expect(answer.status).toBe(422);
    expect(message(answer)).toContain('spec.selector: Invalid value: ');
    expect(message(answer)).toContain(': field is immutable');
  });

  test('a patch raises the generation only when the spec changes', async (server) => {
    const path = await deployment(server);
    const generation = (answer: Answer): unknown => (answer.body as { metadata: Fields }).metadata.generation;
    expect(generation(await server.patch('merge', path, { metadata: { labels: { a: '1' } } }))).toBe(1);
    expect(generation(await server.patch('merge', path, { spec: { minReadySeconds: 1 } }))).toBe(2);
  });

  test('a patch with strict field validation names the fields that there are not', async (server) => {
    const path = await configMap(server, { a: '1' });
    const query = { fieldValidation: 'Strict' };
    const merge = await server.patch('merge', path, { dat: { a: '2' } }, { query });
    expect(merge.status).toBe(422);
    expect(message(merge)).toContain('strict decoding error: unknown field "dat"');
    const strategic = await server.patch('strategic', path, { dat: { a: '2' } }, { query });
    expect(strategic.status).toBe(422);
    expect(message(strategic)).toContain('strict decoding error: unknown field "dat"');
  });

  test('keys such as constructor and valueOf are keys like all others', async (server) => {
    const odd = (value: unknown): Fields => ({
      constructor: value,
      toString: value,
      valueOf: value,
      ['__proto__']: value,
    });
    const sorted = (fields: Fields = {}): string => JSON.stringify(Object.entries(fields).sort());
    const path = await configMap(server, odd('a'));
    expect(sorted(data(await server.get(path)))).toBe(sorted(odd('a')));
    for (const type of ['merge', 'strategic'] as const) {
      expect(sorted(data(await server.patch(type, path, { data: odd(type) })))).toBe(sorted(odd(type)));
    }
    const plain = ['constructor', 'toString', 'valueOf'];
    const operations = plain.map((key) => ({ op: 'replace', path: `/data/${key}`, value: 'json' }));
    expect(data(await server.patch('json', path, operations))).toMatchObject(
      Object.fromEntries(plain.map((key) => [key, 'json'])),
    );
    const { body } = await server.get(path);
    expect(sorted(data(await server.put(path, { ...body, data: odd('put') })))).toBe(sorted(odd('put')));
    expect(sorted(data(await server.get(path)))).toBe(sorted(odd('put')));
    for (const type of ['merge', 'strategic'] as const) {
      const removed = await server.patch(type, path, { data: { ...odd(null), kept: type } });
      expect(data(removed)).toEqual({ kept: type });
      await server.patch(type, path, { data: odd('again') });
    }
  });

  test('patches at the same time all take effect', async (server) => {
    const path = await configMap(server, { a: '1' });
    const keys = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'];
    const answers = await Promise.all(keys.map((key) => server.patch('merge', path, { data: { [key]: '1' } })));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(Object.keys(data(await server.get(path))!).sort()).toEqual(['a', ...keys]);
  });
});
