import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeClock } from '../test/support/fake-clock.js';
import { delay, onAbort, systemClock } from './clock.js';

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs a call after the delay, and never if it is cancelled', () => {
    const calls: string[] = [];
    systemClock.schedule(1_000, () => calls.push('kept'));
    systemClock.schedule(1_000, () => calls.push('cancelled'))();
    vi.advanceTimersByTime(999);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual(['kept']);
  });

  it('waits for longer than a timer of Node can', () => {
    const days = 60 * 86_400_000;
    let called = false;
    systemClock.schedule(days, () => (called = true));
    vi.advanceTimersByTime(days - 1);
    expect(called).toBe(false);
    vi.advanceTimersByTime(1);
    expect(called).toBe(true);
  });
});

describe('delay', () => {
  it('resolves in time', async () => {
    const clock = new FakeClock();
    const waiting = delay(clock, 500, new AbortController().signal);
    await clock.advance(500);
    await waiting;
    expect(clock.pending).toBe(0);
  });

  it('rejects with the reason of the signal, before and while it waits', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const waiting = delay(clock, 500, stop.signal);
    const reason = new Error('stop');
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(delay(clock, 500, stop.signal)).rejects.toBe(reason);
    expect(clock.pending).toBe(0);
  });
});

describe('onAbort', () => {
  it('does not call back after it has been told to stop listening', () => {
    const stop = new AbortController();
    const calls: string[] = [];
    onAbort(stop.signal, () => calls.push('kept'));
    onAbort(stop.signal, () => calls.push('forgotten'))();
    onAbort(undefined, () => calls.push('never'))();
    stop.abort();
    expect(calls).toEqual(['kept']);
  });

  it('has one listener, however many wait', () => {
    const stop = new AbortController();
    const calls: number[] = [];
    for (const each of [1, 2, 3]) onAbort(stop.signal, () => calls.push(each));
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    stop.abort();
    expect(calls).toEqual([1, 2, 3]);
  });
});
