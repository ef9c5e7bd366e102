import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Pod } from '../../src/kube/types.js';
import { Server } from '../conformance/server.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { kubectl } from './kubectl.js';
import { harnessDir, repositoryRoot } from './paths.js';
import { collectSandboxData, staleFiles } from './sandbox-data.js';

const root = mkdtempSync(join(tmpdir(), 'sidestep-harness-'));
let controlPlane: ControlPlane;

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
  controlPlane = await startControlPlane({ dir: join(root, 'first'), log: (line) => console.log(line) });
}, 900_000);

afterAll(async () => {
  await controlPlane?.stop();
  expect(processesOf(join(root, 'first'))).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

const kube = (...args: string[]): Promise<string> => kubectl(controlPlane, args);
const apply = (yaml: string): Promise<string> => kubectl(controlPlane, ['apply', '--server-side', '-f', '-'], yaml);

async function pods(namespace: string): Promise<Pod[]> {
  return (JSON.parse(await kube('get', 'pods', '-n', namespace, '-o', 'json')) as { items: Pod[] }).items;
}

/** Asks until `check` no longer throws; gives up after a minute with its last error. */
async function eventually<T>(check: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

/** Command lines of running processes that name `dir`. */
function processesOf(dir: string): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(dir) && !line.includes('ps -A'));
}

const namespaceYaml = (name: string, labels = '{}'): string => `
apiVersion: v1
kind: Namespace
metadata: {name: ${name}, labels: ${labels}}
`;

const deploymentYaml = (namespace: string, name: string, annotations = '{}', replicas = 1): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}, annotations: ${annotations}}
    spec: {containers: [{name: app, image: example.com/app}]}
`;

const redirectionOf = (pod: Pod): string | undefined => pod.metadata.annotations?.['ambient.istio.io/redirection'];
const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const namesOf = (containers: { name: string }[] | undefined): string[] => (containers ?? []).map(({ name }) => name);

describe('a control plane', () => {
  test('serves what Istio in ambient mode serves', async () => {
    const accepted = '{.status.conditions[?(@.type=="Accepted")].status}';
    expect(await kube('get', 'gatewayclass', 'istio-waypoint', '-o', `jsonpath=${accepted}`)).toBe('True');
    const index = (await (await fetch(`${controlPlane.istiodUrl}/debug/ambientz`)).json()) as object;
    expect(Object.keys(index)).toEqual(expect.arrayContaining(['workloads', 'services', 'policies']));
  });

  test('injects sidecars that speak HBONE, native ones unless the pod says otherwise', async () => {
    const classic = '{sidecar.istio.io/nativeSidecar: "false"}';
    const objects = [namespaceYaml('injected', '{istio-injection: enabled}'), deploymentYaml('injected', 'native')];
    await apply([...objects, deploymentYaml('injected', 'classic', classic)].join('---'));
    await kube('rollout', 'status', '-n', 'injected', 'deployment/native', 'deployment/classic', '--timeout=20s');
    const byApp: Record<string, Pod> = Object.fromEntries(
      (await pods('injected')).map((pod) => [pod.metadata.labels?.app, pod]),
    );
    for (const pod of Object.values(byApp)) {
      expect(pod.metadata.annotations).toHaveProperty(['sidecar.istio.io/status']);
      expect(pod.metadata.labels).toMatchObject({ 'networking.istio.io/tunnel': 'http' });
      expect(redirectionOf(pod)).toBeUndefined();
    }
    expect(namesOf(byApp.native?.spec.initContainers)).toContain('istio-proxy');
    expect(namesOf(byApp.classic?.spec.containers)).toContain('istio-proxy');
  });

  test('captures running pods in place, releases them, and captures new pods before they are ready', async () => {
    await apply([namespaceYaml('captured'), deploymentYaml('captured', 'web', '{}', 2)].join('---'));
    await kube('rollout', 'status', '-n', 'captured', 'deployment/web', '--timeout=20s');
    expect((await pods('captured')).map(redirectionOf)).toEqual([undefined, undefined]);

    await kube('label', 'namespace', 'captured', 'istio.io/dataplane-mode=ambient');
    await eventually(async () => expect((await pods('captured')).map(redirectionOf)).toEqual(['enabled', 'enabled']));
    const before = new Set((await pods('captured')).map(({ metadata }) => metadata.name));
    await kube('rollout', 'restart', '-n', 'captured', 'deployment/web');
    await kube('rollout', 'status', '-n', 'captured', 'deployment/web', '--timeout=20s');
    const firstReady = readyStatesOf('captured').filter(({ metadata }) => !before.has(metadata.name));
    expect(new Set(firstReady.map(({ metadata }) => metadata.name)).size).toBe(2);
    expect(new Set(firstReady.map(redirectionOf))).toEqual(new Set(['enabled']));

    await kube('label', 'namespace', 'captured', 'istio.io/dataplane-mode-');
    await eventually(async () => expect((await pods('captured')).map(redirectionOf)).toEqual([undefined, undefined]));
  });

  test('has pods that never become ready, and Jobs that complete', async () => {
    const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: job, namespace: endings}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: example.com/app}]}}}
`;
    const ending = (name: string): string => deploymentYaml('endings', name, `{sidestep.dev/test: ${name}}`);
    const names = ['never-ready', 'crash-loop', 'image-pull'];
    await apply([namespaceYaml('endings'), job, ...names.map(ending)].join('---'));
    await kube('wait', '-n', 'endings', '--for=condition=Complete', 'job/job', '--timeout=20s');
    const statuses = await eventually(async () => {
      const found = (await pods('endings')).filter((pod) => names.includes(pod.metadata.labels?.app ?? ''));
      expect(found.map(({ status }) => status?.containerStatuses?.length)).toEqual([1, 1, 1]);
      return found;
    });
    expect(statuses.some(isReady)).toBe(false);
    const reasons = statuses.map(({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason);
    expect(new Set(reasons)).toEqual(new Set([undefined, 'CrashLoopBackOff', 'ImagePullBackOff']));
  });

  test('lets the operator in as its ServiceAccount, and writes down who did what', async () => {
    const operator = { kubectl: controlPlane.kubectl, kubeconfig: controlPlane.operatorKubeconfig };
    const account = 'system:serviceaccount:sidestep-system:sidestep';
    expect(await kubectl(operator, ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(account);
    expect(auditLines().some(({ user }) => user.username === account)).toBe(true);
    expect(auditLines().every(({ stage }) => stage === 'ResponseComplete' || stage === 'ResponseStarted')).toBe(true);
  });

  test('listens on 127.0.0.1 only', ({ skip }) => {
    if (process.platform !== 'linux') skip();
    const listening = execFileSync('ss', ['-ltnpH'], { encoding: 'utf8' }).split('\n');
    const ours = processesOf(join(root, 'first')).map((line) => `pid=${Number.parseInt(line, 10)},`);
    const addresses = listening
      .filter((line) => ours.some((pid) => line.includes(pid)))
      .map((line) => line.split(/\s+/)[3]);
    expect(addresses.length).toBeGreaterThan(5);
    expect(addresses.filter((address) => !address?.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

describe('a program of a control plane', () => {
  test('kube-apiserver can be killed and started again, data and all', async () => {
    await controlPlane.component('kube-apiserver').kill();
    await expect(kube('get', 'namespaces')).rejects.toThrow(/refused|connection/);
    await controlPlane.component('kube-apiserver').start();
    expect(await kube('get', 'namespaces', '-o', 'name')).toContain('namespace/istio-system');
  });

  test('istiod that is gone leaves injected namespaces without new pods, until it is back', async () => {
    await apply(namespaceYaml('held', '{istio-injection: enabled}'));
    await controlPlane.component('istiod').kill();
    const create = ['create', '--dry-run=server', '-n', 'held', 'deployment', 'web', '--image=example.com/app'];
    const run = ['run', 'probe', '-n', 'held', '--image=example.com/app', '--dry-run=server'];
    await kube(...create);
    await expect(kube(...run)).rejects.toThrow('failed calling webhook "namespace.sidecar-injector.istio.io"');
    await controlPlane.component('istiod').start();
    await eventually(() => kube(...run));
  });

  test('the CNI agent that is gone keeps pods from starting, until it is back', async () => {
    await controlPlane.component('cni-agent').kill();
    await apply(
      [namespaceYaml('waiting', '{istio.io/dataplane-mode: ambient}'), deploymentYaml('waiting', 'web')].join('---'),
    );
    await eventually(async () => expect((await pods('waiting'))[0]?.spec.nodeName).toBeDefined());
    await delay(500);
    expect((await pods('waiting')).some(isReady)).toBe(false);
    await controlPlane.component('cni-agent').start();
    await kube('rollout', 'status', '-n', 'waiting', 'deployment/web', '--timeout=20s');
    expect((await pods('waiting')).map(redirectionOf)).toEqual(['enabled']);
  });
});

describe('a control plane that does not come up', () => {
  test('says why, keeps the logs, and leaves no process', async () => {
    const dir = join(root, 'failing');
    const starting = startControlPlane({ dir, apiServerFlags: ['--no-such-flag'] });
    await expect(starting).rejects.toThrow(`logs are in ${join(dir, 'logs')}`);
    const cause = await starting.catch((error: Error) => error.cause as Error);
    expect((cause as Error).message).toContain('unknown flag: --no-such-flag');
    expect(processesOf(dir)).toEqual([]);
  });
});

describe('make controlplane-up', () => {
  test('leaves no process when Ctrl-C comes while it starts', async () => {
    const dir = join(root, 'interrupted');
    const runner = spawn(process.execPath, ['--import', 'tsx', join(harnessDir, 'main.ts'), '--dir', dir], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(runner, 'close');
    for await (const line of createInterface(runner.stdout)) if (line.includes('kube-apiserver started')) break;
    runner.kill('SIGINT');
    await ended;
    await eventually(async () => expect(processesOf(dir)).toEqual([]));
  }, 60_000);

  test('says where things are, keeps a second one away, and leaves no process when it is killed', async () => {
    const dir = join(root, 'killed');
    const runner = spawn(process.execPath, ['--import', 'tsx', join(harnessDir, 'main.ts'), '--dir', dir], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(runner, 'close');
    const lines: string[] = [];
    for await (const line of createInterface(runner.stdout)) {
      lines.push(line);
      if (line.startsWith('ready: ')) break;
    }
    expect(lines).toContainEqual(expect.stringMatching(/^istiod: http:\/\/127\.0\.0\.1:\d+$/));
    expect(lines.at(-1)).toMatch(/^ready: export KUBECONFIG=.*kubeconfig$/);
    expect(processesOf(dir).length).toBeGreaterThan(7);
    expect(() =>
      execFileSync(process.execPath, ['--import', 'tsx', join(harnessDir, 'main.ts'), '--dir', dir], {
        cwd: repositoryRoot,
        stdio: 'pipe',
      }),
    ).toThrow(`a control plane is up already (process ${runner.pid})`);

    runner.kill('SIGKILL');
    await ended;
    await eventually(async () => expect(processesOf(dir)).toEqual([]));
  }, 60_000);
});

interface AuditLine {
  stage: string;
  verb: string;
  user: { username: string };
  objectRef?: { resource: string; namespace?: string; subresource?: string };
  responseObject?: Pod;
}

function auditLines(): AuditLine[] {
  return readFileSync(controlPlane.auditLog, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine);
}

/** Every state of a pod of this namespace that was written and had it Ready, oldest first. */
function readyStatesOf(namespace: string): Pod[] {
  return auditLines()
    .filter(({ objectRef }) => objectRef?.resource === 'pods' && objectRef.namespace === namespace)
    .map(({ responseObject }) => responseObject)
    .filter((pod): pod is Pod => pod?.kind === 'Pod' && isReady(pod));
}

test('what the sandbox knows of the real programs is what they say', async () => {
  const server = new Server(controlPlane.kubeconfig);
  try {
    expect(staleFiles(await collectSandboxData(server)), 'stale: make sandbox-data').toEqual([]);
  } finally {
    server.close();
  }
});
