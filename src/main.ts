import { systemClock } from './clock.js';
import { type Config, readConfig } from './config.js';
import { controllers } from './controllers/index.js';
import { Client } from './kube/client.js';
import { connectionFromKubeConfig } from './kube/connection.js';
import { type Logger, createLogger } from './log.js';
import { Manager } from './runtime/manager.js';
import { Metrics } from './runtime/metrics.js';

/** Configuration → manager → controllers → run until SIGTERM. */
async function main(config: Config, log: Logger): Promise<void> {
  const metrics = new Metrics();
  const client = new Client({
    connection: connectionFromKubeConfig(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
    log,
    clock: systemClock,
    userAgent: 'sidestep',
    onResponse: (info) => metrics.observeResponse(info),
  });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const manager = new Manager({
    client,
    controllers: controllers({ istioNamespace: config.istioNamespace }),
    clock: systemClock,
    log,
    component: 'sidestep',
    identity: config.identity,
    probes: config.probes,
    metrics,
    ...(config.leaderElection && { leaderElection: { namespace: config.leaseNamespace, name: 'sidestep' } }),
  });
  try {
    await manager.run(stop.signal);
  } finally {
    client.close();
  }
}

const config = readConfig();
const log = createLogger({ level: config.logLevel });
main(config, log).catch((error: unknown) => {
  log.error({ err: error }, 'the operator ended');
  process.exitCode = 1;
});
