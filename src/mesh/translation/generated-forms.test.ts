import { describe, expect, it } from 'vitest';
import { expectNoFlips, expectNothingOpens, isLetIn, oneCaller } from '../../../test/support/ambient-forms/flips.js';
import type { Plot } from '../../../test/support/ambient-forms/mesh.js';
import { ISSUER, from, gets, ofApi, policy, scope } from '../../../test/support/forms.js';
import { SeedBlocks } from '../../../test/support/seed-blocks.js';
import { ambientForms } from './ambient-forms.js';
import { tightGuard } from './pod-policies.js';
import { waypointCopies } from './waypoint-copies.js';

describe('generated policies with their ambient forms', () => {
  const blocks = new SeedBlocks(200, 5);

  it.each(blocks.all)(
    'never let in what was refused, and refuse only who goes past the waypoint, in meshes %d to %d',
    (first, last) => {
      const tally = blocks.begin(first);
      for (let seed = first; seed <= last; seed++) expectNoFlips(seed, { callers: oneCaller, requests: 8 }, tally);
      const { total } = blocks;
      if (total === undefined) return;
      for (const what of [
        'copy',
        'admission',
        'guard',
        'ask',
        'deny by what is not there',
        'untranslated',
        'allowed',
        'refused',
        'refused past the waypoint',
        'met a filter',
      ])
        expect(total.of(what), what).toBeGreaterThanOrEqual(20);
    },
  );

  const proven = new SeedBlocks(40, 2);

  it.each(proven.all)('are proven to open nothing at any moment, in meshes %d to %d', (first, last) => {
    const tally = proven.begin(first);
    for (let seed = first; seed <= last; seed++) if (expectNothingOpens(seed).length > 0) tally.add('refusing');
    if (proven.total) expect(proven.total.of('refusing')).toBeGreaterThan(0);
  });

  it('keep a caller out whose old sidecar shows ambient pods no certificate', () => {
    const rule = { ...from({ namespaces: ['other'] }), ...gets };
    const policies = [policy({ ...ofApi, action: 'DENY', rules: [rule] })];
    const both = [...policies, ...ambientForms(policies, scope).forms.flatMap(({ objects }) => objects)];
    const answer = (plot: Omit<Plot, 'caller'>): boolean => isLetIn({ ...plot, caller: 'old' }, 'sleep', http);
    expect(answer({ policies, server: 'sidecar', bound: false })).toBe(false);
    expect(answer({ policies, server: 'ambient', bound: true })).toBe(true);
    expect(answer({ policies: both, server: 'ambient', bound: true })).toBe(false);
  });

  it('would let in who calls ambient pods without the label of a guard that has been loosened', () => {
    const policies = [policy({ ...ofApi, action: 'DENY', rules: [gets] })];
    const { forms } = ambientForms(policies, scope);
    const loose = forms.flatMap(({ objects }) => objects);
    const tight = forms.flatMap(({ policy: of, objects, guard }) =>
      objects.map((one) => (one === guard ? tightGuard(one, of, false) : one)),
    );
    const plot = { caller: 'sidecar', server: 'ambient', bound: true, unlabelled: true } as const;
    expect(isLetIn({ ...plot, policies: [...policies, ...loose] }, 'sleep', http)).toBe(true);
    expect(isLetIn({ ...plot, policies: [...policies, ...tight] }, 'sleep', http)).toBe(false);
  });

  it.each([false, true])(
    'would refuse who brings a token that pods do not get (forwarded: %s)',
    (forwardOriginalToken) => {
      const jwtRules = [{ issuer: ISSUER, forwardOriginalToken }];
      const policies = [
        policy({ ...ofApi, jwtRules }, 'RequestAuthentication', 'tokens'),
        policy({ ...ofApi, action: 'DENY', rules: [from({ notRequestPrincipals: ['*'] })] }),
      ];
      const copies = policies.flatMap((one) => waypointCopies(one, scope)?.copies ?? []);
      const withToken = {
        ...http,
        headers: { authorization: ['Bearer good'] },
        tokens: { good: { claims: { iss: ISSUER, sub: 'me' } } },
      };
      const plot = { policies: [...policies, ...copies], caller: 'ambient', server: 'sidecar' } as const;
      expect(isLetIn({ ...plot, bound: false }, 'sleep', withToken)).toBe(true);
      expect(isLetIn({ ...plot, bound: true }, 'sleep', withToken)).toBe(forwardOriginalToken);
      expect(ambientForms(policies, scope).untranslated).toHaveLength(forwardOriginalToken ? 0 : 1);
    },
  );
});

const http = { method: 'GET', host: 'api', path: '/', headers: {} };
