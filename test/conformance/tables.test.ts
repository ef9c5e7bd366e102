import { expect } from 'vitest';
import { type Answer, eventually, type Server, uniqueName } from './server.js';
import { conformance } from './suite.js';

const asTable = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };

interface Table {
  kind: string;
  apiVersion: string;
  metadata: { resourceVersion?: string; remainingItemCount?: number; continue?: string };
  columnDefinitions: { name: string; type: string; format: string; priority: number }[] | null;
  rows: {
    cells: unknown[];
    object: { kind?: string; apiVersion?: string; metadata?: { name: string }; spec?: unknown } | null;
  }[];
}

/** The table of a path, and its only row as an object by column. */
async function tableOf(
  server: Server,
  path: string,
  query = {},
): Promise<{ table: Table; row: Record<string, unknown> }> {
  const answer = await server.get(path, { ...asTable, query });
  expect(answer.status, answer.text).toBe(200);
  const table = answer.body as Table;
  return { table, row: rowOf(table) };
}

/** The first row, by column. */
function rowOf({ columnDefinitions, rows: [row] }: Table): Record<string, unknown> {
  return Object.fromEntries((columnDefinitions ?? []).map(({ name }, index) => [name, row?.cells[index]]));
}

/** `Name`, `Ready` …, with `*` where only `-o wide` shows it. */
const columnNames = ({ columnDefinitions }: Table): string[] =>
  (columnDefinitions ?? []).map(({ name, priority }) => (priority > 0 ? `${name}*` : name));

async function create(server: Server, path: string, body: object): Promise<void> {
  const answer = await server.post(path, body);
  expect(answer.status, answer.text).toBe(201);
}

const container = { name: 'app', image: 'example.com/app:1' };
const meta = (name: string) => ({ metadata: { name } });

/** A pod that no scheduler and no kubelet touches, with a status. */
async function podWithStatus(server: Server, spec: object, status: object): Promise<Record<string, unknown>> {
  const pods = `/api/v1/namespaces/${await server.namespace()}/pods`;
  await create(server, pods, {
    ...meta('web'),
    spec: { schedulerName: 'nobody', containers: [container, { ...container, name: 'second' }], ...spec },
  });
  const patched = await server.patch('merge', `${pods}/web/status`, { status });
  expect(patched.status, patched.text).toBe(200);
  return (await tableOf(server, `${pods}/web`)).row;
}

const running = (name: string, more = {}) => ({
  name,
  image: 'i',
  imageID: '',
  restartCount: 0,
  ready: true,
  state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  ...more,
});
const waiting = (name: string, reason: string, more = {}) =>
  running(name, { ready: false, state: { waiting: { reason } }, ...more });
const ended = (name: string, exitCode: number, more = {}) =>
  running(name, { ready: false, state: { terminated: { exitCode, ...more } } });

const withoutVersion = ({ status, body }: Answer): object => {
  const { resourceVersion: _version, ...metadata } = body.metadata;
  return { code: status, ...body, metadata };
};

const clusterScoped = new Set([
  'priorityclasses',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]);

const selector = {
  matchLabels: { app: 'web' },
  matchExpressions: [
    { key: 'app', operator: 'In', values: ['web', 'app'] },
    { key: 'zone', operator: 'NotIn', values: ['b', 'a'] },
    { key: 'a', operator: 'DoesNotExist' },
    { key: 'app', operator: 'Exists' },
  ],
};
const selectorText = '!a,app=web,app in (app,web),app,zone notin (a,b)';
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { schedulerName: 'nobody', nodeSelector: { 'kubernetes.io/os': 'none' }, containers: [container] },
};
const wide = { Containers: 'app', Images: 'example.com/app:1' };
const nothingsRule = {
  apiGroups: ['none.example.com'],
  apiVersions: ['v1'],
  operations: ['CREATE'],
  resources: ['nones'],
};
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://127.0.0.1:1/x' },
  rules: [nothingsRule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

/** Small objects of kinds that no other case looks at, and what their tables show besides name and age. */
const otherKinds: { group: string; plural: string; body: object; row: object }[] = [
  {
    group: 'v1',
    plural: 'secrets',
    body: { type: 'Opaque', data: { a: 'YQ==' } },
    row: { Type: 'Opaque', Data: 1 },
  },
  {
    group: 'apps/v1',
    plural: 'daemonsets',
    body: { spec: { selector, template } },
    row: {
      Desired: 0,
      Current: 0,
      Ready: 0,
      'Up-to-date': 0,
      Available: 0,
      'Node Selector': 'kubernetes.io/os=none',
      ...wide,
      Selector: selectorText,
    },
  },
  {
    group: 'apps/v1',
    plural: 'statefulsets',
    body: { spec: { serviceName: 'web', replicas: 0, selector, template } },
    row: { Ready: '0/0', ...wide },
  },
  {
    group: 'v1',
    plural: 'persistentvolumeclaims',
    body: {
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'none',
        resources: { requests: { storage: '1Gi' } },
      },
    },
    row: {
      Status: 'Pending',
      Volume: '',
      Capacity: '',
      'Access Modes': '',
      StorageClass: 'none',
      VolumeAttributesClass: '<unset>',
      VolumeMode: 'Filesystem',
    },
  },
  {
    group: 'v1',
    plural: 'endpoints',
    body: {
      subsets: [
        {
          addresses: [{ ip: '10.1.2.3' }, { ip: '10.1.2.4' }],
          ports: [
            { name: 'a', port: 80 },
            { name: 'b', port: 81 },
          ],
        },
      ],
    },
    row: { Endpoints: '10.1.2.3:80,10.1.2.4:80,10.1.2.3:81 + 1 more...' },
  },
  {
    group: 'discovery.k8s.io/v1',
    plural: 'endpointslices',
    body: { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ name: 'a', port: 80 }] },
    row: { AddressType: 'IPv4', Ports: '80', Endpoints: '10.1.2.3' },
  },
  {
    group: 'coordination.k8s.io/v1',
    plural: 'leases',
    body: { spec: { holderIdentity: 'me' } },
    row: { Holder: 'me' },
  },
  {
    group: 'v1',
    plural: 'limitranges',
    body: { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } },
    row: {},
  },
  {
    group: 'v1',
    plural: 'resourcequotas',
    body: { spec: { hard: { pods: '5', 'requests.cpu': '2', 'limits.memory': '1Gi' } } },
    row: { Request: 'pods: 0/5, requests.cpu: 0/2', Limit: 'limits.memory: 0/1Gi' },
  },
  {
    group: 'scheduling.k8s.io/v1',
    plural: 'priorityclasses',
    body: { value: 7 },
    row: { Value: 7, 'Global-Default': false, PreemptionPolicy: 'PreemptLowerPriority' },
  },
  {
    group: 'apps/v1',
    plural: 'controllerrevisions',
    body: { revision: 3, data: { a: 1 } },
    row: { Controller: '<none>', Revision: 3 },
  },
  {
    group: 'networking.k8s.io/v1',
    plural: 'networkpolicies',
    body: { spec: { podSelector: selector } },
    row: { 'Pod-Selector': selectorText },
  },
  ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((plural) => ({
    group: 'admissionregistration.k8s.io/v1',
    plural,
    body: { webhooks: [webhook] },
    row: { Webhooks: 1 },
  })),
  {
    group: 'admissionregistration.k8s.io/v1',
    plural: 'validatingadmissionpolicies',
    body: {
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [nothingsRule] },
        validations: [{ expression: 'true' }],
      },
    },
    row: { Validations: 1, ParamKind: 'v1/ConfigMap' },
  },
  {
    group: 'admissionregistration.k8s.io/v1',
    plural: 'validatingadmissionpolicybindings',
    body: {
      spec: {
        policyName: 'none',
        paramRef: { name: 'x', namespace: 'default', parameterNotFoundAction: 'Allow' },
        validationActions: ['Deny'],
      },
    },
    row: { PolicyName: 'none', ParamRef: 'default/x' },
  },
];

conformance('tables', (test) => {
  test('a list of pods is shown with the columns of kubectl get, the wide ones marked', async (server) => {
    const { table } = await tableOf(server, `/api/v1/namespaces/${await server.namespace()}/pods`);
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [] });
    expect(columnNames(table)).toEqual([
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
      'IP*',
      'Node*',
      'Nominated Node*',
      'Readiness Gates*',
    ]);
    expect(table.columnDefinitions?.[0]).toMatchObject({ type: 'string', format: 'name', priority: 0 });
  });

  test('rows carry the metadata of their objects, unless includeObject wants all or nothing', async (server) => {
    const path = `/api/v1/namespaces/${await server.namespace()}/configmaps`;
    await create(server, path, { ...meta('settings'), data: { a: '1', b: '2' } });
    const query = { fieldSelector: 'metadata.name=settings' };
    const usual = await tableOf(server, path, query);
    expect(usual.row).toMatchObject({ Name: 'settings', Data: 2 });
    expect(usual.row.Age).toMatch(/^\d+s$/);
    expect(usual.table.rows[0]!.object).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'settings' },
    });
    expect(usual.table.rows[0]!.object).not.toHaveProperty('data');
    const all = await tableOf(server, path, { ...query, includeObject: 'Object' });
    expect(all.table.rows[0]!.object).toMatchObject({ kind: 'ConfigMap', data: { a: '1', b: '2' } });
    const none = await tableOf(server, path, { ...query, includeObject: 'None' });
    expect(none.table.rows[0]!.object).toBeNull();
    const wrong = await server.get(path, { ...asTable, query: { includeObject: 'Some' } });
    expect(wrong.status).toBe(400);
  });

  test('a pod that waits for its first init container is Init:0/2', async (server) => {
    const initContainers = [
      { ...container, name: 'first' },
      { ...container, name: 'then' },
    ];
    const row = await podWithStatus(
      server,
      { initContainers },
      {
        phase: 'Pending',
        initContainerStatuses: [waiting('first', 'PodInitializing'), waiting('then', 'PodInitializing')],
        containerStatuses: [waiting('app', 'PodInitializing'), waiting('second', 'PodInitializing')],
      },
    );
    expect(row).toMatchObject({ Ready: '0/2', Status: 'Init:0/2', Restarts: '0' });
  });

  test('an init container that fails shows why', async (server) => {
    const row = await podWithStatus(
      server,
      { initContainers: [{ ...container, name: 'first' }] },
      { phase: 'Pending', initContainerStatuses: [ended('first', 3)] },
    );
    expect(row).toMatchObject({ Ready: '0/2', Status: 'Init:ExitCode:3' });
  });

  test('a sidecar counts among the containers, and its restarts among theirs', async (server) => {
    const row = await podWithStatus(
      server,
      { initContainers: [{ ...container, name: 'proxy', restartPolicy: 'Always' }] },
      {
        phase: 'Running',
        conditions: [{ type: 'Initialized', status: 'True' }],
        initContainerStatuses: [running('proxy', { started: true, restartCount: 1 })],
        containerStatuses: [running('app', { restartCount: 2 }), running('second')],
      },
    );
    expect(row).toMatchObject({ Ready: '3/3', Status: 'Running', Restarts: '3' });
  });

  test('a container that crashes gives the pod its reason, and restarts say when the last one was', async (server) => {
    const finishedAt = new Date(Date.now() - 3_600_000 * 3).toISOString().replace(/\.\d+/, '');
    const lastState = { terminated: { exitCode: 1, finishedAt } };
    const row = await podWithStatus(
      server,
      {},
      {
        phase: 'Running',
        containerStatuses: [waiting('app', 'CrashLoopBackOff', { restartCount: 4, lastState }), running('second')],
      },
    );
    expect(row).toMatchObject({ Ready: '1/2', Status: 'CrashLoopBackOff' });
    expect(row.Restarts).toMatch(/^4 \(3h(\d+m)? ago\)$/);
  });

  test('a pod whose containers have all ended is Completed; one of them failing, Error', async (server) => {
    const completed = { reason: 'Completed' };
    const done = await podWithStatus(
      server,
      { restartPolicy: 'Never' },
      { phase: 'Succeeded', containerStatuses: [ended('app', 0, completed), ended('second', 0, completed)] },
    );
    expect(done).toMatchObject({ Ready: '0/2', Status: 'Completed' });
    const failed = await podWithStatus(
      server,
      { restartPolicy: 'Never' },
      { phase: 'Failed', containerStatuses: [ended('app', 0, completed), ended('second', 1, { reason: 'Error' })] },
    );
    expect(failed.Status).toBe('Error');
  });

  test('a pod that is being deleted is Terminating', async (server) => {
    const pods = `/api/v1/namespaces/${await server.namespace()}/pods`;
    await create(server, pods, {
      metadata: { name: 'web', finalizers: ['example.com/hold'] },
      spec: { schedulerName: 'nobody', containers: [container] },
    });
    await server.delete(`${pods}/web`);
    expect((await tableOf(server, `${pods}/web`)).row.Status).toBe('Terminating');
    await server.patch('merge', `${pods}/web`, { metadata: { finalizers: null } });
  });

  test('wide columns of a pod: address, node, gates', async (server) => {
    const row = await podWithStatus(
      server,
      { readinessGates: [{ conditionType: 'example.com/a' }, { conditionType: 'example.com/b' }] },
      {
        phase: 'Pending',
        podIP: '10.1.2.3',
        podIPs: [{ ip: '10.1.2.3' }],
        conditions: [{ type: 'example.com/a', status: 'True' }],
      },
    );
    expect(row).toMatchObject({ IP: '10.1.2.3', Node: '<none>', 'Nominated Node': '<none>', 'Readiness Gates': '1/2' });
  });

  test('a deployment shows ready of wanted, and the template when wide', async (server) => {
    const path = `/apis/apps/v1/namespaces/${await server.namespace()}/deployments`;
    const labels = { app: 'web', tier: 'front' };
    const template = { metadata: { labels }, spec: { containers: [container, { name: 'two', image: 'j' }] } };
    await create(server, path, {
      ...meta('web'),
      spec: { replicas: 0, paused: true, selector: { matchLabels: labels }, template },
    });
    const { table, row } = await tableOf(server, path);
    expect(columnNames(table)).toEqual([
      'Name',
      'Ready',
      'Up-to-date',
      'Available',
      'Age',
      'Containers*',
      'Images*',
      'Selector*',
    ]);
    expect(row).toMatchObject({
      Name: 'web',
      Ready: '0/0',
      'Up-to-date': 0,
      Available: 0,
      Containers: 'app,two',
      Images: 'example.com/app:1,j',
      Selector: 'app=web,tier=front',
    });
  });

  test('services by their types: addresses, ports with node ports, selector', async (server) => {
    const path = `/api/v1/namespaces/${await server.namespace()}/services`;
    const row = async (name: string, spec: object): Promise<Record<string, unknown>> => {
      await create(server, path, { ...meta(name), spec });
      return (await tableOf(server, `${path}/${name}`)).row;
    };
    const ports = [
      { name: 'http', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    expect(await row('internal', { ports, selector: { b: '2', a: '1' } })).toMatchObject({
      Type: 'ClusterIP',
      'External-IP': '<none>',
      'Port(s)': '80/TCP,53/UDP',
      Selector: 'a=1,b=2',
    });
    expect(await row('headless', { clusterIP: 'None' })).toMatchObject({ 'Cluster-IP': 'None', 'Port(s)': '<none>' });
    const balanced = await row('balanced', { type: 'LoadBalancer', ports });
    expect(balanced).toMatchObject({ Type: 'LoadBalancer', 'External-IP': '<pending>' });
    expect(balanced['Port(s)']).toMatch(/^80:\d+\/TCP,53:\d+\/UDP$/);
    expect(await row('named', { type: 'ExternalName', externalName: 'example.com' })).toMatchObject({
      'Cluster-IP': '<none>',
      'External-IP': 'example.com',
      Selector: '<none>',
    });
  });

  test('a job shows its state, what is completed of what, and how long it took', async (server) => {
    const path = `/apis/batch/v1/namespaces/${await server.namespace()}/jobs`;
    const template = { spec: { restartPolicy: 'Never', containers: [container] } };
    await create(server, path, { ...meta('import'), spec: { suspend: true, completions: 3, template } });
    const suspended = await eventually('Suspended', async () => {
      const { row } = await tableOf(server, `${path}/import`);
      return row.Status === 'Suspended' ? row : undefined;
    });
    expect(suspended).toMatchObject({ Completions: '0/3', Duration: '' });
    expect(suspended.Selector).toMatch(/^batch\.kubernetes\.io\/controller-uid=/);
  });

  test('a cron job shows its schedule and that it is suspended', async (server) => {
    const path = `/apis/batch/v1/namespaces/${await server.namespace()}/cronjobs`;
    const template = { spec: { restartPolicy: 'Never', containers: [container] } };
    const spec = { schedule: '5 4 * * *', suspend: true, jobTemplate: { spec: { template } } };
    await create(server, path, { ...meta('nightly'), spec });
    expect((await tableOf(server, path)).row).toMatchObject({
      Schedule: '5 4 * * *',
      Timezone: '<none>',
      Suspend: 'True',
      Active: 0,
      'Last Schedule': '<none>',
      Containers: 'app',
    });
  });

  test('an autoscaler shows what it measures and what it wants', async (server) => {
    const path = `/apis/autoscaling/v2/namespaces/${await server.namespace()}/horizontalpodautoscalers`;
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const resource = (name: string, target: object) => ({ type: 'Resource', resource: { name, target } });
    const metrics = [
      resource('cpu', { type: 'Utilization', averageUtilization: 60 }),
      resource('memory', { type: 'AverageValue', averageValue: '500Mi' }),
    ];
    await create(server, path, { ...meta('web'), spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 5, metrics } });
    expect((await tableOf(server, path)).row).toMatchObject({
      Reference: 'Deployment/web',
      Targets: 'cpu: <unknown>/60%, memory: <unknown>/500Mi',
      MinPods: '2',
      MaxPods: 5,
      Replicas: 0,
    });
  });

  test('a disruption budget shows which of its two limits is set', async (server) => {
    const path = `/apis/policy/v1/namespaces/${await server.namespace()}/poddisruptionbudgets`;
    await create(server, path, { ...meta('web'), spec: { maxUnavailable: '30%', selector: {} } });
    expect((await tableOf(server, path)).row).toMatchObject({
      'Min Available': 'N/A',
      'Max Unavailable': '30%',
      'Allowed Disruptions': 0,
    });
  });

  test('a node shows readiness, roles and that it is cordoned', async (server) => {
    const name = uniqueName('n');
    await create(server, '/api/v1/nodes', {
      metadata: { name, labels: { 'node-role.kubernetes.io/edge': '', 'node-role.kubernetes.io/db': '' } },
      spec: { unschedulable: true },
    });
    try {
      const path = `/api/v1/nodes/${name}`;
      expect((await tableOf(server, path)).row).toMatchObject({
        // The kubelet's simulator may have taken it in by now.
        Status: expect.stringMatching(/^(Unknown|Ready),SchedulingDisabled$/) as string,
        Roles: 'db,edge',
        'External-IP': '<none>',
        'OS-Image': '<unknown>',
      });
    } finally {
      await server.delete(`/api/v1/nodes/${name}`);
    }
  });

  test('events start with when they were seen; their name is a wide column', async (server) => {
    const namespace = await server.namespace();
    const path = `/api/v1/namespaces/${namespace}/events`;
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+/, '');
    await create(server, path, {
      ...meta('web.1'),
      involvedObject: { kind: 'Pod', name: 'web', namespace, fieldPath: 'spec.containers{app}' },
      reason: 'BackOff',
      message: ' back-off restarting \n',
      type: 'Warning',
      source: { component: 'kubelet', host: 'node-1' },
      firstTimestamp: ago(20),
      lastTimestamp: ago(5),
      count: 7,
    });
    const { table, row } = await tableOf(server, path, { fieldSelector: 'metadata.name=web.1' });
    expect(columnNames(table)).toEqual([
      'Last Seen',
      'Type',
      'Reason',
      'Object',
      'Subobject*',
      'Source*',
      'Message',
      'First Seen*',
      'Count*',
      'Name*',
    ]);
    expect(row).toMatchObject({
      Type: 'Warning',
      Reason: 'BackOff',
      Object: 'pod/web',
      Subobject: 'spec.containers{app}',
      Source: 'kubelet, node-1',
      Message: 'back-off restarting',
      Count: 7,
      Name: 'web.1',
    });
    expect(row['Last Seen']).toMatch(/^5m(\d+s)?$/);
    expect(row['First Seen']).toBe('20m');
  });

  test('role bindings show the role, and subjects by kind when wide', async (server) => {
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${await server.namespace()}/rolebindings`;
    await create(server, path, {
      ...meta('edit'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [
        { kind: 'User', name: 'ada' },
        { kind: 'User', name: 'bob' },
        { kind: 'Group', name: 'ops' },
        { kind: 'ServiceAccount', name: 'ci', namespace: 'build' },
      ],
    });
    expect((await tableOf(server, path)).row).toMatchObject({
      Role: 'ClusterRole/edit',
      Users: 'ada, bob',
      Groups: 'ops',
      ServiceAccounts: 'build/ci',
    });
  });

  test('other kinds show what kubectl get shows of them, and an update that changes nothing is accepted', async (server) => {
    const namespace = await server.namespace();
    for (const { group, plural, body, row } of otherKinds) {
      const isAbout = `${group}/${plural}`;
      const within = clusterScoped.has(plural) ? '' : `/namespaces/${namespace}`;
      const path = `/${group === 'v1' ? 'api' : 'apis'}/${group}${within}/${plural}`;
      const name = uniqueName('x');
      const created = await server.request('POST', path, { body: { ...meta(name), ...body }, ...asTable });
      expect(created.status, created.text).toBe(201);
      try {
        // Some rows are as created for a moment only, some only once a controller has filled in the status.
        let shown = rowOf(created.body as Table);
        await eventually(`the row of ${isAbout}`, async () => {
          const { Age: age, 'Created At': createdAt, ...rest } = shown;
          shown = (await tableOf(server, `${path}/${name}`)).row;
          expect(rest, isAbout).toEqual({ Name: name, ...row });
          expect(age ?? createdAt, isAbout).toMatch(/^\d+s$|^\d{4}-\d\d-\d\dT/);
          return true;
        });
        // Controllers write the status of some meanwhile: then once more.
        await eventually(`the update of ${isAbout}`, async () => {
          const before = await server.get(`${path}/${name}`);
          const after = await server.put(`${path}/${name}`, before.body);
          if (after.status === 409) return undefined;
          expect(withoutVersion(after), isAbout).toEqual(withoutVersion(before));
          return true;
        });
      } finally {
        await server.delete(`${path}/${name}`);
      }
    }
  });

  test('kinds without columns of their own show when they were created', async (server) => {
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${await server.namespace()}/roles`;
    await create(server, path, { ...meta('reader'), rules: [] });
    const { table, row } = await tableOf(server, path);
    expect(columnNames(table)).toEqual(['Name', 'Created At']);
    expect(row['Created At']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('a watch sends tables of one row, the columns only at first', async (server) => {
    const namespace = await server.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const listed = await server.get(path);
    const watch = await server.watch(path, { resourceVersion: listed.body.metadata.resourceVersion }, asTable);
    try {
      for (const name of ['one', 'two']) await create(server, path, meta(name));
      const named = (name: string) => (event: { object: Table }) => event.object.rows[0]?.cells[0] === name;
      const first = await watch.next(named('one'));
      const second = await watch.next(named('two'));
      expect(first).toMatchObject({
        type: 'ADDED',
        object: { kind: 'Table', columnDefinitions: [{ name: 'Name' }, {}, {}] },
      });
      expect(second.object.columnDefinitions).toBeNull();
    } finally {
      watch.close();
    }
  });
});
