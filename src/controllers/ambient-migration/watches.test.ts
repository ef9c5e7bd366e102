import { expect, test } from 'vitest';
import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import type { Stores } from '../../runtime/stores.js';
import { watches } from './watches.js';

const migrationIn = (namespace: string): KubeObject => ({
  apiVersion: 'sidestep.dev/v1alpha1',
  kind: AMBIENT_MIGRATION.kind,
  metadata: { namespace, name: namespace },
});

/** Namespaces `shop` and `other` have a migration each. */
const stores = {
  of: (type: ResourceType) => ({
    list: (namespace?: string) =>
      type === AMBIENT_MIGRATION
        ? ['shop', 'other'].filter((one) => namespace === undefined || one === namespace).map(migrationIn)
        : [],
  }),
} as unknown as Stores;

/** The migrations that hear of a change in namespace `shop`. */
function woken(kind: string, before: object, after: object): string[] {
  const version = (fields: object): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { namespace: 'shop', name: 'x', uid: 'x', generation: 1 },
    ...fields,
  });
  const change = { old: version(before), new: version(after) };
  const passing = watches({ istioNamespace: 'istio-system' }).filter(
    ({ type, predicate }) => type.kind === kind && (predicate?.(change) ?? true),
  );
  return [...new Set(passing.flatMap(({ map }) => map(change.new, stores).map(({ name }) => name)))];
}

// All whose status a migration waits for.
const WAITED_FOR = [
  'AuthorizationPolicy',
  'DaemonSet',
  'Deployment',
  'Gateway',
  'HTTPRoute',
  'PodDisruptionBudget',
  'Rollout',
  'Service',
  'StatefulSet',
];

test.each(WAITED_FOR)('what is said in the status of a %s wakes the migration of its namespace', (kind) => {
  const status = { conditions: [{ type: 'Accepted', status: 'True' }] };
  expect(woken(kind, {}, { status })).toEqual(['shop']);
});

test.each(['VirtualService', 'HorizontalPodAutoscaler'])('the status of a %s wakes nobody', (kind) => {
  expect(woken(kind, {}, { status: { conditions: [] } })).toEqual([]);
});
