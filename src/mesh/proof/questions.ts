import { parseAddress } from '../ambient-index/ip-address.js';
import { claimOf, headerOf, type Seen } from '../enforcement/attributes.js';
import { withoutQuery } from '../enforcement/path.js';
import type { Clauses, Question } from '../enforcement/rule.js';
import { all, any, type Atom, type Formula, not } from './formula.js';
import type { TokenView } from './token-cases.js';

/** What is known of a request at a proxy before one knows what it asks for. */
export interface Standpoint {
  readonly hop: 'Sidecar' | 'Waypoint';
  /** Of its connection. */
  readonly seen: Seen;
  readonly token: TokenView;
}

/** Names of variables. Those of headers and claims are behind these. */
export const HEADER = 'header:';
export const CLAIM = 'claim:';
/** What no objects tell: it may be so or not. */
export const UNKNOWN = 'unknown:';
/** A value of what may be so or not. */
export const YES = 'yes';

/** Whether a question is about the connection: who calls what, from where. */
export function isOfConnection({ key }: Question): boolean {
  return key.startsWith('source.') || key.startsWith('destination.');
}

/** Whether nothing that is known of a mesh answers a key. */
export function isUndecidable(key: string): boolean {
  return key === 'connection.sni' || key.startsWith('experimental.');
}

/** Name of the variable that answers whether an undecidable key has a value at a proxy. */
export function unknownName(hop: Standpoint['hop'], key: string, value: string): string {
  return `${UNKNOWN}${key}=${value} at the ${hop.toLowerCase()}`;
}

/** What a rule asks, at a proxy. */
export function ruleFormula(clauses: Clauses, at: Standpoint): Formula {
  return all(clauses.map((entries) => any(entries.map((questions) => all(questions.map((one) => asked(one, at)))))));
}

function asked(question: Question, at: Standpoint): Formula {
  const { key, values, isWanted } = question;
  const { seen, token } = at;
  const holdsFor = (of: Seen): boolean => values.some(({ test }) => test(of));
  const known = (change: Partial<Seen> = {}): Formula => holdsFor({ ...seen, ...change }) === isWanted;
  const patterns = values.map(({ value }) => value);
  const about = (variable: string, of: (value: string) => Partial<Seen>, more: readonly string[] = []): Atom => ({
    variable,
    holds: (value) => holdsFor(value === undefined ? seen : { ...seen, ...of(value) }),
    isWanted,
    patterns: [...patterns, ...more],
  });
  if (isOfConnection(question)) return known();
  if (isUndecidable(key)) {
    const formula = any(patterns.map((value) => unknown(unknownName(at.hop, key, value))));
    return isWanted ? formula : not(formula);
  }
  const header = headerOf(key);
  if (key === 'remote.ip') return about('remote', (address) => ({ remoteAddress: parseAddress(address) }));
  if (key === 'methods' || header === ':method') return about('method', (method) => ({ method }));
  if (key === 'hosts' || header === 'host' || header === ':authority') return about('host', (host) => ({ host }));
  if (key === 'paths' || header === ':path') {
    return about('path', (target) => ({ target, path: withoutQuery(target) }));
  }
  if (header !== undefined) {
    const written = token.written.get(header);
    if (written) {
      const claims = written.map((path) => ({
        ...about(claimName(path), (value) => ({ headers: value === '' ? {} : { [header]: [value] } })),
        isWanted: true,
      }));
      return isWanted ? any(claims) : not(any(claims));
    }
    const fixed = token.headers[header];
    if (fixed) return known({ headers: { [header]: fixed } });
    return about(HEADER + header, (value) => ({ headers: { [header]: [value] } }));
  }
  const { claims } = token;
  if (!claims) return known({ claims: undefined });
  if (key === 'request.auth.principal') {
    const subjects = patterns.map((pattern) => pattern.slice(pattern.lastIndexOf('/') + 1));
    return about('sub', (sub) => ({ claims: { ...claims, sub } }), subjects);
  }
  const path = claimOf(key) ?? [];
  if (path.length === 1 && path[0] === 'iss') return known({ claims });
  if (path.length === 1 && path[0] === 'sub') return about('sub', (sub) => ({ claims: { sub } }));
  return about(claimName(path), (value) => ({ claims: nested(path, value) }));
}

/** Name of the variable of a claim. */
export const claimName = (path: readonly string[]): string => CLAIM + JSON.stringify(path);

/** A claim at its place. */
export function nested(path: readonly string[], value: unknown): Record<string, unknown> {
  return path.reduceRight((inner: unknown, name) => ({ [name]: inner }), value) as Record<string, unknown>;
}

/** What may be so or not. */
export function unknown(variable: string): Atom {
  return { variable, holds: (value) => value === YES, isWanted: true, patterns: [] };
}
