import { systemClock } from '../../src/clock.js';
import { Client } from '../../src/kube/client.js';
import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { applyStatus } from '../../src/kube/status.js';
import { CONFIG_MAP } from '../../src/kube/types.js';
import { createLogger } from '../../src/log.js';
import type { ControllerSpec } from '../../src/runtime/controller.js';
import { Manager } from '../../src/runtime/manager.js';
import { Metrics } from '../../src/runtime/metrics.js';
import { awaitChange } from '../../src/runtime/result.js';
import { generationChanged, toSelf, watch } from '../../src/runtime/watch.js';
import { configMapOf, FIELD_MANAGER, WIDGET, type Widget, WORKERS } from './widgets.js';

/* The contestant on the runtime of this repository. */

const widgets: ControllerSpec = {
  name: 'widgets',
  primary: watch({ type: WIDGET, map: toSelf, predicate: generationChanged }),
  watches: [],
  concurrency: WORKERS,
  async reconcile({ namespace, name }, { client, primary, signal }) {
    const widget = primary.get({ namespace, name }) as Widget | undefined;
    if (!widget) return awaitChange();
    const options = { fieldManager: FIELD_MANAGER, signal };
    await client.apply(CONFIG_MAP, configMapOf(widget), { ...options, force: true });
    await applyStatus(client, WIDGET, widget, { observedGeneration: widget.metadata.generation }, options);
    return awaitChange();
  },
};

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
const log = createLogger({ level: 'info' });
const metrics = new Metrics();
const client = new Client({
  connection: connectionFromKubeConfig({ kubeconfig: process.env.KUBECONFIG ?? '' }),
  clock: systemClock,
  log,
  onResponse: metrics.observeResponse.bind(metrics),
});
new Manager({ client, controllers: [widgets], clock: systemClock, log, metrics, component: 'bench', identity: 'bench' })
  .run(stop.signal)
  .catch((error: unknown) => {
    log.error({ err: error }, 'the contestant ended');
    process.exitCode = 1;
  })
  .finally(() => client.close());
