import { expect } from 'vitest';
import { type Defined, defined, definition } from './definitions.js';
import { type Answer, type RequestOptions, type Server, uniqueName } from './server.js';
import { conformance } from './suite.js';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';

/** A Deployment that is right but for what a case adds. */
function deployment(spec: object = {}, metadata: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'validated', ...metadata },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      ...spec,
    },
  };
}

/** Options of a request that stores nothing. */
function dry(fieldValidation?: 'Strict' | 'Warn' | 'Ignore', more: RequestOptions = {}): RequestOptions {
  const { query, ...rest } = more;
  return { query: { dryRun: 'All', ...(fieldValidation && { fieldValidation }), ...query }, ...rest };
}

const warnings = (answer: Answer): unknown => answer.headers['warning'];
const asYaml = { contentType: 'application/yaml' };

/** What strict decoding of a Deployment refuses. */
async function strictly(server: Server, body: unknown, options: RequestOptions = {}): Promise<string> {
  const answer = await server.post(deployments, body, dry('Strict', options));
  expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
  const start = 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ';
  expect(answer.body.message.startsWith(start)).toBe(true);
  return answer.body.message.slice(start.length);
}

/** Why an object of a built-in kind cannot be decoded. */
async function undecodable(server: Server, path: string, body: Record<string, unknown>): Promise<string> {
  const answer = await server.post(path, body, dry());
  const start = `${String(body['kind'])} in version "v1" cannot be handled as a ${String(body['kind'])}: `;
  expect([answer.status, answer.body.reason, answer.body.message.slice(0, start.length)]).toEqual([
    400,
    'BadRequest',
    start,
  ]);
  return answer.body.message.slice(start.length);
}

/** What is told of a patch behind its text. */
function patchRefusal(answer: Answer): string {
  expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
  const told = /^ "" is invalid: patch: Invalid value: "(?:\\.|[^"\\])*": (.*)$/s.exec(answer.body.message);
  return told?.[1] ?? answer.body.message;
}

async function withConfigMap(server: Server, check: (path: string, name: string) => Promise<void>): Promise<void> {
  const name = uniqueName('validated');
  await server.post(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });
  try {
    await check(`${configMaps}/${name}`, name);
  } finally {
    await server.delete(`${configMaps}/${name}`);
  }
}

conformance('validation: fields of built-in kinds', (test) => {
  test('without being told otherwise, unknown fields are dropped with a warning for each', async (server) => {
    const answer = await server.post(deployments, deployment({ foo: 1, bar: { x: 1 } }), dry());
    expect(answer.status).toBe(201);
    expect(answer.body.spec.foo).toBeUndefined();
    expect(warnings(answer)).toBe('299 - "unknown field \\"spec.foo\\"", 299 - "unknown field \\"spec.bar\\""');
  });

  test('Ignore drops them silently', async (server) => {
    const answer = await server.post(deployments, deployment({ foo: 1 }), dry('Ignore'));
    expect([answer.status, answer.body.spec.foo, warnings(answer)]).toEqual([201, undefined, undefined]);
  });

  test('Strict refuses them, at any depth, all at once', async (server) => {
    expect(await strictly(server, deployment({ foo: 1, bar: { x: 1 } }))).toBe(
      'unknown field "spec.foo", unknown field "spec.bar"',
    );
    const container = { name: 'c', image: 'i', imagee: 'x', env: [{ name: 'A', valueFroms: {} }] };
    const template = { metadata: { labels: { app: 'a' }, xx: 1 }, spec: { containers: [container] } };
    expect(await strictly(server, deployment({ template }))).toBe(
      'unknown field "spec.template.metadata.xx", unknown field "spec.template.spec.containers[0].imagee", unknown field "spec.template.spec.containers[0].env[0].valueFroms"',
    );
    expect(await strictly(server, { ...deployment(), foo: 1 })).toBe('unknown field "foo"');
  });

  test('names of fields are told apart by case', async (server) => {
    expect(await strictly(server, deployment({ Replicas: 3 }))).toBe('unknown field "spec.Replicas"');
    const answer = await server.post(deployments, deployment({ Replicas: 3 }), dry());
    expect([answer.status, answer.body.spec.replicas]).toEqual([201, 1]);
  });

  test('fields that are there twice count as problems too; the last one wins', async (server) => {
    const twice = JSON.stringify(deployment({ replicas: 1 })).replace('"replicas":1', '"replicas":1,"replicas":2');
    expect(await strictly(server, twice)).toBe('duplicate field "spec.replicas"');
    const answer = await server.post(deployments, twice, dry());
    expect([answer.status, answer.body.spec.replicas]).toEqual([201, 2]);
    expect(warnings(answer)).toBe('299 - "duplicate field \\"spec.replicas\\""');
    const inList = JSON.stringify(deployment()).replace('"image":"i"', '"image":"i","image":"j"');
    expect(await strictly(server, inList)).toBe('duplicate field "spec.template.spec.containers[0].image"');
  });

  test('in YAML, keys that are there twice are told with their line', async (server) => {
    const yaml = [
      'apiVersion: apps/v1',
      'kind: Deployment',
      'metadata: {name: validated}',
      'spec:',
      '  replicas: 1',
      '  replicas: 2',
      '  foo: 1',
      '  selector: {matchLabels: {app: a}}',
      '  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: i}]}}',
    ].join('\n');
    expect(await strictly(server, yaml, asYaml)).toBe(
      'yaml: unmarshal errors:\n  line 6: key "replicas" already set in map, unknown field "spec.foo"',
    );
  });

  test('an update is looked at like a create', async (server) => {
    await withConfigMap(server, async (path, name) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, foo: 1 };
      const strict = await server.put(path, body, dry('Strict'));
      expect([strict.status, strict.body.message]).toEqual([
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"',
      ]);
      const warned = await server.put(path, body, dry());
      expect([warned.status, warnings(warned)]).toEqual([200, '299 - "unknown field \\"foo\\""']);
    });
  });

  test('what a patch adds must be known, what it says must not be there twice', async (server) => {
    await withConfigMap(server, async (path) => {
      const unknown = 'strict decoding error: unknown field "foo"';
      const add = [{ op: 'add', path: '/foo', value: 1 }];
      expect(patchRefusal(await server.patch('merge', path, { foo: 1 }, dry('Strict')))).toBe(unknown);
      expect(patchRefusal(await server.patch('strategic', path, { foo: 1 }, dry('Strict')))).toBe(unknown);
      expect(patchRefusal(await server.patch('json', path, add, dry('Strict')))).toBe(unknown);
      const warned = await server.patch('merge', path, { foo: 1 }, dry());
      expect([warned.status, warnings(warned)]).toEqual([200, '299 - "unknown field \\"foo\\""']);
      const twice = '{"data":{"a":"1","a":"2"}}';
      const duplicate = 'strict decoding error: duplicate field "data.a"';
      expect(patchRefusal(await server.patch('merge', path, twice, dry('Strict')))).toBe(duplicate);
      expect(patchRefusal(await server.patch('strategic', path, twice, dry('Strict')))).toBe(duplicate);
      const operation = [{ op: 'add', path: '/data/b', value: '1', foo: 1 }];
      expect(patchRefusal(await server.patch('json', path, operation, dry('Strict')))).toBe(
        'strict decoding error: json patch unknown field "[0].foo"',
      );
    });
  });

  test('an apply refuses unknown fields whatever it is told, and warns of keys that are there twice', async (server) => {
    await withConfigMap(server, async (path, name) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, foo: 1 };
      const query = { fieldManager: 'tester', force: true };
      for (const directive of ['Strict', 'Warn'] as const) {
        const answer = await server.patch('apply', path, body, dry(directive, { query }));
        expect(answer.status).toBe(500);
        expect(answer.body.message).toContain('.foo: field not declared in schema');
      }
      const yaml = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n  a: "1"\n  a: "2"\n`;
      const warned = await server.patch('apply', path, yaml, dry('Warn', { query }));
      expect([warned.status, warned.body.data, warnings(warned)]).toEqual([
        200,
        { a: '2' },
        '299 - "line 6: key \\"a\\" already set in map"',
      ]);
    });
  });

  test('other values of fieldValidation are refused', async (server) => {
    const answer = await server.post(deployments, deployment(), { query: { dryRun: 'All', fieldValidation: 'Nope' } });
    expect([answer.status, answer.body.message]).toEqual([
      422,
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Nope": supported values: "", "Ignore", "Strict", "Warn"',
    ]);
  });

  test('values of another type cannot be decoded', async (server) => {
    const refused = (spec: object, metadata?: object): Promise<string> =>
      undecodable(server, deployments, deployment(spec, metadata));
    const field = (what: string, name: string, type: string): string =>
      `json: cannot unmarshal ${what} into Go struct field ${name} of type ${type}`;
    expect(await refused({ replicas: 'x' })).toBe(field('string', 'DeploymentSpec.spec.replicas', 'int32'));
    expect(await refused({ replicas: 1.5 })).toBe(field('number 1.5', 'DeploymentSpec.spec.replicas', 'int32'));
    expect(await refused({ paused: 'true' })).toBe(field('string', 'DeploymentSpec.spec.paused', 'bool'));
    expect(await refused({ template: 1 })).toBe(field('number', 'DeploymentSpec.spec.template', 'v1.PodTemplateSpec'));
    expect(await refused({ template: { spec: { containers: {} } } })).toBe(
      field('object', 'PodSpec.spec.template.spec.containers', '[]v1.Container'),
    );
    expect(await refused({}, { labels: { a: 1 } })).toBe(field('number', 'ObjectMeta.metadata.labels', 'string'));
    expect(await undecodable(server, deployments, { ...deployment(), spec: 'x' })).toBe(
      field('string', 'Deployment.spec', 'v1.DeploymentSpec'),
    );
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'validated' }, data: { a: 1 } };
    expect(await undecodable(server, configMaps, configMap)).toBe(field('number', 'ConfigMap.data', 'string'));
  });

  test('a patch cannot give a field another type', async (server) => {
    await withConfigMap(server, async (path) => {
      expect(patchRefusal(await server.patch('merge', path, { data: { a: 1 } }, dry()))).toBe(
        'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
      );
      expect(patchRefusal(await server.patch('merge', path, { data: 'x' }, dry()))).toBe(
        'json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string',
      );
    });
  });
});

conformance('validation: fields of custom resources', (test) => {
  const spec = {
    type: 'object',
    properties: {
      a: { type: 'string' },
      list: { type: 'array', items: { type: 'object', properties: { b: { type: 'string' } } } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      inner: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { z: { type: 'string' } } },
    },
  };
  const kind = (server: Server, check: (kind: Defined) => Promise<void>): Promise<void> =>
    defined(server, definition([{ spec }]), check);

  async function strictlyCustom(
    server: Server,
    path: string,
    body: unknown,
    options?: RequestOptions,
  ): Promise<string> {
    const answer = await server.post(path, body, dry('Strict', options));
    const start = 'Widget in version "v1" cannot be handled as a Widget: strict decoding error: ';
    expect([answer.status, answer.body.message.slice(0, start.length)]).toEqual([400, start]);
    return answer.body.message.slice(start.length);
  }

  test('what the schema does not have is told, but not where it keeps everything', async (server) => {
    await kind(server, async (made) => {
      const body = made.object({ x: 1, list: [{ b: '', c: 1 }], free: { any: 1 } });
      expect(await strictlyCustom(server, made.path(), body)).toBe(
        'unknown field "spec.list[0].c", unknown field "spec.x"',
      );
      const warned = await server.post(made.path(), body, dry());
      expect([warned.status, warned.body.spec]).toEqual([201, { list: [{ b: '' }], free: { any: 1 } }]);
      expect(warnings(warned)).toBe('299 - "unknown field \\"spec.list[0].c\\"", 299 - "unknown field \\"spec.x\\""');
    });
  });

  test('metadata have no unknown fields, those of embedded resources neither', async (server) => {
    await kind(server, async (made) => {
      const own = { ...made.object(), foo: 1, metadata: { name: 'one', nope: 1 } };
      expect(await strictlyCustom(server, made.path(), own)).toBe('unknown field "metadata.nope", unknown field "foo"');
      const inner = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', foo: 1 }, y: 1 };
      expect(await strictlyCustom(server, made.path(), made.object({ inner }))).toBe(
        'unknown field "spec.inner.y", unknown field "spec.inner.metadata.foo"',
      );
    });
  });

  test('fields that are there twice are told, in JSON and in YAML', async (server) => {
    await kind(server, async (made) => {
      const json = JSON.stringify(made.object({ a: 'x' })).replace('"a":"x"', '"a":"x","a":"y"');
      expect(await strictlyCustom(server, made.path(), json)).toBe('duplicate field "spec.a"');
      const yaml = `apiVersion: ${made.apiVersion}\nkind: Widget\nmetadata: {name: two}\nspec:\n  a: x\n  a: y\n`;
      expect(await strictlyCustom(server, made.path(), yaml, asYaml)).toBe(
        'yaml: unmarshal errors:\n  line 6: key "a" already set in map',
      );
    });
  });

  test('patches are looked at as well', async (server) => {
    await kind(server, async (made) => {
      await server.post(made.path(), made.object({ a: '1' }));
      const path = `${made.path()}/one`;
      expect(patchRefusal(await server.patch('merge', path, { spec: { x: 1 } }, dry('Strict')))).toBe(
        'strict decoding error: unknown field "spec.x"',
      );
      const add = [{ op: 'add', path: '/spec/x', value: 1 }];
      expect(patchRefusal(await server.patch('json', path, add, dry('Strict')))).toBe(
        'strict decoding error: unknown field "spec.x"',
      );
      const warned = await server.patch('merge', path, { spec: { x: 1 } }, dry());
      expect([warned.status, warned.body.spec, warnings(warned)]).toEqual([
        200,
        { a: '1' },
        '299 - "unknown field \\"spec.x\\""',
      ]);
    });
  });

  test('metadata of another type cannot be decoded', async (server) => {
    await kind(server, async (made) => {
      const answer = await server.post(
        made.path(),
        { ...made.object(), metadata: { name: 'one', labels: { a: 1 } } },
        dry(),
      );
      expect([answer.status, answer.body.message]).toEqual([
        400,
        'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string',
      ]);
    });
  });
});
