import { join } from 'node:path';

import { build } from 'esbuild';

import { repositoryRoot } from './paths.js';

/** Bundles the CNI agent stand-in into one file in `dir`, so that it starts at once and without a TypeScript loader; returns its path. */
export async function bundleCniAgent(dir: string): Promise<string> {
  const outfile = join(dir, 'cni-agent.cjs');
  await build({
    entryPoints: [join(repositoryRoot, 'src', 'sandbox', 'simulators', 'cni-agent', 'cni-agent-main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return outfile;
}
