import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, workload } from '../../../test/support/observed.js';
import type { ConfigMap } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { withHash } from '../own-config-maps.js';
import { FindingLists, isListLost } from './finding-list.js';
import type { Observed } from './observed.js';
import { planOf } from './plan.js';

/** A cluster that holds one ConfigMap at most, and the cache of it. */
class Cluster {
  readonly calls: string[] = [];
  readonly events: string[] = [];
  nowMs = NOW_MS;
  fails = false;
  held: ConfigMap | undefined;

  readonly #lists = new FindingLists();

  /** One pass over a namespace with workloads that are paused. */
  async pass(...paused: string[]): Promise<string> {
    const result = await this.keep({ workloads: paused.map((name) => workload({ name, obstacle: 'Paused' })) });
    return result?.kind === 'requeueAfter' ? `${result.delayMs} ${result.reason}` : 'done';
  }

  keep(given: Parameters<typeof observed>[0]): ReturnType<FindingLists['keep']> {
    const seen = observed(given);
    return this.#lists.keep(seen, planOf(seen), this.#context());
  }

  #context(): ReconcileContext {
    // The cache has none of others.
    const cached = (): ConfigMap | undefined => (this.held?.metadata.labels ? withHash(this.held) : undefined);
    const call = (verb: string): void => {
      this.calls.push(verb);
      if (this.fails) throw new Error('quota exceeded');
    };
    return {
      client: {
        get: async () => (call('get'), this.held),
        apply: async (_: unknown, object: ConfigMap) => (call('apply'), (this.held = object)),
      },
      stores: { of: () => ({ get: cached, record: () => undefined }) },
      clock: { now: () => this.nowMs },
      log: { error: () => undefined },
      events: { emit: ({ reason, note }: { reason: string; note: string }) => this.events.push(`${reason}: ${note}`) },
      signal: new AbortController().signal,
    } as unknown as ReconcileContext;
  }
}

describe('the list of findings', () => {
  it('is written when its content changes, and not otherwise', async () => {
    const cluster = new Cluster();
    const [first, again, other] = [await cluster.pass('web'), await cluster.pass('web'), await cluster.pass('api')];
    expect([first, again, other]).toEqual(['done', 'done', 'done']);
    expect(cluster.calls).toEqual(['get', 'apply', 'apply']);
    expect(cluster.held?.data?.['findings.yaml']).toContain('Deployment/api');
    expect(cluster.events).toEqual([]);
  });

  it('is put right where somebody has edited it, and where an AmbientMigration of the same name is another one', async () => {
    const cluster = new Cluster();
    await cluster.pass('web');
    cluster.held = { ...cluster.held!, data: { ...cluster.held?.data, total: '0' } };
    await cluster.pass('web');
    expect(cluster.held.data?.['total']).toBe('1');
    const { metadata, ...rest } = migration();
    const given = { ...rest, metadata: { ...metadata, uid: 'another' } } as Observed['migration'];
    await cluster.keep({ migration: given, workloads: [workload({ obstacle: 'Paused' })] });
    expect(cluster.held.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['another']);
    expect(cluster.calls).toEqual(['get', 'apply', 'apply', 'apply']);
  });

  it('costs a migration nothing where it cannot be written: an Event, and another try after a minute', async () => {
    const cluster = new Cluster();
    cluster.fails = true;
    expect(await cluster.pass('web')).toBe('60000 FindingsNotWritten');
    cluster.nowMs += 20_000;
    expect(await cluster.pass('api')).toBe('40000 FindingsNotWritten');
    expect(cluster.calls).toEqual(['get']);
    expect(cluster.events).toEqual([
      'FindingsNotWritten: ConfigMap sidestep-findings with all findings cannot be written: Error: quota exceeded. The migration goes on',
    ]);
    cluster.fails = false;
    cluster.nowMs += 40_000;
    expect(await cluster.pass('api')).toBe('done');
    expect(cluster.held).toBeDefined();
  });

  it('leaves a ConfigMap of that name alone that is not ours, and says so', async () => {
    const cluster = new Cluster();
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sidestep-findings' }, data: { a: 'b' } };
    cluster.held = theirs;
    expect(await cluster.pass('web')).toBe('60000 FindingsNotWritten');
    expect(cluster.held).toBe(theirs);
    expect(cluster.events).toEqual([expect.stringMatching(/^NameTaken: ConfigMap sidestep-findings exists/)]);
  });
});

describe('a list of findings is lost', () => {
  const stored = (data: Record<string, string>, name = 'sidestep-findings', hash?: string): ConfigMap => {
    const held = withHash({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data });
    const annotations = { 'sidestep.dev/content-hash': hash ?? held.data?.['hash'] ?? '' };
    return { ...held, metadata: { ...held.metadata, annotations } };
  };
  const [good, edited] = [stored({ total: '1' }), stored({ total: '2' }, 'sidestep-findings', 'other')];

  it.each<[string, { old?: ConfigMap; new?: ConfigMap }, boolean]>([
    ['when it is deleted', { old: good }, true],
    ['when it is edited', { old: good, new: edited }, true],
    ['when it was edited before we looked', { new: edited }, true],
    ['not when we have written it', { old: stored({ total: '0' }), new: good }, false],
    ['not with another ConfigMap', { old: stored({}, 'sidestep-ztunnel') }, false],
  ])('%s', (_, change, expected) => {
    expect(isListLost(change)).toBe(expected);
  });
});
