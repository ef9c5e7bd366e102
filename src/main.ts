import { systemClock } from './clock.js';
import { type Config, readConfig } from './config.js';
import { connectionFromKubeConfig } from './kube/connection.js';
import { type Logger, createLogger } from './log.js';
import { assemble } from './operator.js';

/** How long the process may take to end by itself after its operator has ended, in milliseconds. */
const FORCED_EXIT_MS = 3_000;

/** Configuration → operator → run until SIGTERM. */
async function main(config: Config, log: Logger): Promise<void> {
  const { kubeconfig } = config;
  const connection = connectionFromKubeConfig(kubeconfig === undefined ? {} : { kubeconfig });
  const { operator, client } = assemble({ connection, clock: systemClock, log, config });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => operator.stop());
  try {
    await operator.start();
  } finally {
    client.close();
  }
}

const config = readConfig();
const log = createLogger({ level: config.logLevel });
main(config, log)
  .catch((error: unknown) => {
    log.error({ err: error }, 'the operator ended');
    process.exitCode = 1;
  })
  .finally(() => {
    // An operator that may no longer write must make room for one that may, whatever still holds the process.
    setTimeout(() => {
      log.error({ resources: process.getActiveResourcesInfo() }, 'the process is ended by force');
      process.exit();
    }, FORCED_EXIT_MS).unref();
  });
