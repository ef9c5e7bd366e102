import { expect, test } from 'vitest';

import { Metrics } from './metrics.js';

test('a kind watched in two scopes counts the objects of both, and the age of the one that is silent for longer', async () => {
  const metrics = new Metrics();
  metrics.scrape({
    uptimeMs: () => 0,
    queues: () => [],
    informers: () => [
      { kind: 'configmaps', objects: 2, lastEventAgeMs: 90_000 },
      { kind: 'configmaps', objects: 3, lastEventAgeMs: 1_000 },
      { kind: 'pods', objects: 1, lastEventAgeMs: undefined },
    ],
    eventLoopLagMs: () => 0,
  });
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('informer_'));
  expect(lines).toEqual([
    'informer_objects{kind="configmaps"} 5',
    'informer_objects{kind="pods"} 1',
    'informer_last_event_age_seconds{kind="configmaps"} 90',
    'informer_last_event_age_seconds{kind="pods"} 0',
  ]);
});
