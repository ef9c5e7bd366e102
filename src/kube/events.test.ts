import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { StubApiServer } from '../../test/support/stub-api-server.js';
import { silentLogger } from '../log.js';
import { Client } from './client.js';
import { EventRecorder, type EmittedEvent } from './events.js';
import type { Event } from './types.js';

const path = '/apis/events.k8s.io/v1/namespaces/shop/events';

const event = (more: Partial<EmittedEvent> = {}): EmittedEvent => ({
  regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'shop', uid: 'u1' },
  type: 'Normal',
  reason: 'Created',
  note: 'made it',
  action: 'Create',
  ...more,
});

describe('EventRecorder', () => {
  let server: StubApiServer;
  let clock: FakeClock;
  let client: Client;
  let recorder: EventRecorder;
  let errors: { fields: object; message: string }[];

  beforeEach(async () => {
    server = await StubApiServer.start();
    clock = new FakeClock(Date.UTC(2026, 0, 1));
    client = new Client({ connection: server.connection(), clock });
    errors = [];
    recorder = new EventRecorder({
      client,
      clock,
      log: { ...silentLogger, error: (fields, message) => void errors.push({ fields, message }) },
      component: 'example.com/operator',
      instance: 'pod-1',
    });
  });

  afterEach(async () => {
    const flushed = recorder.flush(0);
    await clock.advance(0);
    await flushed;
    client.close();
    await server.stop();
  });

  const created = () => server.seen({ method: 'POST' }).map((request) => request.body as Event);
  const series = () => server.seen({ method: 'PATCH' }).map((request) => request.body);

  it('writes an event that the API accepts', async () => {
    const related = { apiVersion: 'v1', kind: 'Secret', name: 'b', namespace: 'shop' };
    recorder.emit(event({ note: 'x'.repeat(2_000), related }));
    await recorder.flush(1_000);
    expect(server.requests).toMatchObject([{ method: 'POST', path }]);
    expect(created()).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) as string, namespace: 'shop' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.com/operator',
        reportingInstance: 'pod-1',
        action: 'Create',
        reason: 'Created',
        type: 'Normal',
        note: 'x'.repeat(1_024),
        regarding: event().regarding,
        related,
      },
    ]);
  });

  it.each([
    ['short', 'größe 😀'],
    ['of 1,024 bytes', `${'é'.repeat(510)}😀`],
  ])('leaves a note whole that is %s', async (_what, note) => {
    recorder.emit(event({ note }));
    await recorder.flush(1_000);
    expect(created()[0]?.note).toBe(note);
  });

  it.each([
    ['é'.repeat(1_000), 'é'.repeat(512)],
    [`${'x'.repeat(1_021)}😀 and more`, 'x'.repeat(1_021)],
    [`${'x'.repeat(1_020)}😀 and more`, `${'x'.repeat(1_020)}😀`],
  ])('cuts a note by bytes, between two characters', async (note, cut) => {
    recorder.emit(event({ note }));
    await recorder.flush(1_000);
    expect(created()[0]?.note).toBe(cut);
  });

  it('stores events about cluster-scoped objects in default, under a name that is allowed', async () => {
    recorder.emit(event({ regarding: { apiVersion: 'v1', kind: 'X', name: `${'a'.repeat(228)}:.Role` } }));
    await recorder.flush(1_000);
    expect(created()[0]?.metadata).toMatchObject({
      namespace: 'default',
      name: expect.stringMatching(/^a+\.[0-9a-f]{16}$/) as string,
    });
  });

  it('makes repetitions a series: the second at once, further ones once a minute', async () => {
    recorder.emit(event());
    await until(() => created().length === 1);
    await settle();
    recorder.emit(event());
    await until(() => series().length === 1);
    await settle();
    for (let n = 0; n < 50; n++) recorder.emit(event());
    await clock.advance(1_000);
    expect(series()).toHaveLength(1);
    await clock.advance(120_000);
    await until(() => series().length === 2);
    expect(created()).toHaveLength(1);
    expect(series()).toEqual([
      [{ op: 'add', path: '/series', value: { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }],
      [{ op: 'add', path: '/series', value: { count: 52, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }],
    ]);
  });

  it('writes what has been counted when it is flushed', async () => {
    recorder.emit(event());
    await recorder.flush(1_000);
    for (let n = 0; n < 9; n++) recorder.emit(event());
    await recorder.flush(1_000);
    expect(series().at(-1)).toMatchObject([{ value: { count: 10 } }]);
  });

  it('leaves no timer behind when it is stopped, and writes nothing more', async () => {
    recorder.emit(event());
    await recorder.flush(1_000);
    recorder.emit(event());
    recorder.stop();
    await clock.advance(600_000);
    expect(clock.pending).toBe(0);
    expect(server.requests).toHaveLength(1);
  });

  it('begins a new event after six quiet minutes', async () => {
    recorder.emit(event());
    await recorder.flush(1_000);
    await clock.advance(360_000);
    recorder.emit(event());
    await recorder.flush(1_000);
    expect(created()).toHaveLength(2);
    expect(created()[0]?.metadata.name).not.toBe(created()[1]?.metadata.name);
  });

  it('writes a new event when the server has forgotten the old one', async () => {
    recorder.emit(event());
    await recorder.flush(1_000);
    server.on({ method: 'PATCH' }, { status: 404 });
    recorder.emit(event());
    await recorder.flush(1_000);
    expect(created()).toMatchObject([{}, { series: { count: 2 } }]);
  });

  it('keeps events with different notes apart', async () => {
    recorder.emit(event({ note: 'one' }));
    recorder.emit(event({ note: 'two' }));
    await recorder.flush(1_000);
    expect(created().map((each) => each.note)).toEqual(['one', 'two']);
  });

  it('cuts off an object that is talked about too much, and nobody else', async () => {
    for (let n = 0; n < 40; n++) recorder.emit(event({ note: `note ${n}` }));
    recorder.emit(event({ regarding: { ...event().regarding, name: 'b', uid: 'u2' } }));
    await recorder.flush(1_000);
    expect(created().filter((each) => each.regarding?.name === 'a')).toHaveLength(25);
    expect(created().filter((each) => each.regarding?.name === 'b')).toHaveLength(1);
    expect(errors).toEqual([{ fields: { dropped: 15 }, message: 'events were dropped' }]);

    await clock.advance(300_000);
    recorder.emit(event({ note: 'later' }));
    await recorder.flush(1_000);
    expect(created().at(-1)?.note).toBe('later');
  });

  it('holds a bounded number of events and never blocks', async () => {
    server.on({}, { hang: true });
    for (let n = 0; n < 2_000; n++) recorder.emit(event({ regarding: { ...event().regarding, name: `o${n}` } }));
    const flushed = recorder.flush(1_000);
    await clock.advance(1_000);
    await flushed;
    expect(errors).toMatchObject([{ message: 'events were dropped' }]);
  });

  it('tries again when the connection breaks, then goes on with the next', async () => {
    server.on({ method: 'POST' }, { reset: true }, 3);
    recorder.emit(event({ note: 'lost' }));
    recorder.emit(event({ note: 'written' }));
    for (let attempt = 1; attempt <= 2; attempt++) {
      await until(() => server.requests.length === attempt);
      await until(() => (clock.nextInMs ?? Infinity) <= 4_000, 'a wait');
      await clock.advance(4_000);
    }
    await until(() => created().some((each) => each.note === 'written'));
    expect(errors).toMatchObject([{ message: 'event not written', fields: { object: 'shop/a', reason: 'Created' } }]);
  });

  it('drops what the server refuses', async () => {
    server.on({ method: 'POST' }, { status: 403 });
    recorder.emit(event());
    await recorder.flush(1_000);
    expect(server.requests).toHaveLength(1);
    expect(errors).toMatchObject([{ message: 'event not written' }]);
  });
});
