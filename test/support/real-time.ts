import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import type { Time } from './cluster.js';
import { until } from './until.js';

/** Time that nobody can move. */
export const realTime: Time = {
  ...systemClock,
  until,
  sleep: (ms) => delay(ms),
  during: (_, work) => work,
};
