import { describe, expect, test } from 'vitest';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import { collectParameters } from './policy-parameters.js';

const widget = (namespace: string, name: string, labels = {}): ApiObject =>
  ({ metadata: { namespace, name, labels } }) as ApiObject;
const objects = [widget('a', 'one', { size: 'big' }), widget('a', 'two'), widget('b', 'three', { size: 'big' })];

const cluster: ClusterView = {
  get: (_resource, { namespace, name }) =>
    objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
  list: (_resource, namespace) => objects.filter(({ metadata }) => !namespace || metadata.namespace === namespace),
  onCommit: () => () => undefined,
};

const registry = new Registry();
const kinds = [
  { group: 'g.test', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true },
  { group: 'g.test', version: 'v1', plural: 'settings', kind: 'Setting', namespaced: false },
];
registry.add(kinds as unknown as ServedResource[]);
const [ofWidgets, ofSettings] = kinds.map(({ kind }) => ({ apiVersion: 'g.test/v1', kind }));

const collect = (...[kind, ref, namespace]: [typeof ofWidgets, object | undefined, string]): unknown => {
  const found = collectParameters(cluster, registry, kind, ref, namespace);
  return typeof found === 'string' ? found : found.map((object) => object && object.metadata.name);
};

describe('collectParameters', () => {
  test('no kind or no reference: once, without parameters', () => {
    expect(collect(undefined, { name: 'one' }, 'a')).toEqual([null]);
    expect(collect(ofWidgets, undefined, 'a')).toEqual([null]);
  });

  test('by name, in the namespace of the request unless told', () => {
    expect(collect(ofWidgets, { name: 'one' }, 'a')).toEqual(['one']);
    expect(collect(ofWidgets, { name: 'three', namespace: 'b' }, 'a')).toEqual(['three']);
  });

  test('by selector: all that match in the namespace', () => {
    expect(collect(ofWidgets, { selector: {} }, 'a')).toEqual(['one', 'two']);
    expect(collect(ofWidgets, { selector: { matchLabels: { size: 'big' } } }, 'a')).toEqual(['one']);
  });

  test('none: allowed, unless the binding denies', () => {
    expect(collect(ofWidgets, { name: 'none' }, 'a')).toEqual([]);
    expect(collect(ofWidgets, { name: 'none', parameterNotFoundAction: 'Deny' }, 'a')).toBe(
      'no params found for policy binding with `Deny` parameterNotFoundAction',
    );
  });

  test('what cannot be', () => {
    expect(collect({ apiVersion: 'g.test/v2', kind: 'Widget' }, { name: 'one' }, 'a')).toBe(
      'paramKind kind `g.test/v2, Kind=Widget` not known',
    );
    expect(collect(ofSettings, { name: 'one', namespace: 'a' }, 'a')).toBe(
      'paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    );
    expect(collect(ofWidgets, { name: 'one' }, '')).toBe(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  });
});
