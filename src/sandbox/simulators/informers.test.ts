import { beforeEach, describe, expect, test } from 'vitest';

import { FakeClock, settle } from '../../../test/support/fake-clock.js';
import type { Client, WatchEvent } from '../../kube/client.js';
import { CONFIG_MAP, type ConfigMap } from '../../kube/types.js';
import { silentLogger } from '../../log.js';
import { Informer, Informers, type Change } from './informers.js';

const map = (name: string, version: number, more: Partial<ConfigMap['metadata']> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: String(version), ...more },
});

/** What a server with these objects says, and then what the test says. */
class Script {
  #wake: () => void = () => {};
  readonly #events: WatchEvent<ConfigMap>[] = [];

  constructor(readonly listed: ConfigMap[]) {}

  send(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ConfigMap): Promise<void> {
    this.#events.push({ type, object });
    this.#wake();
    return settle();
  }

  client(): Client {
    const { listed } = this;
    const events = this.#events;
    const more = (): Promise<void> => new Promise((resolve) => (this.#wake = resolve));
    const client = {
      random: () => 0.5,
      async *pages() {
        yield { items: listed, resourceVersion: '1', restarted: false };
      },
      async *watch() {
        for (;;) {
          for (let event = events.shift(); event; event = events.shift()) yield event;
          await more();
        }
      },
    };
    return client as unknown as Client;
  }
}

describe('Informer', () => {
  let script: Script;
  let informer: Informer<ConfigMap>;
  let changes: string[];

  beforeEach(async () => {
    script = new Script([map('b', 2), map('a', 1)]);
    informer = new Informer(CONFIG_MAP, { client: script.client(), clock: new FakeClock(), log: silentLogger });
    changes = [];
    informer.onChange(({ object, before, gone }: Change<ConfigMap>) => {
      const what = gone ? 'gone' : before === undefined ? 'new' : 'changed';
      changes.push(`${what} ${object.metadata.name} ${object.metadata.resourceVersion}`);
    });
    void informer.run(new AbortController().signal);
    await informer.whenSynced();
  });

  const names = (): string[] => informer.list('shop').map(({ metadata }) => metadata.name);

  test('objects are listed by name, and every change is told once', async () => {
    expect(names()).toEqual(['a', 'b']);
    await script.send('MODIFIED', map('a', 3));
    await script.send('MODIFIED', map('a', 3));
    await script.send('DELETED', map('b', 4));
    expect(changes).toEqual(['new b 2', 'new a 1', 'changed a 3', 'gone b 4']);
    expect(names()).toEqual(['a']);
  });

  test('what was written is known at once, and told only then', async () => {
    informer.written(map('c', 5));
    expect(names()).toEqual(['a', 'b', 'c']);
    await script.send('ADDED', map('c', 5));
    expect(changes.slice(2)).toEqual(['new c 5']);
  });

  test('an older event does not undo a write', async () => {
    informer.written(map('a', 7, { labels: { written: 'yes' } }));
    await script.send('MODIFIED', map('a', 6));
    expect(informer.get({ namespace: 'shop', name: 'a' })?.metadata.labels).toEqual({ written: 'yes' });
  });

  test('a late answer does not bring back what is gone', async () => {
    await script.send('ADDED', map('c', 5));
    await script.send('DELETED', map('c', 6));
    informer.written(map('c', 5));
    expect(names()).toEqual(['a', 'b']);
  });

  test('what is being deleted stays so, whatever older events say', async () => {
    informer.deleting(map('a', 1), '2026-01-01T00:00:00Z');
    await script.send('MODIFIED', map('a', 8));
    expect(informer.get({ namespace: 'shop', name: 'a' })?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z');
    await script.send('MODIFIED', map('a', 9, { deletionTimestamp: '2026-01-01T00:00:05Z' }));
    expect(informer.get({ namespace: 'shop', name: 'a' })?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:05Z');
    await script.send('DELETED', map('a', 10));
    expect(names()).toEqual(['b']);
  });

  test('a name that another object has taken: the old one is gone, the new one new', async () => {
    await script.send('ADDED', map('a', 11, { uid: 'another' }));
    await script.send('DELETED', map('a', 12));
    expect(changes.slice(2)).toEqual(['gone a 1', 'new a 11']);
    expect(names()).toEqual(['a', 'b']);
  });
});

test('Informers: one cache for each kind, also begun while running', async () => {
  const script = new Script([map('a', 1)]);
  const informers = new Informers({ client: script.client(), clock: new FakeClock(), log: silentLogger });
  const end = new AbortController();
  void informers.run(end.signal);
  const informer = informers.of(CONFIG_MAP);
  expect(informers.of(CONFIG_MAP)).toBe(informer);
  await informers.whenSynced();
  expect(informer.list()).toHaveLength(1);
  end.abort();
});
