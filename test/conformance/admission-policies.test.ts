import { expect } from 'vitest';
import { eventually, uniqueName, type Server } from './server.js';
import { independently } from './suite.js';
import { warnings } from './webhook-server.js';

const admission = '/apis/admissionregistration.k8s.io/v1';
const label = 'conformance.sidestep/policies';

/** Fields of the policy and its binding besides what every case has. */
interface Policy {
  validations?: object[];
  policy?: Record<string, unknown>;
  binding?: Record<string, unknown>;
  /** What the policy says to a ConfigMap with the label `probe`, by which the case sees that it is in force. */
  inForce?: string;
}

/** What a policy denies with, in the words of the server. */
const denied = (name: string, why: string): string =>
  `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: ${why}`;

const configMap = (name = 'one', data?: object, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  ...(data && { data }),
});

/**
 * Puts a policy about creates of ConfigMaps in force, for a namespace of its own, with a binding of the same name; the real
 * server needs about a second until it is.
 */
async function withPolicy(
  server: Server,
  { validations = [], policy = {}, binding = {}, inForce = 'in force' }: Policy,
  check: (namespace: string, name: string) => Promise<void>,
): Promise<void> {
  const name = uniqueName('p');
  const namespace = await server.namespace({ [label]: name });
  const ofCase = { matchLabels: { [label]: name } };
  const probed = {
    expression: "!has(object.metadata.labels) || !('probe' in object.metadata.labels)",
    message: 'in force',
  };
  const spec = {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      namespaceSelector: ofCase,
    },
    validations: [probed, ...validations],
    ...policy,
  };
  const policies = `${admission}/validatingadmissionpolicies`;
  const bindings = `${admission}/validatingadmissionpolicybindings`;
  try {
    const created = await server.post(policies, { kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec });
    if (created.status !== 201) throw new Error(`policy: ${created.text}`);
    const bound = await server.post(bindings, {
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: ofCase },
        ...binding,
      },
    });
    if (bound.status !== 201) throw new Error(`binding: ${bound.text}`);
    await eventually(`policy ${name}`, async () => {
      const answer = await create(server, namespace, configMap('probe', undefined, { labels: { probe: 'yes' } }), true);
      return `${answer.text} ${warnings(answer).join()}`.includes(inForce) ? true : undefined;
    });
    await check(namespace, name);
  } finally {
    await server.delete(`${bindings}/${name}`);
    await server.delete(`${policies}/${name}`);
  }
}

function create(server: Server, namespace: string, object: object, dryRun = false): ReturnType<Server['post']> {
  return server.post(`/api/v1/namespaces/${namespace}/configmaps`, object, dryRun ? { query: { dryRun: 'All' } } : {});
}

independently('admission-policies', (test) => {
  test('a validation that is false denies, as an Invalid with its message', async (server) => {
    const validations = [{ expression: "object.metadata.name != 'bad'", message: ' no bad ones ' }];
    await withPolicy(server, { validations }, async (namespace, name) => {
      expect((await create(server, namespace, configMap('good'))).status).toBe(201);
      const answer = await create(server, namespace, configMap('bad'));
      const message = denied(name, 'no bad ones');
      expect(answer.body).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `configmaps "bad" is forbidden: ${message}`,
        reason: 'Invalid',
        details: { name: 'bad', kind: 'configmaps', causes: [{ message }] },
        code: 422,
      });
    });
  });

  test('a denial without a message quotes the expression, and has the code of its reason', async (server) => {
    const validations = [{ expression: "object.metadata.name != 'bad'", reason: 'Forbidden' }];
    await withPolicy(server, { validations }, async (namespace, name) => {
      const { status, body } = await create(server, namespace, configMap('bad'));
      expect([status, body.reason]).toEqual([403, 'Forbidden']);
      expect(body.message).toContain(denied(name, "failed expression: object.metadata.name != 'bad'"));
    });
  });

  test('messageExpression and variables, which may use each other', async (server) => {
    const policy = {
      variables: [
        { name: 'keys', expression: 'has(object.data) ? object.data.map(k, k) : []' },
        { name: 'count', expression: 'size(variables.keys)' },
      ],
    };
    const validations = [
      {
        expression: 'variables.count <= 1',
        messageExpression: "'has ' + string(variables.count) + ' keys'",
        message: 'x',
      },
    ];
    await withPolicy(server, { validations, policy }, async (namespace, name) => {
      expect((await create(server, namespace, configMap('good', { a: '1' }))).status).toBe(201);
      const { body } = await create(server, namespace, configMap('bad', { a: '1', b: '2' }));
      expect(body.message).toContain(denied(name, 'has 2 keys'));
    });
  });

  test('a messageExpression that fails falls back to the message', async (server) => {
    const validations = [{ expression: 'false', messageExpression: 'string(object.data.missing)', message: 'plain' }];
    await withPolicy(server, { validations }, async (namespace, name) => {
      const { body } = await create(server, namespace, configMap());
      expect(body.message).toContain(denied(name, 'plain'));
    });
  });

  test('the first failing validation speaks', async (server) => {
    const validations = [
      { expression: 'true', message: 'first' },
      { expression: 'false', message: 'second' },
      { expression: 'false', message: 'third', reason: 'Forbidden' },
    ];
    await withPolicy(server, { validations }, async (namespace) => {
      const { status, body } = await create(server, namespace, configMap());
      expect(status).toBe(422);
      expect(body.details.causes).toHaveLength(1);
      expect(body.message).toMatch(/: second$/);
    });
  });

  test('matchConditions decide whether a policy is asked', async (server) => {
    const policy = {
      matchConditions: [
        {
          name: 'by-user',
          expression: "request.userInfo.username == 'tester' || 'probe' in object.metadata.?labels.orValue({})",
        },
      ],
    };
    await withPolicy(server, { validations: [{ expression: 'false' }], policy }, async (namespace) => {
      expect((await create(server, namespace, configMap())).status).toBe(201);
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const answer = await server.post(path, configMap('two'), { as: 'tester', groups: ['system:masters'] });
      expect(answer.status).toBe(422);
    });
  });

  test('an error in an expression denies with failurePolicy Fail', async (server) => {
    const validations = [{ expression: "object.data.missing == 'x'" }];
    await withPolicy(server, { validations }, async (namespace, name) => {
      const { status, body } = await create(server, namespace, configMap());
      expect([status, body.reason]).toEqual([422, 'Invalid']);
      expect(body.message).toContain(
        denied(name, "expression 'object.data.missing == 'x'' resulted in error: no such key: data"),
      );
    });
  });

  test('an error in an expression admits with failurePolicy Ignore', async (server) => {
    const validations = [{ expression: "object.data.missing == 'x'" }];
    await withPolicy(server, { validations, policy: { failurePolicy: 'Ignore' } }, async (namespace) => {
      expect((await create(server, namespace, configMap())).status).toBe(201);
    });
  });

  test('request says what is asked, also whether it is a dry run', async (server) => {
    const validations = [
      { expression: 'has(request.dryRun) && request.dryRun', message: 'only dry runs', reason: 'Forbidden' },
      {
        expression:
          "request.operation == 'CREATE' && request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps'" +
          " && request.name == object.metadata.name && request.namespace.startsWith('c-') && oldObject == null" +
          " && 'system:authenticated' in request.userInfo.groups",
      },
    ];
    await withPolicy(server, { validations }, async (namespace, name) => {
      const answer = await create(server, namespace, configMap());
      expect(answer.status).toBe(403);
      expect(answer.body.message).toContain(denied(name, 'only dry runs'));
      expect((await create(server, namespace, configMap(), true)).status).toBe(201);
    });
  });

  test('oldObject is the object before an update', async (server) => {
    const resourceRules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
    ];
    const policy = { matchConstraints: { resourceRules } };
    const validations = [{ expression: 'oldObject == null || object.data.k == oldObject.data.k', message: 'k stays' }];
    await withPolicy(server, { validations, policy }, async (namespace, name) => {
      await create(server, namespace, configMap('one', { k: '1' }));
      const path = `/api/v1/namespaces/${namespace}/configmaps/one`;
      expect((await server.patch('merge', path, { data: { other: '1' } })).status).toBe(200);
      const answer = await server.patch('merge', path, { data: { k: '2' } });
      expect(answer.body.message).toContain(denied(name, 'k stays'));
    });
  });

  test('namespaceObject is the namespace of the object', async (server) => {
    const validations = [{ expression: `namespaceObject.metadata.labels['${label}'] == 'none'`, message: 'labelled' }];
    await withPolicy(server, { validations }, async (namespace, name) => {
      const { body } = await create(server, namespace, configMap());
      expect(body.message).toContain(denied(name, 'labelled'));
    });
  });

  test('authorizer answers what the user may', async (server) => {
    const validations = [
      {
        expression: "authorizer.group('').resource('pods').namespace('default').check('delete').allowed()",
        message: 'must be able to delete pods',
      },
    ];
    await withPolicy(server, { validations }, async (namespace, name) => {
      expect((await create(server, namespace, configMap())).status).toBe(201);
      await server.post(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
        metadata: { name: 'edit' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'editor' }],
      });
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const answer = await eventually('the role binding', async () => {
        const tried = await server.post(path, configMap('two'), { as: 'editor' });
        return tried.status === 403 && tried.body.message.includes('cannot create') ? undefined : tried;
      });
      expect(answer.body.message).toContain(denied(name, 'must be able to delete pods'));
    });
  });

  test('parameters come from the object that the binding names', async (server) => {
    // An old object: a real server that has had a policy with such parameters before no longer sees new ones (its
    // informer has ended with that policy, and is not started again).
    const paramRef = { name: 'kube-root-ca.crt', namespace: 'default', parameterNotFoundAction: 'Deny' };
    const policy = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } };
    const validations = [{ expression: 'size(object.?data.orValue({})) <= size(params.data)', message: 'too many' }];
    await withPolicy(server, { validations, policy, binding: { paramRef } }, async (namespace, name) => {
      expect((await create(server, namespace, configMap('good', { a: '1' }))).status).toBe(201);
      const { body } = await create(server, namespace, configMap('bad', { a: '1', b: '2' }));
      expect(body.message).toContain(denied(name, 'too many'));
    });
  });

  test('parameters that are not there deny, if the binding says so', async (server) => {
    const policy = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } };
    const binding = { paramRef: { name: 'missing', namespace: 'default', parameterNotFoundAction: 'Deny' } };
    const inForce = 'no params found';
    await withPolicy(server, { policy, binding, inForce }, async (namespace, name) => {
      const { status, body } = await create(server, namespace, configMap());
      expect([status, body.reason]).toEqual([422, 'Invalid']);
      expect(body.message).toContain(
        denied(
          name,
          'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
        ),
      );
    });
  });

  test('validationActions Warn: a warning, and no denial', async (server) => {
    const validations = [{ expression: 'false', message: 'careful' }];
    const binding = { validationActions: ['Warn'] };
    await withPolicy(server, { validations, binding }, async (namespace, name) => {
      const answer = await create(server, namespace, configMap());
      expect(answer.status).toBe(201);
      expect(warnings(answer)).toEqual([
        `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${name}': careful`,
      ]);
    });
  });

  test('excludeResourceRules and resourceNames narrow what a policy is about', async (server) => {
    const about = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };
    const matchConstraints = { resourceRules: [about], excludeResourceRules: [{ ...about, resourceNames: ['free'] }] };
    await withPolicy(
      server,
      { validations: [{ expression: 'false' }], policy: { matchConstraints } },
      async (namespace) => {
        expect((await create(server, namespace, configMap('free'))).status).toBe(201);
        expect((await create(server, namespace, configMap('one'))).status).toBe(422);
      },
    );
  });

  test('a binding may concern fewer objects than its policy', async (server) => {
    const matchResources = {
      namespaceSelector: { matchExpressions: [{ key: label, operator: 'Exists' }] },
      objectSelector: { matchExpressions: [{ key: 'probe', operator: 'Exists' }] },
    };
    const policy = { validations: [{ expression: 'false', message: 'in force' }] };
    await withPolicy(server, { policy, binding: { matchResources } }, async (namespace) => {
      expect((await create(server, namespace, configMap())).status).toBe(201);
      expect((await create(server, namespace, configMap('two', undefined, { labels: { probe: 'no' } }))).status).toBe(
        422,
      );
    });
  });

  test('a policy without a binding denies nothing, and lifting a binding ends it', async (server) => {
    await withPolicy(server, { validations: [{ expression: 'false' }] }, async (namespace, name) => {
      expect((await create(server, namespace, configMap())).status).toBe(422);
      await server.delete(`${admission}/validatingadmissionpolicybindings/${name}`);
      await eventually('the end', async () =>
        (await create(server, namespace, configMap(), true)).status === 201 ? true : undefined,
      );
    });
  });

  test('an expression that does not compile is refused with the policy', async (server) => {
    const name = uniqueName('p');
    const answer = await server.post(`${admission}/validatingadmissionpolicies`, {
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: ['none.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['x'] }],
        },
        validations: [{ expression: 'nothing.here' }],
      },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(
      'spec.validations[0].expression: Invalid value: "nothing.here": compilation failed',
    );
    expect(answer.body.message).toContain("undeclared reference to 'nothing'");
  });
});
