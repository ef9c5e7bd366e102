import { systemClock, type Clock } from '../../clock.js';
import { Client } from '../../kube/client.js';
import type { Connection } from '../../kube/connection.js';
import type { Logger } from '../../log.js';
import { selfSignedCertificate } from '../api-server/http/certificate.js';
import { CniAgent } from './cni-agent/cni-agent.js';
import { installIstio } from './istiod/install.js';
import { IstiodProgram } from './istiod/istiod-program.js';
import { Scheduler } from './kube-scheduler/scheduler.js';
import { Kubelet } from './kubelet/kubelet.js';
import { createNodes } from './nodes.js';

/** What {@link startPrograms} needs. */
export interface ProgramsOptions {
  /** How each program reaches the API server, as somebody who may do everything. */
  connection: Connection;
  clock: Clock;
  log: Logger;
  /** Makes what is left to chance reproducible. */
  seed: number;
  /** Numbers in [0, 1) for the clients' jitter. */
  random: () => number;
  /** How many nodes. */
  nodes: number;
}

/** A program that can be ended, as if it were killed, and started again. */
export interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Programs at work. */
export interface Programs {
  /** http URL of istiod's port for debugging, without a slash at the end. */
  readonly istiodUrl: string;
  /** istiod: webhooks, controllers, port for debugging. */
  readonly istiod: Program;
  readonly cniAgent: Program;
  /** Resolves after the signal has been aborted and all have ended. */
  readonly ended: Promise<unknown>;
}

/**
 * Adds nodes and Istio (profile `ambient`) to a cluster, and runs scheduler, kubelets, the CNI agent and istiod until
 * `signal` is aborted. Resolves when istiod is ready; its DaemonSets need their controller, and may take a moment longer.
 */
export async function startPrograms(options: ProgramsOptions, signal: AbortSignal): Promise<Programs> {
  const { connection, clock, log, seed, random, nodes } = options;
  const clientOf = (userAgent: string): Client => new Client({ connection, clock, log, userAgent, random });
  // TLS goes by the machine's time, whatever the cluster's clock says.
  const certificate = await selfSignedCertificate(systemClock.now());
  const istiod = new IstiodProgram({ client: clientOf('pilot-discovery'), clock, log, certificate });
  const cniAgent = restartable((ending) => {
    const agent = new CniAgent({ client: clientOf('istio-cni'), clock, log });
    return { ended: agent.run(ending), ready: agent.whenSynced() };
  });

  await istiod.listen();
  const admin = clientOf('helm');
  await Promise.all([createNodes(admin, nodes, clock.now()), installIstio(admin, clock, istiod.webhooksUrl)]);

  const scheduler = new Scheduler({ client: clientOf('kube-scheduler'), clock, log, seed });
  const kubelet = new Kubelet({ client: clientOf('kubelet'), clock, log });
  const running = [scheduler.run(signal), kubelet.run(signal)];
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const ended = aborted.then(() => Promise.all([istiod.stop(), cniAgent.stop(), ...running]));
  await Promise.all([istiod.start(), scheduler.whenSynced(), kubelet.whenSynced(), cniAgent.start()]);
  return { istiodUrl: istiod.debugUrl, istiod, cniAgent, ended };
}

/** A program made anew for each start. */
function restartable(begin: (ending: AbortSignal) => { ended: Promise<void>; ready: Promise<void> }): Program {
  let current: { ending: AbortController; ended: Promise<void> } | undefined;
  return {
    async start() {
      if (current !== undefined) return;
      const ending = new AbortController();
      const { ended, ready } = begin(ending.signal);
      current = { ending, ended };
      await ready;
    },
    async stop() {
      const stopping = current;
      current = undefined;
      stopping?.ending.abort();
      await stopping?.ended;
    },
  };
}
