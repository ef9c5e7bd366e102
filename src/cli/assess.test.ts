import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SARIF, type SarifLog } from '../../test/support/sarif.js';
import { POLICY_KINDS } from '../controllers/ambient-migration/observe-mesh.js';
import { FOREIGN_NETWORK_POLICIES } from '../mesh/findings/foreign-network-policy.js';
import { READ_KINDS } from '../mesh/policies.js';
import type { AssessReport } from './assess.js';
import { sarifLog } from './sarif.js';
import { type Outcome, sidestep } from './testing/outcome.js';

const article = new URL('../../examples/article', import.meta.url).pathname;

/* Step 4 of the article. */
const policies = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: require-jwt, namespace: legacy-apps }
spec:
  selector: { matchLabels: { app: httpbin-legacy } }
  jwtRules: [{ issuer: us, jwksUri: https://us.example/jwks }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ip-with-jwt, namespace: legacy-apps }
spec:
  selector: { matchLabels: { app: httpbin-legacy } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/ambient-apps/sa/sleep-ambient] } }]
    to: [{ operation: { paths: [/ip], ports: ["80"] } }]
    when: [{ key: 'request.auth.claims[iss]', values: [us] }]
`;

describe('sidestep assess', () => {
  let dir = '';
  let files = 0;
  beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'sidestep-assess-'))));
  afterAll(() => rmSync(dir, { recursive: true }));

  function file(text: string): string {
    const path = join(dir, `${(files += 1)}.yaml`);
    writeFileSync(path, text);
    return path;
  }

  /** Of the article's namespaces with these objects in legacy-apps. */
  async function report(...objects: object[]): Promise<AssessReport & { code: number }> {
    const text = objects.map((one) => JSON.stringify(one)).join('\n---\n');
    const { code, stdout, stderr } = await sidestep('assess', '-f', article, '-f', file(text), '-o', 'json');
    expect(stderr).toBe('');
    return { ...(JSON.parse(stdout) as AssessReport), code };
  }

  const object = (kind: string, spec: object, metadata: object = {}, apiVersion = 'security.istio.io/v1'): object => ({
    apiVersion,
    kind,
    metadata: { name: 'x', namespace: 'legacy-apps', ...metadata },
    spec,
  });
  const gets = { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] };

  it('finds nothing in the article’s namespaces before they have policies', async () => {
    const { code, stdout } = await sidestep('assess', '-f', article);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing stands in the way.\n' });
  });

  it('tells object, field, reason and fix of each finding, and what becomes of each policy', async () => {
    const { code, stdout } = await sidestep('assess', '-f', article, '-f', file(policies), '-o', 'json');
    const { findings, policies: judged, generated } = JSON.parse(stdout) as AssessReport;
    expect(code).toBe(0);
    expect(findings).toEqual(
      [
        ['AuthorizationPolicy', 'ip-with-jwt'],
        ['RequestAuthentication', 'require-jwt'],
      ].map(([kind, name]) => ({
        code: 'SST2032',
        severity: 'note',
        object: { kind, namespace: 'legacy-apps', name },
        path: '',
        source: { file: expect.stringMatching(/\.yaml$/), line: expect.any(Number) },
        reason: expect.stringMatching(`${name} gets beside it .*${name}-wp`),
        fix: expect.stringMatching(/Manual/),
      })),
    );
    const byHand = { metadata: { name: 'm', namespace: 'legacy-apps' }, spec: { policies: { translation: 'Manual' } } };
    const manual = file(JSON.stringify({ apiVersion: 'sidestep.dev/v1alpha1', kind: 'AmbientMigration', ...byHand }));
    const left = await sidestep('assess', '-f', article, '-f', file(policies), '-f', manual, '-o', 'json');
    expect(left.code).toBe(2);
    expect((JSON.parse(left.stdout) as AssessReport).findings).toEqual([
      {
        code: 'SST2007',
        severity: 'error',
        object: { kind: 'AuthorizationPolicy', namespace: 'legacy-apps', name: 'ip-with-jwt' },
        path: 'spec.rules[0].to[0].operation.paths',
        source: expect.objectContaining({ line: 9 }),
        reason: expect.stringMatching(/ztunnel/),
        fix: expect.stringMatching(/waypoint/),
      },
      {
        code: 'SST2017',
        severity: 'error',
        object: { kind: 'RequestAuthentication', namespace: 'legacy-apps', name: 'require-jwt' },
        path: 'spec',
        source: expect.objectContaining({ line: 2 }),
        reason: expect.stringMatching(/tokens/),
        fix: expect.stringMatching(/waypoint/),
      },
    ]);
    expect(judged).toEqual([
      {
        kind: 'RequestAuthentication',
        namespace: 'legacy-apps',
        name: 'require-jwt',
        verdict: 'CONVERT',
        differences: [],
      },
      {
        kind: 'AuthorizationPolicy',
        namespace: 'legacy-apps',
        name: 'ip-with-jwt',
        verdict: 'CONVERT',
        differences: [],
      },
    ]);
    const targetRefs = [{ group: '', kind: 'Service', name: 'httpbin-legacy' }];
    expect(generated).toMatchObject([
      { kind: 'Gateway', metadata: { name: 'waypoint' }, spec: { gatewayClassName: 'istio-waypoint' } },
      { kind: 'RequestAuthentication', metadata: { name: 'require-jwt-wp' }, spec: { targetRefs } },
      { kind: 'AuthorizationPolicy', metadata: { name: 'require-jwt-requestauthentication-guard' } },
      {
        kind: 'AuthorizationPolicy',
        metadata: { name: 'ip-with-jwt-wp' },
        // The port of the Service, which leads to port 80 of its pods.
        spec: { rules: [{ to: [{ operation: { paths: ['/ip'], ports: ['8000'] } }] }], targetRefs },
      },
      { kind: 'AuthorizationPolicy', metadata: { name: 'ip-with-jwt-admission' } },
    ]);
  });

  it.each([
    ['/headers with a token', ['--path', '/headers', '--claim', 'iss=us', '--claim', 'sub=s'], 1],
    ['/ip without a token', ['--path', '/ip'], 1],
    ['/ip with a token', ['--path', '/ip', '--claim', 'iss=us', '--claim', 'sub=s'], 0],
  ])('generates what makes the article’s answers hold after the migration: %s', async (_, request, code) => {
    const { stdout } = await sidestep('assess', '-f', article, '-f', file(policies), '-o', 'json');
    const { generated } = JSON.parse(stdout) as AssessReport;
    const copies = file(generated.map((one) => JSON.stringify(one)).join('\n---\n'));
    const call = ['--from', 'ambient-apps/sleep-ambient', '--to', 'httpbin-legacy.legacy-apps:8000', ...request];
    const before = await sidestep('can-i', '-f', article, '-f', file(policies), ...call);
    const after = await sidestep('can-i', '-f', article, '-f', copies, ...call, '--at', 'After');
    expect([before.code, after.code]).toEqual([code, code]);
    expect(after.stdout).toContain('Waypoint Gateway/legacy-apps/waypoint');
  });

  it('has a word for each object that says who may call whom, or how', async () => {
    const { code, policies: judged } = await report(
      object('AuthorizationPolicy', { rules: [{ from: [{ source: { namespaces: ['a'] } }] }] }),
      object('PeerAuthentication', { mtls: { mode: 'STRICT' } }),
      object('EnvoyFilter', {}, {}, 'networking.istio.io/v1alpha3'),
      object(
        'ServiceEntry',
        { hosts: ['a.example'], resolution: 'DNS' },
        { namespace: 'ambient-apps' },
        'networking.istio.io/v1',
      ),
      object('Telemetry', {}, { namespace: 'istio-system' }, 'telemetry.istio.io/v1'),
      object('Novelty', {}, {}, 'networking.istio.io/v1'),
      object('Gateway', {}, {}, 'networking.istio.io/v1'),
      object('Deployment', {}, {}, 'apps/v1'),
    );
    expect(judged.map(({ kind, namespace, verdict }) => `${verdict} ${namespace} ${kind}`)).toEqual([
      'KEEP legacy-apps AuthorizationPolicy',
      'KEEP legacy-apps PeerAuthentication',
      'BLOCK legacy-apps EnvoyFilter',
      'KEEP ambient-apps ServiceEntry',
      'WARN istio-system Telemetry',
      'BLOCK legacy-apps Novelty',
    ]);
    expect(code).toBe(2);
  });

  it('says what a copy of a policy for the waypoint would not do', async () => {
    const selector = { matchLabels: { app: 'httpbin-legacy', version: 'v1' } };
    const old = object('Deployment', { template: { metadata: { labels: { app: 'httpbin-legacy' } } } }, {}, 'apps/v1');
    const { policies: judged } = await report(object('AuthorizationPolicy', { selector, ...gets }), old);
    expect(judged).toMatchObject([
      {
        verdict: 'BLOCK',
        differences: ['Service/httpbin-legacy: has pods that the policy does not select: Deployment/x'],
      },
    ]);
  });

  it('looks once more with the waypoint that copies need: pods see no other caller behind it', async () => {
    const selector = { matchLabels: { app: 'httpbin-legacy' } };
    const from = [{ source: { principals: ['cluster.local/ns/ambient-apps/sa/sleep-ambient'] } }];
    const l4 = object('AuthorizationPolicy', { selector, rules: [{ from }] }, { name: 'callers' });
    expect((await report(l4)).findings).toEqual([]);
    const deny = object('AuthorizationPolicy', { selector, action: 'DENY', ...gets });
    const { findings, policies: judged, generated } = await report(l4, deny);
    expect(findings.map(({ code, object: { name } }) => `${code} ${name}`)).toEqual(['SST2032 x', 'SST2033 callers']);
    expect(judged.map(({ name, verdict }) => `${verdict} ${name}`)).toEqual(['CONVERT callers', 'CONVERT x']);
    expect(generated.map((one) => (one as { metadata: { name: string } }).metadata.name)).toEqual([
      'waypoint',
      'callers-wp',
      'callers-admission',
      'x-wp',
      'x-guard',
    ]);
  });

  it('proves with --prove that no request is let in that was refused, and shows one that is', async () => {
    const noHeaders = object('AuthorizationPolicy', {
      action: 'DENY',
      rules: [{ to: [{ operation: { paths: ['/headers'] } }] }],
    });
    const manual = object('AmbientMigration', { policies: { translation: 'Manual' } }, {}, 'sidestep.dev/v1alpha1');
    const prove = async (...objects: object[]): Promise<AssessReport['findings']> => {
      const text = objects.map((one) => JSON.stringify(one)).join('\n---\n');
      const { stdout } = await sidestep('assess', '-f', article, '-f', file(text), '--prove', '-o', 'json');
      return (JSON.parse(stdout) as AssessReport).findings.filter(({ code }) => /SST204[23]/.test(code));
    };
    const open = await prove(noHeaders, manual);
    expect(open.map(({ code }) => code)).toContain('SST2042');
    expect(open[0]?.reason).toMatch(
      /^step Workloads: GET \/headers .* is let in \(Ztunnel Pod\/legacy-apps\/httpbin-legacy/,
    );
    const closed = await prove(noHeaders);
    expect(new Set(closed.map(({ code }) => code))).toEqual(new Set(['SST2043']));
    expect(closed[0]?.reason).toMatch(/outside the mesh.* is refused \(Ztunnel .*: DENY legacy-apps\/x-guard\)$/);
    expect(await prove(object('PeerAuthentication', { mtls: { mode: 'PERMISSIVE' } }))).toEqual([]);
  });

  it('names ports with --prove that requests may go to, also of a Service that says only its own', async () => {
    const labels = { app: 'plain' };
    const callers = { principals: ['cluster.local/ns/ambient-apps/sa/sleep-ambient'] };
    const rules = [{ from: [{ source: callers }], to: [{ operation: { paths: ['/headers'] } }] }];
    const text = [
      object('AuthorizationPolicy', { selector: { matchLabels: labels }, rules }),
      object('Service', { selector: labels, ports: [{ name: 'http', port: 80 }] }, { name: 'plain' }, 'v1'),
      object('Deployment', { template: { metadata: { labels } } }, { name: 'plain' }, 'apps/v1'),
    ];
    const manifests = file(text.map((one) => JSON.stringify(one)).join('\n---\n'));
    const { stdout } = await sidestep('assess', '-f', article, '-f', manifests, '--prove', '-o', 'json');
    const found = (JSON.parse(stdout) as AssessReport).findings.filter(({ code }) => code === 'SST2043');
    expect(found.map(({ reason }) => /to (Pod\S+),/.exec(reason)?.[1])).toEqual([
      'Pod/legacy-apps/plain:80',
      'Pod/legacy-apps/plain:80',
    ]);
  });

  it('finds what pod templates say', async () => {
    const template = {
      metadata: { labels: { app: 'x' }, annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' } },
      spec: { containers: [{ name: 'x' }] },
    };
    const { code, findings } = await report(object('Deployment', { template }, {}, 'apps/v1'));
    expect(findings).toMatchObject([
      { code: 'SST4009', object: { kind: 'Deployment', name: 'x' }, path: 'spec.template' },
    ]);
    expect(code).toBe(findings[0]?.severity === 'error' ? 2 : 1);
  });

  it('does not take an injected gateway for a workload with a sidecar', async () => {
    const ingress = { namespace: 'ingress' };
    const template = {
      metadata: {
        labels: { istio: 'ingress', 'sidecar.istio.io/inject': 'true' },
        annotations: { 'inject.istio.io/templates': 'gateway' },
      },
      spec: { serviceAccountName: 'ingress', containers: [{ name: 'istio-proxy', image: 'auto' }] },
    };
    const principals = ['cluster.local/ns/ingress/sa/ingress'];
    const { findings } = await report(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ingress', labels: { 'istio-injection': 'enabled' } } },
      object('Deployment', { template, paused: true }, ingress, 'apps/v1'),
      object('AuthorizationPolicy', {
        rules: [{ from: [{ source: { principals } }], to: [{ operation: { paths: ['/ip'] } }] }],
      }),
    );
    expect(findings.map(({ code }) => code)).toEqual(['SST2032']);
  });

  it('stops where a Service without selector lists pods that only a waypoint can protect', async () => {
    const metadata = { name: 'httpbin-1', labels: { app: 'httpbin-legacy' } };
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'httpbin', controller: true }];
    const listed = [
      object('Service', { ports: [{ port: 80 }] }, { name: 'legacy' }, 'v1'),
      object('Pod', { containers: [] }, { ...metadata, ownerReferences }, 'v1'),
      {
        ...object('EndpointSlice', {}, { labels: { 'kubernetes.io/service-name': 'legacy' } }, 'discovery.k8s.io/v1'),
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'httpbin-1' } }],
      },
    ];
    const selector = { matchLabels: { app: 'httpbin-legacy' } };
    const deny = object('AuthorizationPolicy', { selector, action: 'DENY', ...gets });
    const { findings } = await report(deny, ...listed);
    expect(findings.find(({ code }) => code === 'SST2008')?.reason).toMatch(
      /Sidestep writes nothing for it: Service\/legacy has no selector/,
    );
  });

  it('stops before it overwrites a policy of the same name', async () => {
    const there = object('AuthorizationPolicy', { rules: [{}] }, { name: 'x-wp' });
    const { findings } = await report(object('AuthorizationPolicy', gets), there);
    expect(findings.map(({ code, object: { name } }) => `${code} ${name}`)).toContain('SST2040 x-wp');
  });

  it('takes a policy of that name that says the same for its own, with what the API server would add or leave out', async () => {
    const { generated } = await report(object('AuthorizationPolicy', gets));
    const copy = generated.find((one) => (one as { metadata: { name: string } }).metadata.name === 'x-wp');
    const { spec } = copy as unknown as { spec: object };
    const there = object('AuthorizationPolicy', { selector: {}, ...spec }, { name: 'x-wp' });
    const { findings } = await report(object('AuthorizationPolicy', gets), there);
    expect(findings.map(({ code }) => code)).not.toContain('SST2040');
  });

  it.each(['grpc-agent', 'grpc-simple'])('knows proxyless gRPC for what it is: %s', async (name) => {
    const metadata = { labels: { app: 'x' }, annotations: { 'inject.istio.io/templates': name } };
    const template = { metadata, spec: { containers: [{ name: 'x' }] } };
    const { findings } = await report(object('Deployment', { template, replicas: 2 }, {}, 'apps/v1'));
    const codes = findings.map(({ code }) => code);
    expect(codes).toContain('SST4019');
    expect(codes).not.toContain('SST4001');
  });

  it('finds what would keep workloads from being restarted', async () => {
    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x' }] } };
    const { code, findings } = await report(
      object('StatefulSet', { template, replicas: 2 }, {}, 'apps/v1'),
      object('PodDisruptionBudget', { minAvailable: 2, selector: { matchLabels: { app: 'x' } } }, {}, 'policy/v1'),
      object('Pod', { containers: [{ name: 'x' }] }, { name: 'bare' }, 'v1'),
    );
    expect(findings.map(({ code: found, object: { kind, name }, reason }) => [found, kind, name, reason])).toEqual([
      ['SST4003', 'Pod', 'bare', 'pod bare is without an owner'],
      ['SST4007', 'StatefulSet', 'x', 'StatefulSet/x takes 1 of 2 pods away, and PodDisruptionBudget x wants 2'],
    ]);
    expect(code).toBe(2);
  });

  it('names the mesh’s configuration, and objects of no namespace', async () => {
    const { findings, code } = await report(
      object('Sidecar', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, {}, 'networking.istio.io/v1'),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'istio', namespace: 'istio-system' },
        data: { mesh: 'outboundTrafficPolicy: { mode: REGISTRY_ONLY }' },
      },
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'kube-system', labels: { 'istio-injection': 'enabled' } },
      },
      object('Deployment', { template: {} }, { namespace: 'kube-system' }, 'apps/v1'),
    );
    const named = findings.map(({ code: found, object: { kind, namespace, name } }) => [found, kind, namespace, name]);
    expect(named).toContainEqual(['SST3012', 'ConfigMap', 'istio-system', 'istio']);
    expect(named).toContainEqual(['SST4024', 'Namespace', '', 'kube-system']);
    expect(code).toBe(2);
  });

  it('looks at one namespace where it is asked to', async () => {
    const other = ['ambient-apps', 'legacy-apps'].map(async (namespace) => {
      const { stdout } = await sidestep('assess', '-f', article, '-f', file(policies), '-n', namespace, '-o', 'yaml');
      return (parse(stdout) as AssessReport).findings.length;
    });
    expect(await Promise.all(other)).toEqual([0, 2]);
  });

  it('ends with 1 where there is nothing but warnings', async () => {
    const warned = await report(object('Telemetry', {}, { namespace: 'istio-system' }, 'telemetry.istio.io/v1'));
    expect(warned.findings.map(({ severity }) => severity)).toEqual(['warning']);
    expect(warned.code).toBe(1);
  });

  it('prints for people', async () => {
    const ask = ['assess', '-f', article, '-f', file(policies)];
    const { stdout } = await sidestep(...ask);
    expect(stdout).toMatch(/^CONVERT SST2032 {2}AuthorizationPolicy\/legacy-apps\/ip-with-jwt\n +\/.*\.yaml:9\n/);
    expect(stdout).toMatch(/\nGenerated .*\n\napiVersion: gateway\.networking\.k8s\.io\/v1\nkind: Gateway\n/);
  });

  /* Lines count from 1: a comment, a second document, and an item of a List. */
  const placed = `# Who may call.
${policies.trim()}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: { name: other, namespace: legacy-apps }
- apiVersion: security.istio.io/v1
  kind: PeerAuthentication
  metadata: { name: plain, namespace: legacy-apps }
  spec: { mtls: { mode: DISABLE } }
`;

  it('prints in the form of static analysis, with file and line of each object that stands in a file', async () => {
    const folder = join(dir, 'my policies');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a.yaml'), placed);
    const before = process.cwd();
    process.chdir(dir);
    const ask = ['assess', '-f', article, '-f', './my policies', '-n', 'legacy-apps', '-o', 'sarif'];
    const { stdout } = await sidestep(...ask).finally(() => process.chdir(before));
    const log = JSON.parse(stdout) as SarifLog;
    expect(SARIF.parse(log)).toEqual(log);
    const { tool, results } = log.runs[0]!;
    expect(tool.driver).toMatchObject({ name: 'sidestep', version: '7.0' });
    const shown = results.map(({ ruleId, ruleIndex, level, locations }) => {
      expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      const [{ physicalLocation: at, logicalLocations: [object] } = { logicalLocations: [] }] = locations;
      return [ruleId, level, at?.artifactLocation.uri, at?.region.startLine, object?.fullyQualifiedName];
    });
    expect(shown).toEqual([
      ['SST2002', 'error', 'my%20policies/a.yaml', 25, 'PeerAuthentication/legacy-apps/plain/spec.mtls.mode'],
      ['SST2032', 'note', 'my%20policies/a.yaml', 9, 'AuthorizationPolicy/legacy-apps/ip-with-jwt'],
      ['SST2032', 'note', 'my%20policies/a.yaml', 2, 'RequestAuthentication/legacy-apps/require-jwt'],
    ]);
  });

  it('names the whole path of a file elsewhere in that form, and only the object where it stands in no file', async () => {
    const plain = object('PeerAuthentication', { mtls: { mode: 'DISABLE' } });
    const elsewhere = file(JSON.stringify(plain, null, 2));
    const { stdout } = await sidestep('assess', '-f', article, '-f', elsewhere, '-o', 'sarif');
    const [found] = (JSON.parse(stdout) as SarifLog).runs[0]!.results;
    expect(found?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: pathToFileURL(elsewhere).href },
      region: { startLine: 1 },
    });

    const { findings } = await report(plain);
    const log = sarifLog(
      findings.map(({ source: _, ...finding }) => finding),
      '7.0',
    );
    expect(SARIF.parse(log).runs[0]?.results[0]?.locations).toEqual([
      { logicalLocations: [expect.objectContaining({ name: 'x' })] },
    ]);
  });

  it.each([
    ['a file that is not there', ['-f', '/nowhere.yaml'], 65, /\/nowhere\.yaml: there is no such file/],
    [
      'a namespace that is not there',
      ['-f', article, '-n', 'shop'],
      65,
      /--namespace: .* shop; there is ambient-apps, legacy-apps\n/,
    ],
    ['another format', ['-f', article, '-o', 'html'], 64, /html.*table, json, yaml, sarif/],
    ['nothing to look at', [], 64, /--filename, --namespace or --all-namespaces/],
    ['one namespace and all', ['-n', 'shop', '-A'], 64, /give one of them/],
    ['files and all namespaces of a cluster', ['-f', article, '-A'], 64, /give one of them/],
    ['a path that is empty', ['-f', ''], 64, /path of a file or folder/],
  ])('refuses %s', async (_, args, code, message) => {
    const outcome = await sidestep('assess', ...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  describe('of manifests that do not tell who gets a sidecar', () => {
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web' }] } };
    const web = object('Deployment', { template }, { name: 'web' }, 'apps/v1');
    const place = (labels: object): object => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'legacy-apps', labels },
    });
    const assessed = (objects: object[], ...args: string[]): Promise<Outcome> =>
      sidestep('assess', '-f', file(objects.map((one) => JSON.stringify(one)).join('\n---\n')), ...args);

    it.each([
      ['no Namespace', [web], /there is no Namespace legacy-apps among the manifests.*istio-injection=enabled/],
      [
        'no other Namespace',
        [
          place({ 'istio-injection': 'enabled' }),
          web,
          object('Deployment', { template }, { namespace: 'shop' }, 'apps/v1'),
        ],
        /no Namespace shop/,
      ],
      [
        'a label that says nothing',
        [place({ 'istio-injection': 'true' }), web],
        /istio-injection=true of Namespace legacy-apps/,
      ],
      ['a Namespace without a label', [place({}), web], /no pod in these manifests gets a sidecar/],
      ['policies only', [object('AuthorizationPolicy', gets)], /no pod in these manifests gets a sidecar/],
    ])('warns: %s', async (_, objects, message) => {
      const { code, stdout, stderr } = await assessed(objects, '-o', 'json');
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect((JSON.parse(stdout) as AssessReport).warnings).toEqual([expect.stringMatching(message)]);
    });

    it('says nothing of other namespaces where it is asked about one', async () => {
      const other = object('Deployment', { template }, { namespace: 'shop' }, 'apps/v1');
      const outcome = await assessed([place({ 'istio-injection': 'enabled' }), web, other], '-n', 'legacy-apps');
      expect(outcome.stderr).toBe('');
    });

    it.each([
      ['no Namespace', [web], /--namespace: there is no Namespace legacy-apps among the manifests/],
      ['a Namespace without a label', [place({}), web], /--namespace: no pod of namespace legacy-apps gets a sidecar/],
      ['policies only', [object('AuthorizationPolicy', gets)], /--namespace: there is no workload of namespace/],
    ])('refuses the namespace that it is asked for: %s', async (_, objects, message) => {
      const outcome = await assessed(objects, '-n', 'legacy-apps');
      expect(outcome).toMatchObject({ code: 65, stdout: '' });
      expect(outcome.stderr).toMatch(message);
    });

    it.each([
      ['one that is ambient', [place({ 'istio.io/dataplane-mode': 'ambient' }), web]],
      [
        'pods that ask by themselves',
        [
          object(
            'Deployment',
            { template: { metadata: { labels: { 'sidecar.istio.io/inject': 'true' } } } },
            {},
            'apps/v1',
          ),
        ],
      ],
    ])('says nothing of %s', async (_, objects) => {
      expect(await assessed(objects)).toMatchObject({ code: 0, stderr: '', stdout: 'Nothing stands in the way.\n' });
    });
  });

  it('names file and document that make no sense', async () => {
    mkdirSync(join(dir, 'broken'), { recursive: true });
    writeFileSync(join(dir, 'broken', 'a.yaml'), 'kind: A\n---\nkind: [');
    const { code, stderr } = await sidestep('assess', '-f', join(dir, 'broken'));
    expect(code).toBe(65);
    expect(stderr).toMatch(/a\.yaml, document 1: apiVersion must be/);
  });

  const ingress = (port: number): object => ({ podSelector: {}, ingress: [{ ports: [{ port }] }] });

  it.each([
    ['projectcalico.org/v3', 'NetworkPolicy', 'NetworkPolicy.projectcalico.org', 'legacy-apps'],
    ['projectcalico.org/v3', 'GlobalNetworkPolicy', 'GlobalNetworkPolicy', ''],
    ['cilium.io/v2', 'CiliumNetworkPolicy', 'CiliumNetworkPolicy', 'legacy-apps'],
    ['cilium.io/v2', 'CiliumClusterwideNetworkPolicy', 'CiliumClusterwideNetworkPolicy', ''],
  ])(
    'does not know what a network policy of somebody’s own means, and says what it must admit: %s %s',
    async (...of) => {
      const [apiVersion, kind, name, namespace] = of;
      const core = object('NetworkPolicy', ingress(8080), { name: 'core' }, 'networking.k8s.io/v1');
      const where = namespace === '' ? { namespace: undefined } : {};
      const own = object(kind, { ...ingress(15008), selector: 'all()' }, where, apiVersion);
      const { findings, code } = await report(own, core);
      const found = findings.filter(({ code: one }) => one === 'SST2001');
      expect(found).toMatchObject([
        { object: { kind: name, namespace, name: 'x' }, reason: expect.stringMatching(/15008/), source: { line: 1 } },
      ]);
      // It admits nothing in the place of the one of Kubernetes.
      expect(findings.map(({ code: one }) => one)).toContain('SST2003');
      expect(code).toBe(2);
    },
  );

  it('leaves objects alone that only share their kind’s name', async () => {
    const alone = [
      object('Service', { template: {} }, {}, 'serving.knative.dev/v1'),
      object('VirtualService', { virtualHost: { domains: ['x'] } }, {}, 'gateway.solo.io/v1'),
      object('NetworkPolicy', {}, { namespace: 'elsewhere' }, 'crd.antrea.io/v1alpha1'),
    ];
    expect(await report(...alone)).toMatchObject({ findings: [], code: 0 });
  });

  it('looks at the same kinds as the operator', () => {
    const others = new Set(FOREIGN_NETWORK_POLICIES);
    const read = [...READ_KINDS].filter((kind) => !others.has(kind));
    expect(read.sort()).toEqual(POLICY_KINDS.map(({ kind }) => kind).sort());
  });
});
