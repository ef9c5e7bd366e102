import { describe, expect, it } from 'vitest';
import { exceptWaypoint, formsOf, from, gets, ofApi, policy, waypoint, web } from '../../../test/support/forms.js';
import { asRecord, type PolicyObject } from '../policy-object.js';
import { loosened, tightGuard } from './pod-policies.js';

const denying = (...rules: object[]): PolicyObject => policy({ ...ofApi, action: 'DENY', rules });
const guardRules = (...rules: object[]): unknown => asRecord(formsOf(denying(...rules)).forms[0]?.guard?.spec)['rules'];
const ofWeb = from({ principals: [web] });

describe('a guard', () => {
  it.each<[string, object[], object[]]>([
    ['one of its rules is', [{ ...ofWeb, ...gets }, gets], [from(exceptWaypoint)]],
    [
      'one source of a rule is',
      [{ from: [{ source: { principals: [web] } }, { source: { serviceAccounts: ['a'] } }], ...gets }],
      [from(exceptWaypoint)],
    ],
  ])('is for all where %s', (_, rules, expected) => {
    expect(guardRules(...rules)).toEqual(expected);
  });

  it('is for those of each rule, and for strangers', () => {
    expect(guardRules({ ...ofWeb, ...gets }, { ...from({ namespaces: ['b'] }), ...gets })).toEqual([
      from({ principals: [web], notPrincipals: [waypoint] }),
      from({ namespaces: ['b'], notPrincipals: [waypoint] }),
      from({ notPrincipals: ['*'] }),
    ]);
  });

  it('is as it was before it was tight', () => {
    const given = denying(gets);
    const guard = formsOf(given).forms[0]!.guard!;
    const tight = tightGuard(guard, given, false);
    expect(tight.spec).toEqual({ ...ofApi, action: 'DENY', rules: [from(exceptWaypoint)] });
    expect(loosened({ ...tight, metadata: { ...tight.metadata, annotations: { a: 'b' } } })).toEqual(guard);
    expect(loosened(guard)).toBeUndefined();
  });

  it('is none of what else is written', () => {
    const given = policy({ ...ofApi, rules: [{ ...ofWeb, ...gets }] });
    const written = formsOf(given, denying(gets)).forms.flatMap(({ objects }) => objects);
    expect(written.map(({ metadata }) => metadata.name)).toEqual(['p-wp', 'p-admission', 'p-wp', 'p-guard']);
    expect(written.map(loosened)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
