/**
 * `make e2e-kind`: the release check on a real cluster. kind with Istio's ambient profile, the image as it is shipped,
 * the article's namespaces: there and back, with requests through the mesh on the way. KEEP=1 keeps the cluster.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import { manifests } from '../src/install.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A file of its own: the kubeconfig of whoever runs this stays as it is. */
const KUBECONFIG = join(ROOT, '.sidestep', 'kind', 'kubeconfig');
/** Of kind-config.yaml. */
const CLUSTER = 'sidestep';
const IMAGE = `sidestep:${packageJson.version}`;
const TOOLS = ['docker', 'kind', 'kubectl', 'istioctl'];
const GATEWAY_API = 'https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.0/standard-install.yaml';

function main(): void {
  const missing = TOOLS.filter((tool) => spawnSync(tool, ['--help'], { stdio: 'ignore' }).error !== undefined);
  if (missing.length > 0)
    throw new Error(`make e2e-kind needs ${TOOLS.join(', ')} on the PATH; missing: ${missing.join(', ')}`);
  mkdirSync(dirname(KUBECONFIG), { recursive: true });
  // Outside the try: a cluster of that name that was there before is not ours to delete.
  run('kind', 'create', 'cluster', '--config', 'kind-config.yaml', '--wait', '2m');
  try {
    install();
    migrate();
    console.log('passed: there and back on kind');
  } finally {
    if (process.env['KEEP'] === undefined) run('kind', 'delete', 'cluster', '--name', CLUSTER);
    else console.log(`kept: export KUBECONFIG=${KUBECONFIG}; kind delete cluster --name ${CLUSTER}`);
  }
}

function install(): void {
  kubectl('apply', '--server-side', '-f', GATEWAY_API);
  run('istioctl', 'install', '--set', 'profile=ambient', '--skip-confirmation');
  run('docker', 'build', '-t', IMAGE, '.');
  run('kind', 'load', 'docker-image', IMAGE, '--name', CLUSTER);
  apply(manifests({ image: IMAGE, namespace: 'sidestep-system', istioNamespace: 'istio-system' }));
  kubectl('wait', 'crd/ambientmigrations.sidestep.dev', '--for=condition=Established', '--timeout=1m');
  kubectl('rollout', 'status', 'deployment/sidestep', '-n', 'sidestep-system', '--timeout=3m');
}

function migrate(): void {
  kubectl('apply', '-f', 'examples/article/');
  for (const namespace of ['legacy-apps', 'ambient-apps'])
    kubectl('rollout', 'status', 'deployment', '-n', namespace, '--timeout=5m');
  expectSidecar(true);
  request();

  kubectl('apply', '-f', 'examples/migrate-legacy-apps.yaml');
  whenReady('Migrated');
  expectSidecar(false);
  request();

  kubectl(
    'patch',
    'am',
    'legacy-apps',
    '-n',
    'legacy-apps',
    '--type',
    'merge',
    '-p',
    '{"spec":{"dataplaneMode":"Sidecar"}}',
  );
  whenReady('RolledBack');
  expectSidecar(true);
  request();
}

function whenReady(reason: string): void {
  kubectl('wait', 'am/legacy-apps', '-n', 'legacy-apps', '--for=condition=Ready', '--timeout=5m');
  const seen = output(
    'get',
    'am',
    'legacy-apps',
    '-n',
    'legacy-apps',
    '-o',
    'jsonpath={.status.conditions[?(@.type=="Ready")].reason}',
  );
  if (seen !== reason) throw new Error(`AmbientMigration legacy-apps is Ready with reason ${seen}, not ${reason}`);
}

/** Whether the pods have a sidecar. A native one is an init container; pods that are about to go do not count. */
function expectSidecar(expected: boolean): void {
  type Pod = {
    metadata: { name: string; deletionTimestamp?: string };
    spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
  };
  const { items } = JSON.parse(output('get', 'pods', '-n', 'legacy-apps', '-o', 'json')) as { items: Pod[] };
  for (const { metadata, spec } of items.filter((pod) => pod.metadata.deletionTimestamp === undefined)) {
    const names = [...spec.containers, ...(spec.initContainers ?? [])].map((container) => container.name);
    if (names.includes('istio-proxy') !== expected)
      throw new Error(
        `pod ${metadata.name} has the containers ${names.join(', ')}; istio-proxy ${expected ? 'is missing' : 'is still there'}`,
      );
  }
}

/** A request from an ambient pod to the server that is migrated. */
function request(): void {
  kubectl(
    'exec',
    '-n',
    'ambient-apps',
    'deployment/sleep-ambient',
    '--',
    'curl',
    '-sSf',
    '--retry',
    '5',
    '--retry-all-errors',
    '-o',
    '/dev/null',
    'http://httpbin-legacy.legacy-apps:8000/headers',
  );
}

function kubectl(...args: string[]): void {
  run('kubectl', ...args);
}

function apply(yaml: string): void {
  console.log('$ make manifests | kubectl apply --server-side -f -');
  execFileSync('kubectl', ['apply', '--server-side', '-f', '-'], {
    ...options(),
    input: yaml,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

function output(...args: string[]): string {
  return execFileSync('kubectl', args, { ...options(), encoding: 'utf8' }).trim();
}

function run(command: string, ...args: string[]): void {
  console.log(`$ ${command} ${args.join(' ')}`);
  execFileSync(command, args, { ...options(), stdio: 'inherit' });
}

function options(): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd: ROOT, env: { ...process.env, KUBECONFIG } };
}

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
