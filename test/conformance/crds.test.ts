import { expect } from 'vitest';
import { type Defined, defined, definition, definitionsPath, type VersionParts } from './definitions.js';
import { type Answer, eventually, type Server, uniqueName } from './server.js';
import { conformance, independently } from './suite.js';
import { withWebhooks } from './webhook-server.js';

/** What a refused object says: the message behind `Widget.<group> "<name>" is invalid: `. */
function refusal(answer: Answer): string {
  expect(answer.status).toBe(422);
  expect(answer.body.reason).toBe('Invalid');
  return answer.body.message.slice(answer.body.message.indexOf(' is invalid: ') + ' is invalid: '.length);
}

/** Why a definition with one version is refused; `schema` stands for the path of its schema. */
async function refusedDefinition(
  server: Server,
  versions: VersionParts[],
  spec?: Record<string, unknown>,
): Promise<string> {
  const answer = await server.post(definitionsPath, definition(versions, spec), { query: { dryRun: 'All' } });
  return refusal(answer).replaceAll('spec.validation.openAPIV3Schema', 'schema');
}

/** Why a definition is refused whose only rule about `spec` is this. */
function refusedRule(server: Server, rule: object): Promise<string> {
  const spec = {
    type: 'object',
    properties: {
      n: { type: 'integer' },
      s: { type: 'string', maxLength: 10 },
      list: {
        type: 'array',
        maxItems: 5,
        items: { type: 'object', properties: { a: { type: 'string', maxLength: 10 } } },
      },
    },
    'x-kubernetes-validations': [rule],
  };
  return refusedDefinition(server, [{ spec }]);
}

/** Creates an object of `spec` in a kind whose `spec` has this schema. */
async function create(server: Server, schema: object, ...specs: unknown[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  await defined(server, definition([{ spec: schema }]), async (kind) => {
    for (const [i, spec] of specs.entries()) answers.push(await server.post(kind.path(), kind.object(spec, `o${i}`)));
  });
  return answers;
}

const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more });
const rule = (text: string, more: object = {}): object => ({ 'x-kubernetes-validations': [{ rule: text, ...more }] });
const conditions = (answer: Answer): [string, string, string, string][] =>
  (answer.body.status.conditions ?? []).map((c: Record<string, string>) => [c.type, c.status, c.reason, c.message]);

/** Waits until a definition's conditions have settled. */
function settled(server: Server, name: string): Promise<Answer> {
  return eventually('conditions', async () => {
    const answer = await server.get(`${definitionsPath}/${name}`);
    const established = conditions(answer).find(([type]) => type === 'Established');
    return established && established[2] !== 'Installing' ? answer : undefined;
  });
}

conformance('crds: definitions', (test) => {
  test('a new definition gets its defaults, then its names, then Established', async (server) => {
    const wanted = definition();
    const created = await server.post(definitionsPath, wanted);
    try {
      expect(created.status).toBe(201);
      expect(created.body.spec.names).toEqual({
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        listKind: 'WidgetList',
      });
      expect(created.body.spec.conversion).toEqual({ strategy: 'None' });
      expect(created.body.status).toEqual({
        conditions: null,
        acceptedNames: { plural: '', kind: '' },
        storedVersions: ['v1'],
      });
      expect(created.body.metadata.generation).toBe(1);
      expect(created.body.metadata.finalizers).toBeUndefined();
      const ready = await settled(server, wanted.metadata.name);
      expect(conditions(ready)).toEqual([
        ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'],
        ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
      ]);
      expect(ready.body.status.acceptedNames).toEqual(created.body.spec.names);
      expect(ready.body.metadata.generation).toBe(1);
    } finally {
      await server.delete(`${definitionsPath}/${wanted.metadata.name}`);
    }
  });

  test('names that another definition of the group has are not accepted until that one goes', async (server) => {
    const first = definition();
    const { group } = first.spec;
    const second = definition([{}], { group, names: { plural: 'gimmicks', kind: 'Gimmick', singular: 'widget' } });
    second.metadata.name = `gimmicks.${group}`;
    await server.post(definitionsPath, first);
    await settled(server, first.metadata.name);
    await server.post(definitionsPath, second);
    try {
      const waiting = await settled(server, second.metadata.name);
      expect(conditions(waiting)).toEqual([
        ['NamesAccepted', 'False', 'SingularConflict', '"widget" is already in use'],
        ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
      ]);
      expect(waiting.body.status.acceptedNames).toEqual({
        plural: 'gimmicks',
        kind: 'Gimmick',
        listKind: 'GimmickList',
      });
      expect((await server.get(`/apis/${group}/v1/gimmicks`)).status).toBe(404);
      await server.delete(`${definitionsPath}/${first.metadata.name}`);
      await eventually('the names', async () =>
        conditions(await server.get(`${definitionsPath}/${second.metadata.name}`)).every(
          ([, status]) => status === 'True',
        )
          ? true
          : undefined,
      );
    } finally {
      await server.delete(`${definitionsPath}/${first.metadata.name}`);
      await server.delete(`${definitionsPath}/${second.metadata.name}`);
    }
  });

  test('name, group, scope, names and versions are checked', async (server) => {
    const misnamed = definition();
    misnamed.metadata.name = 'widgets';
    const answer = await server.post(definitionsPath, misnamed);
    expect(answer.body.message).toBe(
      'CustomResourceDefinition.apiextensions.k8s.io "widgets" is invalid: metadata.name: Invalid value: "widgets": must be spec.names.plural+"."+spec.group',
    );
    expect(answer.body.details).toEqual({
      name: 'widgets',
      group: 'apiextensions.k8s.io',
      kind: 'CustomResourceDefinition',
      causes: [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: "widgets": must be spec.names.plural+"."+spec.group',
          field: 'metadata.name',
        },
      ],
    });
    expect(await refusedDefinition(server, [{}], { scope: 'Namespace' })).toBe(
      'spec.scope: Unsupported value: "Namespace": supported values: "Cluster", "Namespaced"',
    );
    expect(await refusedDefinition(server, [{}, { storage: true }])).toMatch(
      /^\[spec\.versions: Invalid value: \[.*\]: must have exactly one version marked as storage version, status\.storedVersions: Invalid value: \["v1"\]: must have the storage version v2\]$/,
    );
    expect(await refusedDefinition(server, [{}, { name: 'v1' }])).toMatch(/: must contain unique version names$/);
    expect(await refusedDefinition(server, [{}], { names: { kind: 'Wid get' } })).toMatch(
      /spec\.names\.kind: Invalid value: "Wid get": may have mixed case, but should otherwise match: a DNS-1035 label must consist of/,
    );
    expect(await refusedDefinition(server, [{ deprecationWarning: 'old' }])).toBe(
      'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
    );
  });

  test('schemas must be structural', async (server) => {
    const refused = (spec: object): Promise<string> => refusedDefinition(server, [{ spec }]);
    expect(await refused(object({ a: {} }))).toBe(
      'schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields',
    );
    expect(await refused({ type: 'array', items: {} })).toBe(
      'schema.properties[spec].items.type: Required value: must not be empty for specified array items',
    );
    expect(await refused({ type: 'array' })).toBe('schema.properties[spec].items: Required value: must be specified');
    expect(await refused(object({ a: { type: 'int' } }))).toBe(
      'schema.properties[spec].properties[a].type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number", "object", "string"',
    );
    expect(await refused(object({ a: { type: 'string' } }, { additionalProperties: { type: 'string' } }))).toBe(
      'schema.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
    );
    expect(
      await refused(
        object({ a: { type: 'string' } }, { anyOf: [{ type: 'object', properties: { a: { title: 't' } } }] }),
      ),
    ).toBe(
      '[schema.properties[spec].anyOf[0].properties[a].title: Forbidden: must be empty to be structural, schema.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural]',
    );
    expect(await refused({ type: 'array', uniqueItems: true, items: { type: 'string' } })).toBe(
      'schema.properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
    expect(await refused(object({ a: { $ref: '#/x' } }))).toBe(
      'schema.properties[spec].properties[a].$ref: Forbidden: $ref is not supported',
    );
    const bad: [string, string][] = [
      ['(?=x)', 'invalid or unsupported Perl syntax: `(?=`'],
      ['x(?<!y)', 'invalid named capture: `(?<!y)`'],
      ['(a)\\1', 'invalid escape sequence: `\\1`'],
      ['\\u0041', 'invalid escape sequence: `\\u`'],
      ['(a', 'missing closing ): `(a`'],
      ['a)', 'unexpected ): `a)`'],
      ['[a', 'missing closing ]: `[a`'],
      ['[]', 'missing closing ]: `[]`'],
      ['[b-a]', 'invalid character class range: `b-a`'],
      ['*a', 'missing argument to repetition operator: `*`'],
      ['a**', 'invalid nested repetition operator: `**`'],
      ['a{1001}', 'invalid repeat count: `{1001}`'],
      ['(a{500}){500}', 'invalid repeat count: `{500}`'],
      ['a\\', 'trailing backslash at end of expression: ``'],
      ['\\pX', 'invalid character class range: `\\pX`'],
      ['[[:none:]]', 'invalid character class range: `[:none:]`'],
      ['(?P<n', 'invalid named capture: `(?P<n`'],
    ];
    for (const [pattern, why] of bad) {
      expect(await refused(object({ a: { type: 'string', pattern } }))).toBe(
        `schema.properties[spec].properties[a].pattern: Invalid value: ${JSON.stringify(pattern)}: must be a valid regular expression, but isn't: error parsing regexp: ${why}`,
      );
    }
    expect(
      await refusedDefinition(server, [{ schema: object({ metadata: object({ labels: { type: 'object' } }) }) }]),
    ).toBe(
      'schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    );
  });

  test('keys of list maps must be required or have a default', async (server) => {
    const list = (keys: string[], items: object): object => ({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': keys,
      items,
    });
    const refused = (spec: object): Promise<string> => refusedDefinition(server, [{ spec }]);
    expect(await refused(list(['name'], object({ name: { type: 'string' } })))).toBe(
      'schema.properties[spec].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    );
    expect(await refused(list(['other'], object({ name: { type: 'string' } })))).toBe(
      'schema.properties[spec].x-kubernetes-list-map-keys: Invalid value: ["other"]: entries must all be names of item properties',
    );
    expect(await refused(list([], { type: 'string' }))).toBe(
      '[schema.properties[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map, schema.properties[spec].items.type: Invalid value: "string": must be object if parent array\'s x-kubernetes-list-type is map]',
    );
  });

  test('defaults must be valid by themselves', async (server) => {
    const refused = (a: object): Promise<string> => refusedDefinition(server, [{ spec: object({ a }) }]);
    const path = 'schema.properties[spec].properties[a].default';
    expect(await refused({ type: 'integer', default: 'x' })).toBe(
      `${path}: Invalid value: "string":  in body must be of type integer: "string"`,
    );
    expect(await refused(object({ b: { type: 'string' } }, { default: { c: 1 } }))).toBe(
      `${path}: Invalid value: {"c":1}: must not have unknown fields`,
    );
    expect(await refused(object({ b: { type: 'string' } }, { required: ['b'], default: {} }))).toBe(
      `${path}.b: Required value`,
    );
    expect(await refused({ type: 'integer', default: 1, ...rule('self > 1') })).toBe(
      `${path}: Invalid value: 1: failed rule: self > 1`,
    );
  });

  test('rules must compile', async (server) => {
    const wrong = (text: string, detail: string): Promise<void> =>
      refusedRule(server, { rule: text }).then((message) =>
        expect(message).toBe(
          `schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: ${JSON.stringify({
            Rule: text,
            Message: '',
            MessageExpression: '',
            Reason: null,
            FieldPath: '',
            OptionalOldSelf: null,
          })
            .replaceAll('>', '\\u003e')
            .replaceAll('&', '\\u0026')}: ${detail}`,
        ),
      );
    await wrong(
      'self.missing == 1',
      "compilation failed: ERROR: <input>:1:5: undefined field 'missing'\n | self.missing == 1\n | ....^",
    );
    await wrong(
      'other.n > 1',
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other.n > 1\n | ^",
    );
    await wrong(
      'self.s > 1',
      "compilation failed: ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(string, int)'\n | self.s > 1\n | .......^",
    );
    await wrong(
      'self.list.all(x, x.b == "1")',
      'compilation failed: ERROR: <input>:1:19: undefined field \'b\'\n | self.list.all(x, x.b == "1")\n | ..................^',
    );
    await wrong('self.n', 'cel expression must evaluate to a bool');
    expect(await refusedRule(server, { rule: 'self.n >' })).toContain(
      "compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>' expecting",
    );
  });

  test('what belongs to a rule is checked', async (server) => {
    const path = 'schema.properties[spec].x-kubernetes-validations[0]';
    expect(await refusedRule(server, { rule: ' ' })).toBe(`${path}.rule: Required value: rule is not specified`);
    expect(await refusedRule(server, { rule: 'self.n > 1\n&& true' })).toBe(
      `${path}.message: Required value: message must be specified if rule contains line breaks`,
    );
    expect(await refusedRule(server, { rule: 'true', reason: 'Nope' })).toBe(
      `${path}.reason: Unsupported value: "Nope": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
    );
    expect(await refusedRule(server, { rule: 'true', fieldPath: '.nope' })).toBe(
      `${path}.fieldPath: Invalid value: ".nope": must be a valid path`,
    );
    expect(await refusedRule(server, { rule: 'true', messageExpression: 'self.n' })).toMatch(
      /messageExpression must evaluate to a string$/,
    );
    expect(await refusedRule(server, { rule: 'self.n > 1', optionalOldSelf: true })).toBe(
      `${path}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    );
    const items = { type: 'string', maxLength: 5, ...rule('self == oldSelf') };
    expect(await refusedDefinition(server, [{ spec: { type: 'array', maxItems: 5, items } }])).toBe(
      'schema.properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[spec]',
    );
  });

  test('group, plural and, once established, scope and kind are immutable', async (server) => {
    await defined(server, definition(), async ({ definition: made }) => {
      const path = `${definitionsPath}/${made.metadata.name}`;
      const scope = await server.patch('merge', path, { spec: { scope: 'Cluster' } });
      expect(refusal(scope)).toBe('spec.scope: Invalid value: "Cluster": field is immutable');
      const kind = await server.patch('merge', path, { spec: { names: { kind: 'Wodget' } } });
      expect(refusal(kind)).toBe('spec.names.kind: Invalid value: "Wodget": field is immutable');
      const group = await server.patch('merge', path, { spec: { group: 'other.sidestep.test' } });
      expect(refusal(group)).toContain('spec.group: Invalid value: "other.sidestep.test": field is immutable');
    });
  });

  test('the generation follows the spec, storedVersions the storage version', async (server) => {
    await defined(server, definition([{}, {}]), async ({ definition: made }) => {
      const path = `${definitionsPath}/${made.metadata.name}`;
      const labelled = await server.patch('merge', path, { metadata: { labels: { a: 'b' } } });
      expect(labelled.body.metadata.generation).toBe(1);
      const moved = await server.patch('json', path, [
        { op: 'replace', path: '/spec/versions/0/storage', value: false },
        { op: 'replace', path: '/spec/versions/1/storage', value: true },
      ]);
      expect(moved.status).toBe(200);
      expect(moved.body.metadata.generation).toBe(2);
      expect(moved.body.status.storedVersions).toEqual(['v1', 'v2']);
      const dropped = await server.patch('json', path, [{ op: 'remove', path: '/spec/versions/0' }]);
      expect(refusal(dropped)).toBe(
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
      );
      const migrated = await server.patch('merge', `${path}/status`, { status: { storedVersions: ['v2'] } });
      expect(migrated.status).toBe(200);
      expect((await server.patch('json', path, [{ op: 'remove', path: '/spec/versions/0' }])).status).toBe(200);
    });
  });

  test('deleting a definition deletes its objects first, and waits for their finalizers', async (server) => {
    await defined(server, definition(), async (kind) => {
      const path = `${definitionsPath}/${kind.definition.metadata.name}`;
      await server.post(kind.path(), kind.object());
      const held = kind.object({}, 'held');
      await server.post(kind.path(), {
        ...held,
        metadata: { ...held.metadata, finalizers: ['sidestep.test/hold'] },
      });
      const deleted = await server.delete(path);
      expect(deleted.status).toBe(200);
      expect(deleted.body.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
      expect(conditions(deleted).find(([type]) => type === 'Terminating')).toEqual([
        'Terminating',
        'True',
        'InstanceDeletionPending',
        'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      ]);
      const remaining = await eventually('the cleanup', async () => {
        const list = await server.get(kind.path());
        return list.body.items?.length === 1 && list.body.items[0].metadata.deletionTimestamp ? list : undefined;
      });
      expect(remaining.body.items[0].metadata.name).toBe('held');
      const late = await server.post(kind.path(), kind.object({}, 'late'));
      expect([late.status, late.body.reason, late.body.message]).toEqual([
        403,
        'Forbidden',
        `widgets.${kind.definition.spec.group} "late" is forbidden: create not allowed while custom resource definition is terminating`,
      ]);
      await server.patch('merge', `${kind.path()}/held`, { metadata: { finalizers: null } });
      await eventually('the end of the definition', async () =>
        (await server.get(path)).status === 404 ? true : undefined,
      );
      await eventually('the end of the kind', async () => {
        const gone = await server.get(kind.path());
        return gone.status === 404 && gone.text === '404 page not found\n' ? true : undefined;
      });
    });
  });

  test('webhooks for deletions are not asked about the objects of a definition that is deleted', async (server) => {
    await defined(server, definition(), async (kind) => {
      const rules = [
        { apiGroups: [kind.definition.spec.group], apiVersions: ['*'], operations: ['DELETE'], resources: ['*'] },
      ];
      const hooks = [{ name: 'dead', url: 'https://127.0.0.1:1/', spec: { rules, namespaceSelector: {} } }];
      await withWebhooks(server, [{ type: 'validating', hooks }], async () => {
        await server.post(kind.path(), kind.object());
        expect((await server.delete(`${kind.path()}/one`)).status).toBe(500);
        const path = `${definitionsPath}/${kind.definition.metadata.name}`;
        expect((await server.delete(path)).status).toBe(200);
        await eventually('the end of the definition', async () =>
          (await server.get(path)).status === 404 ? true : undefined,
        );
      });
    });
  });

  test('a status with null for a condition is taken, and watches see it', async (server) => {
    await defined(server, definition(), async (kind) => {
      const path = `${definitionsPath}/${kind.definition.metadata.name}`;
      const { body } = await settled(server, kind.definition.metadata.name);
      const watch = await server.watch(definitionsPath, { resourceVersion: body.metadata.resourceVersion as string });
      try {
        const conditions = [null, ...body.status.conditions];
        const written = await server.put(`${path}/status`, { ...body, status: { ...body.status, conditions } });
        expect(written.status, written.text).toBe(200);
        const version = written.body.metadata.resourceVersion as string;
        await watch.next(({ object }) => object.metadata.resourceVersion === version);
      } finally {
        watch.close();
      }
    });
  });

  test('discovery shows names, short names, categories, verbs and subresources of established kinds', async (server) => {
    const names = { shortNames: ['wd'], categories: ['all-widgets'] };
    const wanted = definition(
      [{ subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } } }],
      { names, scope: 'Cluster' },
    );
    await defined(server, wanted, async () => {
      const list = await eventually('discovery', async () => {
        const answer = await server.get(`/apis/${wanted.spec.group}/v1`);
        return answer.status === 200 && answer.body.resources.length > 0 ? answer : undefined;
      });
      const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
      const [{ storageVersionHash: _hash, ...main }, ...rest] = list.body.resources;
      expect(main).toEqual({
        name: 'widgets',
        singularName: 'widget',
        namespaced: false,
        kind: 'Widget',
        verbs,
        ...names,
      });
      expect(rest).toEqual([
        {
          name: 'widgets/status',
          singularName: '',
          namespaced: false,
          kind: 'Widget',
          verbs: ['get', 'patch', 'update'],
        },
        {
          name: 'widgets/scale',
          singularName: '',
          namespaced: false,
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: ['get', 'patch', 'update'],
        },
      ]);
    });
  });
});

independently('crds: objects', (test) => {
  test('unknown fields are pruned, except below preserve-unknown-fields', async (server) => {
    const [made] = await create(
      server,
      object({
        a: { type: 'string' },
        list: { type: 'array', items: object({ b: { type: 'string' } }) },
        map: { type: 'object', additionalProperties: object({ c: { type: 'string' } }) },
        free: { ...object({ d: object({ e: { type: 'string' } }) }), 'x-kubernetes-preserve-unknown-fields': true },
      }),
      {
        a: '1',
        x: 1,
        list: [{ b: '2', x: 1 }],
        map: { k: { c: '3', x: 1 } },
        free: { any: { thing: [1] }, d: { e: '4', x: 1 } },
      },
    );
    expect(made?.status).toBe(201);
    expect(made?.body.spec).toEqual({
      a: '1',
      list: [{ b: '2' }],
      map: { k: { c: '3' } },
      free: { any: { thing: [1] }, d: { e: '4' } },
    });
  });

  test('defaults are set deeply, also where the value is null and must not be', async (server) => {
    const [empty, some, nothing] = await create(
      server,
      object({
        a: { type: 'string', default: 'A' },
        nullable: { type: 'string', nullable: true, default: 'N' },
        inner: object({ b: { type: 'integer', default: 2 } }),
        outer: object({ c: { type: 'boolean', default: true }, d: { type: 'string' } }, { default: { d: 'D' } }),
        list: { type: 'array', items: object({ e: { type: 'string', default: 'E' } }) },
        plain: { type: 'string' },
      }),
      {},
      { a: null, nullable: null, inner: {}, outer: {}, list: [{}, { e: 'x' }] },
      { plain: null },
    );
    expect(empty?.body.spec).toEqual({ a: 'A', nullable: 'N', outer: { c: true, d: 'D' } });
    expect(some?.body.spec).toEqual({
      a: 'A',
      nullable: null,
      inner: { b: 2 },
      outer: { c: true },
      list: [{ e: 'E' }, { e: 'x' }],
    });
    expect([nothing?.status, nothing?.body.spec]).toEqual([201, { a: 'A', nullable: 'N', outer: { c: true, d: 'D' } }]);
  });

  test('a default that is added later shows in what was stored before', async (server) => {
    await defined(
      server,
      definition([{ spec: object({ a: { type: 'string' }, old: { type: 'string' } }) }]),
      async (kind) => {
        const made = await server.post(kind.path(), kind.object({ a: 'x', old: 'y' }));
        const changed = await server.patch('json', `${definitionsPath}/${kind.definition.metadata.name}`, [
          {
            op: 'replace',
            path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties',
            value: { a: { type: 'string' }, b: { type: 'string', default: 'later' } },
          },
        ]);
        expect(changed.status).toBe(200);
        const read = await eventually('the new schema', async () => {
          const answer = await server.get(`${kind.path()}/one`);
          return answer.body.spec.b === undefined ? undefined : answer;
        });
        expect(read.body.spec).toEqual({ a: 'x', b: 'later' });
        expect(read.body.metadata.resourceVersion).toBe(made.body.metadata.resourceVersion);
        const listed = await eventually('the list', async () => (await server.get(kind.path())).body.items[0].spec);
        expect(listed).toEqual({ a: 'x', b: 'later' });
      },
    );
  });

  test('wrong types are told with the field', async (server) => {
    const schema = object({
      n: { type: 'integer' },
      s: { type: 'string' },
      o: { type: 'object' },
      l: { type: 'array', items: { type: 'boolean' } },
      d: { type: 'number' },
    });
    const [n, s, o, l, many, fine] = await create(
      server,
      schema,
      { n: '1' },
      { s: 1 },
      { o: [] },
      { l: [true, 'x'] },
      { n: 1.5, s: true },
      { n: 2, d: 1, l: [] },
    );
    expect(refusal(n!)).toBe('spec.n: Invalid value: "string": spec.n in body must be of type integer: "string"');
    expect(n?.body.details.causes).toEqual([
      {
        reason: 'FieldValueTypeInvalid',
        message: 'Invalid value: "string": spec.n in body must be of type integer: "string"',
        field: 'spec.n',
      },
    ]);
    expect(refusal(s!)).toBe('spec.s: Invalid value: "integer": spec.s in body must be of type string: "integer"');
    expect(refusal(o!)).toBe('spec.o: Invalid value: "array": spec.o in body must be of type object: "array"');
    expect(refusal(l!)).toBe('spec.l[1]: Invalid value: "string": spec.l[1] in body must be of type boolean: "string"');
    expect(refusal(many!).slice(1, -1).split(', ').sort()).toEqual([
      'spec.n: Invalid value: "number": spec.n in body must be of type integer: "number"',
      'spec.s: Invalid value: "boolean": spec.s in body must be of type string: "boolean"',
    ]);
    expect(fine?.status).toBe(201);
  });

  test('patterns are those of RE2, and none takes long', async (server) => {
    const patterns: Record<string, { pattern: string; fits: string; not: string }> = {
      nested: { pattern: '^(a+)+$', fits: 'aaa', not: `${'a'.repeat(32)}!` },
      flags: { pattern: '^A(?i)B(?-i:C)$', fits: 'AbC', not: 'abc' },
      quoted: { pattern: '^\\Qx.y\\E\\z', fits: 'x.y', not: 'xzy' },
      class: { pattern: '^[[:upper:]_]\\pL[^[:^digit:]]$', fits: 'Äé1'.replace('Ä', 'A'), not: 'Ää1' },
      words: { pattern: '^\\w+$', fits: 'a_1', not: 'é' },
      named: { pattern: '^(?P<n>\\x{1F600}|.)$', fits: '😀', not: 'ab' },
      lines: { pattern: '(?m)^b$', fits: 'a\nb', not: 'ab' },
      dot: { pattern: '(?s)a.b', fits: 'a\nb', not: 'ab' },
    };
    const names = Object.keys(patterns);
    const schema = object(
      Object.fromEntries(names.map((name) => [name, { type: 'string', pattern: patterns[name]!.pattern }])),
    );
    const specs = names.flatMap((name) => [{ [name]: patterns[name]!.fits }, { [name]: patterns[name]!.not }]);
    const answers = await create(server, schema, ...specs);
    expect(answers.map(({ status }) => status)).toEqual(names.flatMap(() => [201, 422]));
    expect(refusal(answers[1]!)).toContain("spec.nested in body should match '^(a+)+$'");
  });

  test('required fields, enums, bounds, lengths, patterns and formats are told with the field', async (server) => {
    const schema = object(
      {
        r: object({ x: { type: 'string' } }, { required: ['x'] }),
        e: { type: 'string', enum: ['A', 'B'] },
        min: { type: 'integer', minimum: 1 },
        max: { type: 'integer', maximum: 3, exclusiveMaximum: true },
        len: { type: 'string', minLength: 2, maxLength: 3 },
        pat: { type: 'string', pattern: '^a+$' },
        time: { type: 'string', format: 'date-time' },
        items: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string' } },
        props: { type: 'object', minProperties: 1, maxProperties: 1, additionalProperties: { type: 'string' } },
        mult: { type: 'integer', multipleOf: 2 },
      },
      { required: ['r'] },
    );
    const told = async (spec: object): Promise<[unknown, string]> => [spec, refusal(await create1(spec))];
    let create1: (spec: object) => Promise<Answer>;
    await defined(server, definition([{ spec: schema }]), async (kind) => {
      create1 = (spec) => server.post(kind.path(), kind.object({ r: { x: '' }, ...spec }));
      expect(refusal(await server.post(kind.path(), kind.object({})))).toBe('spec.r: Required value');
      const cases: [object, string][] = [
        [{ r: {} }, 'spec.r.x: Required value'],
        [{ e: 'C' }, 'spec.e: Unsupported value: "C": supported values: "A", "B"'],
        [{ min: 0 }, 'spec.min: Invalid value: 0: spec.min in body should be greater than or equal to 1'],
        [{ max: 3 }, 'spec.max: Invalid value: 3: spec.max in body should be less than 3'],
        [{ len: 'a' }, 'spec.len: Invalid value: "a": spec.len in body should be at least 2 chars long'],
        [{ len: 'abcd' }, 'spec.len: Too long: may not be more than 3 bytes'],
        [{ pat: 'b' }, 'spec.pat: Invalid value: "b": spec.pat in body should match \'^a+$\''],
        [{ time: 'noon' }, 'spec.time: Invalid value: "noon": spec.time in body must be of type date-time: "noon"'],
        [{ items: [] }, 'spec.items: Invalid value: 0: spec.items in body should have at least 1 items'],
        [{ items: ['1', '2', '3'] }, 'spec.items: Too many: 3: must have at most 2 items'],
        [{ props: {} }, 'spec.props: Invalid value: 0: spec.props in body should have at least 1 properties'],
        [{ props: { a: '', b: '' } }, 'spec.props: Too many: 2: must have at most 1 item'],
        [{ mult: 3 }, 'spec.mult: Invalid value: 3: spec.mult in body should be a multiple of 2'],
      ];
      for (const [spec, message] of cases) expect(await told(spec)).toEqual([spec, message]);
    });
  });

  test('anyOf, oneOf, allOf and not are told as a whole', async (server) => {
    const choice = (more: object): object => object({ a: { type: 'string' }, b: { type: 'string' } }, more);
    const schema = object({
      any: choice({ anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
      one: choice({ oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
      all: choice({ allOf: [{ required: ['a'] }, { required: ['b'] }] }),
      not: choice({ not: { required: ['a'] } }),
    });
    const [any, none, both, all, not] = await create(
      server,
      schema,
      { any: {} },
      { one: {} },
      { one: { a: '', b: '' } },
      { all: { a: '' } },
      { not: { a: '' } },
    );
    expect(refusal(any!)).toContain('"spec.any" must validate at least one schema (anyOf)');
    expect(refusal(none!)).toContain('"spec.one" must validate one and only one schema (oneOf). Found none valid');
    expect(refusal(both!)).toContain(
      '"spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    );
    expect(refusal(all!)).toContain('"spec.all" must validate all the schemas (allOf)');
    expect(refusal(not!)).toContain('"spec.not" must not validate the schema (not)');
  });

  test('an int-or-string takes both and nothing else', async (server) => {
    const schema = object({ port: { 'x-kubernetes-int-or-string': true } });
    const [number, text, wrong] = await create(server, schema, { port: 1 }, { port: 'http' }, { port: true });
    expect([number?.body.spec.port, text?.body.spec.port]).toEqual([1, 'http']);
    expect(refusal(wrong!)).toBe(
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    );
  });

  test('list sets and list maps have no duplicates', async (server) => {
    const item = object({ name: { type: 'string' }, v: { type: 'integer' } }, { required: ['name'] });
    const [set, map] = await create(
      server,
      object({
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        map: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item },
      }),
      { set: ['a', 'b', 'a'] },
      { map: [{ name: 'a' }, { name: 'a', v: 1 }] },
    );
    expect(refusal(set!)).toBe('spec.set[2]: Duplicate value: "a"');
    expect(refusal(map!)).toBe('spec.map[1]: Duplicate value: {"name":"a"}');
  });

  test('embedded resources keep their metadata, and must have a kind', async (server) => {
    const schema = object({
      template: {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        'x-kubernetes-preserve-unknown-fields': true,
      },
      strict: { ...object({ spec: object({ a: { type: 'string' } }) }), 'x-kubernetes-embedded-resource': true },
    });
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' }, nope: 1 } };
    const [kept, wrong] = await create(
      server,
      schema,
      { template: { ...pod, x: 1 }, strict: { ...pod, x: 1, spec: { a: '', x: 1 } } },
      { template: { metadata: { name: 'x' } } },
    );
    const clean = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' } } };
    expect(kept?.body.spec.strict).toEqual({ ...clean, spec: { a: '' } });
    expect(kept?.body.spec.template).toEqual({ ...clean, x: 1 });
    expect(refusal(wrong!)).toBe('[spec.template.apiVersion: Required value, spec.template.kind: Required value]');
  });

  test('kind, apiVersion, name and labels of an object are checked', async (server) => {
    await defined(server, definition(), async (kind) => {
      const wrongKind = await server.post(kind.path(), { ...kind.object(), kind: 'Gimmick' });
      expect(wrongKind.status).toBe(422);
      expect(refusal(wrongKind)).toBe('kind: Invalid value: "Gimmick": must be Widget');
      const named = await server.post(kind.path(), kind.object({}, 'Not_Right'));
      expect(refusal(named)).toMatch(/^metadata\.name: Invalid value: "Not_Right": a lowercase RFC 1123 subdomain/);
      const labelled = kind.object();
      const answer = await server.post(kind.path(), {
        ...labelled,
        metadata: { ...labelled.metadata, labels: { a: 'not right' } },
      });
      expect(refusal(answer)).toMatch(/^metadata\.labels: Invalid value: "not right": a valid label must be/);
      const numbers = await server.post(kind.path(), {
        ...labelled,
        metadata: { ...labelled.metadata, labels: { a: 1 } },
      });
      expect([numbers.status, numbers.body.reason]).toEqual([400, 'BadRequest']);
    });
  });

  test('an update needs the resourceVersion, and the current one', async (server) => {
    await defined(server, definition(), async (kind) => {
      const made = await server.post(kind.path(), kind.object());
      const blind = await server.put(`${kind.path()}/one`, kind.object({ a: 1 }));
      expect(refusal(blind)).toBe('metadata.resourceVersion: Invalid value: 0: must be specified for an update');
      expect((await server.put(`${kind.path()}/one`, { ...made.body, spec: { a: 1 } })).status).toBe(200);
      const stale = await server.put(`${kind.path()}/one`, { ...made.body, spec: { a: 2 } });
      expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);
    });
  });

  test('JSON and merge patches are taken and validated, strategic merge patches refused', async (server) => {
    await defined(server, definition([{ spec: object({ n: { type: 'integer', maximum: 5 } }) }]), async (kind) => {
      await server.post(kind.path(), kind.object({ n: 1 }));
      const path = `${kind.path()}/one`;
      const merged = await server.patch('merge', path, { spec: { n: 2, x: 1 } });
      expect([merged.status, merged.body.spec]).toEqual([200, { n: 2 }]);
      const refused = await server.patch('json', path, [{ op: 'replace', path: '/spec/n', value: 6 }]);
      expect(refusal(refused)).toBe('spec.n: Invalid value: 6: spec.n in body should be less than or equal to 5');
      const strategic = await server.patch('strategic', path, { spec: { n: 3 } });
      expect([strategic.status, strategic.body.reason]).toEqual([415, 'UnsupportedMediaType']);
    });
  });
});

independently('crds: rules', (test) => {
  test('a rule that fails is told by itself, its message or its messageExpression', async (server) => {
    const [plain, told, computed] = await create(
      server,
      object({
        plain: object({ n: { type: 'integer' } }, rule('self.n > 1')),
        told: { type: 'integer', ...rule('self > 1', { message: 'too small' }) },
        computed: {
          type: 'string',
          maxLength: 9,
          ...rule('self == "x"', { messageExpression: '"not x but " + self', message: 'm' }),
        },
      }),
      { plain: { n: 1 } },
      { told: 1 },
      { computed: 'y' },
    );
    expect(refusal(plain!)).toBe('spec.plain: Invalid value: failed rule: self.n > 1');
    expect(plain?.body.details.causes).toEqual([
      { reason: 'FieldValueInvalid', message: 'Invalid value: failed rule: self.n > 1', field: 'spec.plain' },
    ]);
    expect(refusal(told!)).toBe('spec.told: Invalid value: 1: too small');
    expect(refusal(computed!)).toBe('spec.computed: Invalid value: "y": not x but y');
  });

  test('reason and fieldPath of a rule say what is wrong where', async (server) => {
    const [answer] = await create(
      server,
      object(
        { a: { type: 'string' }, m: { type: 'object', additionalProperties: { type: 'string' } } },
        {
          'x-kubernetes-validations': [
            { rule: 'has(self.a)', reason: 'FieldValueRequired', fieldPath: '.a', message: 'set a' },
            { rule: 'false', reason: 'FieldValueForbidden', message: 'no' },
            { rule: '!("k" in self.m)', fieldPath: ".m['k']", message: 'no k' },
          ],
        },
      ),
      { m: { k: '' } },
    );
    expect(refusal(answer!)).toBe(
      '[spec.a: Required value: set a, spec: Forbidden: no, spec.m[k]: Invalid value: no k]',
    );
    expect(answer?.body.details.causes.map((c: { reason: string }) => c.reason)).toEqual([
      'FieldValueRequired',
      'FieldValueForbidden',
      'FieldValueInvalid',
    ]);
  });

  test('rules with oldSelf are for updates, and may take the first value as optional', async (server) => {
    const schema = object({
      fixed: { type: 'string', maxLength: 9, ...rule('self == oldSelf', { message: 'is immutable' }) },
      grows: {
        type: 'integer',
        ...rule('oldSelf.hasValue() ? self >= oldSelf.value() : self == 0', {
          optionalOldSelf: true,
          message: 'grows from 0',
        }),
      },
    });
    await defined(server, definition([{ spec: schema }]), async (kind) => {
      expect(refusal(await server.post(kind.path(), kind.object({ fixed: 'a', grows: 1 })))).toBe(
        'spec.grows: Invalid value: 1: grows from 0',
      );
      expect((await server.post(kind.path(), kind.object({ fixed: 'a', grows: 0 }))).status).toBe(201);
      const path = `${kind.path()}/one`;
      expect(refusal(await server.patch('merge', path, { spec: { fixed: 'b' } }))).toBe(
        'spec.fixed: Invalid value: "b": is immutable',
      );
      expect((await server.patch('merge', path, { spec: { grows: 4 } })).status).toBe(200);
      expect(refusal(await server.patch('merge', path, { spec: { grows: 3 } }))).toBe(
        'spec.grows: Invalid value: 3: grows from 0',
      );
      expect((await server.patch('merge', path, { spec: { fixed: null } })).status).toBe(200);
    });
  });

  test('items of list maps meet their own old values', async (server) => {
    const item = object(
      { name: { type: 'string', maxLength: 9 }, v: { type: 'integer' } },
      { required: ['name'], ...rule('self.v >= oldSelf.v') },
    );
    const list = {
      type: 'array',
      maxItems: 5,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: item,
    };
    await defined(server, definition([{ spec: object({ list }) }]), async (kind) => {
      await server.post(
        kind.path(),
        kind.object({
          list: [
            { name: 'a', v: 1 },
            { name: 'b', v: 5 },
          ],
        }),
      );
      const path = `${kind.path()}/one`;
      const swapped = {
        list: [
          { name: 'b', v: 5 },
          { name: 'new', v: 0 },
          { name: 'a', v: 2 },
        ],
      };
      expect((await server.patch('merge', path, { spec: swapped })).status).toBe(200);
      const less = {
        list: [
          { name: 'b', v: 4 },
          { name: 'a', v: 2 },
        ],
      };
      expect(refusal(await server.patch('merge', path, { spec: less }))).toBe(
        'spec.list[0]: Invalid value: failed rule: self.v >= oldSelf.v',
      );
    });
  });

  test('a rule that cannot be evaluated refuses the object', async (server) => {
    const [key, index] = await create(
      server,
      object(
        { a: { type: 'string' }, l: { type: 'array', maxItems: 3, items: { type: 'integer' } } },
        { 'x-kubernetes-validations': [{ rule: 'self.l[1] > 0' }, { rule: 'self.a == "x"', message: 'a is x' }] },
      ),
      { l: [1, 2] },
      { a: 'x', l: [1] },
    );
    expect(refusal(key!)).toBe('spec: Invalid value: "object": no such key: a evaluating rule: a is x');
    expect(refusal(index!)).toBe(
      'spec: Invalid value: "object": index out of bounds: 1 evaluating rule: self.l[1] > 0',
    );
  });

  test('rules are not evaluated while types are wrong', async (server) => {
    const [answer] = await create(server, object({ n: { type: 'integer' } }, rule('self.n > 1')), { n: 'x' });
    expect(refusal(answer!)).toBe(
      '[spec.n: Invalid value: "string": spec.n in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    );
  });

  test('at the root, rules see name and generateName of the metadata', async (server) => {
    const schema = object(
      { spec: { type: 'object' } },
      rule("self.metadata.name.startsWith('w-') && self.kind == 'Widget'"),
    );
    await defined(server, definition([{ schema }]), async (kind) => {
      expect(refusal(await server.post(kind.path(), kind.object({}, 'x')))).toBe(
        "<nil>: Invalid value: failed rule: self.metadata.name.startsWith('w-') && self.kind == 'Widget'",
      );
      expect((await server.post(kind.path(), kind.object({}, 'w-1'))).status).toBe(201);
    });
  });

  const expressions: Record<string, string[]> = {
    'macros, operators and conversions': [
      'self.l.all(x, x > 0) && self.l.exists(x, x == 3) && self.l.exists_one(x, x == 3)',
      'self.l.filter(x, x > 1).map(x, x * 2) == [6, 4]',
      'self.l.map(x, x > 1, x + 1) == [4, 3]',
      'has(self.s) && !has(self.absent) && size(self.s) == 5 && self.s.size() == 5',
      "self.m.all(k, k in ['a', 'b']) && self.m['a'] == 'x' && 'a' in self.m",
      "type(self.n) == int && int('7') == self.n && string(self.n) == '7' && double(self.n) == 7.0 && dyn(self.n) == 7",
      "self.n % 4 == 3 && -self.n < 0 && self.n / 2 == 3 && self.n - 1 == 6 && (self.n > 5 ? 'a' : 'b') == 'a'",
      "duration('1h30m') > duration('60m') && duration('90s').getMinutes() == 1",
      "timestamp('2024-01-01T00:00:00Z').getFullYear() == 2024 && timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T01:00:00Z')",
      "self.i == 5 && self.d == 1.5 && self.d < 2 && b'abc' == bytes('abc') && 1u + 2u == 3u",
      'self.l.all(i, v, i < 3 && v > 0) && self.m.exists(k, v, v == "y")',
    ],
    'strings and regular expressions': [
      "self.s.startsWith('he') && self.s.endsWith('lo') && self.s.contains('ell') && self.s.matches('^h.*o$')",
      "'a,b'.split(',') == ['a', 'b'] && 'abc'.substring(1, 2) == 'b'",
      "' x '.trim() == 'x' && 'aXa'.lowerAscii() == 'axa' && 'a'.upperAscii() == 'A' && 'aba'.replace('a', 'c') == 'cbc'",
      "'abc'.charAt(1) == 'b' && 'abcb'.indexOf('b') == 1 && 'abcb'.lastIndexOf('b') == 3",
      "'abc 123'.find('[0-9]+') == '123' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']",
      "!'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$') && 'aaa'.matches('^(a+)+$')",
      "'x.y'.matches(r'^\\Qx.y\\E$') && 'Ab'.matches('^A(?i)B$') && !'é'.matches(r'\\w') && 'é'.matches(r'^\\pL\\z')",
      "'%s is %d'.format(['x', 3]) == 'x is 3'",
      "!format.dns1123Label().validate('ok').hasValue() && format.dns1123Label().validate('Not').hasValue()",
    ],
    'lists and sets': [
      '[1, 2, 3].isSorted() && [1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3',
      '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && self.l.sum() == 6',
      'sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1]) && sets.intersects([1], [1, 2])',
    ],
    'quantities, URLs and addresses': [
      "quantity('1Gi').isGreaterThan(quantity('500Mi')) && isQuantity('1.5') && !isQuantity('x')",
      "quantity('100m').add(quantity('900m')).compareTo(quantity('1')) == 0 && quantity('2k').asInteger() == 2000",
      "quantity('50k').sub(20000) == quantity('30k') && quantity('1').isLessThan(quantity('2')) && sign(quantity('-1')) == -1",
      "url('https://a.b:80/p?q=1').getHostname() == 'a.b' && url('https://a.b:80/p?q=1').getPort() == '80' && isURL('/x') && !isURL('x y')",
      "url('https://a.b:80/p?q=1').getScheme() == 'https' && url('https://a.b/p?q=1').getEscapedPath() == '/p' && url('https://a.b/p?q=1').getQuery() == {'q': ['1']}",
      "isIP('10.0.0.1') && ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && !isIP('10.0.0.300')",
      "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.0.0.0/8').prefixLength() == 8 && isCIDR('::/0')",
    ],
    'optional values': [
      "self.?absent.orValue('x') == 'x' && !self.?absent.hasValue() && self.?s.value() == 'hello'",
      "self.m[?'zz'].orValue('none') == 'none' && self.?inner.?deep.orValue(3) == 3",
      'optional.of(1).optMap(x, x + 1).value() == 2 && optional.ofNonZeroValue(0).hasValue() == false',
      "self.?i.orValue('none') == 5 && (self.n > 0 ? self.i : 'x') == 5",
      "[?self.?absent, 'a'] == ['a'] && {?'k': self.?absent, 'b': 'c'} == {'b': 'c'}",
    ],
  };
  for (const [library, rules] of Object.entries(expressions)) {
    test(`rules know ${library}`, async (server) => {
      const properties = {
        n: { type: 'integer' },
        d: { type: 'number' },
        s: { type: 'string', maxLength: 10 },
        absent: { type: 'string', maxLength: 10 },
        l: { type: 'array', maxItems: 5, items: { type: 'integer' } },
        m: { type: 'object', maxProperties: 5, additionalProperties: { type: 'string', maxLength: 5 } },
        i: { 'x-kubernetes-int-or-string': true },
        inner: object({ deep: { type: 'integer' } }),
      };
      // Each rule also the other way round, so that none passes by not being evaluated.
      const validations = rules.flatMap((text) => [
        { rule: text, message: `wrong: ${text}` },
        { rule: `!(${text})`, message: `right: ${text}` },
      ]);
      const schema = object(properties, { 'x-kubernetes-validations': validations });
      const [answer] = await create(server, schema, {
        n: 7,
        d: 1.5,
        s: 'hello',
        l: [1, 3, 2],
        m: { a: 'x', b: 'y' },
        i: 5,
      });
      const told = (answer?.body.details?.causes ?? []).map((c: { message: string }) => c.message);
      expect(told).toEqual(rules.map((text) => `Invalid value: right: ${text}`));
    });
  }
});

independently('crds: ratcheting', (test) => {
  /** Stores an object under a loose definition, then makes it strict. */
  async function tightened(
    server: Server,
    strict: object,
    spec: object,
    check: (kind: Defined) => Promise<void>,
  ): Promise<void> {
    const loose = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const wanted = definition([{ spec: loose }]);
    await defined(server, wanted, async (kind) => {
      await server.post(kind.path(), kind.object(spec));
      const versions = [
        { op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec', value: strict },
      ];
      const changed = await server.patch('json', `${definitionsPath}/${wanted.metadata.name}`, versions);
      if (changed.status !== 200) throw new Error(changed.text);
      await eventually('the strict schema', async () => {
        const answer = await server.post(kind.path(), kind.object(spec, uniqueName('probe')), {
          query: { dryRun: 'All' },
        });
        return answer.status === 422 ? true : undefined;
      });
      await check(kind);
    });
  }

  test('values that were wrong before and stay as they are do not hinder an update', async (server) => {
    const strict = object({
      n: { type: 'integer', maximum: 5 },
      e: { type: 'string', enum: ['A'] },
      note: { type: 'string' },
      list: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: object({ name: { type: 'string' }, v: { type: 'integer', maximum: 5 } }, { required: ['name'] }),
      },
    });
    const spec = { n: 9, e: 'Z', list: [{ name: 'a', v: 9 }] };
    await tightened(server, strict, spec, async (kind) => {
      const path = `${kind.path()}/one`;
      expect((await server.patch('merge', path, { spec: { note: 'x' } })).status).toBe(200);
      const moved = {
        list: [
          { name: 'b', v: 1 },
          { name: 'a', v: 9 },
        ],
      };
      expect((await server.patch('merge', path, { spec: moved })).status).toBe(200);
      expect(refusal(await server.patch('merge', path, { spec: { n: 8 } }))).toBe(
        'spec.n: Invalid value: 8: spec.n in body should be less than or equal to 5',
      );
      const worse = {
        list: [
          { name: 'b', v: 7 },
          { name: 'a', v: 9 },
        ],
      };
      expect(refusal(await server.patch('merge', path, { spec: worse }))).toBe(
        'spec.list[0].v: Invalid value: 7: spec.list[0].v in body should be less than or equal to 5',
      );
    });
  });

  test('a rule that failed before on a value that stays as it is does not hinder an update', async (server) => {
    const strict = object({
      a: object({ n: { type: 'integer' } }, rule('self.n < 5')),
      note: { type: 'string' },
    });
    await tightened(server, strict, { a: { n: 9 } }, async (kind) => {
      const path = `${kind.path()}/one`;
      expect((await server.patch('merge', path, { spec: { note: 'x' } })).status).toBe(200);
      expect(refusal(await server.patch('merge', path, { spec: { a: { n: 8 } } }))).toBe(
        'spec.a: Invalid value: failed rule: self.n < 5',
      );
    });
  });
});

independently('crds: subresources and versions', (test) => {
  const counted = object({ n: { type: 'integer', maximum: 5 } });

  test('with a status subresource, each side keeps its hands off the other', async (server) => {
    await defined(
      server,
      definition([{ spec: counted, status: counted, subresources: { status: {} } }]),
      async (kind) => {
        const made = await server.post(kind.path(), { ...kind.object({ n: 1 }), status: { n: 1 } });
        expect(made.body.status).toBeUndefined();
        expect(made.body.metadata.generation).toBe(1);
        const path = `${kind.path()}/one`;
        const put = await server.put(`${path}/status`, { ...made.body, spec: { n: 3 }, status: { n: 2 } });
        expect([put.status, put.body.spec, put.body.status, put.body.metadata.generation]).toEqual([
          200,
          { n: 1 },
          { n: 2 },
          1,
        ]);
        const patched = await server.patch('merge', path, { spec: { n: 4 }, status: { n: 4 } });
        expect([patched.body.spec, patched.body.status, patched.body.metadata.generation]).toEqual([
          { n: 4 },
          { n: 2 },
          2,
        ]);
        const wrong = await server.patch('merge', `${path}/status`, { status: { n: 6 } });
        expect(refusal(wrong)).toBe('status.n: Invalid value: 6: n in body should be less than or equal to 5');
      },
    );
  });

  test('without a status subresource, status is a field like others', async (server) => {
    await defined(server, definition([{ spec: counted, status: counted }]), async (kind) => {
      const made = await server.post(kind.path(), { ...kind.object({ n: 1 }), status: { n: 1 } });
      expect(made.body.status).toEqual({ n: 1 });
      const patched = await server.patch('merge', `${kind.path()}/one`, { status: { n: 2 } });
      expect([patched.body.status, patched.body.metadata.generation]).toEqual([{ n: 2 }, 2]);
      expect((await server.get(`${kind.path()}/one/status`)).status).toBe(404);
    });
  });

  test('the scale subresource reads and writes where its paths point', async (server) => {
    const scale = {
      specReplicasPath: '.spec.n',
      statusReplicasPath: '.status.n',
      labelSelectorPath: '.status.selector',
    };
    const status = object({ n: { type: 'integer' }, selector: { type: 'string' } });
    await defined(
      server,
      definition([{ spec: counted, status, subresources: { status: {}, scale } }]),
      async (kind) => {
        const made = await server.post(kind.path(), kind.object({ n: 1 }));
        const path = `${kind.path()}/one`;
        await server.patch('merge', `${path}/status`, { status: { n: 1, selector: 'a=b' } });
        const read = await server.get(`${path}/scale`);
        expect(read.body).toMatchObject({
          kind: 'Scale',
          apiVersion: 'autoscaling/v1',
          metadata: { name: 'one', namespace: kind.namespace, uid: made.body.metadata.uid },
          spec: { replicas: 1 },
          status: { replicas: 1, selector: 'a=b' },
        });
        const scaled = await server.patch('merge', `${path}/scale`, { spec: { replicas: 3 } });
        expect([scaled.status, scaled.body.spec]).toEqual([200, { replicas: 3 }]);
        const after = await server.get(path);
        expect([after.body.spec, after.body.metadata.generation]).toEqual([{ n: 3 }, 2]);
        const negative = await server.patch('merge', `${path}/scale`, { spec: { replicas: -1 } });
        expect(negative.status).toBe(422);
        expect(negative.body.message).toContain('.spec.n: Invalid value: -1: should be a non-negative integer');
      },
    );
  });

  test('every served version shows every object, as the storage version keeps it', async (server) => {
    const versions = [
      { spec: object({ a: { type: 'string' } }) },
      { spec: object({ a: { type: 'string' }, b: { type: 'string', default: 'B' } }) },
      { served: false },
    ];
    await defined(server, definition(versions), async (kind) => {
      const made = await server.post(kind.path('v2'), {
        ...kind.object({ a: 'x' }),
        apiVersion: kind.apiVersion.replace('v1', 'v2'),
      });
      expect([made.status, made.body.apiVersion, made.body.spec]).toEqual([
        201,
        `${kind.definition.spec.group}/v2`,
        { a: 'x' },
      ]);
      const first = await server.get(`${kind.path('v1')}/one`);
      expect([first.body.apiVersion, first.body.spec]).toEqual([kind.apiVersion, { a: 'x' }]);
      expect(first.body.metadata.uid).toBe(made.body.metadata.uid);
      expect((await server.get(kind.path('v2'))).body).toMatchObject({
        apiVersion: `${kind.definition.spec.group}/v2`,
        kind: 'WidgetList',
        items: [{ apiVersion: `${kind.definition.spec.group}/v2`, kind: 'Widget', spec: { a: 'x' } }],
      });
      expect((await server.get(kind.path('v3'))).status).toBe(404);
      const mixed = await server.post(kind.path('v2'), kind.object({}, 'two'));
      expect([mixed.status, mixed.body.reason]).toEqual([400, 'BadRequest']);
    });
  });

  test('a deprecated version warns with each answer', async (server) => {
    const versions = [{ deprecated: true }, { deprecated: true, deprecationWarning: 'use v9' }];
    await defined(server, definition(versions), async (kind) => {
      const { group } = kind.definition.spec;
      expect((await server.get(kind.path('v1'))).headers['warning']).toBe(`299 - "${group}/v1 Widget is deprecated"`);
      expect((await server.get(kind.path('v2'))).headers['warning']).toBe('299 - "use v9"');
    });
  });

  test('additional printer columns make the table', async (server) => {
    const wanted = definition([
      {
        additionalPrinterColumns: [
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.n', description: 'how many' },
          { name: 'Ready', type: 'string', jsonPath: '.spec.conditions[?(@.type=="Ready")].status' },
          { name: 'Since', type: 'date', jsonPath: '.spec.since', priority: 1 },
          { name: 'Missing', type: 'string', jsonPath: '.spec.nothing' },
          { name: 'All', type: 'string', jsonPath: '.spec.conditions[*].type' },
        ],
      },
    ]);
    await defined(server, wanted, async (kind) => {
      const since = new Date(Date.now() - 5 * 86_400_000).toISOString().replace(/\.\d+/, '');
      const conditionsOf = [
        { type: 'Ready', status: 'True' },
        { type: 'Other', status: 'False' },
      ];
      await server.post(kind.path(), kind.object({ n: 3, since, conditions: conditionsOf }));
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
      const table = await server.get(kind.path(), { headers: { accept } });
      expect(
        table.body.columnDefinitions.map((c: Record<string, unknown>) => [c.name, c.type, c.format, c.priority]),
      ).toEqual([
        ['Name', 'string', 'name', 0],
        ['Replicas', 'integer', '', 0],
        ['Ready', 'string', '', 0],
        ['Since', 'date', '', 1],
        ['Missing', 'string', '', 0],
        ['All', 'string', '', 0],
      ]);
      expect(table.body.columnDefinitions[1].description).toBe('how many');
      expect(table.body.rows[0].cells).toEqual(['one', 3, 'True', '5d', null, 'Ready']);
    });
  });

  test('without printer columns, the table has the age', async (server) => {
    await defined(server, definition(), async (kind) => {
      await server.post(kind.path(), kind.object());
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
      const table = await server.get(`${kind.path()}/one`, { headers: { accept } });
      expect(table.body.columnDefinitions.map((c: { name: string }) => c.name)).toEqual(['Name', 'Age']);
      expect(table.body.rows[0].cells).toEqual(['one', expect.stringMatching(/^\d+s$/)]);
    });
  });

  test('selectable fields select, others are refused', async (server) => {
    const wanted = definition([
      {
        spec: object({ color: { type: 'string' }, n: { type: 'integer' } }),
        selectableFields: [{ jsonPath: '.spec.color' }],
      },
    ]);
    await defined(server, wanted, async (kind) => {
      await server.post(kind.path(), kind.object({ color: 'red', n: 1 }, 'r'));
      await server.post(kind.path(), kind.object({ color: 'blue', n: 1 }, 'b'));
      const red = await server.get(kind.path(), { query: { fieldSelector: 'spec.color=red' } });
      expect(red.body.items.map((o: { metadata: { name: string } }) => o.metadata.name)).toEqual(['r']);
      const other = await server.get(kind.path(), { query: { fieldSelector: 'spec.n=1' } });
      expect([other.status, other.body.message]).toEqual([400, 'field label not supported: spec.n']);
    });
  });

  test('server-side apply defaults, prunes nothing, and refuses fields that the schema lacks', async (server) => {
    const spec = object({ a: { type: 'string' }, b: { type: 'string', default: 'B' } });
    await defined(server, definition([{ spec }]), async (kind) => {
      const made = await server.apply(`${kind.path()}/one`, kind.object({ a: 'x' }), 'tester');
      expect([made.status, made.body.spec]).toEqual([201, { a: 'x', b: 'B' }]);
      expect(made.body.metadata.managedFields[0].fieldsV1).toEqual({ 'f:spec': { 'f:a': {} } });
      const unknown = await server.apply(`${kind.path()}/one`, kind.object({ x: 1 }), 'tester');
      expect(unknown.status).toBe(500);
      expect(unknown.body.message).toContain('.spec.x: field not declared in schema');
    });
  });
});
