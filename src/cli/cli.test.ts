import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { BUNDLES, bundle } from '../../scripts/build.js';
import { Client } from '../kube/client.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import type { AssessReport } from './assess.js';
import { AUTHORIZATION_POLICY } from '../api/istio.js';
import { GATEWAY } from '../api/gateway-api.js';
import { DEPLOYMENT, NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT } from '../kube/types.js';
import { kubeconfig } from '../sandbox/kubeconfig.js';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.js';
import { writeFileSync } from 'node:fs';
import packageJson from '../../package.json' with { type: 'json' };
import { until } from '../../test/support/until.js';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The bundle in a process of its own, as people start it, against an embedded cluster. */
describe('sidestep', { timeout: 60_000 }, () => {
  let dir = '';
  let sandbox: Sandbox;
  let client: Client;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sidestep-cli-'));
    await bundle(join(dir, 'sidestep'), BUNDLES['cli.cjs']);
    chmodSync(join(dir, 'sidestep'), 0o755);
    sandbox = await startSandbox({ dir });
    client = new Client({ connection: sandbox.connection() });
    const apply = (type: ResourceType, object: object): Promise<KubeObject> =>
      client.apply(type, object as KubeObject, { fieldManager: 'test', force: true });
    const metadata = { name: 'web', namespace: 'shop' };
    const labels = { app: 'web' };
    await apply(NAMESPACE, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'shop',
        labels: {
          'istio.io/dataplane-mode': 'ambient',
          'istio.io/use-waypoint': 'gate',
          'istio.io/use-waypoint-namespace': 'edge',
        },
      },
    });
    await apply(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'edge' } });
    await apply(GATEWAY, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'gate', namespace: 'edge' },
      spec: {
        gatewayClassName: 'istio-waypoint',
        listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', allowedRoutes: { namespaces: { from: 'All' } } }],
      },
    });
    await apply(SERVICE_ACCOUNT, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await apply(SERVICE, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    });
    await apply(DEPLOYMENT, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'web',
            containers: [{ name: 'web', image: 'example.com/web', ports: [{ name: 'http', containerPort: 8080 }] }],
          },
        },
      },
    });
    await apply(AUTHORIZATION_POLICY, {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        rules: [{ from: [{ source: { principals: ['cluster.local/ns/edge/sa/*'] } }] }],
      },
    });
    await until(
      'the pod is captured, and the waypoint serves',
      async () => {
        const { items } = await client.list(POD, { namespace: 'shop' });
        const gate = await client.get(GATEWAY, { namespace: 'edge', name: 'gate' });
        const isCaptured = items[0]?.metadata.annotations?.['ambient.istio.io/redirection'] === 'enabled';
        return isCaptured && (gate as { status?: { addresses?: unknown[] } }).status?.addresses?.length
          ? true
          : undefined;
      },
      { timeoutMs: 60_000 },
    );
  }, 120_000);

  afterAll(async () => {
    client?.close();
    await sandbox?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const run = (
    args: readonly string[],
    environment: Record<string, string> = { KUBECONFIG: sandbox.kubeconfig },
  ): Promise<Outcome> =>
    new Promise((resolve) => {
      const env = { PATH: process.env['PATH'] ?? '', HOME: dir, ...environment };
      execFile(join(dir, 'sidestep'), args, { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  const tags = ['Exact', 'Prefix', 'Suffix'].map((name) => ({
    tag: `!${name}`,
    resolve: (value: string) => ({ [name]: value }),
  }));

  it('prints what ztunnel knows of a namespace: pods, services, policies, and the waypoint in another namespace', async () => {
    const { code, stdout, stderr } = await run(['ztunnel-config', '-n', 'shop']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const config = parse(stdout, { customTags: tags });
    const waypoint = { destination: 'edge/gate.edge.svc.cluster.local', hboneMtlsPort: 15008 };
    expect(config.services).toMatchObject([
      { name: 'gate', namespace: 'edge' },
      { name: 'web', namespace: 'shop', hostname: 'web.shop.svc.cluster.local', ports: { 80: 0 }, waypoint },
    ]);
    expect(
      config.workloads.map(({ namespace, serviceAccount, protocol }: Record<string, unknown>) => ({
        namespace,
        serviceAccount,
        protocol,
      })),
    ).toContainEqual({ namespace: 'shop', serviceAccount: 'web', protocol: 'HBONE' });
    const web = config.workloads.find(({ namespace }: { namespace: string }) => namespace === 'shop');
    expect(web).toMatchObject({
      services: { 'shop/web.shop.svc.cluster.local': { 80: 8080 } },
      authorizationPolicies: ['shop/web'],
    });
    expect(config.policies).toEqual([
      {
        name: 'web',
        namespace: 'shop',
        scope: 'WorkloadSelector',
        action: 'Allow',
        dryRun: false,
        rules: [[[{ principals: [{ Prefix: 'cluster.local/ns/edge/sa/' }] }]]],
      },
    ]);
  });

  it('prints the same as JSON, and for another ztunnel', async () => {
    const json = JSON.parse(
      (await run(['ztunnel-config', '-n', 'shop', '-o', 'json', '--ztunnel-version', '1.28'])).stdout,
    );
    expect(json.policies).toEqual([
      {
        name: 'web',
        namespace: 'shop',
        scope: 'WorkloadSelector',
        action: 'Allow',
        rules: [[[{ principals: [{ Prefix: 'cluster.local/ns/edge/sa/' }] }]]],
      },
    ]);
    expect(json.services[0]).not.toHaveProperty('canonical');
  });

  it('takes --kubeconfig before the environment, and a context', async () => {
    const nowhere = { KUBECONFIG: join(dir, 'nowhere') };
    expect(
      await run(['ztunnel-config', '-n', 'shop', '--kubeconfig', sandbox.kubeconfig, '--context', 'sandbox'], nowhere),
    ).toMatchObject({ code: 0 });
    const other = await run(['ztunnel-config', '-n', 'shop', '--context', 'other']);
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/^error: .*context other names no cluster; known contexts: sandbox/);
  });

  it('says that there is no such namespace', async () => {
    expect(await run(['ztunnel-config', '-n', 'shopp'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: there is no namespace shopp; kubectl get namespaces shows which there are\n',
    });
  });

  it('says that there is no Istio where it looks', async () => {
    const { code, stderr } = await run(['ztunnel-config', '-n', 'shop', '--istio-namespace', 'edge']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/no ConfigMap istio in namespace edge.*--istio-namespace/),
    });
  });

  it('says that the cluster cannot be reached', async () => {
    const path = join(dir, 'unreachable');
    writeFileSync(path, kubeconfig({ server: 'https://127.0.0.1:9', certificateAuthority: '', user: 'a', token: 'b' }));
    const { code, stderr } = await run(['ztunnel-config', '-n', 'shop', '--kubeconfig', path]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: cannot reach the cluster: .*127\.0\.0\.1:9/),
    });
  });

  it('says which right is missing', async () => {
    await client.apply(
      SERVICE_ACCOUNT,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace: 'shop' } },
      { fieldManager: 'test' },
    );
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: 'nobody', namespace: 'shop' },
      spec: { audiences: [], expirationSeconds: 3600 },
    };
    const answer = await client.create(SERVICE_ACCOUNT, request, {
      fieldManager: 'test',
      subresource: 'token',
    });
    const { token } = (answer as unknown as { status: { token: string } }).status;
    const path = join(dir, 'nobody');
    const { server, certificateAuthority } = sandbox;
    writeFileSync(path, kubeconfig({ server, certificateAuthority, user: 'nobody', token }));
    const { code, stderr } = await run(['ztunnel-config', '-n', 'shop', '--kubeconfig', path]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^error: .*cannot get resource "namespaces".*\nThe user of the kubeconfig needs this right/,
      ),
    });
  });

  describe('assess', () => {
    const legacy = { name: 'only-get', namespace: 'legacy' };
    beforeAll(async () => {
      const apply = (type: ResourceType, object: object): Promise<KubeObject> =>
        client.apply(type, object as KubeObject, { fieldManager: 'test', force: true });
      await apply(NAMESPACE, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'legacy', labels: { 'istio-injection': 'enabled' } },
      });
      const labels = { app: 'api' };
      await apply(DEPLOYMENT, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'api', namespace: 'legacy' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'api', image: 'example.com/api' }] } },
        },
      });
      await apply(AUTHORIZATION_POLICY, {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: legacy,
        spec: { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
      });
    });

    it.each([
      ['a namespace', ['-n', 'legacy'], 1, ['SST2036 api', 'SST2032 only-get']],
      ['all with sidecars', ['-A'], 1, ['SST2036 api', 'SST2032 only-get']],
      ['one that is ambient already', ['-n', 'shop'], 0, []],
    ])('looks at %s of a cluster', async (_, args, code, expected) => {
      const outcome = await run(['assess', ...args, '-o', 'json']);
      expect(outcome).toMatchObject({ code, stderr: '' });
      const { findings, generated } = JSON.parse(outcome.stdout) as AssessReport;
      expect(findings.map(({ code: found, object }) => `${found} ${object.name}`)).toEqual(expected);
      if (code === 1)
        expect(generated).toMatchObject([
          { kind: 'Gateway', metadata: { name: 'waypoint', namespace: 'legacy' } },
          { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'only-get-wp' } },
          { kind: 'AuthorizationPolicy', metadata: { name: 'only-get-admission' } },
        ]);
    });

    it('generates what the cluster takes', async () => {
      const { generated } = JSON.parse((await run(['assess', '-n', 'legacy', '-o', 'json'])).stdout) as AssessReport;
      const types = { Gateway: GATEWAY, AuthorizationPolicy: AUTHORIZATION_POLICY };
      for (const object of generated as KubeObject[]) {
        const type = types[object.kind as keyof typeof types] as ResourceType;
        await client.apply(type, object, { fieldManager: 'test', dryRun: true });
      }
      expect(generated).toHaveLength(3);
    });

    it.each([
      ['a namespace that is not there', ['-n', 'shopp'], 69, /there is no namespace shopp/],
      ['a context that is not there', ['-A', '--context', 'other'], 69, /context other/],
      ['nothing to look at', [], 64, /--filename, --namespace or --all-namespaces/],
      ['one namespace and all', ['-n', 'shop', '-A'], 64, /give one of them/],
    ])('refuses %s', async (_, args, code, message) => {
      const outcome = await run(['assess', ...args]);
      expect(outcome).toMatchObject({ code, stdout: '' });
      expect(outcome.stderr).toMatch(message);
    });
  });

  test.each([
    [['ztunnel-config'], /required option '-n, --namespace <name>'/],
    [['ztunnel-config', '-n', 'shop', '--colour'], /unknown option '--colour'/],
    [['ztunnel-config', '-n', 'shop', 'more'], /too many arguments/],
    [['ztunnel-config', '-n', 'shop', '-o', 'xml'], /Allowed choices are yaml, json/],
    [['ztunnel-config', '-n', 'shop', '--ztunnel-version', 'latest'], /a version such as 1\.31/],
    [['ztunel-config'], /unknown command 'ztunel-config'/],
    [[], /Usage: sidestep/],
  ])('refuses %j with code 64', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test.each([
    [['--version'], packageJson.version],
    [['--help'], 'Usage: sidestep'],
    [['ztunnel-config', '--help'], '--ztunnel-version'],
  ])('answers %j', async (args, text) => {
    const { code, stdout } = await run(args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(text) });
  });
});
