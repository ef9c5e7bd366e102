import { expect } from 'vitest';
import { eventually, type Server, uniqueName } from './server.js';
import { conformance } from './suite.js';

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
/** As client-go asks. */
const accept = `${aggregatedType},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`;

interface Listed {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  group?: string;
  version?: string;
  shortNames?: string[];
  categories?: string[];
}

const everything = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const part = ['get', 'patch', 'update'];

/** Resources of a group version by name, without what only some servers say. */
async function resources(server: Server, path: string): Promise<Map<string, Listed>> {
  const { status, body } = await server.get(path);
  expect(status).toBe(200);
  expect(body).toMatchObject({ kind: 'APIResourceList', groupVersion: path.replace(/^\/apis?\//, '') });
  return new Map(
    (body.resources as (Listed & { storageVersionHash?: string })[]).map(({ storageVersionHash: _hash, ...rest }) => [
      rest.name,
      rest,
    ]),
  );
}

/** Defines a custom resource in a group of its own; waits until it is served. */
async function define(server: Server): Promise<{ group: string; path: string }> {
  const group = `${uniqueName('d')}.discovery.test`;
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      description: 'A thing.',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer', description: 'How big.' } } } },
    },
  };
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema,
    subresources: { status: {} },
  });
  const answer = await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things', shortNames: ['th'], categories: ['all'] },
      versions: [version('v1alpha1', false), version('v1', true), version('v1beta1', false)],
    },
  });
  expect(answer.status, answer.text).toBe(201);
  await eventually('the new resource', async () =>
    (await server.get(`/apis/${group}/v1/things`)).status === 200 ? true : undefined,
  );
  return { group, path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}` };
}

conformance('discovery', (test) => {
  test('the version is that of the release, in parts too', async (server) => {
    const { status, body } = await server.get('/version');
    expect(status).toBe(200);
    expect(body).toMatchObject({ major: '1', minor: '35', gitVersion: 'v1.35.4', platform: 'linux/amd64' });
  });

  test('health is plain text', async (server) => {
    for (const path of ['/healthz', '/livez', '/readyz']) {
      const answer = await server.get(path);
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('ok');
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    }
  });

  test('the core group lists its version; what it has comes with verbs, short names and subresources', async (server) => {
    expect((await server.get('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const listed = await resources(server, '/api/v1');
    expect(listed.get('pods')).toEqual({
      name: 'pods',
      singularName: 'pod',
      namespaced: true,
      kind: 'Pod',
      verbs: everything,
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(listed.get('namespaces')).toMatchObject({
      namespaced: false,
      verbs: everything.filter((verb) => verb !== 'deletecollection'),
      shortNames: ['ns'],
    });
    expect(listed.get('namespaces/finalize')).toMatchObject({ kind: 'Namespace', verbs: ['update'], singularName: '' });
    expect(listed.get('pods/status')).toMatchObject({ kind: 'Pod', verbs: part });
    expect(listed.get('pods/eviction')).toMatchObject({
      kind: 'Eviction',
      group: 'policy',
      version: 'v1',
      verbs: ['create'],
    });
    expect(listed.get('pods/binding')).toMatchObject({ kind: 'Binding', verbs: ['create'] });
    expect(listed.get('serviceaccounts/token')).toMatchObject({
      kind: 'TokenRequest',
      group: 'authentication.k8s.io',
      version: 'v1',
    });
  });

  test('short names and scopes of all kinds are those of kubectl', async (server) => {
    const expected: Record<string, Record<string, string[]>> = {
      '/api/v1': {
        configmaps: ['cm'],
        endpoints: ['ep'],
        events: ['ev'],
        limitranges: ['limits'],
        nodes: ['no'],
        persistentvolumeclaims: ['pvc'],
        resourcequotas: ['quota'],
        secrets: [],
        serviceaccounts: ['sa'],
        services: ['svc'],
      },
      '/apis/apps/v1': {
        controllerrevisions: [],
        daemonsets: ['ds'],
        deployments: ['deploy'],
        replicasets: ['rs'],
        statefulsets: ['sts'],
      },
      '/apis/batch/v1': { cronjobs: ['cj'], jobs: [] },
      '/apis/autoscaling/v2': { horizontalpodautoscalers: ['hpa'] },
      '/apis/networking.k8s.io/v1': { networkpolicies: ['netpol'] },
      '/apis/policy/v1': { poddisruptionbudgets: ['pdb'] },
      '/apis/apiextensions.k8s.io/v1': { customresourcedefinitions: ['crd', 'crds'] },
      '/apis/scheduling.k8s.io/v1': { priorityclasses: ['pc'] },
      '/apis/coordination.k8s.io/v1': { leases: [] },
      '/apis/discovery.k8s.io/v1': { endpointslices: [] },
      '/apis/rbac.authorization.k8s.io/v1': { clusterrolebindings: [], clusterroles: [], rolebindings: [], roles: [] },
    };
    for (const [path, kinds] of Object.entries(expected)) {
      const listed = await resources(server, path);
      const found = Object.keys(kinds).map((name) => [name, listed.get(name)?.shortNames ?? []]);
      expect(Object.fromEntries(found), path).toEqual(kinds);
    }
  });

  test('a group names its versions and the preferred one; workloads have scale', async (server) => {
    expect((await server.get('/apis/apps')).body).toMatchObject({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'apps',
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    });
    const { body } = await server.get('/apis');
    expect(body.kind).toBe('APIGroupList');
    expect(body.groups).toContainEqual(expect.objectContaining({ name: 'apps' }));
    const scale = (await resources(server, '/apis/apps/v1')).get('deployments/scale');
    expect(scale).toEqual({
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: part,
    });
  });

  test('groups and versions that nobody serves are not found', async (server) => {
    const group = await server.get('/apis/nobody.example');
    expect(group.status).toBe(404);
    const version = await server.get('/apis/apps/v9');
    expect(version.status).toBe(404);
    expect(version.body).toMatchObject({
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
    });
    const resource = await server.get('/apis/apps/v1/nothings');
    expect(resource.status).toBe(404);
    expect(resource.body).toMatchObject({ reason: 'NotFound', details: {} });
  });

  test('the aggregated form has everything at once', async (server) => {
    const answer = await server.get('/apis', { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(aggregatedType);
    expect(answer.body).toMatchObject({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      metadata: {},
    });
    const items = answer.body.items as {
      metadata: { name: string };
      versions: { version: string; resources: { resource: string }[] }[];
    }[];
    const apps = items.find(({ metadata }) => metadata.name === 'apps')!;
    expect(apps.versions).toMatchObject([{ version: 'v1', freshness: 'Current' }]);
    expect(apps.versions[0]!.resources.find(({ resource }) => resource === 'deployments')).toEqual({
      resource: 'deployments',
      responseKind: { group: '', version: '', kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      verbs: everything,
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: [
        { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: part },
        { subresource: 'status', responseKind: { group: '', version: '', kind: 'Deployment' }, verbs: part },
      ],
    });
    const core = await server.get('/api', { headers: { accept } });
    expect(core.body.items).toMatchObject([{ metadata: {}, versions: [{ version: 'v1' }] }]);
  });

  test('who has the aggregated form already need not load it again', async (server) => {
    const first = await server.get('/api', { headers: { accept } });
    const etag = first.headers.etag as string;
    expect(etag).toMatch(/^"[0-9A-F]+"$/);
    const again = await server.get('/api', { headers: { accept, 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.text).toBe('');
  });

  test('a custom resource is discovered as its definition comes and goes, stable versions first', async (server) => {
    const { group, path } = await define(server);
    const found = await eventually('the group', async () => {
      const { body } = await server.get('/apis', { headers: { accept } });
      return (body.items as { metadata: { name: string }; versions: unknown[] }[]).find(
        ({ metadata, versions }) => metadata.name === group && versions.length === 3,
      );
    });
    const [first] = found.versions as { resources: object[] }[];
    expect((found.versions as { version: string }[]).map(({ version }) => version)).toEqual([
      'v1',
      'v1beta1',
      'v1alpha1',
    ]);
    expect(first!.resources).toMatchObject([
      {
        resource: 'things',
        responseKind: { group, version: 'v1', kind: 'Thing' },
        singularResource: 'thing',
        shortNames: ['th'],
        categories: ['all'],
        subresources: [{ subresource: 'status', responseKind: { group, version: 'v1', kind: 'Thing' }, verbs: part }],
      },
    ]);
    const plain = await eventually('the preferred version', async () => {
      const { status, body } = await server.get(`/apis/${group}`);
      return status === 200 && body.versions.length === 3 ? body : undefined;
    });
    expect(plain.preferredVersion).toEqual({ groupVersion: `${group}/v1`, version: 'v1' });
    const listed = (await resources(server, `/apis/${group}/v1`)).get('things')!;
    expect([...listed.verbs].sort()).toEqual(everything);
    await server.delete(path);
    await eventually('the end of the group', async () =>
      (await server.get(`/apis/${group}/v1/things`)).status === 404 ? true : undefined,
    );
    await eventually('the end of its discovery', async () => {
      const { body } = await server.get('/apis', { headers: { accept } });
      return body.items.some(({ metadata }: { metadata: { name: string } }) => metadata.name === group)
        ? undefined
        : true;
    });
  });

  test('OpenAPI documents are indexed by group version, under addresses that change with them', async (server) => {
    const { status, body } = await server.get('/openapi/v3');
    expect(status).toBe(200);
    const index = (typeof body === 'string' ? JSON.parse(body) : body).paths as Record<
      string,
      { serverRelativeURL: string }
    >;
    for (const path of ['api/v1', 'apis/apps/v1', 'apis/policy/v1']) {
      expect(index[path]!.serverRelativeURL).toMatch(new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]{128}$`));
    }
    const known = await server.get(index['apis/apps/v1']!.serverRelativeURL);
    expect(known.status).toBe(200);
    expect(known.headers['cache-control']).toContain('immutable');
    const moved = await server.get('/openapi/v3/apis/apps/v1?hash=OLD');
    expect(moved.status).toBe(301);
    expect(moved.headers.location).toBe(index['apis/apps/v1']!.serverRelativeURL);
    expect((await server.get('/openapi/v3/apis/nobody.example/v1')).status).toBe(404);
  });

  test('a document tells kubectl that the server validates fields, and how lists merge', async (server) => {
    const { body } = await server.get('/openapi/v3/apis/apps/v1');
    expect(body.openapi).toBe('3.0.0');
    const { patch } = body.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    const parameters = patch.parameters.map(({ name }: { name: string }) => name);
    expect(parameters).toEqual(expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']));
    const { schemas } = body.components;
    expect(schemas['io.k8s.api.apps.v1.Deployment']['x-kubernetes-group-version-kind']).toEqual([
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ]);
    expect(schemas['io.k8s.api.core.v1.PodSpec'].properties.containers).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    const { replicas } = schemas['io.k8s.api.apps.v1.DeploymentSpec'].properties;
    expect(replicas).toMatchObject({ type: 'integer', format: 'int32' });
    expect(replicas.description).toMatch(/^Number of desired pods\./);
  });

  test('a document of a custom resource has its schema with the metadata of every object', async (server) => {
    const { group, path } = await define(server);
    try {
      const document = await eventually('the document', async () => {
        const { status, body } = await server.get(`/openapi/v3/apis/${group}/v1`);
        return status === 200 && body.paths[`/apis/${group}/v1/namespaces/{namespace}/things/{name}`]
          ? body
          : undefined;
      });
      const [label, ...domains] = group.split('.');
      const name = [...domains.reverse(), label, 'v1', 'Thing'].join('.');
      const thing = document.components.schemas[name];
      expect(thing).toMatchObject({
        description: 'A thing.',
        'x-kubernetes-group-version-kind': [{ group, version: 'v1', kind: 'Thing' }],
        properties: {
          spec: { properties: { size: { type: 'integer', description: 'How big.' } } },
          kind: { type: 'string' },
          apiVersion: { type: 'string' },
        },
      });
      expect(JSON.stringify(thing.properties.metadata)).toContain('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
      const { patch } = document.paths[`/apis/${group}/v1/namespaces/{namespace}/things/{name}`];
      expect(patch['x-kubernetes-group-version-kind']).toEqual({ group, version: 'v1', kind: 'Thing' });
    } finally {
      await server.delete(path);
    }
  });

  test('the older OpenAPI form has the same definitions', async (server) => {
    const { status, body } = await server.get('/openapi/v2');
    expect(status).toBe(200);
    expect(body.swagger).toBe('2.0');
    const { spec } = body.definitions['io.k8s.api.apps.v1.Deployment'].properties;
    expect(JSON.stringify(spec)).toContain('#/definitions/io.k8s.api.apps.v1.DeploymentSpec');
  });

  test('kubectl gets the older form as protobuf', async (server) => {
    const type = 'application/com.github.proto-openapi.spec.v2';
    const answer = await server.get('/openapi/v2', { headers: { accept: `${type}@v1.0+protobuf` } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(`${type}.v1.0+protobuf`);
    expect(answer.text).toMatch(/^\n\x032\.0/);
    expect(answer.text).toContain('#/definitions/io.k8s.api.apps.v1.DeploymentSpec');
  });
});
