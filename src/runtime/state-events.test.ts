import { expect, test } from 'vitest';
import type { EmittedEvent } from '../kube/events.js';
import { type State, StateEvents } from './state-events.js';

const state = (note: string, afterMs = 30_000, id = 'missing'): State => ({
  id,
  afterMs,
  event: {
    regarding: { apiVersion: 'v1', kind: 'Namespace', name: 'shop' },
    type: 'Warning',
    reason: 'Missing',
    note,
    action: 'Look',
  },
});

function setUp() {
  let nowMs = 0;
  const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) };
  const notes: string[] = [];
  const states = new StateEvents();
  const events = { emit: ({ note }: EmittedEvent) => void notes.push(note) };
  return { clock, notes, tell: (key: string, ...now: State[]) => states.tell(key, now, { events, clock }) };
}

test('a state is told once, when it has lasted', () => {
  const { clock, notes, tell } = setUp();
  expect(tell('shop', state('one'))).toBe(30_000);
  clock.advance(29_000);
  expect(tell('shop', state('one'))).toBe(1_000);
  expect(notes).toEqual([]);
  clock.advance(1_000);
  expect(tell('shop', state('one'))).toBeUndefined();
  clock.advance(600_000);
  tell('shop', state('one'));
  expect(notes).toEqual(['one']);
});

test('what ended in time is not told, and begins anew', () => {
  const { clock, notes, tell } = setUp();
  tell('shop', state('one'));
  clock.advance(29_000);
  tell('shop');
  clock.advance(2_000);
  expect(tell('shop', state('one'))).toBe(30_000);
  expect(notes).toEqual([]);
});

test('a lasting state is told again when its note changes, and when it is back', () => {
  const { notes, tell } = setUp();
  for (const now of [[state('one', 0)], [state('two', 0)], [state('two', 0)], [], [state('two', 0)]])
    tell('shop', ...now);
  expect(notes).toEqual(['one', 'two', 'two']);
});

test('keys and states do not touch each other', () => {
  const { clock, notes, tell } = setUp();
  tell('shop', state('one'), state('other', 60_000, 'unready'));
  tell('bank');
  clock.advance(30_000);
  expect(tell('shop', state('one'), state('other', 60_000, 'unready'))).toBe(30_000);
  tell('bank', state('bank', 0));
  expect(notes).toEqual(['one', 'bank']);
});
