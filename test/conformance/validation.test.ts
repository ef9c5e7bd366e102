import { expect } from 'vitest';
import { type Defined, defined, definition, definitionsPath } from './definitions.js';
import { type Answer, type RequestOptions, type Server, uniqueName } from './server.js';
import { conformance, independently } from './suite.js';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const networkPolicies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';

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

  test('a warning may say anything, in UTF-8', async (server) => {
    const answer = await server.post(deployments, deployment({ 'Schlüssel → 🗝': 1 }), dry());
    expect(answer.status).toBe(201);
    const text = Buffer.from(warnings(answer) as string, 'latin1').toString();
    expect(text).toBe('299 - "unknown field \\"spec.Schlüssel → 🗝\\""');
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

  test('metadata, apiVersion and kind have types too', async (server) => {
    const meta = (metadata: object): Promise<string> =>
      undecodable(server, configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'validated', ...metadata },
      });
    const field = (what: string, name: string, type: string): string =>
      `json: cannot unmarshal ${what} into Go struct field ObjectMeta.metadata.${name} of type ${type}`;
    expect(await meta({ ownerReferences: 5 })).toBe(field('number', 'ownerReferences', '[]v1.OwnerReference'));
    expect(await meta({ ownerReferences: {} })).toBe(field('object', 'ownerReferences', '[]v1.OwnerReference'));
    expect(await meta({ finalizers: true })).toBe(field('bool', 'finalizers', '[]string'));
    expect(await meta({ creationTimestamp: 5 })).toBe(field('number', 'creationTimestamp', 'string'));
    expect(await meta({ namespace: 5 })).toBe(field('number', 'namespace', 'string'));
    expect(await meta({ resourceVersion: 5 })).toBe(field('number', 'resourceVersion', 'string'));
    for (const name of ['apiVersion', 'kind']) {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'validated' }, [name]: 5 };
      const answer = await server.post(configMaps, body, dry());
      expect([answer.status, answer.body.message.replace(/ \(\{.*/s, '')]).toEqual([
        400,
        `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .${name} of type string`,
      ]);
      const query = { dryRun: 'All', fieldManager: 'm' };
      expect((await server.patch('apply', `${configMaps}/validated`, body, { query })).status).toBe(400);
    }
    const unnamed = { apiVersion: '', kind: '', metadata: { name: 'validated' } };
    expect((await server.post(configMaps, unnamed, dry())).status).toBe(201);
  });

  test('an object of another built-in kind is not converted', async (server) => {
    const cases = [
      [configMaps, 'v1', 'Secret', 'ConfigMap', 'converting (v1.Secret) to (core.ConfigMap): unknown conversion'],
      [deployments, 'v1', 'Pod', 'Deployment', 'converting (v1.Pod) to (apps.Deployment): unknown conversion'],
    ];
    for (const [path, apiVersion, kind, expected, why] of cases) {
      const answer = await server.post(path!, { apiVersion, kind, metadata: { name: 'a' } }, dry());
      const message = `${kind} in version "v1" cannot be handled as a ${expected}: ${why}`;
      expect(answer.body).toMatchObject({ code: 400, reason: 'BadRequest', message });
    }
  });

  test('a network policy is about ingress, and about egress where it has rules for it', async (server) => {
    const made = async (spec: object): Promise<unknown> => {
      const answer = await server.post(networkPolicies, { metadata: { name: 'np' }, spec }, dry());
      expect(answer.status, answer.text).toBe(201);
      return answer.body.spec;
    };
    const podSelector = {};
    expect(await made({})).toEqual({ podSelector, policyTypes: ['Ingress'] });
    expect(await made({ podSelector, egress: [] })).toEqual({ podSelector, policyTypes: ['Ingress'] });
    expect(await made({ podSelector, egress: [{}], policyTypes: ['Egress'] })).toEqual({
      podSelector,
      egress: [{}],
      policyTypes: ['Egress'],
    });
    const to = [{ namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8' } }];
    expect(
      await made({ podSelector, egress: [{ ports: [{ port: 80 }, { port: 'dns', protocol: 'UDP' }], to }] }),
    ).toEqual({
      podSelector,
      egress: [
        {
          ports: [
            { port: 80, protocol: 'TCP' },
            { port: 'dns', protocol: 'UDP' },
          ],
          to,
        },
      ],
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('peers and ports of a network policy must make sense', async (server) => {
    const refused = async (spec: object): Promise<string> => {
      const answer = await server.post(networkPolicies, { metadata: { name: 'np' }, spec }, dry());
      expect([answer.status, answer.body.reason], answer.text).toEqual([422, 'Invalid']);
      return answer.body.message.replace('NetworkPolicy.networking.k8s.io "np" is invalid: ', '');
    };
    const cidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
    expect(await refused({ ingress: [{ from: [{}] }] })).toBe(
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    );
    for (const wrong of ['10.0.0.0', '10.0.0.0/33', 'a/8', '10.0.0.0/8/8']) {
      expect(await refused({ ingress: [{ from: [{ ipBlock: { cidr: wrong } }] }] })).toBe(
        `spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "${wrong}": ${cidr}`,
      );
    }
    expect(await refused({ egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }] })).toBe(
      'spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer',
    );
    expect(await refused({ ingress: [{ ports: [{ protocol: 'FOO', port: 70_000 }] }] })).toBe(
      '[spec.ingress[0].ports[0].protocol: Unsupported value: "FOO": supported values: "TCP", "UDP", "SCTP", ' +
        'spec.ingress[0].ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive]',
    );
    expect(await refused({ policyTypes: ['Ingress', 'Other'] })).toBe(
      'spec.policyTypes[1]: Unsupported value: "Other": supported values: "Ingress", "Egress"',
    );
  });

  test('numbers must have room in their types', async (server) => {
    const events = '/api/v1/namespaces/default/events';
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'validated' }, involvedObject: {} };
    expect(await undecodable(server, events, { ...event, count: 3_000_000_000 })).toBe(
      'json: cannot unmarshal number 3000000000 into Go struct field Event.count of type int32',
    );
    const metadata = { name: 'validated', generation: 1e300 };
    expect(await undecodable(server, events, { ...event, metadata })).toBe(
      'json: cannot unmarshal number 1e+300 into Go struct field ObjectMeta.metadata.generation of type int64',
    );
  });

  test('times must be on the calendar and the clock', async (server) => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    const lease = (renewTime: string): Record<string, unknown> => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: uniqueName('validated') },
      spec: { renewTime },
    });
    for (const [time, what] of [
      ['2020-13-45T00:00:00.000000Z', 'month'],
      ['2020-00-10T00:00:00.000000Z', 'month'],
      ['2020-02-31T00:00:00.000000Z', 'day'],
      ['2021-02-29T00:00:00.000000Z', 'day'],
      ['2020-01-01T24:00:00.000000Z', 'hour'],
      ['2020-01-01T00:60:00.000000Z', 'minute'],
      ['2020-01-01T00:00:60.000000Z', 'second'],
      ['2020-01-01T00:00:00.000000+25:00', 'time zone offset hour'],
      ['2020-01-01T00:00:00.000000+10:70', 'time zone offset minute'],
    ] as const) {
      expect(await undecodable(server, path, lease(time))).toBe(`parsing time "${time}": ${what} out of range`);
    }
    for (const [time, kept] of [
      ['2020-02-29T00:00:00.000001+24:00', '2020-02-28T00:00:00.000001Z'],
      ['2020-01-01T1:00:00,123456-01:30', '2020-01-01T02:30:00.123456Z'],
    ] as const) {
      expect((await server.post(path, lease(time), dry())).body.spec).toEqual({ renewTime: kept });
    }
    expect(await undecodable(server, path, lease('2020-01-01T00:00:00.1234567Z'))).toContain('cannot parse "7Z"');
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'validated' }, involvedObject: {} };
    const events = '/api/v1/namespaces/default/events';
    expect(await undecodable(server, events, { ...event, firstTimestamp: '2020-02-30T00:00:00Z' })).toBe(
      'parsing time "2020-02-30T00:00:00Z": day out of range',
    );
  });

  test('a grace period without end overflows', async (server) => {
    const pods = '/api/v1/namespaces/default/pods';
    const metadata = { name: uniqueName('validated') };
    const spec = { nodeName: 'nowhere', containers: [{ name: 'c', image: 'i' }] };
    expect((await server.post(pods, { metadata, spec })).status).toBe(201);
    const path = `${pods}/${metadata.name}`;
    const { body } = await server.delete(path, { body: { dryRun: ['All'], gracePeriodSeconds: 1e15 } });
    expect(body.metadata).toMatchObject({ deletionGracePeriodSeconds: 1e15 });
    expect(body.metadata.deletionTimestamp).toMatch(/^20\d\d-/);
    await server.delete(path, { query: { gracePeriodSeconds: 0 } });
  });

  test('null in a list is an empty item', async (server) => {
    const refused = async (path: string, body: Record<string, unknown>): Promise<string> => {
      const answer = await server.post(path, { metadata: { name: 'validated' }, ...body }, dry());
      expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
      return answer.body.message.replace(/^\S+ "validated" is invalid: /, '');
    };
    const pods = '/api/v1/namespaces/default/pods';
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'x' };
    const container = { name: 'c', image: 'i' };
    expect(await refused(pods, { spec: { containers: [null] } })).toBe(
      '[spec.containers[0].name: Required value, spec.containers[0].image: Required value]',
    );
    expect(await refused(pods, { spec: { containers: [{ ...container, env: [null] }] } })).toBe(
      'spec.containers[0].env[0].name: Required value',
    );
    expect(await refused(pods, { spec: { containers: [container], volumes: [null] } })).toBe(
      'spec.volumes[0].name: Required value',
    );
    expect(await refused(`${rbac}/roles`, { rules: [null] })).toContain('rules[0].verbs: Required value');
    expect(await refused(`${rbac}/rolebindings`, { roleRef, subjects: [null] })).toContain(
      'subjects[0].name: Required value',
    );
    expect(await refused(configMaps, { metadata: { name: 'validated', ownerReferences: [null, null] } })).toContain(
      'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    );
    expect(await refused(configMaps, { metadata: { name: 'validated', finalizers: [null] } })).toContain(
      'metadata.finalizers: Invalid value: "": name part must be non-empty',
    );
    const resources = { limits: { cpu: null } };
    const spec = { containers: [{ ...container, args: [null, 'x'], resources }], imagePullSecrets: [null] };
    const { body } = await server.post(pods, { metadata: { name: 'validated' }, spec }, dry());
    expect(body.spec.containers[0]).toMatchObject({ args: ['', 'x'], resources: { limits: { cpu: '0' } } });
    expect(body.spec.imagePullSecrets).toEqual([{}]);
  });

  test('options of a deletion have types', async (server) => {
    await withConfigMap(server, async (path) => {
      const refused = async (options: unknown): Promise<string> => {
        const answer = await server.delete(path, { body: options, query: { dryRun: 'All' } });
        expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
        return answer.body.message;
      };
      const field = (what: string, name: string, type: string): string =>
        `json: cannot unmarshal ${what} into Go struct field DeleteOptions.${name} of type ${type}`;
      expect(await refused({ gracePeriodSeconds: '30' })).toBe(field('string', 'gracePeriodSeconds', 'int64'));
      expect(await refused({ gracePeriodSeconds: 1e300 })).toBe(field('number 1e+300', 'gracePeriodSeconds', 'int64'));
      expect(await refused({ dryRun: 'All' })).toBe(field('string', 'dryRun', '[]string'));
      expect(await refused({ dryRun: [5] })).toBe(field('number', 'dryRun', 'string'));
      expect(await refused({ preconditions: 'x' })).toBe(field('string', 'preconditions', 'v1.Preconditions'));
      expect(await refused({ orphanDependents: 'true' })).toBe(field('string', 'orphanDependents', 'bool'));
      expect(await refused([])).toContain("couldn't get version/kind; json parse error: json: cannot unmarshal array");
      expect(await refused({ apiVersion: 5 })).toContain('Go struct field .apiVersion of type string');
      expect(await refused({ kind: 'Foo' })).toContain('no kind "Foo" is registered for version "meta.k8s.io/v1"');
      expect(await refused('{"a":')).toBe("couldn't get version/kind; json parse error: unexpected end of JSON input");
      const huge = { query: { dryRun: 'All', gracePeriodSeconds: '99999999999999999999' } };
      expect((await server.delete(path, huge)).status).toBe(400);
      expect((await server.delete(path, { body: { dryRun: ['All'], preconditions: null } })).status).toBe(200);
      expect((await server.delete(path, { body: 'null', query: { dryRun: 'All' } })).status).toBe(200);
    });
  });

  test('JSON may be nested, but not without end', async (server) => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const configMap = (depth: number): string =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"validated"},"x":${nested(depth)}}`;
    expect((await server.post(configMaps, configMap(900), dry())).status).toBe(201);
    const refused = async (answering: Promise<Answer>): Promise<void> => {
      const answer = await answering;
      expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
      expect(answer.body.message).toContain('exceeded max depth');
    };
    await refused(server.post(configMaps, configMap(100_000), dry()));
    await withConfigMap(server, async (path) => {
      await refused(server.patch('merge', path, nested(100_000), dry()));
      await refused(server.patch('strategic', path, nested(100_000), dry()));
      await refused(server.patch('json', path, `[{"op":"add","path":"/x","value":${nested(100_000)}}]`, dry()));
      await refused(server.patch('apply', path, configMap(100_000), { query: { dryRun: 'All', fieldManager: 'm' } }));
      await refused(server.delete(path, { body: nested(100_000), query: { dryRun: 'All' } }));
    });
  });

  test('schemas in definitions have types at any depth', async (server) => {
    const answered = async (schema: unknown): Promise<Answer> =>
      server.post(definitionsPath, definition([{ spec: { type: 'object', properties: { l: schema } } }]), dry());
    const undecoded = async (schema: unknown): Promise<string> => {
      const answer = await answered(schema);
      expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
      return answer.body.message.replace(/^.*handled as a CustomResourceDefinition: /, '');
    };
    const field = (what: string, path: string, type: string): string =>
      `json: cannot unmarshal ${what} into Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema.properties.properties.${path} of type ${type}`;
    const list = (items: unknown): object => ({ type: 'array', items });
    expect(await undecoded(list({ required: 5 }))).toBe(field('number', 'items.required', '[]string'));
    expect(await undecoded(list({ type: 'object', properties: { x: 1 } }))).toBe(
      field('number', 'items.properties', 'v1.JSONSchemaProps'),
    );
    expect(await undecoded(list({ type: 'object', properties: [null] }))).toBe(
      field('array', 'items.properties', 'map[string]v1.JSONSchemaProps'),
    );
    expect(await undecoded({ type: 'object', additionalProperties: 5 })).toBe('boolean or JSON schema expected');
    const invalid = async (schema: unknown): Promise<string> => {
      const answer = await answered(schema);
      expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
      return answer.body.message.replace(/^.*properties\[l\]/, '');
    };
    expect(await invalid(list(5))).toBe('.items: Required value: must be specified');
    expect(await invalid(list({ type: 'object', properties: { x: null } }))).toBe(
      '.items.properties[x].type: Required value: must not be empty for specified object fields',
    );
    expect(await invalid({ type: 'object', 'x-kubernetes-validations': [null] })).toContain('rule is not specified');
    expect((await answered(list({ type: 'object', properties: null }))).status).toBe(201);
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

independently('validation: fields of custom resources', (test) => {
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

  test('metadata are decoded as those of built-in kinds', async (server) => {
    await kind(server, async (made) => {
      const post = (metadata: object): Promise<Answer> =>
        server.post(made.path(), { ...made.object(), metadata: { name: 'one', ...metadata } }, dry());
      const start =
        'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal number into Go struct field ObjectMeta';
      expect((await post({ ownerReferences: 5 })).body.message).toBe(
        `${start}.ownerReferences of type []v1.OwnerReference`,
      );
      expect((await post({ ownerReferences: [5] })).body.message).toBe(
        `${start}.ownerReferences of type v1.OwnerReference`,
      );
      expect((await post({ creationTimestamp: 5 })).body.message).toBe(`${start}.creationTimestamp of type string`);
      for (const metadata of [{ ownerReferences: [null] }, { finalizers: [null] }]) {
        expect(await post(metadata)).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      }
      expect((await post({ labels: { a: null }, annotations: { a: null } })).status).toBe(201);
      expect((await server.post(made.path(), made.object({}, 'one'))).status).toBe(201);
      for (const field of ['apiVersion', 'kind']) {
        expect(patchRefusal(await server.patch('merge', `${made.path()}/one`, { [field]: 5 }, dry()))).toBe(
          `couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .${field} of type string`,
        );
      }
      const defined = `${definitionsPath}/${made.definition.metadata.name}`;
      expect((await server.patch('merge', defined, { spec: { versions: null } }, dry())).status).toBe(422);
    });
  });
});
