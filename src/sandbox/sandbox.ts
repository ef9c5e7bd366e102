import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.js';
import { Client } from '../kube/client.js';
import type { Connection } from '../kube/connection.js';
import { type Logger, silentLogger } from '../log.js';
import { bootstrap } from './api-server/bootstrap.js';
import { selfSignedCertificate } from './api-server/http/certificate.js';
import { RandomNames } from './api-server/random.js';
import { newApiServer } from './api-server/new-api-server.js';
import type { ApiServer } from './api-server/server.js';
import { inProcessConnection } from './in-process-connection.js';
import { kubeconfig } from './kubeconfig.js';
import { runControllers } from './simulators/kube-controller-manager/controllers.js';
import { type Program, startPrograms } from './simulators/programs.js';
import type { Activity } from './simulated-clock.js';

/** What an embedded cluster is made from. */
export interface SandboxOptions {
  /** Folder for the kubeconfig; must exist. */
  dir: string;
  /** Drives the API server and every simulator. Default: the machine's time. */
  clock?: Clock;
  /** Makes names and the order of simultaneous events reproducible. Default: 1. */
  seed?: number;
  log?: Logger;
  /** Port on 127.0.0.1; default: a free one. */
  port?: number;
  /** How many nodes. Default: 2. */
  nodes?: number;
  /** How simulated controllers, nodes and Istio reach the API server; default: by the connection as it is, at once. */
  asSimulatorsReach?: (connection: Connection) => Connection;
  /** Told what is under way in the API server before anything is; a simulated clock observes it. */
  onActivity?: (activity: Activity) => void;
}

/** A running embedded cluster. */
export interface Sandbox {
  /** https URL of the API server. */
  readonly server: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** PEM of the certificate by which the API server's is checked. */
  readonly certificateAuthority: string;
  /** http URL of istiod's port for debugging, without a slash at the end. */
  readonly istiodUrl: string;
  /** The API server itself: request log, faults, pause, end and restart. */
  readonly apiServer: ApiServer;
  /** istiod with its webhooks; can be ended and started again. */
  readonly istiod: Program;
  /** The CNI agent on all nodes. */
  readonly cniAgent: Program;
  /** A connection without network, of the administrator or of the owner of `token`. */
  connection(token?: string): Connection;
  stop(): Promise<void>;
}

/**
 * Starts an API server on 127.0.0.1 with simulated controllers, nodes and Istio (profile `ambient`) beside it, all in this
 * process. Resolves when istiod serves; the DaemonSets of the mesh take a moment longer.
 *
 * @throws {Error} the port is taken
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dir, clock = systemClock, seed = 1, log = silentLogger, port, nodes = 2 } = options;
  const { asSimulatorsReach = (connection: Connection) => connection } = options;
  // TLS goes by the machine's time, whatever the cluster's clock says.
  const certificate = await selfSignedCertificate(systemClock.now());
  const tokens = { admin: newToken(), 'system:kube-controller-manager': newToken() };
  const apiServer = newApiServer({ clock, seed, log, certificate, tokens });
  options.onActivity?.(apiServer.activity);
  await bootstrap(apiServer.operations);
  // Nobody can know a version from before there was anybody.
  apiServer.compact();
  const server = await apiServer.listen(port);

  const connection = (token = tokens.admin): Connection => inProcessConnection(apiServer, { token });
  const stopping = new AbortController();
  const jitter = new RandomNames(seed + 2);
  const random = (): number => jitter.fraction();
  const client = new Client({
    connection: asSimulatorsReach(connection(tokens['system:kube-controller-manager'])),
    clock,
    log,
    userAgent: 'kube-controller-manager',
    random,
  });
  const rootCertificate = certificate.certificate;
  const controllers = runControllers({ client, clock, log, rootCertificate }, stopping.signal);
  const programs = await startPrograms(
    { connection: asSimulatorsReach(connection()), clock, log, seed, random, nodes },
    stopping.signal,
  );

  const path = join(dir, 'kubeconfig');
  const content = { server, certificateAuthority: rootCertificate, user: 'admin', token: tokens.admin };
  writeFileSync(path, kubeconfig(content), { mode: 0o600 });
  return {
    server,
    kubeconfig: path,
    certificateAuthority: rootCertificate,
    istiodUrl: programs.istiodUrl,
    apiServer,
    istiod: programs.istiod,
    cniAgent: programs.cniAgent,
    connection,
    async stop() {
      stopping.abort();
      await Promise.all([controllers, programs.ended]);
      await apiServer.close();
    },
  };
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}
