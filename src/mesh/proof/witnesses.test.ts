import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { parseAddress, parseBlock } from '../ambient-index/ip-address.js';
import { isInside } from '../enforcement/address.js';
import { pathMatch } from '../enforcement/path.js';
import { headerMatch, hostMatch, textMatch } from '../enforcement/text-match.js';
import type { PolicyObject } from '../policy-object.js';
import { addressWitnesses } from './addresses.js';
import { domainsOf } from './domains.js';
import type { Atom } from './formula.js';
import { pathWitnesses } from './path-automaton.js';
import { claimName } from './questions.js';
import { textWitnesses } from './texts.js';
import { tokenCases, viewOf } from './token-cases.js';

const SETS = 200;

/** Every text over some letters, up to a length. */
function textsOver(letters: string, length: number): string[] {
  const longer = (texts: readonly string[]): string[] => texts.flatMap((text) => [...letters].map((one) => text + one));
  let last = [''];
  const all = [''];
  for (let count = 0; count < length; count++) {
    last = longer(last);
    all.push(...last);
  }
  return all;
}

/** The ways in which values answer questions. */
function answersTo<T>(questions: readonly ((value: T) => boolean)[], values: readonly T[]): Set<string> {
  return new Set(values.map((value) => questions.map((holds) => (holds(value) ? '1' : '0')).join('')));
}

describe('witnesses', () => {
  const words = textsOver('ab', 2).filter((word) => word !== '');
  const every = textsOver('abx', 6);

  it.each([
    ['texts', textMatch],
    ['headers', headerMatch],
    ['hosts', hostMatch],
  ])('of %s answer patterns in every way', (_, matchOf) => {
    let ways = 0;
    for (let seed = 1; seed <= SETS; seed++) {
      const random = new Random(seed);
      const patterns = random.times(1, 4, () => {
        const word = random.pick(words);
        return random.pick([word, `${word}*`, `*${word}`, '*']);
      });
      const questions = patterns.map(matchOf);
      const found = answersTo(questions, [...textWitnesses(patterns), '']);
      const wanted = answersTo(questions, every);
      ways += wanted.size;
      expect([...found].sort(), patterns.join(' ')).toEqual([...wanted].sort());
    }
    expect(ways).toBeGreaterThan(2 * SETS);
  });

  it('of paths answer templates, beginnings, ends and each other in every way', () => {
    const paths = textsOver('abx/', 6)
      .map((text) => `/${text}`)
      .filter((path) => !path.includes('//'));
    const parts = ['a', 'b', 'ab', '{*}', '{**}'];
    let ways = 0;
    for (let seed = 1; seed <= SETS; seed++) {
      const random = new Random(seed);
      const patterns = random.times(2, 3, () => {
        const path = `/${random.times(1, 2, () => random.pick(parts)).join('/')}`;
        return path.includes('{') ? path : random.pick([path, `${path}*`, `*${path}`, `*${path.slice(1)}`]);
      });
      const questions = patterns.map(pathMatch);
      const witnesses = pathWitnesses(patterns, 'x')!;
      const found = answersTo(questions, witnesses);
      const wanted = answersTo(questions, paths);
      ways += wanted.size;
      for (const one of wanted) expect(found.has(one), `${patterns.join(' ')} ${one}`).toBe(true);
    }
    expect(ways).toBeGreaterThan(2 * SETS);
  });

  it('of paths are the shortest', () => {
    expect(pathWitnesses(['/api/{**}', '*/admin'], 'x')).toEqual(
      expect.arrayContaining(['/', '/api/', '/admin', '/api/admin']),
    );
  });

  it('of paths are given up where there are too many', () => {
    const patterns = [...'bcdefghijklmnopq'].map((letter) => `/{**}${letter}{**}`);
    expect(pathWitnesses(patterns, 'x')).toBeUndefined();
    const atom: Atom = { variable: 'path', holds: () => false, isWanted: true, patterns };
    const domains = domainsOf([atom], {
      token: tokenCases([])[0]!,
      authentications: [],
      settings: { trustDomain: 'td' },
    });
    expect(domains.get('path')?.isPartial).toBe(true);
  });

  it('of paths have the form in which proxies see them', () => {
    const patterns = ['/a/../b', '/a//b', '*%41', '/c'];
    const atom: Atom = { variable: 'path', holds: () => false, isWanted: true, patterns };
    const settings = { trustDomain: 'td', pathNormalization: 'MERGE_SLASHES' as const };
    const { values } = domainsOf([atom], { token: tokenCases([])[0]!, authentications: [], settings }).get('path')!;
    expect(values).toContain('/c');
    for (const value of values) expect(value).not.toMatch(/\/\/|\.\.|%41/);
  });

  it('of addresses lie in blocks in every way', () => {
    const every = Array.from({ length: 512 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    for (let seed = 1; seed <= SETS; seed++) {
      const random = new Random(seed);
      const blocks = random.times(1, 4, () => `10.0.${random.int(0, 1)}.${random.int(0, 255)}/${random.int(22, 32)}`);
      const questions = blocks.map((block) => (address: string) => isInside(parseAddress(address), parseBlock(block)));
      const found = answersTo(questions, addressWitnesses(blocks));
      for (const one of answersTo(questions, every)) expect(found.has(one), `${blocks.join(' ')} ${one}`).toBe(true);
    }
    expect(addressWitnesses(['0.0.0.0/0', '255.255.255.255', '2001:db8::/32'])).toEqual([
      '203.0.113.1',
      '0.0.0.0',
      '255.255.255.255',
      '2001:db8::',
      '2001:db9::',
    ]);
  });

  const rule = { issuer: 'us', audiences: ['one', 'two'], jwks: '{}' };
  const authentication = (jwtRules: object[]): PolicyObject => ({
    kind: 'RequestAuthentication',
    metadata: { name: 'r', namespace: 'shop' },
    spec: { jwtRules },
  });

  it('of tokens are none, good, for others, and forged, wherever one may be', () => {
    const policies = [
      authentication([{ ...rule, fromHeaders: [{ name: 'X-T' }], fromParams: ['t'], fromCookies: ['c'] }]),
    ];
    const views = tokenCases(policies).map((one) => {
      const { isRefused, claims } = viewOf(one, policies);
      const place = [...Object.keys(one.headers), one.query.slice(0, 3)].join('');
      return `${place} ${isRefused ? 'refused' : JSON.stringify(claims?.['aud'])}`.trim();
    });
    const at = (place: string): string[] => [
      `${place} ["one"]`,
      `${place} ["two"]`,
      `${place} ["one","two"]`,
      `${place} refused`,
    ];
    // With a bad one at another place none is good here.
    const both = ['x-t?t=', 'x-tcookie', 'cookie?t=', 'cookiex-t'].map((place) => `${place} refused`);
    expect(new Set(views)).toEqual(new Set(['undefined', ...at('x-t'), ...at('?t='), ...at('cookie'), ...both]));
  });

  it('of audiences and of headers do not make another case of a token', () => {
    const policies = [authentication([rule])];
    const [none, , one] = tokenCases(policies);
    const atom = (variable: string, patterns: string[]): Atom => ({
      variable,
      holds: () => false,
      isWanted: true,
      patterns,
    });
    const atoms = [atom(claimName(['aud']), ['two', 'other']), atom('header:authorization', ['Bearer x', 'Basic*'])];
    const given = { authentications: policies, settings: { trustDomain: 'td' } };
    expect(domainsOf(atoms, { ...given, token: one! }).get(claimName(['aud']))).toMatchObject({ given: ['one'] });
    expect(domainsOf(atoms, { ...given, token: one! }).get(claimName(['aud']))?.values).not.toContain('two');
    const { values, isList } = domainsOf(atoms, { ...given, token: none! }).get('header:authorization')!;
    expect(isList).toBe(false);
    expect(values).toContain(undefined);
    expect(values.some((value) => value?.startsWith('Basic') === true)).toBe(true);
    expect(values.some((value) => value?.includes('Bearer ') === true)).toBe(false);
  });
});
