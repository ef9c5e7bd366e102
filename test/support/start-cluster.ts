import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type ClusterKind, type InProcessBackend } from './cluster.js';

/** How a cluster is made. */
export interface StartOptions {
  readonly kind: ClusterKind;
  /** For the sandbox: on the machine's time, with the bundled operator in a process of its own. Default: simulated time. */
  readonly realTime?: boolean;
  /** Told of each step. */
  readonly log?: (line: string) => void;
  /** Options of Node for the operator, where it is a process of its own. */
  readonly operatorArgs?: readonly string[];
}

/**
 * Starts a cluster of either kind in a temporary folder. Each kind loads only what it needs.
 *
 * @throws {GoMissingError} the real one must be built first, and Go is missing
 */
export async function startCluster({ kind, realTime = false, log, operatorArgs = [] }: StartOptions): Promise<Cluster> {
  const options = { dir: newFolder(), operatorArgs, ...(log && { log }) };
  if (kind === 'controlplane') {
    const { controlPlaneBackend } = await import('./control-plane-backend.js');
    return new Cluster(await controlPlaneBackend(options));
  }
  const { realTimeBackend, simulatedBackend } = await import('./sandbox-backend.js');
  return new Cluster(await (realTime ? realTimeBackend(options) : simulatedBackend(options)));
}

/**
 * Starts a cluster of either kind in a temporary folder, with operators in this process. The sandbox is on simulated time.
 *
 * @throws {GoMissingError} the real one must be built first, and Go is missing
 */
export async function startInProcess(kind: ClusterKind): Promise<InProcessBackend> {
  const options = { dir: newFolder() };
  if (kind === 'controlplane')
    return (await import('./control-plane-backend.js')).inProcessControlPlaneBackend(options);
  return (await import('./sandbox-backend.js')).simulatedBackend(options);
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'sidestep-'));
