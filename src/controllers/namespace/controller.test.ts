import { expect, test } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import { GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import {
  CUSTOM_RESOURCE_DEFINITION,
  DEPLOYMENT,
  EVENT,
  NAMESPACE,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../kube/types.js';
import type { ResourceType } from '../../kube/resource.js';
import { silentLogger } from '../../log.js';
import { Manager } from '../../runtime/manager.js';
import { MemoryApi } from '../../runtime/testing/memory-api.js';
import { watch } from '../../runtime/watch.js';
import { namespace } from './controller.js';

const KINDS: readonly ResourceType[] = [
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
  GATEWAY,
  GATEWAY_CLASS,
  DEPLOYMENT,
  AMBIENT_MIGRATION,
];

type Labels = Record<string, string>;

test.each<{ what: string; labels: Labels; annotations: Labels }>([
  {
    what: 'about a waypoint',
    labels: { 'istio.io/dataplane-mode': 'ambient', 'istio.io/use-waypoint': 'waypoint' },
    annotations: { 'sidestep.dev/dataplane': 'Ambient', 'sidestep.dev/waypoint-created': 'waypoint' },
  },
  {
    what: 'about the mode',
    labels: { 'istio.io/dataplane-mode': 'ambient' },
    annotations: { 'sidestep.dev/dataplane': 'Ambient' },
  },
])(
  'a write $what that met a change which wakes nobody is made again, however often',
  async ({ labels, annotations }) => {
    const clock = new FakeClock();
    const api = new MemoryApi().serve(NAMESPACE, EVENT, CUSTOM_RESOURCE_DEFINITION, ...KINDS);
    api.put(NAMESPACE, { metadata: { name: 'web', labels } });
    let conflicts = 0;
    const client = api.client(({ verb, kind }) => {
      if (verb !== 'jsonPatch' || kind !== 'namespaces' || conflicts === 6) return;
      conflicts += 1;
      const live = api.get(NAMESPACE, 'web');
      if (live) api.put(NAMESPACE, { ...live, status: { phase: `Active ${conflicts}` } });
    });
    const spec = namespace();
    const manager = new Manager({
      client,
      clock,
      log: silentLogger,
      component: 'test',
      identity: 'pod',
      // Another controller watches Deployments.
      controllers: [{ ...spec, watches: [...spec.watches, watch({ type: DEPLOYMENT, map: () => [] })] }],
    });
    const stop = new AbortController();
    const ended = manager.run(stop.signal);
    await clock.advance(5 * 60_000);
    expect(conflicts).toBe(6);
    expect(api.get(NAMESPACE, 'web')).toMatchObject({
      metadata: { labels, annotations },
      status: { phase: 'Active 6' },
    });
    stop.abort();
    await clock.advance(60_000);
    await ended;
  },
);
