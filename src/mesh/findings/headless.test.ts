import { describe, expect, it } from 'vitest';
import { WAYPOINT, policyObject, policyScope } from '../../../test/support/policies.js';
import type { PolicyObject } from '../policy-object.js';
import { headlessFindings } from './headless.js';

const headless = { clusterIP: 'None', selector: { app: 'web' } };
const service = (spec: object = headless, namespace = 'shop'): PolicyObject =>
  policyObject('Service', spec, { name: 'web', namespace });
const targets = (kind: string, name = 'web'): object => ({ targetRefs: [{ kind, name }] });
const parents = (parent: object): object => ({ parentRefs: [{ kind: 'Service', name: 'web', ...parent }] });
const bound = policyScope({ waypoint: WAYPOINT });
const PASSED_BY = 'AuthorizationPolicy x is for a waypoint, and callers pass it by';
const ADDRESSED = 'callers address its pods';

describe('a headless Service', () => {
  it.each<[string, PolicyObject, string]>([
    ['with a policy for the waypoint', policyObject('AuthorizationPolicy', targets('Service')), PASSED_BY],
    ['with a route', policyObject('HTTPRoute', parents({})), 'HTTPRoute x is for a waypoint, and callers pass it by'],
    [
      'with a route that names its namespace',
      policyObject('HTTPRoute', parents({ namespace: 'shop' })),
      'HTTPRoute x is for a waypoint, and callers pass it by',
    ],
    [
      'beside a route of another namespace’s Service',
      policyObject('HTTPRoute', parents({ namespace: 'other' })),
      ADDRESSED,
    ],
    [
      'beside a policy elsewhere',
      policyObject('AuthorizationPolicy', targets('Service'), { namespace: 'other' }),
      ADDRESSED,
    ],
    ['beside a policy for another', policyObject('AuthorizationPolicy', targets('Service', 'api')), ADDRESSED],
    ['beside a policy for a Gateway of that name', policyObject('AuthorizationPolicy', targets('Gateway')), ADDRESSED],
  ])('%s', (_, user, text) => {
    const code = text === ADDRESSED ? 'SST3025' : 'SST3026';
    const message = `Service web, field spec.clusterIP: ${text}`;
    const found = { code, object: 'Service/web', message, path: 'spec.clusterIP' };
    expect(headlessFindings([user, service()], bound)).toEqual([found]);
    const alone = { ...found, code: 'SST3025', message: `Service web, field spec.clusterIP: ${ADDRESSED}` };
    expect(headlessFindings([user, service()], policyScope())).toEqual([alone]);
  });

  it.each<[string, PolicyObject]>([
    ['one with an address', service({ ...headless, clusterIP: '10.0.0.1' })],
    ['one without pods', service({ clusterIP: 'None' })],
    ['one of another namespace', service(headless, 'other')],
  ])('is not %s', (_, one) => {
    expect(headlessFindings([one], bound)).toEqual([]);
  });
});
