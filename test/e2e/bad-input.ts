import { expect, it } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';

/** Bad input is refused with a message that names the field and the fix, or shows in a condition. */
export function badInput(cluster: () => Cluster): void {
  const name = 'bad-input';

  it.each([
    ['a wrong enum', { dataplaneMode: 'ambient' }, [/spec\.dataplaneMode/, /Ambient/, /Sidecar/]],
    [
      'negative concurrency',
      { rollout: { maxConcurrent: -1 } },
      [/spec\.rollout\.maxConcurrent/, /greater than or equal to 1/],
    ],
    [
      'a bad duration',
      { rollout: { soak: '5 minutes' } },
      [/spec\.rollout\.soak/, /must be a duration such as 30s, 10m or 1h30m/],
    ],
    [
      'a deadline too short to start a pod',
      { rollout: { progressDeadline: '1s' } },
      [/spec\.rollout\.progressDeadline/, /at least 5s/],
    ],
    [
      'an approved plan without manual approval',
      { approvedPlan: '0123456789ab' },
      [/spec\.approvedPlan/, /set spec\.approval to Manual/],
    ],
    [
      'an acknowledgement that is no code',
      { acknowledge: [{ code: 'all', reason: 'x' }] },
      [/spec\.acknowledge\[0\]\.code/, /such as SST2001/],
    ],
    [
      'an acknowledgement without a reason',
      { acknowledge: [{ code: 'SST2001' }] },
      [/spec\.acknowledge\[0\]\.reason/, /Required/],
    ],
    [
      'an unknown field',
      { rollout: { maxParallel: 3 } },
      [/spec\.rollout\.maxParallel/, /unknown field|field not declared/],
    ],
  ])('%s', async (_, spec, messages) => {
    await cluster().apply(yaml(namespace(name)));
    const refusal = await cluster()
      .migrate(name, spec)
      .then(() => 'accepted', String);
    for (const message of messages) expect(refusal).toMatch(message);
  });

  it('lets the oldest of two AmbientMigrations act, and tells the other what to do', async () => {
    const pair = 'two-resources';
    await cluster().apply(yaml(namespace(pair), deployment(pair, 'web')));
    await cluster().podsReady(pair, 1);
    await cluster().migrate(pair, { paused: true }, 'first');
    await cluster().condition(pair, 'Ready', { reason: 'Paused' }, { name: 'first' });
    // Ages are told in whole seconds, and of two of one age the UID decides.
    await cluster().time.sleep(1_100);
    await cluster().migrate(pair, {}, 'second');
    const second = await cluster().condition(
      pair,
      'Stalled',
      { status: 'True', reason: 'Superseded' },
      { name: 'second' },
    );
    expect(second.status).toMatchObject({ phase: 'Superseded' });
    expect(second.status?.nextAction).toMatch(/first.*delete it, then change this one's spec/);

    await cluster().kubectl('delete', 'am', 'first', '-n', pair);
    await cluster().migrate(pair, { rollout: { soak: '0s' }, paused: true }, 'second');
    await cluster().condition(pair, 'Ready', { reason: 'Paused' }, { name: 'second' });
    await cluster().migrate(pair, { paused: false }, 'second');
    await cluster().ready(pair, 'Migrated', { name: 'second' });
  });
}
