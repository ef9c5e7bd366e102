import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundle } from '../../scripts/build.js';
import { buildGoModule, GoMissingError } from '../../test/controlplane/build.js';

/** A program that reconciles Widgets. */
export interface Contestant {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const goModule = {
  name: 'controller-runtime-peer',
  dir: here('controller-runtime'),
  programs: { 'controller-runtime-peer': '.' },
};

/** Our own runtime: the one that the others are compared with. */
export const OURS = 'sidestep';

/** Names of all contestants, in the order in which they play: ours beside the one that it is closest to. */
export const CONTESTANTS = ['client-node', 'client-node keep-alive', OURS, 'controller-runtime'] as const;

/**
 * Builds the contestants. Both programs for Node are bundled, ours as the operator is: so both start faster and take less memory.
 * A contestant whose tools are missing is left out, and `log` told why.
 *
 * @param options.dir       where bundles go
 * @param options.nodeArgs  more arguments for Node, such as `--cpu-prof`
 */
export async function buildContestants(
  names: readonly string[],
  options: { dir: string; nodeArgs: readonly string[]; log: (line: string) => void },
): Promise<Contestant[]> {
  const { dir, nodeArgs, log } = options;
  const ours = join(dir, 'sidestep.cjs');
  const clientNode = join(dir, 'client-node.cjs');
  await Promise.all([bundle(ours, 'bench/peers/sidestep.ts'), bundleWhole(clientNode, here('client-node.ts'))]);
  const node = (name: string, ...args: string[]): Contestant => ({
    name,
    command: process.execPath,
    args: [...nodeArgs, ...args],
  });
  const all: Contestant[] = [
    node('client-node', clientNode),
    node('client-node keep-alive', clientNode, '--keep-alive'),
    node(OURS, ours),
  ];
  if (names.includes('controller-runtime')) {
    try {
      const bin = await buildGoModule(goModule, log);
      all.push({ name: 'controller-runtime', command: join(bin, 'controller-runtime-peer'), args: [] });
    } catch (error) {
      if (!(error instanceof GoMissingError)) throw error;
      log(`controller-runtime is left out: ${error.message}`);
    }
  }
  return all.filter(({ name }) => names.includes(name));
}

async function bundleWhole(outfile: string, entry: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minifyWhitespace: true,
    lineLimit: 120,
    logLevel: 'error',
  });
}

/** Versions of what is compared, by name. */
export async function versions(): Promise<Record<string, string>> {
  const { default: manifest } = (await import('../../package.json', { with: { type: 'json' } })) as {
    default: { dependencies: Record<string, string> };
  };
  const go = promisify(execFile);
  const module = 'sigs.k8s.io/controller-runtime';
  const listed = await go('go', ['list', '-m', '-f', '{{.Version}}', module], { cwd: goModule.dir }).catch(
    () => undefined,
  );
  return {
    node: process.version,
    'client-node': manifest.dependencies['@kubernetes/client-node'] ?? '',
    ...(listed && { 'controller-runtime': listed.stdout.trim() }),
  };
}
