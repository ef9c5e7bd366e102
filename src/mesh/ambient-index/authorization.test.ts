import { describe, expect, it } from 'vitest';
import { settings } from '../../../test/support/index-mesh.js';
import { authorizationOf, type SelectedPolicy } from './authorization.js';

const read = (spec: object, namespace = 'shop'): SelectedPolicy | undefined =>
  authorizationOf({ kind: 'AuthorizationPolicy', metadata: { name: 'p', namespace }, spec }, settings);

describe('an AuthorizationPolicy', () => {
  it.each([
    { targetRef: { kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'gate' } },
    { targetRefs: [{ kind: 'Service', group: '', name: 'web' }] },
    { action: 'CUSTOM' },
    { action: 'AUDIT' },
  ])('%j is not for ztunnel', (spec) => {
    expect(read(spec)).toBeUndefined();
  });

  it.each<[object, string, string, object | undefined]>([
    [{}, 'shop', 'Namespace', undefined],
    [{}, 'istio-system', 'Global', undefined],
    [{ selector: null }, 'shop', 'Namespace', undefined],
    [{ selector: {} }, 'shop', 'WorkloadSelector', undefined],
    [{ selector: { matchLabels: { app: 'a' } } }, 'istio-system', 'WorkloadSelector', { app: 'a' }],
  ])('%j in %s has the scope %s', (spec, namespace, scope, selector) => {
    const { policy, ...is } = read(spec, namespace)!;
    expect([policy.scope, is.selector]).toEqual([scope, selector]);
  });

  it.each<[string[], object]>([
    [['80', '65535'], { destinationPorts: [80, 65_535] }],
    [['65536', '80x', 'x80', ''], {}],
  ])('to ports %j is %j', (ports, match) => {
    expect(read({ rules: [{ to: [{ operation: { ports } }] }] })?.policy.rules).toEqual([[[match]]]);
  });
});
