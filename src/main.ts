import { systemClock } from './clock.js';
import { type Config, readConfig } from './config.js';
import { controllers } from './controllers/index.js';
import { FIELD_MANAGER } from './api/field-managers.js';
import { LEASE_NAME } from './controllers/rbac.js';
import { Client } from './kube/client.js';
import { connectionFromKubeConfig } from './kube/connection.js';
import { type Logger, createLogger } from './log.js';
import { SidestepOperator } from './operator.js';
import { Metrics } from './runtime/metrics.js';

/** How long the process may take to end by itself after its operator has ended, in milliseconds. */
const FORCED_EXIT_MS = 3_000;

/** Configuration → operator → controllers → run until SIGTERM. */
async function main(config: Config, log: Logger): Promise<void> {
  const metrics = new Metrics();
  const client = new Client({
    connection: connectionFromKubeConfig(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
    log,
    clock: systemClock,
    userAgent: 'sidestep',
    onResponse: (info) => metrics.observeResponse(info),
  });
  const options = {
    client,
    clock: systemClock,
    log,
    component: FIELD_MANAGER,
    identity: config.identity,
    probes: config.probes,
    metrics,
    ...(config.leaderElection && { leaderElection: { namespace: config.leaseNamespace, name: LEASE_NAME } }),
  };
  const operator = new SidestepOperator(options, controllers({ istioNamespace: config.istioNamespace }));
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
