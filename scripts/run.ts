/**
 * `make run`: the bundled operator, outside the cluster, against $KUBECONFIG. It runs as its own ServiceAccount if
 * `operator.kubeconfig` lies beside that file (`make controlplane-up` writes one), else as the user of that file.
 *
 * AS_ADMIN=1  always as the user of $KUBECONFIG
 * INSTALL=1   first applies CRDs, ServiceAccount and RBAC, as the user of $KUBECONFIG
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { AMBIENT_MIGRATION } from '../src/api/ambient-migration.js';
import { systemClock } from '../src/clock.js';
import { type Config, readConfig } from '../src/config.js';
import { manifests } from '../src/install.js';
import { Client } from '../src/kube/client.js';
import { connectionFromKubeConfig } from '../src/kube/connection.js';
import { TransportError, isNotFound } from '../src/kube/errors.js';
import { apiVersionOf } from '../src/kube/resource.js';
import { Watchdog } from '../test/controlplane/watchdog.js';
import { KindNotServedError, applyYaml } from './apply-yaml.js';

const BUNDLE = fileURLToPath(new URL('../dist/main.cjs', import.meta.url));
const HOW_TO_GET_A_CLUSTER =
  'start one with `make controlplane-up`, then: export KUBECONFIG=.sidestep/controlplane/kubeconfig';
const FIELD_MANAGER = 'sidestep-install';

async function main(): Promise<number> {
  const config = readConfig();
  const kubeconfig = existingKubeconfig(config);
  if (!existsSync(BUNDLE)) throw new Error('dist/main.cjs is missing: make build');
  if (isSet('INSTALL')) await withClient(kubeconfig, (client) => install(client, config));
  const own = operatorKubeconfig(kubeconfig);
  await withClient(own ?? kubeconfig, checkCluster);
  return runOperator(own ?? kubeconfig);
}

/** `KUBECONFIG`, which may name several files. */
function existingKubeconfig({ kubeconfig }: Config): string {
  if (kubeconfig === undefined)
    throw new Error(`KUBECONFIG is not set, and says which cluster is meant: ${HOW_TO_GET_A_CLUSTER}`);
  const missing = kubeconfig.split(delimiter).find((file) => !existsSync(file));
  if (missing !== undefined)
    throw new Error(`KUBECONFIG names ${missing}, which is not there: ${HOW_TO_GET_A_CLUSTER}`);
  return kubeconfig;
}

/** The operator's own kubeconfig, if there is one and it is wanted. */
function operatorKubeconfig(kubeconfig: string): string | undefined {
  if (isSet('AS_ADMIN')) return undefined;
  const own = join(dirname(kubeconfig.split(delimiter)[0] ?? ''), 'operator.kubeconfig');
  return existsSync(own) ? own : undefined;
}

async function withClient(kubeconfig: string, use: (client: Client) => Promise<void>): Promise<void> {
  const connection = connectionFromKubeConfig({ kubeconfig });
  const client = new Client({ connection, userAgent: 'sidestep-run' });
  try {
    await use(client);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new Error(
      `${connection.server} does not answer (${error.message}); if it has ended, ${HOW_TO_GET_A_CLUSTER}`,
      { cause: error },
    );
  } finally {
    client.close();
  }
}

/** Applies what the operator needs outside the cluster: everything that `make manifests` prints but the Deployment. */
async function install(client: Client, config: Config): Promise<void> {
  const yaml = manifests({
    image: 'none',
    namespace: config.leaseNamespace,
    istioNamespace: config.istioNamespace,
    withoutDeployment: true,
  });
  const objects = parseAllDocuments(yaml).length;
  await applyYaml(yaml, {
    client,
    clock: systemClock,
    fieldManager: FIELD_MANAGER,
    signal: AbortSignal.timeout(60_000),
  }).catch((error: unknown) => {
    if (!(error instanceof KindNotServedError)) throw error;
    throw new Error(`${error.message}: Sidestep needs Kubernetes 1.30 or newer`, { cause: error });
  });
  console.log(
    `installed: ${objects} objects (CRDs, ServiceAccount, RBAC), operator namespace ${config.leaseNamespace}`,
  );
}

async function isServed(client: Client): Promise<boolean> {
  try {
    await client.getJson(`/apis/${apiVersionOf(AMBIENT_MIGRATION)}`);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function checkCluster(client: Client): Promise<void> {
  if (!(await isServed(client)))
    throw new Error(
      'Sidestep is not installed in this cluster: run `make run INSTALL=1`, which applies its CRDs and RBAC first',
    );
}

/** Runs the bundle until it ends, or until we are told to end; returns its exit code. */
async function runOperator(kubeconfig: string): Promise<number> {
  console.log(`kubeconfig: ${kubeconfig.split(delimiter).map(shown).join(delimiter)}`);
  console.log(`user: ${userOf(kubeconfig)}`);
  console.log('operator: dist/main.cjs, until Ctrl-C');
  const watchdog = new Watchdog('make run');
  const child = spawn(process.execPath, ['--enable-source-maps', BUNDLE], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'inherit', 'inherit'],
    // A group of its own: Ctrl-C at a terminal goes to a whole group, with ours it would come twice, and the second one
    // ends the operator in the middle of its drain.
    detached: true,
  });
  if (child.pid !== undefined) watchdog.add(child.pid);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  process.on('SIGHUP', () => child.kill('SIGTERM'));
  whenMakeIsGone(() => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (child.pid !== undefined) watchdog.remove(child.pid);
  await watchdog.stop();
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

/** make that is killed does not tell its children. */
function whenMakeIsGone(end: () => void): void {
  const parent = process.ppid;
  if (process.env['MAKELEVEL'] !== undefined) setInterval(() => process.ppid === parent || end(), 500).unref();
}

/** Who the kubeconfig's current context is, for people. */
function userOf(kubeconfig: string): string {
  type Named = { name: string; context?: { user?: string } };
  type KubeConfig = { 'current-context'?: string; contexts?: Named[] } | null;
  const files = kubeconfig.split(delimiter).map((file) => parse(readFileSync(file, 'utf8')) as KubeConfig);
  const current = files.map((file) => file?.['current-context']).find((name) => name);
  return files.flatMap((file) => file?.contexts ?? []).find(({ name }) => name === current)?.context?.user ?? 'unknown';
}

function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

function isSet(variable: 'INSTALL' | 'AS_ADMIN'): boolean {
  return !['', '0', 'false', undefined].includes(process.env[variable]);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
