import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { type AdminApi, adminApi } from './admin-api.js';
import { build } from './build.js';
import { Component } from './component.js';
import { componentSpecs, takeAddresses } from './components.js';
import { makeCredentials, writeKubeconfig } from './credentials.js';
import { reservePorts } from './ports.js';
import { Watchdog } from './watchdog.js';

const names = ['etcd', 'kube-apiserver'] as const;

/** An API server with nothing beside it but etcd. */
export interface ApiServer {
  /** https URL. */
  readonly server: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly api: AdminApi;
  /** Kubeconfig of the administrator. */
  readonly kubeconfig: string;
  pid(name: (typeof names)[number]): number;
  /** Ends both programs and waits until they are gone; logs stay. Calling it twice does no harm. */
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver on free ports of 127.0.0.1, without audit log: where controllers are measured, nobody else
 * should work. However the calling process ends, nothing stays running.
 *
 * @param options.dir  for everything of it; made if missing. Data in it from an earlier one is removed
 * @throws {GoMissingError} when programs must be built first and Go is missing
 * @throws {Error} when a program does not become ready; logs stay in `dir/logs`
 */
export async function startApiServer(options: { dir: string; log?: (line: string) => void }): Promise<ApiServer> {
  const { dir, log = () => undefined } = options;
  const binaries = await build({ log, only: ['etcd', 'kubernetes'] });
  for (const name of [...names, 'credentials', 'logs']) rmSync(join(dir, name), { recursive: true, force: true });
  mkdirSync(join(dir, 'logs'), { recursive: true });
  const credentials = await makeCredentials(join(dir, 'credentials'));
  const ports = await reservePorts();
  const addresses = takeAddresses(ports);
  const server = `https://127.0.0.1:${addresses.apiServer}`;
  const api = adminApi(server, credentials.tokens.admin);
  const kubeconfig = join(dir, 'kubeconfig');
  const specs = componentSpecs({
    dir,
    binaries,
    credentials,
    addresses,
    stages: '',
    cniAgent: '',
    audit: false,
    goEnvironment: {},
    apiServerFlags: [],
    kubeconfig: () => kubeconfig,
    api,
  });
  const watchdog = new Watchdog(dir);
  const components = new Map(names.map((name) => [name, new Component(specs[name], watchdog, log)]));
  let stopped: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    await Promise.all([...components.values()].map((component) => component.kill()));
    await watchdog.stop();
    api.close();
    ports.release();
    rmSync(join(dir, 'etcd'), { recursive: true, force: true });
  };
  const stop = (): Promise<void> => (stopped ??= end());
  try {
    await Promise.all([...components.values()].map((component) => component.start()));
  } catch (error) {
    await stop();
    throw new Error(`the API server did not come up; logs are in ${join(dir, 'logs')}`, { cause: error });
  }
  // kube-apiserver makes its own serving certificate and puts the signing one behind it into the same file.
  const ca = readFileSync(join(dir, 'kube-apiserver', 'certificates', 'apiserver.crt'), 'utf8');
  writeKubeconfig(kubeconfig, { server, ca, user: 'admin', token: credentials.tokens.admin });
  return {
    server,
    port: addresses.apiServer,
    ca,
    api,
    kubeconfig,
    pid: (name) => components.get(name)?.pid ?? fail(`${name} does not run`),
    stop,
  };
}

function fail(message: string): never {
  throw new Error(message);
}
