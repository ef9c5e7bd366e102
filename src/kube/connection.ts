import fs from 'node:fs';
import type https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';

// NOTE: the package's main entry loads every generated model. This module loads much as well that we do not use, 17 MB of
// memory; the bundles leave it out (`scripts/build.ts`). Only this file may import it.
import { KubeConfig, bufferFromFileOrString } from '@kubernetes/client-node/dist/config.js';
import { parseDocument } from 'yaml';

import { systemClock, type Clock } from '../clock.js';

/**
 * Where the API server is and how to be let in. Certificates are read again for each new connection, so an
 * implementation with getters may change them.
 */
export interface Connection {
  /** URL of the server; a path in it is put before all paths. */
  server: string;
  /** PEM; default: the certificate authorities of Node. */
  readonly ca?: string | Buffer | undefined;
  /** False takes any certificate. Default: true. */
  rejectUnauthorized?: boolean;
  /** Client certificate and key, PEM. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name that the server's certificate must carry, if it is not that of the URL. */
  servername?: string;
  /**
   * Opens a connection to a server in this process: plain HTTP, without the network; `server` is then a name only.
   *
   * @throws {Error} with code ECONNREFUSED, the server does not listen
   */
  connect?(): Duplex;
  /** The headers that authenticate a request; called for each one. */
  headers(): Promise<Record<string, string>>;
  /**
   * The server did not accept the credentials (401).
   *
   * @returns true if the next `headers()` fetches new ones, so that it is worth asking again
   */
  credentialsRejected?(): boolean;
  /**
   * The certificate of the server did not verify.
   *
   * @returns true if `ca` is another one now, so that it is worth asking again
   */
  serverUntrusted?(): boolean;
  /** For people and logs; holds no credentials. */
  describe: string;
}

/** Credentials and certificates are looked at again after this time, as in client-go. */
const refreshMs = 60_000;

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * The connection that a kubeconfig describes: token, token file, client certificate, exec plugin, OIDC, basic
 * authentication. Files are read again every minute; the credentials of plugins are kept until they expire or the server
 * refuses them.
 *
 * @param options.kubeconfig  path, or several with the path separator between, as the variable KUBECONFIG holds them (the
 *                            caller reads it); default: `~/.kube/config`, else the service account of the pod
 * @param options.context     default: the current context
 * @throws {Error} no configuration is found, it is unreadable, or it names no cluster
 */
export function connectionFromKubeConfig(
  options: { kubeconfig?: string; context?: string; clock?: Clock } = {},
): Connection {
  const source = locate(options.kubeconfig);
  const load = (): KubeConfig => {
    try {
      return loadConfig(source, options.context);
    } catch (error) {
      throw new Error(`cannot use ${describeSource(source)}: ${(error as Error).message}`, { cause: error });
    }
  };
  return new KubeConfigConnection(load, describeSource(source), options.clock ?? systemClock);
}

type Source = { files: string[] } | 'in-cluster';

function locate(kubeconfig: string | undefined): Source {
  if (kubeconfig) return { files: kubeconfig.split(path.delimiter).filter((file) => file !== '') };
  const usual = path.join(os.homedir(), '.kube', 'config');
  if (fs.existsSync(usual)) return { files: [usual] };
  if (fs.existsSync(serviceAccountToken)) return 'in-cluster';
  throw new Error(
    `no cluster configuration: no kubeconfig was named, ${usual} does not exist, and this is no pod with a service account`,
  );
}

const describeSource = (source: Source): string =>
  source === 'in-cluster' ? 'the service account of this pod' : `kubeconfig ${source.files.join(', ')}`;

function loadConfig(source: Source, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (source === 'in-cluster') config.loadFromCluster();
  else loadFiles(config, source.files);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    const known = config.getContexts().map((each) => each.name);
    const wanted = config.getCurrentContext() ?? '(none)';
    throw new Error(`context ${wanted} names no cluster; known contexts: ${known.join(', ') || 'none'}`);
  }
  if (cluster.proxyUrl) throw new Error(`cluster ${cluster.name} has a proxy-url, which is not supported`);
  // The library refuses plain HTTP unless told that TLS is not verified, which there is none of.
  if (cluster.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  return config;
}

/** As kubectl merges them: of what has one name the first counts, and of several files one may be missing. */
function loadFiles(config: KubeConfig, files: string[]): void {
  const present = files.filter((file) => fs.existsSync(file));
  for (const file of present.length > 0 ? present : files) {
    const one = loadFile(file);
    const unknown = <T extends { name: string }>(theirs: T[], ours: T[]): T[] =>
      theirs.filter(({ name }) => !ours.some((each) => each.name === name));
    one.clusters = unknown(one.clusters, config.clusters);
    one.users = unknown(one.users, config.users);
    one.contexts = unknown(one.contexts, config.contexts);
    config.mergeConfig(one, Boolean(config.currentContext));
  }
}

function loadFile(file: string): KubeConfig {
  const raw = parseSecret(fs.readFileSync(file, 'utf8'), file) as { users?: RawUser[] } | null;
  const config = new KubeConfig();
  config.loadFromString(JSON.stringify(raw ?? {}));
  config.makePathsAbsolute(path.dirname(file));
  useTokenFiles(config, raw?.users ?? [], path.dirname(file));
  return config;
}

/** Parsers quote what they cannot read, and the lines around it: here that is tokens and keys, which must not get into logs. */
function parseSecret(text: string, file: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Error(`${file} is not YAML: ${error.code} in line ${error.linePos?.[0].line ?? 1}`);
  try {
    return document.toJS();
  } catch {
    throw new Error(`${file} is not YAML: it names an anchor that it does not have`);
  }
}

interface RawUser {
  name: string;
  user?: { tokenFile?: string; 'token-file'?: string };
}

/** The library knows the `tokenFile` of kubeconfigs under another name only, and reads that just once. */
function useTokenFiles(config: KubeConfig, users: RawUser[], dir: string): void {
  for (const { name, user } of users) {
    const tokenFile = user?.tokenFile ?? user?.['token-file'];
    const known = config.getUser(name);
    if (tokenFile === undefined || !known) continue;
    const absolute = path.resolve(dir, tokenFile);
    Object.assign(known, { token: undefined, authProvider: { name: 'tokenFile', config: { tokenFile: absolute } } });
  }
}

type Pem = string | Buffer | undefined;

class KubeConfigConnection implements Connection {
  readonly server: string;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
  readonly describe: string;
  readonly #load: () => KubeConfig;
  readonly #clock: Clock;
  #config: KubeConfig;
  #ca: Pem;
  #cert: Pem;
  #key: Pem;
  #fresh: Promise<Record<string, string>> | undefined;
  #freshUntil = 0;

  constructor(load: () => KubeConfig, source: string, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
    this.#config = load();
    const cluster = this.#config.getCurrentCluster();
    const user = this.#config.getCurrentUser();
    this.server = cluster?.server ?? '';
    if (cluster?.skipTLSVerify) this.rejectUnauthorized = false;
    if (cluster?.tlsServerName) this.servername = cluster.tlsServerName;
    this.#ca = caOf(this.#config);
    this.#cert = bufferFromFileOrString(user?.certFile, user?.certData) ?? undefined;
    this.#key = bufferFromFileOrString(user?.keyFile, user?.keyData) ?? undefined;
    this.describe = `${this.server} (${source}, context ${this.#config.getCurrentContext()})`;
  }

  get ca(): Pem {
    return this.#ca;
  }

  get cert(): Pem {
    return this.#cert;
  }

  get key(): Pem {
    return this.#key;
  }

  headers(): Promise<Record<string, string>> {
    if (this.#fresh && this.#clock.uptime() < this.#freshUntil) return this.#fresh;
    const last = this.#fresh;
    // What was good a minute ago most likely still is: a file that is being replaced is no reason to stop. As in client-go.
    const fresh = last ? this.#refresh().catch(() => last) : this.#refresh();
    this.#fresh = fresh;
    this.#freshUntil = this.#clock.uptime() + refreshMs;
    // A failure is told to those who wait for it, and the next request tries again.
    fresh.catch(() => {
      if (this.#fresh === fresh) this.#fresh = undefined;
    });
    return fresh;
  }

  credentialsRejected(): boolean {
    const user = this.#config.getCurrentUser();
    const canChange = Boolean(user?.exec || user?.authProvider || user?.certFile);
    if (canChange) {
      this.#fresh = undefined;
      try {
        // The plugins of the library keep a refused token until it expires; a new configuration starts without.
        this.#config = this.#load();
      } catch {
        // A file that is being written: what the server said is the better message.
        return false;
      }
    }
    return canChange;
  }

  serverUntrusted(): boolean {
    // As in a pod whose API server was restarted with a new authority: waiting out the minute would cost a leader its Lease.
    try {
      const config = this.#load();
      const ca = keepIfEqual(this.#ca, caOf(config));
      if (ca === this.#ca) return false;
      this.#config = config;
      this.#ca = ca;
    } catch {
      // A file that is being written: what is wrong with the server is the better message.
      return false;
    }
    this.#fresh = undefined;
    return true;
  }

  async #refresh(): Promise<Record<string, string>> {
    // The library's reader of token files has a minute of its own, which would come on top of ours; a new configuration starts without.
    if (tokenFileOf(this.#config) !== undefined) this.#config = this.#load();
    const options: https.RequestOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    this.#ca = keepIfEqual(this.#ca, options.ca as Pem);
    this.#cert = keepIfEqual(this.#cert, options.cert as Pem);
    this.#key = keepIfEqual(this.#key, options.key as Pem);
    const headers: Record<string, string> = {};
    if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // A token file usually ends in a newline, which no header may hold.
      headers[name.toLowerCase()] = String(value).trim();
    }
    const tokenFile = tokenFileOf(this.#config);
    // Without one we would be anonymous, and told that we may do nothing: no 401 that would make us look again.
    if (tokenFile !== undefined && !headers['authorization']?.includes(' '))
      throw new Error(`token file ${tokenFile} is empty`);
    return headers;
  }
}

function tokenFileOf(config: KubeConfig): string | undefined {
  const provider = config.getCurrentUser()?.authProvider as { config?: { tokenFile?: string } } | undefined;
  return provider?.config?.tokenFile;
}

function caOf(config: KubeConfig): Pem {
  const cluster = config.getCurrentCluster();
  return bufferFromFileOrString(cluster?.caFile, cluster?.caData) ?? undefined;
}

/** The same value for the same content: a new one makes the transport open new connections. */
function keepIfEqual(before: Pem, now: Pem): Pem {
  if (before !== undefined && now !== undefined && Buffer.from(before).equals(Buffer.from(now))) return before;
  return now;
}
