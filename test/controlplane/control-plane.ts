import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { type AdminApi, adminApi } from './admin-api.js';
import { apply, type Manifest } from './apply.js';
import { build } from './build.js';
import { bundleCniAgent } from './cni-agent-bundle.js';
import { Component } from './component.js';
import {
  type Addresses,
  auditLogPath,
  type ComponentName,
  componentNames,
  componentSpecs,
  istiodOfRevision,
  type Setup,
  takeAddresses,
  takeIstiodAddresses,
} from './components.js';
import { type Credentials, makeCredentials, type User, users, writeKubeconfig } from './credentials.js';
import { type Inputs, inputs, revisionInputs, webhookUrlPlaceholder } from './inputs.js';
import { installOperator, operatorAccount, operatorToken } from './install.js';
import { nodes } from './nodes.js';
import { type Ports, reservePorts } from './ports.js';
import { whenMeshIsReady } from './readiness.js';
import { Watchdog } from './watchdog.js';

export interface ControlPlaneOptions {
  /** Folder for everything of this control plane; made if missing. Data in it from an earlier one is removed. */
  dir: string;
  log?: (line: string) => void;
  /** Whether the API server writes an audit log (true). */
  audit?: boolean;
  /** Number of kwok nodes (2). */
  nodes?: number;
  /** More flags of kube-apiserver, such as `--watch-cache=false`. */
  apiServerFlags?: readonly string[];
}

/** One program of a running control plane. */
export interface ComponentControl {
  /** Ends it (SIGKILL unless told otherwise) and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, same ports, same data, and waits until it is ready. kwok must not be started twice: its address pool would begin anew. */
  start(): Promise<void>;
  /** Holds it where it is: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Path of its log. */
  readonly log: string;
  /** Process id while it runs. */
  readonly pid: number | undefined;
}

/** A running control plane. */
export interface ControlPlane {
  readonly dir: string;
  /** https URL of the API server. */
  readonly server: string;
  /** Kubeconfig of the administrator. */
  readonly kubeconfig: string;
  /** Kubeconfig of the operator's ServiceAccount. */
  readonly operatorKubeconfig: string;
  /** http URL of istiod's debug port, without a slash at the end. */
  readonly istiodUrl: string;
  /** http URL at which istiod serves proxies without TLS, and so without asking who they are; without a slash at the end. */
  readonly istiodXdsUrl: string;
  /** http URL of etcd, without a slash at the end. */
  readonly etcdUrl: string;
  /** File with one JSON line per request, absent when auditing is off. */
  readonly auditLog: string;
  /** Path of a kubectl of the same version. */
  readonly kubectl: string;
  component(name: ComponentName): ComponentControl;
  /**
   * Starts one more istiod of a revision of its own, once at most, with its ConfigMaps and webhooks beside the first's, and waits
   * until it serves. It ends with the control plane.
   *
   * @param values  values of its chart, such as `global.tag`
   */
  startRevision(revision: string, values?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends every program and waits until all are gone; logs, kubeconfigs and the audit log stay. Calling it twice does no harm. */
  stop(): Promise<void>;
}

/**
 * Memory for time: a program in Go that collects garbage when its heap has grown fivefold needs a fifth less CPU time for the same
 * tests. Beyond the limit it collects as often as it must.
 *
 * @see https://go.dev/doc/gc-guide
 */
const COLLECT_LESS = { GOGC: '400', GOMEMLIMIT: '1500MiB' };

/**
 * Starts the real programs (etcd, kube-apiserver, controllers, scheduler, kwok, istiod, CNI agent stand-in) on free ports
 * of 127.0.0.1, installs Istio (profile ambient) and Sidestep's CRDs and RBAC, and waits until the mesh works.
 *
 * However the calling process ends, SIGKILL included, nothing stays running.
 *
 * @throws {GoMissingError} when programs must be built first and Go is missing
 * @throws {Error} when a program does not become ready; what ran is ended, logs stay in `dir/logs`
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const log = options.log ?? (() => undefined);
  const binaries = await build({ log });
  const rendered = await inputs(binaries);
  const instance = await prepare(options, rendered);
  const setup: Setup = {
    dir: options.dir,
    binaries,
    credentials: instance.credentials,
    addresses: instance.addresses,
    stages: rendered.stages,
    cniAgent: instance.cniAgent,
    audit: options.audit ?? true,
    goEnvironment: COLLECT_LESS,
    apiServerFlags: options.apiServerFlags ?? [],
    kubeconfig: instance.userKubeconfig,
    api: instance.api,
  };
  const specs = componentSpecs(setup);
  const watchdog = new Watchdog(options.dir);
  const components = new Map<string, Component>(
    componentNames.map((name) => [name, new Component(specs[name], watchdog, log)]),
  );
  const stop = stopOnce(components, watchdog, instance);
  try {
    await bringUp(instance, components, log);
  } catch (error) {
    await stop();
    throw new Error(`the control plane did not come up; logs are in ${join(options.dir, 'logs')}`, { cause: error });
  }
  return {
    dir: options.dir,
    server: instance.server,
    kubeconfig: instance.userKubeconfig('admin'),
    operatorKubeconfig: join(options.dir, 'operator.kubeconfig'),
    istiodUrl: `http://127.0.0.1:${instance.addresses.istiodMonitoring}`,
    istiodXdsUrl: `http://127.0.0.1:${instance.addresses.istiodGrpc}`,
    etcdUrl: `http://127.0.0.1:${instance.addresses.etcd}`,
    auditLog: auditLogPath(options.dir),
    kubectl: binaries.kubectl,
    component: (name) => componentOf(components, name),
    startRevision: async (revision, values = {}) => {
      const addresses = { ...instance.addresses, ...takeIstiodAddresses(instance.ports) };
      const objects = await revisionInputs(binaries, revision, values);
      await apply(instance.api, withWebhooksAt(addresses.istiodWebhook, objects));
      const istiod = new Component(istiodOfRevision({ ...setup, addresses }, revision), watchdog, log);
      components.set(`istiod-${revision}`, istiod);
      await istiod.start();
    },
    stop,
  };
}

function componentOf(components: ReadonlyMap<string, Component>, name: ComponentName): Component {
  const component = components.get(name);
  if (component === undefined) throw new Error(`a control plane has no program ${name}`);
  return component;
}

/** What exists before the first program runs. */
interface Instance {
  dir: string;
  nodes: number;
  addresses: Addresses;
  ports: Ports;
  credentials: Credentials;
  cniAgent: string;
  server: string;
  api: AdminApi;
  inputs: Inputs;
  userKubeconfig: (user: User) => string;
}

async function prepare(options: ControlPlaneOptions, rendered: Inputs): Promise<Instance> {
  const { dir } = options;
  for (const name of ['etcd', 'kube-apiserver', 'credentials', 'logs', 'audit.jsonl'])
    rmSync(join(dir, name), { recursive: true, force: true });
  mkdirSync(join(dir, 'logs'), { recursive: true });
  const credentials = await makeCredentials(join(dir, 'credentials'));
  const cniAgent = await bundleCniAgent(dir);
  const ports = await reservePorts();
  const addresses = takeAddresses(ports);
  const server = `https://127.0.0.1:${addresses.apiServer}`;
  return {
    dir,
    nodes: options.nodes ?? 2,
    addresses,
    ports,
    credentials,
    cniAgent,
    server,
    api: adminApi(server, credentials.tokens.admin),
    inputs: rendered,
    userKubeconfig: (user) =>
      user === 'admin'
        ? join(dir, 'kubeconfig')
        : join(dir, 'credentials', `${user.replace('system:', '')}.kubeconfig`),
  };
}

async function bringUp(
  instance: Instance,
  components: ReadonlyMap<string, Component>,
  log: (line: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const done = (what: string): void => log(`${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  const start = async (...names: ComponentName[]): Promise<void> => {
    await Promise.all(names.map((name) => componentOf(components, name).start()));
    done(`${names.join(', ')} started`);
  };
  await start('etcd', 'kube-apiserver');
  writeKubeconfigs(instance);
  await Promise.all([
    start('kube-controller-manager', 'kube-scheduler', 'kwok', 'cni-agent'),
    installIstio(instance)
      .then(() => done('Istio applied'))
      // Sidestep has a Role in Istio's namespace, which must be there.
      .then(() => Promise.all([start('istiod'), installSidestep(instance).then(() => done('Sidestep applied'))])),
  ]);
  await whenMeshIsReady(instance.api, {
    nodes: instance.nodes,
    istiodUrl: `http://127.0.0.1:${instance.addresses.istiodMonitoring}`,
  });
  done('mesh ready');
}

async function installIstio({ api, addresses, inputs, nodes: count }: Instance): Promise<void> {
  await apply(api, [...nodes(count), ...inputs.crds]);
  await apply(api, [...withWebhooksAt(addresses.istiodWebhook, inputs.istiod), ...inputs.nodeComponents]);
}

function withWebhooksAt(port: number, objects: readonly Manifest[]): Manifest[] {
  const url = `https://127.0.0.1:${port}`;
  return JSON.parse(JSON.stringify(objects).replaceAll(webhookUrlPlaceholder, url)) as Manifest[];
}

async function installSidestep(instance: Instance): Promise<void> {
  await installOperator(instance.api);
  writeKubeconfig(join(instance.dir, 'operator.kubeconfig'), {
    server: instance.server,
    ca: apiServerCertificate(instance.dir),
    user: `${operatorAccount.namespace}/${operatorAccount.name}`,
    token: await operatorToken(instance.api),
    namespace: operatorAccount.namespace,
  });
}

function writeKubeconfigs(instance: Instance): void {
  const ca = apiServerCertificate(instance.dir);
  for (const user of users)
    writeKubeconfig(instance.userKubeconfig(user), {
      server: instance.server,
      ca,
      user,
      token: instance.credentials.tokens[user],
    });
}

/** kube-apiserver makes its own serving certificate and puts the signing one behind it into the same file. */
function apiServerCertificate(dir: string): string {
  return readFileSync(join(dir, 'kube-apiserver', 'certificates', 'apiserver.crt'), 'utf8');
}

function stopOnce(
  components: ReadonlyMap<string, Component>,
  watchdog: Watchdog,
  instance: Instance,
): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([...components.values()].map((component) => component.kill()));
    await watchdog.stop();
    instance.api.close();
    instance.ports.release();
    rmSync(join(instance.dir, 'etcd'), { recursive: true, force: true });
  };
  return () => (stopped ??= stop());
}
