import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '../../src/kube/client.js';
import { DAEMON_SET } from '../../src/kube/types.js';
import type { Connection } from '../../src/kube/connection.js';
import { kubeconfig } from '../../src/sandbox/kubeconfig.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { type Activity, SimulatedClock } from '../../src/sandbox/simulated-clock.js';
import { kubectl } from '../controlplane/kubectl.js';
import { type AuditEntry, OPERATOR_USER } from './audit.js';
import type { ClusterBackend, InProcessBackend, Time } from './cluster.js';
import { laggingWatches } from './lagging-connection.js';
import { InProcessOperator } from './in-process-operator.js';
import { installOperator } from './install-operator.js';
import { kubectlBinary } from './kubectl-binary.js';
import { OperatorProcess } from './operator.js';
import { realTime } from './real-time.js';

/** How long a kubectl may take before it counts as waiting for something in the cluster, real ms. */
const KUBECTL_PATIENCE_MS = 3_000;

/**
 * How late simulated controllers, nodes and Istio hear of a change, simulated ms. Real ones take as long, so the operator is never answered
 * in the very pass that asks.
 */
const REACTION_MS = 50;

/** A sandbox on simulated time, and what campaigns need besides a cluster. */
export interface SimulatedBackend extends InProcessBackend {
  readonly sandbox: Sandbox;
  readonly clock: SimulatedClock;
}

/**
 * The sandbox on simulated time, with the operator in this process.
 *
 * @param options.dir  folder for everything of it
 */
export async function simulatedBackend({ dir }: { dir: string }): Promise<SimulatedBackend> {
  // kubectl shows ages by the machine's time.
  const clock = new SimulatedClock({ startMs: Math.floor(Date.now() / 1_000) * 1_000 });
  const time = simulatedTime(clock);
  const sandbox = await startOnSimulatedTime({ dir, clock });
  const token = await time.during('the installation', installOperator(sandbox.connection(), time));
  await meshReady(sandbox, time);
  const operator = (name?: string): InProcessOperator =>
    new InProcessOperator({ dir, connection: sandbox.connection(token), time, ...(name !== undefined && { name }) });
  const first = operator();
  return {
    ...partsOf(sandbox, dir),
    time,
    sandbox,
    clock,
    operator: first,
    secondOperator: async (name) => operator(name),
    kubectl: async (args) => whileTimeStands(clock, runKubectl(sandbox, args)),
    killOperatorAfter: (moment) => time.during('the moment to kill', crashAfter(sandbox, first, moment)),
  };
}

/**
 * The sandbox on the machine's time, with the bundled operator in a process of its own.
 *
 * @param options.dir  folder for everything of it
 * @param options.log  told of each step
 * @param options.operatorArgs  options of Node for the operator
 */
export async function realTimeBackend(options: {
  dir: string;
  operatorArgs?: readonly string[];
  log?: (line: string) => void;
}): Promise<ClusterBackend> {
  const { dir, log, operatorArgs = [] } = options;
  const sandbox = await startSandbox({ dir });
  log?.(`embedded cluster started: ${sandbox.server}`);
  const path = join(dir, 'operator.kubeconfig');
  writeFileSync(path, await operatorKubeconfig(sandbox), { mode: 0o600 });
  log?.('Sidestep applied');
  await meshReady(sandbox, realTime);
  log?.('mesh ready');
  const operator = await OperatorProcess.create({ dir, kubeconfig: path, operatorArgs });
  return {
    ...partsOf(sandbox, dir),
    time: realTime,
    operator,
    secondOperator: (name) => OperatorProcess.create({ dir, kubeconfig: path, name }),
    kubectl: (args) => runKubectl(sandbox, args),
    killOperatorAfter: async () => {
      throw new Error('a process cannot be killed between two of its requests');
    },
  };
}

function partsOf(
  sandbox: Sandbox,
  dir: string,
): Omit<ClusterBackend, 'time' | 'operator' | 'secondOperator' | 'kubectl' | 'killOperatorAfter'> {
  const { apiServer, istiod, istiodUrl } = sandbox;
  const port = Number(new URL(sandbox.server).port);
  return {
    kind: 'sandbox',
    dir,
    connection: sandbox.connection(),
    apiServer: {
      kill: () => apiServer.close(),
      start: async () => void (await apiServer.listen(port)),
    },
    istiod: {
      kill: () => istiod.stop(),
      start: () => istiod.start(),
    },
    istiodUrl,
    audit: () => [...apiServer.requests.entries()],
    stop: () => sandbox.stop(),
  };
}

/** Waits until ztunnel and the CNI agent run on every node. */
async function meshReady(sandbox: Sandbox, time: Time): Promise<void> {
  const client = new Client({ connection: sandbox.connection(), clock: time });
  await time.until('the mesh is ready', async () => {
    const { items } = await client.list(DAEMON_SET, { namespace: 'istio-system' });
    const isReady = items.every(
      ({ status }) => status?.numberReady && status.numberReady === status.desiredNumberScheduled,
    );
    return (items.length > 0 && isReady) || undefined;
  });
  client.close();
}

/** Starts a sandbox on a simulated clock. Certificates and ports take real time, so time runs along slowly until all is there. */
export function startOnSimulatedTime(options: { dir: string; clock: SimulatedClock; seed?: number }): Promise<Sandbox> {
  const { clock } = options;
  const onActivity = (activity: Activity): void => void clock.observe(activity);
  const asSimulatorsReach = (connection: Connection): Connection => laggingWatches(connection, clock, REACTION_MS);
  return runAlong(clock, startSandbox({ ...options, onActivity, asSimulatorsReach }), { stepMs: 20, everyMs: 1 });
}

function simulatedTime(clock: SimulatedClock): Time {
  return {
    now: () => clock.now(),
    uptime: () => clock.uptime(),
    schedule: (delayMs, callback) => clock.schedule(delayMs, callback),
    until: (what, look, { timeoutMs = 30_000 } = {}) => clock.runUntil(what, look, { timeoutMs }),
    sleep: (ms) => clock.advance(ms),
    during: (what, work) => clock.runWhile(what, work),
  };
}

/** Kills the operator when the API server has carried out the request that is the moment, before the answer is sent. */
function crashAfter(
  { apiServer }: Sandbox,
  operator: InProcessOperator,
  moment: (entry: AuditEntry) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const forget = apiServer.requests.onEntry((entry) => {
      if (entry.user.username !== OPERATOR_USER || !moment(entry)) return;
      forget();
      operator.crash();
      resolve();
    });
  });
}

async function runKubectl({ kubeconfig }: Sandbox, args: readonly string[]): Promise<string> {
  return kubectl({ kubectl: await kubectlBinary(), kubeconfig }, args);
}

/** Time stands still while a process works, for it can be as slow as it likes; unless it waits for something. */
async function whileTimeStands<T>(clock: SimulatedClock, work: Promise<T>): Promise<T> {
  const patience = new AbortController();
  const ended = work.then(
    () => patience.abort(),
    () => patience.abort(),
  );
  await Promise.race([
    ended,
    delay(KUBECTL_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  return runAlong(clock, work, { stepMs: 100, everyMs: 20 });
}

/** Lets simulated time run by `stepMs` every `everyMs` real milliseconds until `work`, which takes real time, has ended. */
async function runAlong<T>(
  clock: SimulatedClock,
  work: Promise<T>,
  { stepMs, everyMs }: { stepMs: number; everyMs: number },
): Promise<T> {
  let ended = false;
  const end = (): void => void (ended = true);
  work.then(end, end);
  for (await delay(0); !ended; await delay(everyMs)) await clock.advance(stepMs);
  return work;
}

/** Installs what the operator needs; a kubeconfig of its ServiceAccount. */
async function operatorKubeconfig(sandbox: Sandbox): Promise<string> {
  const { server, certificateAuthority } = sandbox;
  const token = await installOperator(sandbox.connection(), realTime);
  return kubeconfig({ server, certificateAuthority, user: 'sidestep-system/sidestep', token });
}
