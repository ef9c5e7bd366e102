import { expect, it } from 'vitest';
import { changesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { RESTART, rollsBack } from './hands.js';
import { matters } from './obstacles.js';

/** Pods as an injector without the ambient profile would have left them. */
async function withoutHbone(cluster: Cluster, name: string): Promise<void> {
  for (const { metadata } of await cluster.pods(name)) {
    await cluster.kubectl('label', 'pod', '-n', name, metadata.name, 'networking.istio.io/tunnel-');
  }
}

/** Sidecars that do not speak HBONE: of the namespace, and elsewhere, where every migration finds them. */
export function oldSidecars(cluster: () => Cluster): void {
  it('are brought up to date before anything else', async () => {
    const name = 'tunnel';
    const callers = `${name}-caller`;
    await cluster().apply(
      yaml(namespace(name), deployment(name, 'web'), namespace(callers), deployment(callers, 'caller')),
    );
    const [caller] = await cluster().podsReady(callers, 1);
    await cluster().podsReady(name, 1);
    await withoutHbone(cluster(), name);
    await withoutHbone(cluster(), callers);
    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(matters(migrated)).toMatchObject([
      {
        code: 'SST3001',
        verdict: 'WARN',
        message: `sidecars without HBONE: ${callers}/${caller?.metadata.name ?? ''}`,
      },
    ]);
    const restarts = changesOf(cluster().audit()).filter(
      ({ objectRef }) => objectRef?.namespace === name && objectRef.resource === 'deployments',
    );
    expect(
      restarts.map(({ requestObject }) => JSON.stringify(requestObject).match(/(tunnel|ambient)\.1\.1/)?.[0]),
    ).toEqual(['tunnel.1.1', 'ambient.1.1']);
    await cluster().kubectl('delete', 'ns', callers, '--wait=false');
    // Every migration names these pods, whenever it is looked at: suites after this one count what is written.
    const isGone = async (): Promise<true | undefined> => (await cluster().pods(callers)).length === 0 || undefined;
    await cluster().until('the callers are gone', isGone, { timeoutMs: 90_000 });
  });

  it('are given back when asked to while Tunnel is the current step', () =>
    rollsBack(cluster(), {
      step: 'Tunnel',
      name: 'turn-tunnel',
      prepare: withoutHbone,
      fenced: RESTART,
      reason: 'RolledBack',
    }));
}
