import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { lock } from './lock.js';
import { cacheDir, harnessDir } from './paths.js';
import { Watchdog } from './watchdog.js';

/** Absolute paths of the real programs. */
export interface Binaries {
  etcd: string;
  'kube-apiserver': string;
  'kube-controller-manager': string;
  'kube-scheduler': string;
  kubectl: string;
  kwok: string;
  'pilot-discovery': string;
  helm: string;
}

type Program = keyof Binaries;

/** Go is missing or too old; the message says what to install. */
export class GoMissingError extends Error {}

/** Version that the Kubernetes programs say they are. */
export const kubernetesVersion = 'v1.35.4';
const flags = ['-trimpath', '-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`];
const goRequired = { major: 1, minor: 26 };
const binDir = join(cacheDir, 'bin');

// One Go module for each dependency tree: they cannot be resolved together.
const modules = {
  etcd: { etcd: 'go.etcd.io/etcd/server/v3' },
  kwok: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' },
  kubernetes: {
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  },
  istio: { 'pilot-discovery': 'istio.io/istio/pilot/cmd/pilot-discovery', helm: 'helm.sh/helm/v4/cmd/helm' },
} satisfies Record<string, Partial<Record<Program, string>>>;

/** A Go module with pinned dependencies, and what is built from it. */
export interface GoModule {
  /** Unique among all that are built. */
  name: string;
  /** Folder of its go.mod. */
  dir: string;
  /** Name of a program → its package. */
  programs: Record<string, string>;
}

/** Folder of a pinned Go module of this harness. */
export function moduleDir(name: string): string {
  return join(harnessDir, 'modules', name);
}

/**
 * Builds the real programs into `.cache/controlplane/bin`, each module once per content of its go.mod, go.sum and flags.
 *
 * Programs found in `KUBEBUILDER_ASSETS` are taken from there. Safe when several processes build at once.
 *
 * @param options.log   told what is built and how long it took; silent when nothing had to be built
 * @param options.only  the modules to build (all); paths of other programs may lead nowhere
 * @throws {GoMissingError} when something must be built and Go 1.26 or newer is not on the PATH
 */
export async function build(
  options: { log?: (line: string) => void; only?: readonly (keyof typeof modules)[] } = {},
): Promise<Binaries> {
  const { log, only } = options;
  const found = providedPrograms();
  const binaries: Record<string, string | undefined> = { ...found };
  for (const [name, all] of Object.entries(modules)) {
    const programs = Object.fromEntries(Object.entries(all).filter(([program]) => !(program in found)));
    for (const program of Object.keys(programs)) binaries[program] = join(binDir, program);
    const isWanted = only === undefined || only.includes(name as keyof typeof modules);
    if (isWanted) await buildGoModule({ name, dir: moduleDir(name), programs }, log);
  }
  return binaries as unknown as Binaries;
}

/**
 * Builds the programs of one Go module into `.cache/controlplane/bin`, as `build` does. Its own Go code counts as content, too.
 *
 * @returns the folder with the programs
 * @throws {GoMissingError} when something must be built and Go 1.26 or newer is not on the PATH
 */
export async function buildGoModule(module: GoModule, log: (line: string) => void = () => undefined): Promise<string> {
  if (Object.keys(module.programs).length > 0 && !isFresh(module)) await buildLocked(module, log);
  return binDir;
}

function providedPrograms(): Partial<Binaries> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const programs = ['etcd', ...Object.keys(modules.kubernetes)] as Program[];
  if (!assets) return {};
  return Object.fromEntries(
    programs.map((name) => [name, resolve(assets, name)]).filter(([, path]) => existsSync(path as string)),
  );
}

function isFresh(module: GoModule): boolean {
  const stamp = join(binDir, `${module.name}.stamp`);
  return (
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === fingerprint(module) &&
    Object.keys(module.programs).every((program) => existsSync(join(binDir, program)))
  );
}

function fingerprint({ dir, programs }: GoModule): string {
  const hash = createHash('sha256');
  const code = readdirSync(dir).filter((file) => file.endsWith('.go'));
  for (const file of ['go.mod', 'go.sum', ...code.sort()]) hash.update(readFileSync(join(dir, file)));
  return hash.update(JSON.stringify([Object.entries(programs), flags, process.platform, process.arch])).digest('hex');
}

async function buildLocked(module: GoModule, log: (line: string) => void): Promise<void> {
  mkdirSync(binDir, { recursive: true });
  const held = await lock(join(cacheDir, 'build.lock'), (owner) =>
    log(`waiting for process ${owner}, which builds already`),
  );
  const names = Object.keys(module.programs).join(', ');
  try {
    if (isFresh(module)) return;
    await requireGo();
    const startedAt = performance.now();
    log(`building ${names} (first build of this module takes minutes)`);
    await buildModule(module);
    log(`built ${names} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  } finally {
    held.release();
  }
}

async function buildModule(module: GoModule): Promise<void> {
  const { name, dir, programs } = module;
  // Built aside and renamed: a control plane that runs the old program keeps its file.
  const aside = mkdtempSync(join(binDir, `${name}-`));
  try {
    // One command for all of a module, so that Go links them side by side; a single package gets our name for it, because
    // Go would call etcd's "server".
    const [first, ...others] = Object.keys(programs);
    const output = others.length === 0 && first ? join(aside, first) : `${aside}/`;
    await go(['build', ...flags, '-o', output, ...Object.values(programs)], dir);
    for (const program of Object.keys(programs)) renameSync(join(aside, program), join(binDir, program));
    writeFileSync(join(binDir, `${name}.stamp`), fingerprint(module));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function requireGo(): Promise<void> {
  const wanted = `${goRequired.major}.${goRequired.minor}`;
  const install = `install Go ${wanted} or newer (https://go.dev/dl/) and put it on the PATH`;
  const version = await go(['env', 'GOVERSION'], harnessDir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new GoMissingError(`the real control plane is built with Go, which is missing: ${install}`);
    throw error;
  });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) === goRequired.major && Number(minor) < goRequired.minor) {
    throw new GoMissingError(`the real control plane needs a newer Go than ${version.trim()}: ${install}`);
  }
}

/**
 * Folder in Go's module cache of a dependency of one of our modules; downloads it when it is not there.
 *
 * @throws {Error} when the module does not depend on it or the download fails
 */
export async function dependencyDir(module: string, dependency: string): Promise<string> {
  const list = async (): Promise<string> =>
    (await go(['list', '-m', '-f', '{{.Dir}}', dependency], moduleDir(module))).trim();
  const dir = await list();
  if (dir !== '') return dir;
  await requireGo();
  await go(['mod', 'download', dependency], moduleDir(module));
  return list();
}

function go(args: string[], cwd: string): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    // Building takes minutes: it must not go on when the runner is gone.
    const watchdog = new Watchdog('go build');
    const child = spawn('go', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    if (child.pid !== undefined) watchdog.add(child.pid);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('exit', () => child.pid !== undefined && watchdog.remove(child.pid));
    child.once('close', (code) => {
      void watchdog.stop();
      if (code === 0) resolvePromise(Buffer.concat(out).toString());
      else reject(new Error(`go ${args.join(' ')} in ${cwd} ended with ${code}:\n${Buffer.concat(err).toString()}`));
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  build({ log: (line) => console.log(line) }).then(
    (binaries) => console.log(`ready: ${Object.keys(binaries).length} programs in ${binDir}`),
    (error: unknown) => {
      console.error(error instanceof GoMissingError ? error.message : error);
      process.exitCode = 1;
    },
  );
}
