import { expect, test } from 'vitest';
import { FakeClock, until } from '../../test/support/fake-clock.js';
import { StubApiServer } from '../../test/support/stub-api-server.js';
import { Client } from '../kube/client.js';
import { CONFIG_MAP } from '../kube/types.js';
import { silentLogger } from '../log.js';
import { Manager } from './manager.js';
import { awaitChange } from './result.js';
import { toSelf, watch } from './watch.js';

const path = '/api/v1/configmaps';
const COUNT = 10_000;
const PAGE_MS = 20_000;

test('a list of 10,000 objects may take minutes: the process is alive all the time, ready after it, and works them all off', async () => {
  const clock = new FakeClock();
  const server = await StubApiServer.start();
  const client = new Client({ connection: server.connection(), clock });
  const names = Array.from({ length: COUNT }, (_, index) => ({
    name: `object-${index}`,
    namespace: `n-${index % 20}`,
  }));
  server.set(
    path,
    '10',
    names.map((metadata) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, uid: metadata.name } })),
  );
  const seen = new Set<string>();
  const probes = new Map<string, number>();
  const manager = new Manager({
    client,
    clock,
    log: silentLogger,
    component: 'test',
    identity: 'pod',
    probes: { host: '127.0.0.1', port: 0 },
    controllers: [
      {
        name: 'config-maps',
        primary: watch({ type: CONFIG_MAP, map: toSelf }),
        watches: [],
        reconcile: async ({ namespace, name }) => {
          seen.add(`${namespace}/${name}`);
          return awaitChange();
        },
      },
    ],
  });
  const probe = async (): Promise<void> => {
    for (const check of ['healthz', 'readyz']) {
      const answer = `${check} ${(await fetch(`${manager.probesUrl}/${check}`)).status}`;
      probes.set(answer, (probes.get(answer) ?? 0) + 1);
    }
  };
  const { items: all } = await client.list(CONFIG_MAP, { limit: COUNT });
  server.requests.length = 0;
  // Each page comes only after the probes have been answered.
  server.on(
    { path, watch: false },
    async ({ query }) => {
      await probe();
      await clock.advance(PAGE_MS);
      const from = Number(query['continue'] ?? 0);
      const end = from + Number(query['limit']);
      const metadata = { resourceVersion: '10', ...(end < COUNT && { continue: String(end) }) };
      return { body: { metadata, items: all.slice(from, end) } };
    },
    100,
  );
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  await until(() => seen.size === COUNT, 'every object has had its run', 15_000);
  expect(Object.fromEntries(probes)).toEqual({ 'healthz 200': 20, 'readyz 503': 20 });
  probes.clear();
  await probe();
  expect([...probes.keys()]).toEqual(['healthz 200', 'readyz 200']);
  stop.abort();
  await ended;
  client.close();
  await server.stop();
});
