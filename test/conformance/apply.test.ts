import { expect } from 'vitest';
import { type Answer, type Server, eventually, uniqueName } from './server.js';
import { conformance } from './suite.js';

type Fields = Record<string, unknown>;

/** A ConfigMap as somebody applies it. */
const configMap = (data: Fields, metadata: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', ...metadata },
  data,
});

/** A ConfigMap without data. */
const bare = (metadata: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', ...metadata },
});

const web = { name: 'web', image: 'nginx:1' };

/** A Deployment that starts no pods. */
const deployment = (spec: Fields = {}, container: Fields = web): Fields => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
    ...spec,
  },
});

const service = (ports: Fields[], spec: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: 'None', selector: { app: 'web' }, ports, ...spec },
});

/** Data whose keys all objects of JavaScript have. */
const odd = (value: string): Fields => ({ constructor: value, toString: value, valueOf: value, ['__proto__']: value });
const sorted = (fields: Fields): string => JSON.stringify(Object.entries(fields).sort());

const configMapPath = (ns: string): string => `/api/v1/namespaces/${ns}/configmaps/settings`;
const deploymentPath = (ns: string): string => `/apis/apps/v1/namespaces/${ns}/deployments/web`;
const servicePath = (ns: string): string => `/api/v1/namespaces/${ns}/services/web`;

interface Entry {
  manager: string;
  operation: string;
  apiVersion: string;
  time?: string;
  subresource?: string;
  fieldsType: string;
  fieldsV1: Fields;
}

const entries = (answer: Answer): Entry[] =>
  (answer.body as { metadata: { managedFields?: Entry[] } }).metadata.managedFields ?? [];

/** `manager operation subresource` of all entries, in their order. */
const managers = (answer: Answer): string[] =>
  entries(answer).map(({ manager, operation, subresource }) =>
    [manager, operation, subresource].filter(Boolean).join(' '),
  );

const fieldsOf = (answer: Answer, manager: string, operation = 'Apply'): Fields | undefined =>
  entries(answer).find((entry) => entry.manager === manager && entry.operation === operation)?.fieldsV1;

/** Waits until the server's clock shows another second, as the times of managed fields do. */
async function nextSecond(server: Server): Promise<void> {
  const ns = 'default';
  const now = async (): Promise<string> => {
    const answer = await server.post(
      `/api/v1/namespaces/${ns}/configmaps`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'clock-' } },
      { query: { dryRun: 'All' } },
    );
    return (answer.body as { metadata: { creationTimestamp: string } }).metadata.creationTimestamp;
  };
  const start = await now();
  await eventually('the next second', async () => ((await now()) === start ? undefined : true));
}

/** Defines a custom resource; returns the path of its objects. */
async function define(
  server: Server,
  schema: Fields,
  options: { status?: boolean; versions?: string[] } = {},
): Promise<{ path: (name: string, version?: string) => string; object: (name: string, rest: Fields) => Fields }> {
  const word = uniqueName('m').replaceAll('-', '');
  const group = `${word}.merge.example`;
  const versions = options.versions ?? ['v1'];
  const kind = `M${word}`;
  const answer = await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${word}s.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural: `${word}s`, singular: word, kind, listKind: `${kind}List` },
      versions: versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: schema },
        ...(options.status && { subresources: { status: {} } }),
      })),
    },
  });
  expect(answer.status).toBe(201);
  const path = (name: string, version = versions[0]!): string => `/apis/${group}/${version}/${word}s/${name}`;
  await eventually('the new kind', async () => {
    for (const version of versions) if ((await server.get(path('', version))).status !== 200) return undefined;
    return true;
  });
  return {
    path,
    object: (name, rest) => ({ apiVersion: `${group}/${versions[0]!}`, kind, metadata: { name }, ...rest }),
  };
}

const openSchema = {
  type: 'object',
  properties: {
    spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

conformance('apply', (test) => {
  test('an apply to a missing object creates it', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: ns },
      data: { a: '1' },
    });
    expect(entries(answer)).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'v1',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ]);
  });

  test('an apply in YAML is understood', async (server) => {
    const ns = await server.namespace();
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "1"\n';
    const answer = await server.apply(configMapPath(ns), yaml, 'one');
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ data: { a: '1' } });
  });

  test('the same apply again changes nothing, not even resourceVersion and times', async (server) => {
    const ns = await server.namespace();
    const first = await server.apply(deploymentPath(ns), deployment(), 'one');
    await nextSecond(server);
    const before = await server.get(deploymentPath(ns));
    const second = await server.apply(deploymentPath(ns), deployment(), 'one');
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(before.body);
  });

  test('the same apply again changes nothing where the server writes a value in another way', async (server) => {
    const ns = await server.namespace();
    const object = deployment({}, { ...web, resources: { requests: { cpu: '1000m' } } });
    const first = await server.apply(deploymentPath(ns), object, 'one');
    expect(JSON.stringify(first.body)).toContain('"cpu":"1"');
    await nextSecond(server);
    const before = await server.get(deploymentPath(ns));
    const second = await server.apply(deploymentPath(ns), object, 'one');
    expect(second.body).toEqual(before.body);
  });

  test('a field with another value that somebody else applied is a conflict', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2' }), 'two');
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
      reason: 'Conflict',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }] },
      code: 409,
    });
    expect((await server.get(configMapPath(ns))).body).toMatchObject({ data: { a: '1' } });
  });

  test('a conflict names the version that an update was made in', async (server) => {
    const ns = await server.namespace();
    await server.post(`/apis/apps/v1/namespaces/${ns}/deployments`, deployment(), {
      query: { fieldManager: 'editor' },
    });
    const answer = await server.apply(deploymentPath(ns), deployment({ replicas: 1 }), 'one');
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "editor" using apps/v1: .spec.replicas',
      details: { causes: [{ message: 'conflict with "editor" using apps/v1', field: '.spec.replicas' }] },
    });
  });

  test('several conflicts are listed by manager and path', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ b: '1', a: '1' }), 'one');
    await server.apply(configMapPath(ns), configMap({ c: '1' }), 'another');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2', b: '2', c: '2' }), 'two');
    expect(answer.status).toBe(409);
    expect((answer.body as { message: string }).message).toBe(
      'Apply failed with 3 conflicts: conflicts with "another":\n- .data.c\nconflicts with "one":\n- .data.a\n- .data.b',
    );
    const { causes } = (answer.body as { details: { causes: { field: string }[] } }).details;
    expect(causes.map(({ field }) => field).sort()).toEqual(['.data.a', '.data.b', '.data.c']);
  });

  test('force takes the field over', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2' }), 'two', { force: true });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ data: { a: '2', b: '1' } });
    expect(fieldsOf(answer, 'one')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(fieldsOf(answer, 'two')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  test('a manager that has lost all of its fields is forgotten', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2' }), 'two', { force: true });
    expect(managers(answer)).toEqual(['two Apply']);
  });

  test('the same value is no conflict, and both own it', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'two');
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer, 'one')).toEqual({ 'f:data': { 'f:a': {} } });
    expect(fieldsOf(answer, 'two')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  test('a field that only the manager applied goes when it leaves it out', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    expect((answer.body as { data: Fields }).data).toEqual({ a: '1' });
    expect(fieldsOf(answer, 'one')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  test('a shared field stays when one of its owners leaves it out', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'two');
    const answer = await server.apply(configMapPath(ns), configMap({ b: '1' }), 'one');
    expect((answer.body as { data: Fields }).data).toEqual({ a: '1', b: '1' });
    expect(fieldsOf(answer, 'one')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(fieldsOf(answer, 'two')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  test('a field that an update has changed is no longer removed with the configuration', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    await server.patch('merge', configMapPath(ns), { data: { b: '2' } }, { query: { fieldManager: 'hand' } });
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    expect((answer.body as { data: Fields }).data).toEqual({ a: '1', b: '2' });
    expect(fieldsOf(answer, 'hand', 'Update')).toEqual({ 'f:data': { 'f:b': {} } });
  });

  test('a manager that applies nothing any more is forgotten, its fields go', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    await server.apply(configMapPath(ns), configMap({ b: '1' }), 'two');
    const answer = await server.apply(configMapPath(ns), bare(), 'one');
    expect((answer.body as { data: Fields }).data).toEqual({ b: '1' });
    expect(managers(answer)).toEqual(['two Apply']);
  });

  test('labels and annotations are owned one by one', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), bare({ labels: { a: '1' }, annotations: { x: '1' } }), 'one');
    const answer = await server.apply(configMapPath(ns), bare({ labels: { b: '1' } }), 'two');
    expect((answer.body as { metadata: Fields }).metadata).toMatchObject({ labels: { a: '1', b: '1' } });
    expect(fieldsOf(answer, 'one')).toEqual({
      'f:metadata': { 'f:annotations': { 'f:x': {} }, 'f:labels': { 'f:a': {} } },
    });
  });

  test('finalizers are a set', async (server) => {
    const ns = await server.namespace();
    const finalizers = (...names: string[]): Fields => bare({ finalizers: names });
    await server.apply(configMapPath(ns), finalizers('example.com/a', 'example.com/b'), 'one');
    const both = await server.apply(configMapPath(ns), finalizers('example.com/c'), 'two');
    expect((both.body as { metadata: Fields }).metadata.finalizers).toEqual([
      'example.com/a',
      'example.com/b',
      'example.com/c',
    ]);
    expect(fieldsOf(both, 'two')).toEqual({
      'f:metadata': { 'f:finalizers': { 'v:"example.com/c"': {} } },
    });
    const fewer = await server.apply(configMapPath(ns), finalizers('example.com/b'), 'one');
    expect((fewer.body as { metadata: Fields }).metadata.finalizers).toEqual(['example.com/b', 'example.com/c']);
    await server.patch('merge', configMapPath(ns), { metadata: { finalizers: null } });
  });

  test('the fields of a whole Deployment have the names that Go gives them', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(deploymentPath(ns), deployment(), 'one');
    expect(fieldsOf(answer, 'one')).toEqual({
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
        },
      },
    });
    expect(answer.body).toMatchObject({ spec: { progressDeadlineSeconds: 600, strategy: { type: 'RollingUpdate' } } });
  });

  test('containers of two managers come together, each with its own fields', async (server) => {
    const ns = await server.namespace();
    await server.apply(deploymentPath(ns), deployment(), 'one');
    const side = { name: 'side', image: 'busybox:1' };
    const other = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { template: { spec: { containers: [side, { name: 'web', env: [{ name: 'A', value: '1' }] }] } } },
    };
    const answer = await server.apply(deploymentPath(ns), other, 'two');
    expect(answer.status).toBe(200);
    const { containers } = (answer.body as { spec: { template: { spec: { containers: Fields[] } } } }).spec.template
      .spec;
    expect(containers.map(({ name, image, env }) => [name, image, env])).toEqual([
      ['side', 'busybox:1', undefined],
      ['web', 'nginx:1', [{ name: 'A', value: '1' }]],
    ]);
    const { spec: _, ...nothing } = other;
    const removed = await server.apply(deploymentPath(ns), nothing, 'two');
    expect(removed.body).toMatchObject({ spec: { template: { spec: { containers: [web] } } } });
    expect(managers(removed)).toContain('one Apply');
    expect(managers(removed)).not.toContain('two Apply');
  });

  test('a port without protocol is the TCP port', async (server) => {
    const ns = await server.namespace();
    const first = await server.apply(servicePath(ns), service([{ name: 'http', port: 80 }]), 'one');
    expect(first.status).toBe(201);
    expect(fieldsOf(first, 'one')).toEqual({
      'f:spec': {
        'f:clusterIP': {},
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
        'f:selector': {},
      },
    });
    const both = [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 80, protocol: 'UDP' },
    ];
    const second = await server.apply(servicePath(ns), service(both), 'one');
    expect((second.body as { spec: { ports: Fields[] } }).spec.ports).toMatchObject(both);
  });

  test('a conflict inside of a list names the keys of the item', async (server) => {
    const ns = await server.namespace();
    await server.apply(servicePath(ns), service([{ name: 'http', port: 80 }]), 'one');
    const answer = await server.apply(servicePath(ns), service([{ name: 'web', port: 80 }]), 'two');
    expect(answer.status).toBe(409);
    expect((answer.body as { message: string }).message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .spec.ports[port=80,protocol="TCP"].name',
    );
  });

  test('two items with the same keys are refused', async (server) => {
    const ns = await server.namespace();
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 80 },
    ];
    const answer = await server.apply(servicePath(ns), service(ports), 'one');
    expect(answer.status).toBe(500);
    expect((answer.body as { message: string }).message).toBe(
      `failed to create typed patch object (/web; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]`,
    );
  });

  test('an atomic list belongs to its last writer as a whole', async (server) => {
    const ns = await server.namespace();
    const args = (...words: string[]): Fields => deployment({}, { ...web, args: words });
    const first = await server.apply(deploymentPath(ns), args('a', 'b'), 'one');
    expect(JSON.stringify(fieldsOf(first, 'one'))).toContain('"f:args":{},');
    const answer = await server.apply(deploymentPath(ns), args('a'), 'two');
    expect(answer.status).toBe(409);
    expect((answer.body as { message: string }).message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="web"].args',
    );
    const forced = await server.apply(deploymentPath(ns), args('a'), 'two', { force: true });
    expect(forced.body).toMatchObject({ spec: { template: { spec: { containers: [{ args: ['a'] }] } } } });
  });

  test('an atomic object belongs to its last writer as a whole', async (server) => {
    const ns = await server.namespace();
    await server.apply(servicePath(ns), service([{ port: 80 }], { selector: { a: '1' } }), 'one');
    const answer = await server.apply(servicePath(ns), service([{ port: 80 }], { selector: { b: '1' } }), 'two', {
      force: true,
    });
    expect((answer.body as { spec: { selector: Fields } }).spec.selector).toEqual({ b: '1' });
    expect(fieldsOf(answer, 'one')).toMatchObject({
      'f:spec': expect.not.objectContaining({ 'f:selector': {} }) as Fields,
    });
  });

  test('updates and applies of one name are two managers', async (server) => {
    const ns = await server.namespace();
    await server.post(`/api/v1/namespaces/${ns}/configmaps`, configMap({ a: '1' }), { query: { fieldManager: 'one' } });
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    expect(managers(answer)).toEqual(['one Apply', 'one Update']);
    expect(fieldsOf(answer, 'one', 'Update')).toEqual({ 'f:data': { '.': {}, 'f:a': {} } });
    expect(fieldsOf(answer, 'one')).toEqual({ 'f:data': { 'f:a': {}, 'f:b': {} } });
  });

  test('entries are sorted by operation, then by time, then by manager', async (server) => {
    const ns = await server.namespace();
    await server.post(`/api/v1/namespaces/${ns}/configmaps`, configMap({ u: '1' }), {
      query: { fieldManager: 'updater' },
    });
    await nextSecond(server);
    await server.apply(configMapPath(ns), configMap({ z: '1' }), 'zed');
    await nextSecond(server);
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'able');
    expect(managers(answer)).toEqual(['zed Apply', 'able Apply', 'updater Update']);
    const times = entries(answer).map(({ time }) => time!);
    expect(times[2]! < times[0]! && times[0]! < times[1]!).toBe(true);
  });

  test('an update takes from an applier what it changes', async (server) => {
    const ns = await server.namespace();
    await server.apply(deploymentPath(ns), deployment(), 'one');
    const image = { spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:2' }] } } } };
    const answer = await server.patch('strategic', deploymentPath(ns), image, { query: { fieldManager: 'hand' } });
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer, 'hand', 'Update')).toEqual({
      'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } } },
    });
    expect(JSON.stringify(fieldsOf(answer, 'one'))).not.toContain('f:image');
    const conflict = await server.apply(deploymentPath(ns), deployment(), 'one');
    expect((conflict.body as { message: string }).message).toBe(
      'Apply failed with 1 conflict: conflict with "hand" using apps/v1: .spec.template.spec.containers[name="web"].image',
    );
  });

  test('a create owns what the server has filled in', async (server) => {
    const ns = await server.namespace();
    const answer = await server.post(`/apis/apps/v1/namespaces/${ns}/deployments`, deployment(), {
      query: { fieldManager: 'editor' },
    });
    expect(fieldsOf(answer, 'editor', 'Update')).toEqual({
      'f:spec': {
        'f:progressDeadlineSeconds': {},
        'f:replicas': {},
        'f:revisionHistoryLimit': {},
        'f:selector': {},
        'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} }, 'f:type': {} },
        'f:template': {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:image': {},
                'f:imagePullPolicy': {},
                'f:name': {},
                'f:resources': {},
                'f:terminationMessagePath': {},
                'f:terminationMessagePolicy': {},
              },
            },
            'f:dnsPolicy': {},
            'f:restartPolicy': {},
            'f:schedulerName': {},
            'f:securityContext': {},
            'f:terminationGracePeriodSeconds': {},
          },
        },
      },
    });
  });

  test('without fieldManager an update is named by its user agent', async (server) => {
    const ns = await server.namespace();
    const headers = { 'user-agent': 'some-tool/v1.2 (linux) x/y' };
    const answer = await server.post(`/api/v1/namespaces/${ns}/configmaps`, configMap({ a: '1' }), { headers });
    expect(managers(answer)).toEqual(['some-tool Update']);
  });

  test('an apply without fieldManager is refused', async (server) => {
    const ns = await server.namespace();
    const answer = await server.patch('apply', configMapPath(ns), configMap({ a: '1' }));
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      reason: 'Invalid',
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      details: {
        group: 'meta.k8s.io',
        kind: 'PatchOptions',
        causes: [{ reason: 'FieldValueRequired', field: 'fieldManager' }],
      },
    });
  });

  test('a fieldManager has at most 128 bytes, all of them printable', async (server) => {
    const ns = await server.namespace();
    const long = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'x'.repeat(129));
    expect(long.status).toBe(422);
    expect((long.body as { message: string }).message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    );
    const odd = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'a\tb');
    expect((odd.body as { message: string }).message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)',
    );
    expect((await server.apply(configMapPath(ns), configMap({ a: '1' }), 'x'.repeat(128))).status).toBe(201);
  });

  test('force is for apply only', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.patch('merge', configMapPath(ns), { data: { a: '2' } }, { query: { force: true } });
    expect(answer.status).toBe(422);
    expect((answer.body as { message: string }).message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  });

  test('a configuration with managedFields is refused', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(configMapPath(ns), bare({ managedFields: [] }), 'one');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ reason: 'BadRequest', message: 'metadata.managedFields must be nil' });
  });

  test('a configuration of another kind is refused', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(configMapPath(ns), { ...bare(), kind: 'Secret' }, 'one');
    expect(answer.status).toBe(400);
    expect((answer.body as { message: string }).message).toBe('invalid object type: /v1, Kind=Secret');
  });

  test('a configuration with another name or namespace than the path is refused', async (server) => {
    const ns = await server.namespace();
    const name = await server.apply(configMapPath(ns), bare({ name: 'other' }), 'one');
    expect(name.status).toBe(400);
    expect((name.body as { message: string }).message).toBe(
      'the name of the object (other) does not match the name on the URL (settings)',
    );
    const namespace = await server.apply(configMapPath(ns), bare({ namespace: 'other' }), 'one');
    expect(namespace.status).toBe(400);
    expect((namespace.body as { message: string }).message).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  });

  test('a field that the kind does not have is refused', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(deploymentPath(ns), deployment({ replica: 1 }), 'one');
    expect(answer.status).toBe(500);
    expect((answer.body as { message: string }).message).toBe(
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
    );
  });

  test('a value of a wrong type is refused', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(deploymentPath(ns), deployment({ replicas: 'two' }), 'one');
    expect(answer.status).toBe(500);
    expect((answer.body as { message: string }).message).toBe(
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
    );
  });

  test('an outdated resourceVersion in the configuration is a conflict', async (server) => {
    const ns = await server.namespace();
    const first = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const { resourceVersion } = (first.body as { metadata: { resourceVersion: string } }).metadata;
    const current = await server.apply(configMapPath(ns), configMap({ a: '2' }, { resourceVersion }), 'one');
    expect(current.status).toBe(200);
    const outdated = await server.apply(configMapPath(ns), configMap({ a: '3' }, { resourceVersion }), 'one');
    expect(outdated.status).toBe(409);
    expect((outdated.body as { message: string }).message).toBe(
      'Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  test('a resourceVersion in the configuration of a missing object is ignored, if it is a number', async (server) => {
    const ns = await server.namespace();
    const strange = await server.apply(configMapPath(ns), bare({ resourceVersion: 'x' }), 'one');
    expect([strange.status, (strange.body as { message: string }).message]).toEqual([
      500,
      'strconv.ParseUint: parsing "x": invalid syntax',
    ]);
    const answer = await server.apply(configMapPath(ns), bare({ resourceVersion: '5' }), 'one');
    expect(answer.status, answer.text).toBe(201);
    expect((answer.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion).not.toBe('5');
  });

  test('a configuration with a uid creates nothing', async (server) => {
    const ns = await server.namespace();
    const uid = '4c2f8e0a-0000-4000-8000-000000000000';
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }, { uid }), 'one');
    expect(answer.status).toBe(409);
    expect((answer.body as { message: string }).message).toBe(
      `Operation cannot be fulfilled on configmaps "settings": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  });

  test('a dry run shows the result and leaves the object', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2' }), 'one', { dryRun: 'All' });
    expect(answer.body).toMatchObject({ data: { a: '2' } });
    const missing = await server.apply(`/api/v1/namespaces/${ns}/configmaps/none`, bare({ name: 'none' }), 'one', {
      dryRun: 'All',
    });
    expect(missing.status).toBe(201);
    expect((await server.get(configMapPath(ns))).body).toMatchObject({ data: { a: '1' } });
    expect((await server.get(`/api/v1/namespaces/${ns}/configmaps/none`)).status).toBe(404);
  });

  test('an apply that validation refuses changes nothing', async (server) => {
    const ns = await server.namespace();
    await server.apply(deploymentPath(ns), deployment(), 'one');
    const answer = await server.apply(deploymentPath(ns), deployment({ replicas: -1 }), 'one');
    expect(answer.status).toBe(422);
    expect((answer.body as { message: string }).message).toBe(
      'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
    expect((await server.get(deploymentPath(ns))).body).toMatchObject({ spec: { replicas: 0 } });
  });

  test('status in a configuration of the object is ignored and not owned', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(deploymentPath(ns), { ...deployment(), status: { replicas: 5 } }, 'one');
    expect(answer.status).toBe(201);
    expect((answer.body as { status: Fields }).status).toEqual({});
    expect(fieldsOf(answer, 'one')).not.toHaveProperty('f:status');
  });

  test('an apply of the status changes nothing else and is owned by subresource', async (server) => {
    const { path, object } = await define(server, openSchema, { status: true });
    await server.apply(path('x'), object('x', { spec: { a: 1 } }), 'one');
    const answer = await server.apply(
      `${path('x')}/status`,
      object('x', { spec: { a: 2 }, status: { ready: true } }),
      'one',
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ spec: { a: 1 }, status: { ready: true } });
    expect(managers(answer)).toEqual(['one Apply', 'one Apply status']);
    expect(entries(answer)[1]!.fieldsV1).toEqual({ 'f:status': { 'f:ready': {} } });
    const again = await server.apply(path('x'), object('x', { spec: { b: 1 }, status: { ready: false } }), 'one');
    expect(again.body).toMatchObject({ spec: { b: 1 }, status: { ready: true } });
  });

  test('a conflict names the subresource through which a field is managed', async (server) => {
    const { path, object } = await define(server, openSchema, { status: true });
    await server.apply(path('x'), object('x', {}), 'one');
    await server.apply(`${path('x')}/status`, object('x', { status: { phase: 'A' } }), 'one');
    const answer = await server.apply(`${path('x')}/status`, object('x', { status: { phase: 'B' } }), 'two');
    expect(answer.status).toBe(409);
    expect((answer.body as { message: string }).message).toBe(
      'Apply failed with 1 conflict: conflict with "one" with subresource "status": .status.phase',
    );
  });

  test('the status of a missing object cannot be applied', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(
      `${deploymentPath(ns)}/status`,
      { ...deployment(), status: { replicas: 1 } },
      'one',
    );
    expect(answer.status).toBe(404);
    expect((answer.body as { message: string }).message).toBe('deployments.apps "web" not found');
  });

  test('conditions of a status are told apart by type', async (server) => {
    const ns = await server.namespace();
    await server.apply(deploymentPath(ns), deployment(), 'one');
    const status = (type: string): Fields => ({
      ...deployment(),
      status: { conditions: [{ type, status: 'True', reason: 'R', message: 'm' }] },
    });
    await server.apply(`${deploymentPath(ns)}/status`, status('example.com/A'), 'one');
    const answer = await server.apply(`${deploymentPath(ns)}/status`, status('example.com/B'), 'two');
    const { conditions } = (answer.body as { status: { conditions: { type: string }[] } }).status;
    expect(
      conditions
        .map(({ type }) => type)
        .filter((type) => type.startsWith('example.com'))
        .sort(),
    ).toEqual(['example.com/A', 'example.com/B']);
  });

  test('scaling is owned through the subresource', async (server) => {
    const ns = await server.namespace();
    await server.apply(deploymentPath(ns), deployment(), 'one');
    await server.patch(
      'merge',
      `${deploymentPath(ns)}/scale`,
      { spec: { replicas: 1 } },
      { query: { fieldManager: 'hpa' } },
    );
    const answer = await server.get(deploymentPath(ns));
    const entry = entries(answer).find(({ manager }) => manager === 'hpa');
    expect(entry).toMatchObject({
      operation: 'Update',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
    expect((fieldsOf(answer, 'one') as { 'f:spec': Fields })['f:spec']).not.toHaveProperty('f:replicas');
    const conflict = await server.apply(deploymentPath(ns), deployment(), 'one');
    expect((conflict.body as { message: string }).message).toBe(
      'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  test('managedFields of [] or [{}] in an update are forgotten', async (server) => {
    const ns = await server.namespace();
    for (const managedFields of [[], [{}]]) {
      await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
      const answer = await server.patch('merge', configMapPath(ns), { metadata: { managedFields } });
      expect(answer.status).toBe(200);
      expect(entries(answer)).toEqual([]);
    }
  });

  test('an object without managers stays without under updates', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    await server.patch('merge', configMapPath(ns), { metadata: { managedFields: [] } });
    const answer = await server.patch('merge', configMapPath(ns), { data: { a: '2' } });
    expect(entries(answer)).toEqual([]);
  });

  test('the first apply to an object without managers keeps what it had', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1', b: '1' }), 'one');
    await server.patch('merge', configMapPath(ns), { metadata: { managedFields: [] } });
    const answer = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'two');
    expect((answer.body as { data: Fields }).data).toEqual({ a: '1', b: '1' });
    expect(managers(answer)).toEqual(['two Apply', 'before-first-apply Update']);
    expect(fieldsOf(answer, 'before-first-apply', 'Update')).toEqual({ 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } });
  });

  test('an update cannot drop managers by leaving them out', async (server) => {
    const ns = await server.namespace();
    const first = await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const { managedFields: _, ...metadata } = (first.body as { metadata: Fields }).metadata;
    const answer = await server.put(configMapPath(ns), { ...(first.body as Fields), metadata });
    expect(managers(answer)).toEqual(['one Apply']);
  });

  test('an update may rewrite managers', async (server) => {
    const ns = await server.namespace();
    await server.apply(configMapPath(ns), configMap({ a: '1' }), 'one');
    const answer = await server.patch('json', configMapPath(ns), [
      { op: 'replace', path: '/metadata/managedFields/0/manager', value: 'renamed' },
    ]);
    expect(managers(answer)).toEqual(['renamed Apply']);
  });

  test('the first server-side apply of kubectl takes over what it applied on the client', async (server) => {
    const ns = await server.namespace();
    const last = configMap({ a: '1', b: '1' });
    const object = configMap(
      { a: '1', b: '1' },
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) } },
    );
    await server.post(`/api/v1/namespaces/${ns}/configmaps`, object, {
      query: { fieldManager: 'kubectl-client-side-apply' },
    });
    const other = await server.apply(configMapPath(ns), configMap({ a: '2' }), 'tool');
    expect(other.status).toBe(409);
    const answer = await server.apply(configMapPath(ns), configMap({ a: '2', b: '1' }), 'kubectl');
    expect(answer.status).toBe(200);
    const { annotations } = (answer.body as { metadata: { annotations: Record<string, string> } }).metadata;
    const noted = JSON.parse(annotations['kubectl.kubernetes.io/last-applied-configuration']!) as Fields;
    expect(noted).toMatchObject({ data: { a: '2', b: '1' } });
  });

  test('fields of a custom resource are owned one by one, with the parents that it has made', async (server) => {
    const { path, object } = await define(server, openSchema);
    const applied = await server.apply(path('x'), object('x', { spec: { a: { b: 1 }, list: [1, 2] } }), 'one');
    expect(fieldsOf(applied, 'one')).toEqual({ 'f:spec': { 'f:a': { '.': {}, 'f:b': {} }, 'f:list': {} } });
    const created = await server.post(path(''), object('y', { spec: { a: { b: 1 } } }), {
      query: { fieldManager: 'editor' },
    });
    expect(fieldsOf(created, 'editor', 'Update')).toEqual({ 'f:spec': { '.': {}, 'f:a': { '.': {}, 'f:b': {} } } });
  });

  test('lists of a custom resource are merged as its schema says', async (server) => {
    const { path, object } = await define(server, {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            ports: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['port', 'protocol'],
              items: {
                type: 'object',
                required: ['port', 'protocol'],
                properties: {
                  port: { type: 'integer' },
                  protocol: { type: 'string', default: 'TCP' },
                  name: { type: 'string' },
                },
              },
            },
            tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
            words: { type: 'array', items: { type: 'string' } },
            whole: {
              type: 'object',
              'x-kubernetes-map-type': 'atomic',
              properties: { a: { type: 'integer' }, b: { type: 'integer' } },
            },
          },
        },
      },
    });
    await server.apply(
      path('x'),
      object('x', { spec: { ports: [{ port: 1 }], tags: ['a'], words: ['a'], whole: { a: 1 } } }),
      'one',
    );
    const spec = { ports: [{ port: 2, name: 'two' }], tags: ['b'], words: ['b'], whole: { b: 1 } };
    const answer = await server.apply(path('x'), object('x', { spec }), 'two', { force: true });
    expect((answer.body as { spec: Fields }).spec).toEqual({
      ports: [
        { port: 1, protocol: 'TCP' },
        { port: 2, protocol: 'TCP', name: 'two' },
      ],
      tags: ['a', 'b'],
      words: ['b'],
      whole: { b: 1 },
    });
    expect(fieldsOf(answer, 'one')).toEqual({
      'f:spec': {
        'f:ports': { 'k:{"port":1,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
        'f:tags': { 'v:"a"': {} },
      },
    });
  });

  test('an applier of a custom resource is the same in another version', async (server) => {
    const { path, object } = await define(server, openSchema, { versions: ['v1', 'v2'] });
    await server.apply(path('x'), object('x', { spec: { a: 1, b: 1 } }), 'one');
    const second = { ...object('x', { spec: { a: 1 } }) };
    second.apiVersion = String(second.apiVersion).replace('/v1', '/v2');
    const answer = await server.apply(path('x', 'v2'), second, 'one');
    expect(answer.status).toBe(200);
    expect((answer.body as { spec: Fields }).spec).toEqual({ a: 1 });
    expect(entries(answer).map(({ manager, apiVersion }) => [manager, apiVersion])).toEqual([
      ['one', second.apiVersion],
    ]);
  });

  test('many updaters are put together as ancient changes', async (server) => {
    const ns = await server.namespace();
    await server.post(`/api/v1/namespaces/${ns}/configmaps`, configMap({ 'u-00': '1' }), {
      query: { fieldManager: 'u-00' },
    });
    let answer = await server.get(configMapPath(ns));
    for (let i = 1; i <= 12; i += 1) {
      const manager = `u-${String(i).padStart(2, '0')}`;
      const query = { fieldManager: manager };
      answer = await server.patch('merge', configMapPath(ns), { data: { [manager]: '1' } }, { query });
    }
    const names = entries(answer).map(({ manager }) => manager);
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes');
    expect(names).toContain('u-12');
    expect(names).not.toContain('u-01');
  });

  test('keys such as constructor and valueOf are keys like all others', async (server) => {
    const ns = await server.namespace();
    const labels = { constructor: 'a', toString: 'a', valueOf: 'a' };
    await server.post(`/api/v1/namespaces/${ns}/configmaps`, configMap(odd('a'), { labels }));
    const other = configMap({ other: '1' }, { labels: { other: '1' } });
    const added = await server.apply(configMapPath(ns), other, 'one');
    expect(added.status).toBe(200);
    expect(sorted(added.body.metadata.labels)).toBe(sorted({ ...labels, other: '1' }));
    expect(sorted(added.body.data)).toBe(sorted({ ...odd('a'), other: '1' }));
    const refused = await server.apply(configMapPath(ns), configMap(odd('b')), 'two');
    expect(refused.body.details.causes.map(({ field }: Fields) => field)).toEqual(
      Object.keys(odd('b'))
        .sort()
        .map((key) => `.data.${key}`),
    );
    const forced = await server.apply(configMapPath(ns), configMap(odd('b')), 'two', { force: true });
    expect(sorted(forced.body.data)).toBe(sorted({ ...odd('b'), other: '1' }));
    const again = await server.apply(configMapPath(ns), configMap(odd('b')), 'two');
    expect(again.text).toBe(forced.text);
    const dropped = await server.apply(configMapPath(ns), bare(), 'two');
    expect(dropped.body.data).toEqual({ other: '1' });
  });

  test('null in a configuration of a built-in kind is owned but not kept', async (server) => {
    const ns = await server.namespace();
    const answer = await server.apply(deploymentPath(ns), deployment({ paused: null }), 'one');
    expect(answer.status).toBe(201);
    expect((answer.body as { spec: Fields }).spec).not.toHaveProperty('paused');
    expect((fieldsOf(answer, 'one') as { 'f:spec': Fields })['f:spec']).toHaveProperty('f:paused');
  });
});
