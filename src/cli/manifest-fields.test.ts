import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, sidestep } from './testing/outcome.js';

/* Every field of a small mesh, one after the other, is left empty or given a type that is not its own. */

type Fields = Record<string, unknown>;

const object = (apiVersion: string, kind: string, spec: unknown, metadata: Fields = {}): Fields => ({
  apiVersion,
  kind,
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec,
});
const app = { app: 'web' };
const selector = { matchLabels: app };
const security = 'security.istio.io/v1';
const networking = 'networking.istio.io/v1';

const webs = object('apps/v1', 'Deployment', {
  replicas: 2,
  selector,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 1 } },
  template: {
    metadata: { labels: app, annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '81' } },
    spec: {
      serviceAccountName: 'web',
      containers: [
        {
          name: 'web',
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 'http' } },
        },
      ],
      initContainers: [{ name: 'init', restartPolicy: 'Always' }],
      volumes: [{ name: 'spire', csi: { driver: 'csi.spiffe.io' } }],
    },
  },
});

const MESH: readonly Fields[] = [
  object('v1', 'Namespace', {}, { name: 'shop', namespace: undefined, labels: { 'istio-injection': 'enabled' } }),
  webs,
  object('v1', 'Service', { selector: app, ports: [{ name: 'http', port: 80, targetPort: 'http' }] }),
  object(security, 'AuthorizationPolicy', {
    selector,
    action: 'ALLOW',
    rules: [
      {
        from: [{ source: { principals: ['*'], notIpBlocks: ['10.0.0.0/8'] } }],
        to: [{ operation: { methods: ['GET'], ports: ['8080'] } }],
        when: [{ key: 'request.headers[x]', values: ['y'] }],
      },
    ],
  }),
  object(security, 'PeerAuthentication', {
    selector,
    mtls: { mode: 'STRICT' },
    portLevelMtls: { 81: { mode: 'DISABLE' } },
  }),
  object(security, 'RequestAuthentication', {
    selector,
    jwtRules: [{ issuer: 'us', audiences: ['a'], fromHeaders: [{ name: 'x', prefix: 'y' }] }],
  }),
  object(networking, 'VirtualService', {
    hosts: ['web'],
    http: [
      {
        match: [{ uri: { prefix: '/' }, headers: { x: { exact: 'y' } } }],
        rewrite: { uri: '/' },
        route: [{ destination: { host: 'web', subset: 'v1', port: { number: 80 } }, weight: 1 }],
      },
    ],
  }),
  object(networking, 'DestinationRule', {
    host: 'web',
    trafficPolicy: { tls: { mode: 'DISABLE' } },
    subsets: [{ name: 'v1', labels: { version: 'v1' } }],
  }),
  object(networking, 'ServiceEntry', {
    hosts: ['a.example'],
    addresses: ['10.1.1.1'],
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: [{ address: '10.1.1.2', labels: app, ports: { http: 80 } }],
  }),
  object(networking, 'WorkloadEntry', { address: '10.1.1.3', labels: app, serviceAccount: 'web' }),
  object(networking, 'Sidecar', { workloadSelector: { labels: app }, egress: [{ hosts: ['./*'] }] }),
  object('telemetry.istio.io/v1', 'Telemetry', { selector, metrics: [{ providers: [{ name: 'prometheus' }] }] }),
  object('networking.istio.io/v1alpha3', 'EnvoyFilter', {
    workloadSelector: { labels: app },
    configPatches: [{ applyTo: 'HTTP_FILTER', match: { context: 'SIDECAR_INBOUND' }, patch: { operation: 'MERGE' } }],
  }),
  object('extensions.istio.io/v1alpha1', 'WasmPlugin', { selector, url: 'oci://x', match: [{ mode: 'SERVER' }] }),
  object('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [{ name: 'x', value: 'y' }] }],
        filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/' } } }],
        backendRefs: [{ name: 'web', port: 80, weight: 1 }],
      },
    ],
  }),
  object('gateway.networking.k8s.io/v1', 'Gateway', {
    gatewayClassName: 'istio-waypoint',
    listeners: [
      {
        name: 'mesh',
        port: 15008,
        protocol: 'HBONE',
        allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: app } } },
      },
    ],
  }),
  object('networking.k8s.io/v1', 'NetworkPolicy', {
    podSelector: { matchLabels: app, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [
          { namespaceSelector: {}, podSelector: { matchLabels: app } },
          { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
        ],
        ports: [{ port: 8080, protocol: 'TCP', endPort: 8081 }],
      },
    ],
  }),
  object('policy/v1', 'PodDisruptionBudget', { selector, minAvailable: 1 }),
  object('autoscaling/v2', 'HorizontalPodAutoscaler', {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
  }),
  {
    ...object('discovery.k8s.io/v1', 'EndpointSlice', undefined, { labels: { 'kubernetes.io/service-name': 'web' } }),
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.1.4'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'x' } }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  },
  {
    ...object(
      'v1',
      'Pod',
      { containers: [{ name: 'a', ports: [{ containerPort: 1 }] }], nodeName: 'a' },
      {
        name: 'alone',
        ownerReferences: [{ kind: 'Node', name: 'a', controller: true }],
      },
    ),
    status: {
      phase: 'Running',
      podIPs: [{ ip: '10.1.1.4' }],
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'a', ready: true }],
    },
  },
  object('batch/v1', 'CronJob', {
    jobTemplate: { spec: { template: { metadata: { labels: app }, spec: { containers: [{ name: 'a' }] } } } },
  }),
  object('sidestep.dev/v1alpha1', 'AmbientMigration', {
    waypoint: { provision: 'Auto', name: 'waypoint' },
    policies: { translation: 'Auto' },
    acknowledge: [{ code: 'SST2001', reason: 'x' }],
  }),
];

/** Where something stands in an object: names and numbers. */
type Path = readonly (string | number)[];

function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [...(at.length > 0 ? [at] : []), ...entries.flatMap(([name, one]) => pathsIn(one, [...at, name]))];
}

function changed<T>(value: T, [name, ...rest]: Path, put: unknown): T {
  if (name === undefined) return put as T;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string | number, unknown>;
  copy[name] = changed(copy[name], rest, put);
  return copy as T;
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((at, name) => (at as Record<string | number, unknown>)[name], value);

const shown = (path: Path): string =>
  path
    .map((name) => (typeof name === 'number' ? `[${name}]` : /^\w+$/.test(name) ? `.${name}` : `[${name}]`))
    .join('')
    .replace(/^\./, '');

describe('manifests of which a field is wrong', { timeout: 60_000 }, () => {
  let dir = '';
  let file = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sidestep-fields-'));
    file = join(dir, 'a.yaml');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const write = (objects: readonly unknown[]): void =>
    writeFileSync(file, objects.map((one) => JSON.stringify(one)).join('\n---\n'));
  const assess = (): Promise<Outcome> => sidestep('assess', '-f', file);
  const canI = (): Promise<Outcome> =>
    sidestep('can-i', '-f', file, '--from', 'shop/web', '--to', 'web.shop:80', '--all-steps');

  /** Nothing, and what is of another type. */
  const wrongFor = (value: unknown): unknown[] => [
    null,
    typeof value === 'object' ? 'x' : typeof value === 'string' ? 7 : 'x',
    Array.isArray(value) ? { x: 1 } : [null],
  ];

  it('is right as it stands', async () => {
    write(MESH);
    expect(await assess()).toMatchObject({ stderr: '', code: 2 });
    expect(await canI()).toMatchObject({ stderr: '', code: 1 });
  });

  it.each(MESH.map((one, index) => [String(one['kind']), one, index] as const))(
    'answers, or says where it stands: %s',
    async (_, one, index) => {
      const others = MESH.slice(0, 3).filter((_, other) => other !== index);
      for (const path of pathsIn(one)) {
        for (const put of wrongFor(valueAt(one, path))) {
          write([changed(one, path, put), ...others]);
          for (const { code, stderr } of [await assess(), await canI()]) {
            const what = `${shown(path)} is ${JSON.stringify(put)}: ${code} ${stderr}`;
            expect([0, 1, 2, 65], what).toContain(code);
            if (code !== 65) expect(stderr, what).toMatch(/^(warning: .+\n)*$/);
            else if (!stderr.startsWith('error: --')) expect(stderr, what).toMatch(/a\.yaml, document \d+[:,] /);
          }
        }
      }
    },
  );

  it('takes an empty field for none', async () => {
    writeFileSync(
      file,
      `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: { istio-injection: enabled }
  annotations:
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, labels: }
spec: { ports: [{ port: 80, name: }], selector: { app: web } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template:
    metadata: { labels: { app: web }, annotations: }
    spec: { serviceAccountName: web, nodeSelector:, containers: [{ name: web, ports:, env: }] }
`,
    );
    expect(await assess()).toEqual({ code: 0, stdout: 'Nothing stands in the way.\n', stderr: '' });
    expect(await canI()).toMatchObject({ code: 0, stderr: '' });
  });

  const namespace = (metadata: object): Fields => ({ apiVersion: 'v1', kind: 'Namespace', metadata });
  it.each<[string, Fields]>([
    [
      'metadata.labels[sidecar.istio.io/inject] must be a text: write "false", in quotes',
      namespace({ name: 'a', labels: { 'sidecar.istio.io/inject': false } }),
    ],
    ['metadata.labels must be a map', namespace({ name: 'a', labels: ['x'] })],
    ['metadata.annotations.a must be a text: write "1", in quotes', namespace({ name: 'a', annotations: { a: 1 } })],
    ['metadata must be a map', { ...namespace({ name: 'a' }), metadata: 'a' }],
    ['spec must be a map', object('v1', 'Service', ['x'])],
    ['spec.ports must be a list', object('v1', 'Service', { ports: { port: 80 } })],
    [
      'spec.ports[0].port must be a number: write 80, without quotes',
      object('v1', 'Service', { ports: [{ port: '80' }] }),
    ],
    ['spec.ports[0].port must be given', object('v1', 'Service', { ports: [{ name: 'http' }] })],
    ['spec.ports[1] must be a map', object('v1', 'Service', { ports: [{ port: 80 }, null] })],
    ['spec.template.metadata must be a map', changed(webs, ['spec', 'template', 'metadata'], 'x')],
    [
      'spec.template.spec.containers must be a list',
      changed(webs, ['spec', 'template', 'spec', 'containers'], { name: 'a' }),
    ],
    [
      'spec.selector.matchLabels must be a map',
      object(security, 'AuthorizationPolicy', { selector: { matchLabels: 'app' } }),
    ],
    [
      'spec.rules[0].to[0].operation.ports[0] must be a text: write "80"',
      object(security, 'AuthorizationPolicy', { rules: [{ to: [{ operation: { ports: [80] } }] }] }),
    ],
    ['spec.http[0] must be a map', object(networking, 'VirtualService', { hosts: ['web'], http: [null] })],
    [
      'spec.metrics[0].providers[0] is empty',
      object('telemetry.istio.io/v1', 'Telemetry', { metrics: [{ providers: [null] }] }),
    ],
    [
      'AmbientMigration is invalid: spec.waypoint.provision: ',
      object('sidestep.dev/v1alpha1', 'AmbientMigration', { waypoint: { provision: 'never' } }),
    ],
  ])('refuses it, and names the field: %s', async (message, one) => {
    write([namespace({ name: 'first' }), one]);
    for (const { code, stderr } of [await assess(), await canI()]) {
      expect(stderr).toContain(`${file}, document 2: ${message}`);
      expect(code).toBe(65);
    }
  });
});
