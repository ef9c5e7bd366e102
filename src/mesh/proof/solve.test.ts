import { describe, expect, it } from 'vitest';
import type { PolicyObject } from '../policy-object.js';
import type { Atom, Formula } from './formula.js';
import type { Gate } from './gates.js';
import { solve, type Way } from './solve.js';
import type { TokenCase } from './token-cases.js';

const is = (variable: string, value: string): Atom => ({
  variable,
  holds: (one) => one === value,
  isWanted: true,
  patterns: [value],
});
/** It never holds, but nobody can try all paths. */
const hard: Atom = {
  variable: 'path',
  holds: () => false,
  isWanted: true,
  patterns: [...'bcdefghijklmnopq'].map((letter) => `/{**}${letter}{**}`),
};

const authentications: PolicyObject[] = [
  {
    kind: 'RequestAuthentication',
    metadata: { name: 'r', namespace: 'shop' },
    spec: { jwtRules: [{ issuer: 'us', jwks: '{}' }] },
  },
];
const gate = (refusals: (token: TokenCase) => Formula[], given: readonly PolicyObject[] = []): Gate => ({
  key: 'gate',
  authentications: given,
  refusals,
});
const through = (...gates: Gate[]): Way => ({ key: 'way', isClosed: false, gates });
const refusing = (...formulas: Formula[]): Way => through(gate(() => formulas));
const closed: Way = { key: 'closed', isClosed: true, gates: [] };
const open = through();
const [PUT, POST] = [is('method', 'PUT'), is('method', 'POST')];

/** `Opens POST`, by methods, and how many searches were given up */
function found(before: Way, after: Way): unknown[] {
  const { solutions, undecided } = solve(before, after, { trustDomain: 'td' });
  return [solutions.map(({ kind, model }) => [kind, ...model.values()].join(' ')), undecided];
}

describe('two ways', () => {
  it.each<[string, Way, Way, unknown[]]>([
    ['that let everything pass are the same', open, open, [[], 0]],
    ['that are closed are the same', closed, closed, [[], 0]],
    ['open, if one was closed', closed, open, [['Opens'], 0]],
    ['close', open, closed, [['Refuses'], 0]],
    ['that refuse the same are the same', refusing(PUT), refusing(PUT), [[], 0]],
    ['differ in what one refuses', refusing(PUT), open, [['Opens PUT'], 0]],
    ['differ in what the other refuses', open, refusing(PUT), [['Refuses PUT'], 0]],
    ['differ in both', refusing(PUT), refusing(POST), [['Opens PUT', 'Refuses POST'], 0]],
    ['differ once for each reason', refusing(PUT, POST), open, [['Opens PUT', 'Opens POST'], 0]],
    [
      'differ once for each gate',
      through(
        gate(() => [PUT]),
        gate(() => [POST]),
      ),
      open,
      [['Opens PUT', 'Opens POST'], 0],
    ],
    ['do not differ in a reason that both have', refusing(PUT, POST), refusing(PUT), [['Opens POST'], 0]],
    ['open but for what is still refused', closed, refusing(is('method', 'GET')), [['Opens POST'], 0]],
    ['may differ where nobody knows', refusing(hard), open, [[], 1]],
    ['may differ in more than is known', refusing(PUT, hard), open, [['Opens PUT /'], 1]],
  ])('%s', (_, before, after, expected) => {
    expect(found(before, after)).toEqual(expected);
  });

  it('differ in the first case of a token in which there is a reason, for each reason', () => {
    const without = (token: TokenCase): Formula[] => [token.token === undefined && PUT, POST];
    const forged = (token: TokenCase): Formula[] => [token.token?.state === 'Forged'];
    const cases = (refusals: (token: TokenCase) => Formula[]): unknown[] =>
      solve(through(gate(refusals, authentications)), open, { trustDomain: 'td' }).solutions.map(
        ({ token }) => token.token?.state ?? (token.token ? 'Good' : 'none'),
      );
    expect(cases(without)).toEqual(['none', 'none']);
    expect(cases(forged)).toEqual(['Forged']);
  });
});
