import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import type { Time } from './cluster.js';
import { until } from './until.js';

/** Tests give the time that an idle machine takes; one with two control planes on two cores takes longer. */
const BUSY = 3;

/** Time that nobody can move. */
export const realTime: Time = {
  ...systemClock,
  until: (what, look, { timeoutMs = 30_000, ...options } = {}) =>
    until(what, look, { timeoutMs: BUSY * timeoutMs, ...options }),
  sleep: (ms) => delay(ms),
  during: (_, work) => work,
};
