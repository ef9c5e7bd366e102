import { expect, test } from 'vitest';
import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { CONFIG_MAP, NAMESPACE } from '../../kube/types.js';
import type { Stores } from '../../runtime/stores.js';
import { namespaceWatch, watches } from './watches.js';

const LOCATION = { istioNamespace: 'istio-system' };

const object = (type: ResourceType, namespace: string | undefined, name: string, more: object = {}): KubeObject => ({
  apiVersion: type.version,
  kind: type.kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
  ...more,
});

/** Namespace `shop` is viewed, and `other` is not. */
function storesWith(mesh: string): Stores {
  const objects = [
    object(NAMESPACE, undefined, 'shop'),
    object(NAMESPACE, undefined, 'other'),
    object(AMBIENT_MIGRATION, 'shop', 'web'),
    object(CONFIG_MAP, 'istio-system', 'istio', { data: { mesh } }),
    object(CONFIG_MAP, 'istio-system', 'istio-sidecar-injector', { data: { values: '{}' } }),
  ];
  const of = (type: ResourceType): unknown => {
    const list = (namespace?: string): KubeObject[] =>
      objects.filter(
        ({ kind, metadata }) => kind === type.kind && (namespace === undefined || metadata.namespace === namespace),
      );
    const get = (ref: { namespace?: string; name: string }): KubeObject | undefined =>
      list(ref.namespace).find(({ metadata }) => metadata.name === ref.name);
    return { list, get, byIndex: () => [] };
  };
  return { of } as Stores;
}

/** Names of the views that a change of an object in a namespace wakes. */
function woken(kind: string, namespace: string, mesh = '{}'): string[] {
  const dependents = (place: string): { name: string }[] => (place === 'stand-in' ? [{ name: 'shop' }] : []);
  const spec = watches(LOCATION, dependents).find(({ type }) => type.kind === kind);
  const changed = { apiVersion: 'v1', kind, metadata: { namespace, name: 'x' } };
  return (spec?.map(changed, storesWith(mesh)) ?? []).map(({ name }) => name);
}

const KINDS = ['Pod', 'Service', 'EndpointSlice', 'AuthorizationPolicy', 'PeerAuthentication', 'WorkloadEntry'];

test.each(KINDS)('a %s wakes the view of its namespace, and those that were made from objects there', (kind) => {
  expect(['shop', 'stand-in', 'other'].map((namespace) => woken(kind, namespace))).toEqual([['shop'], ['shop'], []]);
});

test('no event is lost while the configuration of istiod is no YAML', () => {
  expect(woken('AuthorizationPolicy', 'shop', '{')).toEqual(['shop']);
  const requests = namespaceWatch(LOCATION).map(object(NAMESPACE, undefined, 'other'), storesWith('{'));
  expect(requests).toEqual([{ name: 'other' }]);
});
