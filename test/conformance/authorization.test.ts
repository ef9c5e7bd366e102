import { expect } from 'vitest';
import { eventually, uniqueName, type Answer, type RequestOptions, type Server } from './server.js';
import { conformance } from './suite.js';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const roleRef = (kind: string, name: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
const userSubject = (name: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });

/** Gives `subject` a Role with these rules in a namespace. */
async function grant(
  server: Server,
  namespace: string,
  subject: object,
  rules: object[],
  name = 'granted',
): Promise<void> {
  await created(server.post(`${rbac}/namespaces/${namespace}/roles`, { metadata: { name }, rules }));
  const binding = { metadata: { name }, roleRef: roleRef('Role', name), subjects: [subject] };
  await created(server.post(`${rbac}/namespaces/${namespace}/rolebindings`, binding));
}

async function created(answering: Promise<Answer>): Promise<Answer> {
  const answer = await answering;
  if (answer.status !== 201) throw new Error(answer.text);
  return answer;
}

/** The real authorizer learns of roles a moment later. */
function allowed(what: string, ask: () => Promise<Answer>): Promise<Answer> {
  return eventually(what, async () => {
    const answer = await ask();
    return answer.status === 403 ? undefined : answer;
  });
}

/** A request with a token of a ServiceAccount, instead of the administrator's. */
const withToken = (token: string): RequestOptions => ({ headers: { authorization: `Bearer ${token}` } });

async function token(server: Server, namespace: string, account = 'default', spec: object = {}): Promise<Answer> {
  return server.post(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec,
  });
}

function claims(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

conformance('authorization', (test) => {
  test('who has no role is refused, in the words that kubectl shows', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const listed = await server.get(`/api/v1/namespaces/${namespace}/configmaps`, { as });
    expect(listed.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `configmaps is forbidden: User "${as}" cannot list resource "configmaps" in API group "" in the namespace "${namespace}"`,
      reason: 'Forbidden',
      details: { kind: 'configmaps' },
      code: 403,
    });
    const scaled = await server.patch(
      'merge',
      `/apis/apps/v1/namespaces/${namespace}/deployments/one/scale`,
      {},
      { as },
    );
    expect(scaled.body.message).toBe(
      `deployments.apps "one" is forbidden: User "${as}" cannot patch resource "deployments/scale" in API group "apps" in the namespace "${namespace}"`,
    );
    expect(scaled.body.details).toEqual({ name: 'one', group: 'apps', kind: 'deployments' });
    const nodes = await server.get('/api/v1/nodes', { as });
    expect(nodes.body.message).toBe(
      `nodes is forbidden: User "${as}" cannot list resource "nodes" in API group "" at the cluster scope`,
    );
    const path = await server.get('/metrics', { as });
    expect(path.body.message).toBe(`forbidden: User "${as}" cannot get path "/metrics"`);
  });

  test('the verb follows from the request', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const verbs = [
      await server.get(`${path}/one`, { as }),
      await server.get(path, { as, query: { watch: true } }),
      await server.post(path, {}, { as }),
      await server.put(`${path}/one`, {}, { as }),
      await server.delete(`${path}/one`, { as }),
      await server.delete(path, { as }),
    ].map(({ body }) => / cannot (\w+) /.exec(body.message as string)?.[1]);
    expect(verbs).toEqual(['get', 'watch', 'create', 'update', 'delete', 'deletecollection']);
  });

  test('a Role grants its verbs on its resources in its namespace', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    await grant(server, namespace, userSubject(as), [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]);
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    expect((await allowed('the grant', () => server.get(path, { as }))).status).toBe(200);
    expect((await server.get(`${path}/kube-root-ca.crt`, { as })).status).toBe(403);
    expect((await server.get(`/api/v1/namespaces/${namespace}/secrets`, { as })).status).toBe(403);
    expect((await server.get('/api/v1/namespaces/default/configmaps', { as })).status).toBe(403);
    expect((await server.get('/api/v1/configmaps', { as })).status).toBe(403);
  });

  test('resourceNames limit a rule to named objects, and do not cover creates', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const verbs = ['get', 'update', 'create'];
    const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs }];
    await grant(server, namespace, userSubject(as), rules);
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    expect((await allowed('the grant', () => server.get(`${path}/mine`, { as }))).status).toBe(404);
    expect((await server.get(`${path}/other`, { as })).status).toBe(403);
    expect((await server.post(path, { metadata: { name: 'mine' } }, { as })).status).toBe(403);
  });

  test('a subresource needs a rule of its own', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const rules = [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] },
      { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['get'] },
    ];
    await grant(server, namespace, userSubject(as), rules);
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/none`;
    expect((await allowed('the grant', () => server.get(path, { as }))).status).toBe(404);
    expect((await server.get(`${path}/scale`, { as })).status).toBe(404);
    expect((await server.get(`${path}/status`, { as })).status).toBe(403);
  });

  test('a ClusterRole bound in a namespace grants there, bound in the cluster everywhere', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const name = uniqueName('r');
    const rules = [
      { apiGroups: [''], resources: ['configmaps', 'nodes'], verbs: ['list'] },
      { nonResourceURLs: ['/metrics', '/logs/*'], verbs: ['get'] },
    ];
    try {
      await created(server.post(`${rbac}/clusterroles`, { metadata: { name }, rules }));
      const binding = { metadata: { name }, roleRef: roleRef('ClusterRole', name), subjects: [userSubject(as)] };
      await created(server.post(`${rbac}/namespaces/${namespace}/rolebindings`, binding));
      await allowed('the grant', () => server.get(`/api/v1/namespaces/${namespace}/configmaps`, { as }));
      expect((await server.get('/api/v1/nodes', { as })).status).toBe(403);
      expect((await server.get('/metrics', { as })).status).toBe(403);
      await created(server.post(`${rbac}/clusterrolebindings`, binding));
      expect((await allowed('the grant', () => server.get('/api/v1/nodes', { as }))).status).toBe(200);
      expect((await server.get('/api/v1/configmaps', { as })).status).toBe(200);
      expect((await server.get('/metrics', { as })).status).not.toBe(403);
      expect((await server.get('/logs/x/y', { as })).status).toBe(404);
    } finally {
      await server.delete(`${rbac}/clusterrolebindings/${name}`);
      await server.delete(`${rbac}/clusterroles/${name}`);
    }
  });

  test('a binding to a role that is not there is named in the refusal', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    await created(
      server.post(`${rbac}/namespaces/${namespace}/rolebindings`, {
        metadata: { name: 'dangling' },
        roleRef: roleRef('Role', 'missing'),
        subjects: [userSubject(as)],
      }),
    );
    await eventually('the reason', async () => {
      const { body } = await server.get(`/api/v1/namespaces/${namespace}/configmaps`, { as });
      const reason = ': RBAC: role.rbac.authorization.k8s.io "missing" not found';
      return (body.message as string).endsWith(`in the namespace "${namespace}"${reason}`) ? true : undefined;
    });
  });

  test('groups and service accounts are subjects too', async (server) => {
    const namespace = await server.namespace();
    const group = uniqueName('g');
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    await grant(
      server,
      namespace,
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group },
      rules,
      'group',
    );
    await grant(server, namespace, { kind: 'ServiceAccount', name: 'worker', namespace }, rules, 'account');
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    expect((await allowed('the grant', () => server.get(path, { as: 'x', groups: [group] }))).status).toBe(200);
    const as = `system:serviceaccount:${namespace}:worker`;
    expect((await allowed('the grant', () => server.get(path, { as }))).status).toBe(200);
    expect((await server.get(path, { as: `system:serviceaccount:${namespace}:other` })).status).toBe(403);
  });

  test('the roles admin, edit and view are there, for bindings in a namespace', async (server) => {
    const namespace = await server.namespace();
    const bind = (name: string, as: string): Promise<Answer> =>
      created(
        server.post(`${rbac}/namespaces/${namespace}/rolebindings`, {
          metadata: { name },
          roleRef: roleRef('ClusterRole', name),
          subjects: [userSubject(as)],
        }),
      );
    const [viewer, editor, admin] = [uniqueName('u'), uniqueName('u'), uniqueName('u')];
    await bind('view', viewer);
    await bind('edit', editor);
    await bind('admin', admin);
    const base = `/api/v1/namespaces/${namespace}`;
    const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    await allowed('view', () => server.get(deployments, { as: viewer }));
    await allowed('edit', () => server.get(deployments, { as: editor }));
    await allowed('admin', () => server.get(deployments, { as: admin }));
    const statuses = async (as: string): Promise<number[]> => [
      (await server.get(`${base}/secrets`, { as })).status,
      (await server.delete(`${base}/pods/none`, { as })).status,
      (await server.get(`${rbac}/namespaces/${namespace}/roles`, { as })).status,
    ];
    expect(await statuses(viewer)).toEqual([403, 403, 403]);
    expect(await statuses(editor)).toEqual([200, 404, 403]);
    expect(await statuses(admin)).toEqual([200, 404, 200]);
  });

  test('what is added to the role view is in edit and admin too', async (server) => {
    const namespace = await server.namespace();
    const name = uniqueName('r');
    const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
    const rules = [{ apiGroups: [`${name}.test`], resources: ['widgets'], verbs: ['get'] }];
    await created(server.post(`${rbac}/clusterroles`, { metadata: { name, labels }, rules }));
    try {
      for (const role of ['view', 'edit', 'admin']) {
        const user = uniqueName('u');
        await created(
          server.post(`${rbac}/namespaces/${namespace}/rolebindings`, {
            metadata: { name: role },
            roleRef: roleRef('ClusterRole', role),
            subjects: [userSubject(user)],
          }),
        );
        const resourceAttributes = { namespace, verb: 'get', group: `${name}.test`, resource: 'widgets' };
        await eventually(`the rule in ${role}`, async () => {
          const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
          const { body } = await created(server.post(path, { spec: { user, resourceAttributes } }));
          return body.status.allowed === true ? true : undefined;
        });
      }
    } finally {
      await server.delete(`${rbac}/clusterroles/${name}`);
    }
  });

  test('everybody who is authenticated may discover, and ask about himself', async (server) => {
    const as = uniqueName('u');
    for (const path of ['/version', '/api', '/apis', '/openapi/v3', '/healthz']) {
      expect([path, (await server.get(path, { as })).status]).toEqual([path, 200]);
    }
    const me = await server.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { as });
    expect(me.status).toBe(201);
    expect(me.body.status.userInfo).toEqual({ username: as, groups: ['system:authenticated'] });
  });

  test('without credentials one is anonymous, and may see little', async (server) => {
    const nobody = { headers: { authorization: '' } };
    const refused = await server.get('/api/v1/namespaces', nobody);
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe(
      'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope',
    );
    expect((await server.get('/version', nobody)).status).toBe(200);
    expect((await server.get('/apis', nobody)).status).toBe(403);
  });

  test('a token that nobody has issued is unauthorized', async (server) => {
    for (const wrong of ['nonsense', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`]) {
      const answer = await server.get('/version', withToken(wrong));
      expect(answer.body).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      });
    }
  });

  test('a token of a ServiceAccount says who it is, until the account is gone', async (server) => {
    const namespace = await server.namespace();
    await created(server.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'worker' } }));
    const requested = await created(token(server, namespace, 'worker'));
    const jwt = requested.body.status.token as string;
    // The real server remembers for ten seconds whom it has authenticated.
    const unused = (await created(token(server, namespace, 'worker'))).body.status.token as string;
    const account = await server.get(`/api/v1/namespaces/${namespace}/serviceaccounts/worker`);
    expect(claims(jwt)).toMatchObject({
      sub: `system:serviceaccount:${namespace}:worker`,
      'kubernetes.io': { namespace, serviceaccount: { name: 'worker', uid: account.body.metadata.uid } },
    });
    expect(Date.parse(requested.body.status.expirationTimestamp as string) - Date.now()).toBeGreaterThan(3_500_000);
    const me = await server.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, withToken(jwt));
    expect(me.body.status.userInfo).toEqual({
      username: `system:serviceaccount:${namespace}:worker`,
      uid: account.body.metadata.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claims(jwt)['jti'] as string}`] },
    });
    await server.delete(`/api/v1/namespaces/${namespace}/serviceaccounts/worker`);
    await eventually('the end of the token', async () =>
      (await server.get('/version', withToken(unused))).status === 401 ? true : undefined,
    );
  });

  test('a token for another audience is none for the server', async (server) => {
    const namespace = await server.namespace();
    const { body } = await created(token(server, namespace, 'default', { audiences: ['elsewhere'] }));
    expect(claims(body.status.token as string)['aud']).toEqual(['elsewhere']);
    expect((await server.get('/version', withToken(body.status.token as string))).status).toBe(401);
  });

  test('TokenReview tells whose token it is', async (server) => {
    const namespace = await server.namespace();
    const review = (spec: object): Promise<Answer> =>
      created(server.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec }));
    const { body } = await created(token(server, namespace));
    const known = await review({ token: body.status.token });
    expect(known.body.status).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${namespace}:default` },
    });
    const unknown = await review({ token: 'nonsense' });
    expect(unknown.body.status.authenticated ?? false).toBe(false);
    expect(unknown.body.status.user).toEqual({});
  });

  test('impersonation needs the permission', async (server) => {
    const namespace = await server.namespace();
    const { body } = await created(token(server, namespace));
    const self = `system:serviceaccount:${namespace}:default`;
    const as = (headers: Record<string, string>): RequestOptions => ({
      headers: { ...withToken(body.status.token as string).headers, ...headers },
    });
    const user = await server.get('/version', as({ 'impersonate-user': 'boss' }));
    expect(user.body.message).toBe(
      `users "boss" is forbidden: User "${self}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
    const account = await server.get('/version', as({ 'impersonate-user': 'system:serviceaccount:kube-system:x' }));
    expect(account.body.message).toBe(
      `serviceaccounts "x" is forbidden: User "${self}" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"`,
    );
  });

  test('impersonation carries groups, uid and extra; a service account brings its groups', async (server) => {
    const whoAmI = async (options: RequestOptions): Promise<unknown> =>
      (await server.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, options)).body.status.userInfo;
    const headers = { 'impersonate-uid': 'u-1', 'impersonate-extra-scopes': 'a' };
    expect(await whoAmI({ as: 'jane', groups: ['dev', 'ops'], headers })).toEqual({
      username: 'jane',
      uid: 'u-1',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { scopes: ['a'] },
    });
    expect(await whoAmI({ as: 'system:serviceaccount:one:two' })).toEqual({
      username: 'system:serviceaccount:one:two',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:one', 'system:authenticated'],
    });
    const alone = await server.get('/version', { headers: { 'impersonate-group': 'dev' } });
    expect(alone.status).toBe(400);
    expect(alone.body.message).toContain('without impersonating a user');
  });

  test('a group that is impersonated may have commas in its name', async (server) => {
    const groups = ['CN=a, OU=b', 'c, d'];
    const { body } = await server.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { as: 'jane', groups });
    expect(body.status.userInfo.groups).toEqual([...groups, 'system:authenticated']);
  });

  test('the headers of a request may be long, and so may its URL', async (server) => {
    const groups = Array.from({ length: 300 }, (_, i) => `group-${i}-${'x'.repeat(100)}`);
    const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { body } = await server.post(review, {}, { as: 'jane', groups });
    expect(body.status.userInfo.groups).toEqual([...groups, 'system:authenticated']);
    const query = { labelSelector: `a in (${groups.map((_, i) => `value-${i}-${'x'.repeat(40)}`).join(',')})` };
    expect(await server.get('/api/v1/namespaces/default/pods', { query })).toMatchObject({ status: 200 });
  });

  test('SelfSubjectAccessReview answers for who asks (kubectl auth can-i)', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    await grant(server, namespace, userSubject(as), [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
    const mayI = async (attributes: object): Promise<Record<string, unknown>> => {
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const { body } = await created(server.post(path, { spec: attributes }, { as }));
      return body.status as Record<string, unknown>;
    };
    const pods = { namespace, verb: 'get', resource: 'pods' };
    const yes = await eventually('the grant', async () => {
      const status = await mayI({ resourceAttributes: pods });
      return status['allowed'] === true ? status : undefined;
    });
    expect(yes).toEqual({
      allowed: true,
      reason: `RBAC: allowed by RoleBinding "granted/${namespace}" of Role "granted" to User "${as}"`,
    });
    expect(await mayI({ resourceAttributes: { ...pods, verb: 'list' } })).toEqual({ allowed: false });
    expect(await mayI({ nonResourceAttributes: { path: '/healthz', verb: 'get' } })).toMatchObject({ allowed: true });
    expect(await mayI({ nonResourceAttributes: { path: '/metrics', verb: 'get' } })).toEqual({ allowed: false });
  });

  test('SubjectAccessReview answers for others, LocalSubjectAccessReview in its namespace', async (server) => {
    const namespace = await server.namespace();
    const attributes = { namespace, verb: 'delete', resource: 'pods' };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const review = async (spec: object): Promise<boolean> =>
      (await created(server.post(path, { spec: { resourceAttributes: attributes, ...spec } }))).body.status.allowed;
    expect(await review({ user: 'nobody' })).toBe(false);
    expect(await review({ user: 'root', groups: ['system:masters'] })).toBe(true);
    const local = `/apis/authorization.k8s.io/v1/namespaces/${namespace}/localsubjectaccessreviews`;
    const spec = { user: 'nobody', resourceAttributes: attributes };
    expect((await created(server.post(local, { metadata: { namespace }, spec }))).body.status.allowed).toBe(false);
    const invalid = await server.post(path, { spec: { user: 'x' } });
    expect([invalid.status, invalid.body.reason]).toEqual([422, 'Invalid']);
  });

  test('SelfSubjectRulesReview lists what one may (kubectl auth can-i --list)', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const rule = { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] };
    await grant(server, namespace, userSubject(as), [rule]);
    await allowed('the grant', () => server.get(`/apis/apps/v1/namespaces/${namespace}/deployments`, { as }));
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const { body } = await created(server.post(path, { spec: { namespace } }, { as }));
    expect(body.status.incomplete).toBe(false);
    expect(body.status.resourceRules).toContainEqual(rule);
    const urls = body.status.nonResourceRules.flatMap(
      ({ nonResourceURLs }: { nonResourceURLs: string[] }) => nonResourceURLs,
    );
    expect(urls).toEqual(expect.arrayContaining(['/healthz', '/apis/*']));
  });

  test('only who may do everything writes a ClusterRole that gathers others', async (server) => {
    const [own, other, whole] = [uniqueName('r'), uniqueName('r'), uniqueName('r')];
    const [as, boss] = [uniqueName('u'), uniqueName('u')];
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { of: other } }] };
    const bind = (name: string, to: string, user: string): Promise<Answer> =>
      created(
        server.post(`${rbac}/clusterrolebindings`, {
          metadata: { name },
          roleRef: roleRef('ClusterRole', to),
          subjects: [userSubject(user)],
        }),
      );
    const verbs = ['get', 'create', 'patch'];
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs }];
    try {
      await created(server.post(`${rbac}/clusterroles`, { metadata: { name: own }, rules }));
      await created(server.post(`${rbac}/clusterroles`, { metadata: { name: other }, aggregationRule }));
      await bind(own, own, as);
      await bind(whole, 'cluster-admin', boss);
      await allowed('the grant', () => server.get(`${rbac}/clusterroles/${own}`, { as }));
      await allowed('the grant', () => server.get(`${rbac}/clusterroles/${own}`, { as: boss }));
      const refused = async (answering: Promise<Answer>, name: string): Promise<void> => {
        const { status, body } = await answering;
        expect([status, body.message]).toEqual([
          403,
          `clusterroles.rbac.authorization.k8s.io "${name}" is forbidden: must have cluster-admin privileges to use the aggregationRule`,
        ]);
      };
      const gathering = { metadata: { name: whole }, aggregationRule };
      await refused(server.post(`${rbac}/clusterroles`, gathering, { as }), whole);
      await refused(server.patch('merge', `${rbac}/clusterroles/${own}`, { aggregationRule }, { as }), own);
      const without = { aggregationRule: null };
      await refused(server.patch('merge', `${rbac}/clusterroles/${other}`, without, { as }), other);
      expect((await server.post(`${rbac}/clusterroles`, gathering, { as: boss })).status).toBe(201);
    } finally {
      for (const name of [own, whole]) await server.delete(`${rbac}/clusterrolebindings/${name}`);
      for (const name of [own, other, whole]) await server.delete(`${rbac}/clusterroles/${name}`);
    }
  });

  test('a rule without verbs is invalid, whoever writes it', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    const rule = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] };
    await grant(server, namespace, userSubject(as), [rule]);
    const role = { metadata: { name: 'empty' }, rules: [{ apiGroups: [''], resources: ['pods'] }] };
    const answer = await allowed('to create roles', () =>
      server.post(`${rbac}/namespaces/${namespace}/roles`, role, { as }),
    );
    expect([answer.status, answer.body.message]).toEqual([
      422,
      'Role.rbac.authorization.k8s.io "empty" is invalid: rules[0].verbs: Required value: verbs must contain at least one value',
    ]);
  });

  test('nobody grants more than he has', async (server) => {
    const namespace = await server.namespace();
    const as = uniqueName('u');
    await grant(server, namespace, userSubject(as), [
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['create'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    ]);
    const roles = `${rbac}/namespaces/${namespace}/roles`;
    const own = { metadata: { name: 'own' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] };
    expect((await allowed('the grant', () => server.post(roles, own, { as }))).status).toBe(201);
    const more = {
      metadata: { name: 'more' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }],
    };
    const role = await server.post(roles, more, { as });
    expect(role.status).toBe(403);
    expect(role.body.message).toBe(
      `roles.rbac.authorization.k8s.io "more" is forbidden: user "${as}" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n` +
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    );
    const binding = {
      metadata: { name: 'more' },
      roleRef: roleRef('ClusterRole', 'view'),
      subjects: [userSubject(as)],
    };
    const bound = await server.post(`${rbac}/namespaces/${namespace}/rolebindings`, binding, { as });
    expect(bound.status).toBe(403);
    expect(bound.body.message).toContain('is attempting to grant RBAC permissions not currently held:\n{APIGroups:');
  });
});
