import { expect, test } from 'vitest';
import type { Pod } from '../../../../kube/types.js';
import { backoffMs, recordAfter } from './backoff.js';

const start = Date.UTC(2026, 0, 1);

function ended(second: number): Pod {
  const finishedAt = new Date(start + second * 1000).toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `at-${second}` },
    spec: { containers: [] },
    status: {
      containerStatuses: [
        { name: 'app', ready: false, restartCount: 0, state: { terminated: { exitCode: 1, finishedAt } } },
      ],
    },
  };
}

test('each failure in a row doubles the wait, up to ten minutes', () => {
  const waits = [1, 2, 3, 7, 30].map((failures) => backoffMs({ failures, lastFailureMs: start }, start));
  expect(waits).toEqual([10_000, 20_000, 40_000, 600_000, 600_000]);
  expect(backoffMs({ failures: 1, lastFailureMs: start }, start + 4_000)).toBe(6_000);
  expect(backoffMs(undefined, start)).toBe(0);
});

test('failures add up until something succeeds', () => {
  const first = recordAfter(undefined, [], [ended(1), ended(3)]);
  expect(first).toEqual({ failures: 2, lastFailureMs: start + 3_000 });
  expect(recordAfter(first, [], [ended(5)])).toEqual({ failures: 3, lastFailureMs: start + 5_000 });
  expect(recordAfter(first, [], [])).toEqual(first);
  expect(recordAfter(first, [ended(6)], [ended(5)])).toBeUndefined();
  expect(recordAfter(first, [ended(6)], [ended(5), ended(7)])).toEqual({ failures: 1, lastFailureMs: start + 7_000 });
});
