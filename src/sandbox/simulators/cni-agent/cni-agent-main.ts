import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { systemClock } from '../../../clock.js';
import { Client } from '../../../kube/client.js';
import { connectionFromKubeConfig } from '../../../kube/connection.js';
import { createLogger } from '../../../log.js';
import { CniAgent } from './cni-agent.js';

/*
 * The CNI agent stand-in as a program of its own, so that tests can kill it:
 *
 *   cni-agent --kubeconfig FILE [--ready-file FILE]
 *
 * Writes the ready file once it has seen all pods; ends on SIGTERM and SIGINT.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { kubeconfig: { type: 'string' }, 'ready-file': { type: 'string' } } });
  if (values.kubeconfig === undefined) throw new Error('--kubeconfig is missing: name the kubeconfig of the cluster');
  const log = createLogger({ level: 'info' });
  const connection = connectionFromKubeConfig({ kubeconfig: values.kubeconfig });
  const client = new Client({ connection, log, userAgent: 'sidestep-cni-agent' });
  const agent = new CniAgent({ client, clock: systemClock, log });

  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  const running = agent.run(ending.signal);
  await Promise.race([running, agent.whenSynced()]);
  log.info({ server: connection.describe }, 'watching pods and namespaces');
  if (values['ready-file'] !== undefined) writeFileSync(values['ready-file'], `${process.pid}\n`);
  await running;
  client.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
