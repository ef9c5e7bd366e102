import { describe, expect, it } from 'vitest';
import { foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { policyFindings } from '../policies.js';

const service = { kind: 'Service', name: 'web' };
const here = { ...service, namespace: 'shop' };
const there = { ...service, namespace: 'other' };
const gateway = { name: 'ingress' };

describe('a route of the Gateway API, where no waypoint carries it out', () => {
  it.each<[string, string, object[], boolean]>([
    ['of a Service', 'shop', [service], true],
    ['of a ServiceEntry', 'shop', [{ kind: 'ServiceEntry', name: 'api' }], true],
    ['of a Gateway', 'shop', [gateway], false],
    ['of both', 'shop', [gateway, service], true],
    ['of callers of a Service elsewhere', 'shop', [there], true],
    ['of callers elsewhere', 'other', [here], true],
    ['elsewhere', 'other', [service], false],
    ['elsewhere, of a Service there', 'other', [there], false],
    ['elsewhere, of a Gateway here', 'other', [{ ...gateway, namespace: 'shop' }], false],
  ])('%s: in %s', (_, namespace, parentRefs, isLost) => {
    for (const kind of ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute']) {
      const found = foundIn(policyObject(kind, { parentRefs }, { namespace }));
      expect(found, kind).toEqual(isLost ? ['SST3024 spec.parentRefs'] : []);
    }
  });
});

describe('a VirtualService', () => {
  it.each<[string[], string]>([
    [['web'], 'web'],
    [['web', 'api.example.com'], 'web, api.example.com'],
    [[], 'its hosts'],
  ])('for %j names them', (hosts, named) => {
    const [found] = policyFindings([policyObject('VirtualService', { hosts })], policyScope());
    const message = `VirtualService x, field spec.hosts: ambient callers do not carry out the routes to ${named}`;
    expect(found).toMatchObject({ code: 'SST3003', message });
  });

  it('of callers is carried out where a waypoint elsewhere has its routes', () => {
    const routedElsewhere = new Set(['other/x']);
    const of = (hosts: string[]): string[] =>
      foundIn(policyObject('VirtualService', { hosts }, { namespace: 'other' }), policyScope({ routedElsewhere }));
    expect(of(['web'])).toEqual([]);
    expect(of(['web', 'web.shop.svc'])).toEqual(['SST3003 spec.hosts']);
  });
});
