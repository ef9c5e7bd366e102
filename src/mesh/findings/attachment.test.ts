import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';
import { unservedTargetFindings } from './attachment.js';

const target = (kind: string, name = 'web'): object => ({ targetRefs: [{ kind, name }] });
const bound = policyScope({ waypoint: WAYPOINT });
const KINDS = ['AuthorizationPolicy', 'RequestAuthentication', 'WasmPlugin', 'TrafficExtension', 'Telemetry'];

describe('a policy with targetRefs', () => {
  it('is enforced by nobody, before and after, where the migration has no waypoint for it', () => {
    for (const kind of KINDS) {
      expect(foundIn(policyObject(kind, target('Service')))).toEqual(['SST2015 spec.targetRefs']);
      expect(foundIn(policyObject(kind, target('Service')), bound)).toEqual(['SST5001']);
    }
    expect(foundIn(policyObject('AuthorizationPolicy', target('Gateway', 'other')), bound)).toEqual([
      'SST2015 spec.targetRefs',
    ]);
  });

  it('is not understood if half of it would come into force', () => {
    const targetRefs = [
      { kind: 'Service', name: 'web' },
      { kind: 'Gateway', name: 'other' },
    ];
    expect(foundIn(policyObject('AuthorizationPolicy', { targetRefs }), bound)).toEqual(['SST2001 spec.targetRefs']);
    const gateways = ['waypoint', 'other'].map((name) => ({ kind: 'Gateway', name }));
    const found = foundIn(policyObject('AuthorizationPolicy', { targetRefs: gateways }), bound);
    expect(found).toEqual(['SST2001 spec.targetRefs']);
  });

  it('names all its targets, if none is served', () => {
    const targetRefs = [
      { kind: 'Service', name: 'web' },
      { kind: 'Gateway', name: 'edge' },
    ];
    const [found] = policyFindings([policyObject('AuthorizationPolicy', { targetRefs })], policyScope());
    expect(found?.message).toBe(
      'AuthorizationPolicy x, field spec.targetRefs: no waypoint of this migration serves Service/web, Gateway/edge',
    );
  });

  it('of the root namespace, for a class, comes with the waypoint', () => {
    const root = { namespace: 'istio-system' };
    const ofClass = (kind: string): PolicyObject => policyObject(kind, target('GatewayClass', 'istio-waypoint'), root);
    for (const kind of KINDS) expect(foundIn(ofClass(kind), bound), kind).toEqual(['SST2016 spec.targetRefs']);
    const policy = ofClass('AuthorizationPolicy');
    expect(foundIn(policy)).toEqual([]);
    const elsewhere = { ...policy, metadata: { ...policy.metadata, namespace: 'other' } };
    expect(foundIn(elsewhere, bound)).toEqual([]);
  });

  it('of the root namespace, for a Gateway there, is not for the waypoint', () => {
    const policy = policyObject('AuthorizationPolicy', target('Gateway', 'waypoint'), { namespace: 'istio-system' });
    expect(foundIn(policy, bound)).toEqual([]);
  });

  const other = { kind: 'Gateway', name: 'other' };
  it.each<[string, string, object, string[]]>([
    ['the Gateway', 'edge', target('Gateway', 'waypoint'), ['SST2024 spec.targetRefs']],
    [
      'the Gateway beside another',
      'edge',
      { targetRefs: [other, { kind: 'Gateway', name: 'waypoint' }] },
      ['SST2024 spec.targetRefs'],
    ],
    ['a Service of that name', 'edge', target('Service', 'waypoint'), []],
    ['another Gateway', 'edge', target('Gateway', 'other'), []],
    ['a Gateway of the same name', 'third', target('Gateway', 'waypoint'), []],
  ])('reaches those who share a waypoint: %s, of namespace %s', (_, namespace, spec, expected) => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    expect(foundIn(policyObject('AuthorizationPolicy', spec, { namespace }), shared)).toEqual(expected);
  });
});

describe('a policy that a waypoint enforces until the migration takes it away', () => {
  const labelled = (kind: string, metadata: Partial<PolicyObject['metadata']> = {}): PolicyObject =>
    policyObject(kind, {}, { name: 'web', labels: { [LABEL.useWaypoint]: 'first' }, ...metadata });
  const ours = (object: PolicyObject): PolicyObject => {
    const labels = JSON.stringify({ generation: 1, attempt: 1, labels: object.metadata.labels });
    return { ...object, metadata: { ...object.metadata, annotations: { [OWN_ANNOTATION.waypointLabels]: labels } } };
  };
  const space = (name: string, labels: Record<string, string> = { [LABEL.useWaypoint]: 'first' }): PolicyObject => ({
    kind: 'Namespace',
    metadata: { name, labels },
  });
  const shared = { [LABEL.useWaypoint]: 'first', [LABEL.useWaypointNamespace]: 'edge' };
  const following = new Set(['web', 'shop']);

  it.each<[string, PolicyObject, boolean, (object | undefined)?, ReadonlySet<string>?]>([
    ['that of the namespace', ours(space('shop')), true],
    ['that of the namespace, as a Gateway', ours(space('shop')), true, target('Gateway', 'first')],
    [
      'that of the namespace, beside another',
      ours(space('shop')),
      true,
      {
        targetRefs: [
          { kind: 'Gateway', name: 'edge' },
          { kind: 'Gateway', name: 'first' },
        ],
      },
    ],
    ['not a Gateway of the same name elsewhere', ours(space('shop', shared)), false, target('Gateway', 'first')],
    ['not that of another namespace', ours(space('other')), false],
    ['not that which a person has chosen for the namespace', space('shop'), false, undefined, following],
    ['not where there is none', space('shop', {}), false],
    ['that of a Service', ours(labelled('Service')), true],
    ['not that of a Service elsewhere', ours(labelled('Service', { namespace: 'other' })), false],
    ['not that which a person has chosen for a Service', labelled('Service'), false],
    ['that which a Service has of an account', labelled('Service'), true, undefined, following],
    ['not that of another account', labelled('Service'), false, undefined, new Set(['api'])],
    ['not that of a follower without one', labelled('Service', { labels: {} }), false, undefined, following],
    ['not that of an account by itself', ours(labelled('ServiceAccount', { name: 'shop' })), false],
  ])('%s', (_, object, isTaken, spec = target('Service'), followers = new Set<string>()) => {
    const policy = policyObject('AuthorizationPolicy', spec);
    const found = unservedTargetFindings(policy, [object, policy], policyScope({ followers }));
    expect(found.map(({ code }) => code)).toEqual([isTaken ? 'SST2025' : 'SST2015']);
  });
});
