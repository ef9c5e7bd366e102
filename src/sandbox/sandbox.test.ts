import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Client } from '../kube/client.js';
import { DEPLOYMENT, type Deployment, NAMESPACE, POD } from '../kube/types.js';
import { startOnSimulatedTime } from '../../test/support/sandbox-backend.js';
import { SimulatedClock } from './simulated-clock.js';

/** What happened in a sandbox in which an injected Deployment came up: every request in its order but for our own looks, and the pods. */
async function history(seed: number): Promise<{ requests: string[]; pods: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-'));
  const clock = new SimulatedClock({ startMs: Date.UTC(2026, 0, 1) });
  const sandbox = await startOnSimulatedTime({ dir, clock, seed });
  // What comes of the start.
  await clock.advance(1_000);
  const before = sandbox.apiServer.requests.entries().length;
  try {
    const client = new Client({ connection: sandbox.connection(), clock });
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    const play = async (): Promise<void> => {
      const metadata = { name: 'shop', labels: { 'istio-injection': 'enabled' } };
      await client.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata }, { fieldManager: 'test' });
      const web: Deployment = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { replicas: 3, selector: { matchLabels: labels }, template },
      };
      await client.create(DEPLOYMENT, web, { fieldManager: 'test' });
    };
    await clock.runWhile('the writes', play());
    const pods = await clock.runUntil('three ready pods', async () => {
      const { items } = await client.list(POD, { namespace: 'shop' });
      const ready = items.filter(({ status }) =>
        status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
      );
      return ready.length === 3 ? ready : undefined;
    });
    await clock.advance(60_000);
    return {
      requests: sandbox.apiServer.requests
        .entries()
        .slice(before)
        .filter(({ user, verb }) => !(user.username === 'admin' && verb === 'list'))
        .map(
          ({ verb, requestURI, user, responseStatus }) =>
            `${user.username} ${verb} ${requestURI} ${responseStatus?.code}`,
        ),
      pods: pods.map(({ metadata, spec }) => `${metadata.name} ${metadata.uid} ${spec.nodeName}`),
    };
  } finally {
    await clock.runWhile('the end', sandbox.stop());
    rmSync(dir, { recursive: true, force: true });
  }
}

test('the same seed gives the same history, request by request; another one gives other names', async () => {
  const first = await history(7);
  expect(first.requests.length).toBeGreaterThan(30);
  expect(await history(7)).toEqual(first);
  expect((await history(8)).pods).not.toEqual(first.pods);
}, 60_000);

test('people see no warning of Node when it starts', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-'));
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  const sandbox = await startOnSimulatedTime({ dir, clock: new SimulatedClock({ startMs: Date.UTC(2026, 0, 1) }) });
  await sandbox.stop();
  process.off('warning', hear);
  rmSync(dir, { recursive: true });
  expect(warnings).toEqual([]);
});
