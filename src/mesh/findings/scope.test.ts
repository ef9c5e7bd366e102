import { describe, expect, it } from 'vitest';
import { policyObject, policyScope } from '../../../test/support/policies.js';
import type { PolicyObject } from '../policy-object.js';
import { appliesBySelector, finding, hasTargetRefs, isExportedTo } from './scope.js';

describe('a finding about fields of an object', () => {
  it.each<[string | string[], string]>([
    ['a', 'field a'],
    [['a', 'b'], 'fields a, b'],
    [['a', 'b', 'c'], 'fields a, b, c'],
    [['a', 'b', 'c', 'd', 'e'], 'fields a, b, c and 2 more'],
  ])('%j', (fields, shown) => {
    expect(finding('SST2001', policyObject('Novelty'), fields, 'is new', policyScope())).toEqual({
      code: 'SST2001',
      object: 'Novelty/x',
      message: `Novelty x, ${shown}: is new`,
      path: 'a',
    });
  });

  it('names the namespace of another one', () => {
    const object = policyObject('Novelty', {}, { namespace: 'other' });
    expect(finding('SST2001', object, 'a', 'is new', policyScope()).object).toBe('Novelty/other/x');
  });
});

describe('an object applies to a namespace', () => {
  const root = { namespace: 'istio-system' };
  const selecting = (app: string): object => ({ selector: { matchLabels: { app } } });
  const kind = 'AuthorizationPolicy';
  it.each<[string, PolicyObject, boolean]>([
    ['of its own', policyObject(kind), true],
    ['of its own, for pods to come', policyObject(kind, selecting('later')), true],
    ['of its own, for a target', policyObject(kind, { targetRef: { kind: 'Service', name: 'web' } }), true],
    ['of the mesh', policyObject(kind, {}, root), true],
    ['of the mesh, for its first pods', policyObject(kind, selecting('web'), root), true],
    ['of the mesh, for its last pods', policyObject(kind, selecting('db'), root), true],
    ['not for other pods', policyObject(kind, selecting('gate'), root), false],
    ['not for a target elsewhere', policyObject(kind, { targetRef: { kind: 'Gateway', name: 'gate' } }, root), false],
    ['not for targets elsewhere', policyObject(kind, { targetRefs: [{ kind: 'Gateway', name: 'gate' }] }, root), false],
    ['not of another', policyObject(kind, {}, { namespace: 'other' }), false],
    ['not a Telemetry of pods of the root namespace', policyObject('Telemetry', selecting('web'), root), false],
    [
      'by the selector of a filter',
      policyObject('EnvoyFilter', { workloadSelector: { labels: { app: 'db' } } }, root),
      true,
    ],
  ])('%s', (_, object, applies) => {
    const scope = policyScope({ workloadLabels: [{ app: 'web' }, { app: 'db' }] });
    expect(appliesBySelector(object, scope)).toBe(applies);
  });

  it.each<[object, boolean]>([
    [{}, false],
    [{ targetRefs: [] }, false],
    [{ targetRefs: [{ kind: 'Service', name: 'web' }] }, true],
    [{ targetRef: { kind: 'Service', name: 'web' } }, true],
  ])('or to a target, by %j: %s', (spec, isAttached) => {
    expect(hasTargetRefs(policyObject(kind, spec))).toBe(isAttached);
  });
});

describe('an object of namespace other is exported', () => {
  it.each<[string[] | undefined, boolean]>([
    [undefined, true],
    [[], true],
    [['*'], true],
    [['shop'], true],
    [['third', 'shop'], true],
    [['.'], false],
    [['~'], false],
    [['third'], false],
  ])('to %j, and so to shop: %s', (exportTo, isSeen) => {
    const object = policyObject('VirtualService', exportTo ? { exportTo } : {}, { namespace: 'other' });
    expect(isExportedTo(object, 'shop')).toBe(isSeen);
  });

  it('to its own namespace by a dot', () => {
    expect(isExportedTo(policyObject('VirtualService', { exportTo: ['.'] }), 'shop')).toBe(true);
  });
});
