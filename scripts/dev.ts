/**
 * `make dev`: the embedded cluster with the article's namespaces and the operator, until Ctrl-C. It leaves nothing behind.
 */
import { readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../test/support/cluster.js';
import { realTimeBackend } from '../test/support/sandbox-backend.js';
import { tryLock } from '../test/controlplane/lock.js';
import { untilAskedToEnd } from './until-asked-to-end.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = join(root, '.sidestep');

/** What a run leaves in {@link dir} while it runs. */
const FILES = ['kubeconfig', 'operator.kubeconfig', 'logs'];

/** How often to look whether the operator has ended by itself, as after a lost Lease, ms. */
const OPERATOR_CHECK_MS = 1_000;

class InUseError extends Error {}

async function main(): Promise<void> {
  const lock = tryLock(join(dir, 'lock'));
  if ('heldBy' in lock)
    throw new InUseError(
      `an embedded cluster is up already (process ${lock.heldBy}): use it with export KUBECONFIG=${shown('kubeconfig')}, or end it with kill ${lock.heldBy}`,
    );
  const asked = untilAskedToEnd();
  try {
    const cluster = new Cluster(await realTimeBackend({ dir, log: (line) => console.log(line) }));
    try {
      await Promise.race([deploy(cluster), asked]);
      const stopKeeping = keepRunning(cluster);
      await asked;
      stopKeeping();
      console.log('ending');
    } finally {
      await cluster.stop({ keepLogs: true });
    }
  } finally {
    for (const name of FILES) rmSync(join(dir, name), { recursive: true, force: true });
    lock.release();
    if (readdirSync(dir).length === 0) rmdirSync(dir);
  }
}

async function deploy(cluster: Cluster): Promise<void> {
  for (const name of ['legacy-apps', 'ambient-apps']) {
    await cluster.apply(readFileSync(join(root, 'examples', 'article', `${name}.yaml`), 'utf8'));
    console.log(`kubectl apply -f examples/article/${name}.yaml`);
  }
  await cluster.operator.start();
  console.log(`operator started; its log is ${shown(join('logs', 'operator.log'))}`);
  console.log(`ready: export KUBECONFIG=${shown('kubeconfig')}`);
}

/** Starts the operator again whenever it has ended, as Kubernetes would. */
function keepRunning({ operator }: Cluster): () => void {
  const timer = setInterval(() => {
    if (operator.running) return;
    console.log('the operator has ended and is started again');
    operator.start().catch(console.error);
  }, OPERATOR_CHECK_MS);
  return () => clearInterval(timer);
}

function shown(name: string): string {
  return relative(process.cwd(), join(dir, name));
}

main().catch((error: unknown) => {
  console.error(error instanceof InUseError ? error.message : error);
  process.exitCode = 1;
});
