import { normalizedPath } from '../enforcement/path.js';
import type { ProxySettings } from '../enforcement/request.js';
import { jwtRules } from '../enforcement/token.js';
import type { PolicyObject } from '../policy-object.js';
import { addressWitnesses } from './addresses.js';
import { type Atom, atomsOf, type Formula } from './formula.js';
import { isTemplate, pathWitnesses } from './path-automaton.js';
import { CLAIM, claimName, HEADER, UNKNOWN, YES } from './questions.js';
import type { Domain } from './search.js';
import { byLength, fillerFor, textWitnesses } from './texts.js';
import { carriesToken, otherAudiences, type TokenCase } from './token-cases.js';

/** What the variables of formulas may be, in a token's case. */
export interface Circumstances {
  readonly token: TokenCase;
  /** Those of all proxies on the way, before and after. */
  readonly authentications: readonly PolicyObject[];
  readonly settings: ProxySettings;
}

/** The domain of each variable of formulas: one value of every class that their questions make. */
export function domainsOf(formulas: readonly Formula[], circumstances: Circumstances): Map<string, Domain> {
  const byVariable = new Map<string, Atom[]>();
  for (const atom of formulas.flatMap(atomsOf)) {
    const known = byVariable.get(atom.variable);
    if (known) known.push(atom);
    else byVariable.set(atom.variable, [atom]);
  }
  return new Map(
    [...byVariable].map(([name, atoms]) => {
      const patterns = [...new Set(atoms.flatMap((atom) => atom.patterns))];
      return [name, domainOf(name, patterns, circumstances)];
    }),
  );
}

function domainOf(name: string, patterns: readonly string[], circumstances: Circumstances): Domain {
  const { token, authentications, settings } = circumstances;
  const single = (values: readonly (string | undefined)[]): Domain => ({ values: [...new Set(values)], isList: false });
  if (name.startsWith(UNKNOWN)) return single([undefined, YES]);
  const texts = [...textWitnesses(patterns)].sort(byLength);
  switch (name) {
    case 'method':
      return single(['GET', 'POST', ...texts]);
    case 'remote':
      return single([undefined, ...addressWitnesses(patterns)]);
    case 'path': {
      const { values, isPartial } = paths(patterns, settings);
      return { ...single(values.map((path) => path + token.query)), isPartial };
    }
    case 'host':
      return single([...texts, ...texts.map((text) => text.toLowerCase()), ...texts.map((text) => text.toUpperCase())]);
    case 'sub':
      return single([undefined, ...texts, '']);
  }
  if (name.startsWith(HEADER)) return headerDomain(name.slice(HEADER.length), texts, authentications);
  const values = [...texts, ...spaced(texts), ''];
  if (name !== claimName(['aud'])) return { values, isList: name.startsWith(CLAIM) };
  const isOther = otherAudiences(token, authentications);
  const given = token.token?.claims.aud ?? [];
  return { values: [...new Set([...given, ...values.filter((value) => !isOther(value))])], isList: true, given };
}

/** A header with values that no proxy takes for tokens. Several of `authorization` become one. */
function headerDomain(header: string, texts: readonly string[], authentications: readonly PolicyObject[]): Domain {
  const rules = jwtRules(authentications);
  const values = [...texts, ''].filter((value) => !carriesToken(header, value, rules));
  return header === 'authorization' ? { values: [undefined, ...values], isList: false } : { values, isList: true };
}

/** Of claims that are words with spaces between, the words. */
function spaced(texts: readonly string[]): string[] {
  return texts.flatMap((text) => (text.includes(' ') ? text.split(' ') : []));
}

/** In the form in which proxies look at them. With queries, where one of the patterns could see one. */
function paths(
  patterns: readonly string[],
  { pathNormalization }: ProxySettings,
): { values: string[]; isPartial: boolean } {
  const filler = fillerFor(patterns);
  const products = patterns.some(isTemplate) ? pathWitnesses(patterns, filler) : [];
  const texts = [...textWitnesses(['/*', ...patterns.filter((one) => !isTemplate(one))]), ...(products ?? [])];
  const absolute = ['/', ...texts, ...texts.map((path) => `/${path}`)];
  const ends = patterns.filter((one) => one.startsWith('*') && one.includes('?')).map((one) => one.slice(1));
  const values = [...absolute, ...absolute.flatMap((path) => ends.map((end) => `${path}${end}`))]
    .filter((path) => path.startsWith('/') && !path.includes('#') && normalizedPath(path, pathNormalization) === path)
    .sort(byLength);
  return { values, isPartial: products === undefined };
}
