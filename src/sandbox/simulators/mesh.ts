import { systemClock, type Clock } from '../../clock.js';
import { Client } from '../../kube/client.js';
import type { Connection } from '../../kube/connection.js';
import type { Logger } from '../../log.js';
import { selfSignedCertificate } from '../api-server/http/certificate.js';
import { CniAgent } from './cni-agent.js';
import { Informers } from './informers.js';
import { IstiodProgram } from './istiod/istiod-program.js';
import { Kubelet, type KubeletOptions } from './kubelet/kubelet.js';
import { Scheduler } from './kube-scheduler/scheduler.js';
import { installMesh } from './mesh-install.js';
import { createNodes } from './nodes.js';

/** What {@link startMesh} needs. */
export interface MeshOptions {
  /** How each program reaches the API server, as somebody who may do everything. */
  connection: Connection;
  clock: Clock;
  log: Logger;
  /** Makes what is left to chance reproducible. Default: 1. */
  seed?: number;
  /** Numbers in [0, 1) for the clients' jitter. Default: `Math.random`. */
  random?: () => number;
  /** How many nodes. Default: 2. */
  nodes?: number;
  /** How long kubelets take. Default: no time. */
  delays?: KubeletOptions['delays'];
}

/** A program that can be ended, as if it were killed, and started again. */
export interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Programs of the mesh and of its nodes. */
export interface Mesh {
  /** http URL of istiod's port for debugging, without a slash at the end. */
  readonly istiodUrl: string;
  /** istiod: webhooks, controllers, port for debugging. */
  readonly istiod: Program;
  /** Only its webhooks. */
  readonly injector: Program;
  readonly cniAgent: Program;
  readonly scheduler: Program;
  readonly kubelet: Program;
}

/**
 * Adds nodes and Istio (profile `ambient`) to a cluster, and runs what runs them until `signal` is aborted: scheduler,
 * kubelets, the CNI agent, istiod. Resolves when istiod is ready; its DaemonSets need their controller, and may take a
 * moment longer.
 */
export async function startMesh(options: MeshOptions, signal: AbortSignal): Promise<Mesh & { ended: Promise<void> }> {
  const { connection, clock, log, seed = 1, random = Math.random, nodes = 2, delays } = options;
  const clientOf = (userAgent: string): Client => new Client({ connection, clock, log, userAgent, random });
  // TLS goes by the machine's time, whatever the cluster's clock says.
  const certificate = await selfSignedCertificate([], systemClock.now());
  const istiod = new IstiodProgram({ client: clientOf('pilot-discovery'), clock, log, certificate });
  const scheduler = looping((client, informers) => new Scheduler({ client, clock, log, informers, seed }), {
    client: clientOf('kube-scheduler'),
    clock,
    log,
  });
  const kubelet = looping(
    (client, informers) => new Kubelet({ client, clock, log, informers, seed, ...(delays && { delays }) }),
    { client: clientOf('kubelet'), clock, log },
  );
  const cniAgent = running((ending) => {
    const agent = new CniAgent({ client: clientOf('istio-cni'), clock, log });
    return { ended: agent.run(ending), ready: agent.whenSynced() };
  });
  const programs = [istiod, scheduler, kubelet, cniAgent];
  const ended = new Promise<void>((resolve, reject) => {
    const end = (): void => void Promise.all(programs.map((program) => program.stop())).then(() => resolve(), reject);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

  await istiod.listen();
  const admin = clientOf('helm');
  await Promise.all([createNodes(admin, nodes, clock.now()), installMesh(admin, clock, istiod.webhooks.url)]);
  await Promise.all(programs.map((program) => program.start()));
  return { istiodUrl: istiod.debugUrl, istiod, injector: istiod.webhooks, cniAgent, scheduler, kubelet, ended };
}

interface Started {
  ended: Promise<unknown>;
  ready: Promise<unknown>;
}

/** A program made anew for each start. */
function running(begin: (ending: AbortSignal) => Started): Program {
  let current: { ending: AbortController; ended: Promise<unknown> } | undefined;
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

/** A program that works on what its own caches tell it. */
function looping(
  make: (client: Client, informers: Informers) => { stop(): void },
  options: { client: Client; clock: Clock; log: Logger },
): Program {
  return running((ending) => {
    const informers = new Informers(options);
    const loop = make(options.client, informers);
    ending.addEventListener('abort', () => loop.stop(), { once: true });
    return { ended: informers.run(ending), ready: informers.whenSynced() };
  });
}
