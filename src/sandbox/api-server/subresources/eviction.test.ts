import { describe, expect, test } from 'vitest';
import { builtinResources } from '../builtin/index.js';
import type { ApiObject } from '../object.js';
import type { Operations } from '../operations.js';
import type { ActionRequest } from '../subresource.js';
import { eviction } from './eviction.js';

const resources = builtinResources();
const resourceOf = (plural: string) => resources.find((resource) => resource.plural === plural)!;

const pod: ApiObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    namespace: 'a',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    labels: { app: 'web' },
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};

/** Evicts the pod under one budget with the given status; answers with what happened to the budget. */
async function evict(status: object): Promise<ApiObject> {
  const budget: ApiObject = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...pod.metadata, name: 'budget', generation: 2 },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { observedGeneration: 2, ...status },
  };
  const operations: Pick<Operations, 'get' | 'list' | 'find' | 'update' | 'delete'> = {
    get: () => pod,
    list: () => [budget],
    find: (_group, plural) => resourceOf(plural),
    update: (resource, _ref, change) => {
      const changed = resource.plural === 'pods' ? structuredClone(pod) : budget;
      change(changed);
      return changed;
    },
    delete: () => Promise.resolve(pod),
  };
  const request: Omit<ActionRequest, 'operations'> = {
    resource: resourceOf('pods'),
    namespace: 'a',
    name: 'web',
    body: { ...pod, kind: 'Eviction', metadata: { ...pod.metadata } },
    dryRun: false,
    now: 0,
  };
  await eviction.create({ ...request, operations: operations as Operations });
  return budget;
}

const condition = (reason: string, message: string) => ({
  conditions: [{ type: 'DisruptionAllowed', status: 'False', reason, message }],
});

/** What only a controller's status at a bad moment leads to, so that no real server can be brought there. */
describe('evictions', () => {
  test('a budget that its controller has not seen yet asks to come back', async () => {
    await expect(evict({ observedGeneration: 1, disruptionsAllowed: 1 })).rejects.toMatchObject({
      code: 429,
      details: {
        retryAfterSeconds: 10,
        causes: [{ message: 'The disruption budget budget is still being processed by the server.' }],
      },
    });
  });

  test.each([
    [condition('SyncFailed', 'no scale'), 'does not allow evicting pods currently because it failed sync: no scale'],
    [{ currentHealthy: 1, desiredHealthy: 2 }, 'needs 2 healthy pods and has 1 currently'],
    [
      { currentHealthy: 3, desiredHealthy: 2, ...condition('InsufficientPods', 'few') },
      'does not allow evicting pods currently (InsufficientPods): few',
    ],
    [{ currentHealthy: 3, desiredHealthy: 2 }, 'does not allow evicting pods currently'],
  ])('%j: %s', async (status, why) => {
    await expect(evict({ disruptionsAllowed: 0, ...status })).rejects.toMatchObject({
      code: 429,
      details: { causes: [{ reason: 'DisruptionBudget', message: `The disruption budget budget ${why}` }] },
    });
  });

  test('the last disruption that is taken closes the budget at once', async () => {
    const { status } = await evict({ disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    expect(status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { web: '1970-01-01T00:00:00Z' },
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
    });
  });

  test('a controller that does not keep up stops evictions', async () => {
    const disruptedPods = Object.fromEntries(Array.from({ length: 2001 }, (_, index) => [`pod-${index}`, '']));
    await expect(evict({ disruptionsAllowed: 1, disruptedPods })).rejects.toMatchObject({ code: 403 });
  });
});
