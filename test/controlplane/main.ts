import { join, relative, resolve as resolvePath } from 'node:path';
import { parseArgs } from 'node:util';

import { untilAskedToEnd } from '../../scripts/until-asked-to-end.js';
import { GoMissingError } from './build.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';
import { tryLock } from './lock.js';
import { repositoryRoot } from './paths.js';

/*
 * `make controlplane-up`: a control plane for people, until Ctrl-C or SIGTERM.
 *
 * NOTE: to be run as one process, `node --import tsx`: the program `tsx` that is killed leaves its child behind.
 */

const { values } = parseArgs({ options: { dir: { type: 'string' } } });
const dir = resolvePath(values.dir ?? join(repositoryRoot, '.sidestep', 'controlplane'));
class InUseError extends Error {}

async function main(): Promise<void> {
  const lock = tryLock(join(dir, 'lock'));
  if ('heldBy' in lock) {
    throw new InUseError(
      `a control plane is up already (process ${lock.heldBy}): use it with export KUBECONFIG=${shown('kubeconfig')}, or end it with kill ${lock.heldBy}`,
    );
  }
  try {
    const controlPlane = await startControlPlane({ dir, log: (line) => console.log(line) });
    console.log(`istiod: ${controlPlane.istiodUrl}`);
    console.log(`operator: ${shown('operator.kubeconfig')}`);
    console.log(`ready: export KUBECONFIG=${shown('kubeconfig')}`);
    await untilAskedToEnd();
    await end(controlPlane);
  } finally {
    lock.release();
  }
}

async function end(controlPlane: ControlPlane): Promise<void> {
  console.log('ending');
  await controlPlane.stop();
  console.log(`ended; logs are in ${shown('logs')}`);
}

function shown(name: string): string {
  const path = join(dir, name);
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

main().catch((error: unknown) => {
  const isForPeople = error instanceof GoMissingError || error instanceof InUseError;
  console.error(isForPeople ? error.message : error);
  process.exitCode = 1;
});
