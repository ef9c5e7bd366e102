import { asRecord, asStrings, stringAt } from '../../policy-object.js';
import type { Remarks } from './remarks.js';
import { ANY_TEXT, mayMeet, regexOf, type TextPattern, textPattern } from './text-pattern.js';

type Fields = Readonly<Record<string, unknown>>;

/** What a match of a VirtualService asks of a request. */
export interface Condition {
  /** Where it stands. */
  readonly at: string;
  readonly path: TextPattern;
  readonly method?: string | undefined;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, TextPattern>;
  readonly queryParams: ReadonlyMap<string, TextPattern>;
  /** Of the Service. */
  readonly port?: number | undefined;
}

const KNOWN = ['uri', 'method', 'headers', 'queryParams', 'port', 'name', 'statPrefix'];
const WITHOUT = {
  ignoreUriCase: 'an HTTPRoute tells the cases of a path apart',
  withoutHeaders: 'an HTTPRoute cannot ask for what is not there',
  authority: 'an HTTPRoute of a Service does not ask for the host',
  scheme: 'an HTTPRoute does not ask for the scheme',
  sourceLabels: 'a waypoint does not know the labels of the caller',
  sourceNamespace: 'an HTTPRoute does not ask who calls',
  gateways: 'an HTTPRoute of a Service is not for Gateways',
};

/** Methods that an HTTPRoute can name. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
/** Names of headers and query parameters that an HTTPRoute can have. */
const NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;
const MAX_ENTRIES = 16;

/** What a rule without matches asks for: nothing. */
export const anything = (at: string): Condition => ({ at, path: ANY_TEXT, headers: new Map(), queryParams: new Map() });

/** A match of a VirtualService as conditions, any of which does; several where a match names several methods. */
export function conditionsOf(match: Fields, at: string, remarks: Remarks): Condition[] {
  remarks.refuseOthers(match, at, KNOWN, WITHOUT);
  for (const field of ['name', 'statPrefix'])
    if (match[field]) remarks.leaveOut(`${at}.${field}`, 'only names logs and statistics');
  const { port } = match;
  const condition = {
    at,
    path: textPattern(match['uri'], `${at}.uri`, remarks) ?? ANY_TEXT,
    headers: patternsOf(match['headers'], `${at}.headers`, remarks, (name) => name.toLowerCase()),
    queryParams: patternsOf(match['queryParams'], `${at}.queryParams`, remarks, (name) => name),
    ...(typeof port === 'number' && port > 0 && { port }),
  };
  if (regexOf(condition.path).length > 1024) remarks.refuse(`${at}.uri`, 'is longer than an HTTPRoute has room for');
  return methodsOf(match['method'], `${at}.method`, remarks).map((method) => ({ ...condition, method }));
}

function patternsOf(
  matches: unknown,
  at: string,
  remarks: Remarks,
  keyOf: (name: string) => string,
): Map<string, TextPattern> {
  const patterns = new Map<string, TextPattern>();
  for (const [name, match] of Object.entries(asRecord(matches))) {
    const path = `${at}[${name}]`;
    const pattern = textPattern(match, path, remarks) ?? ANY_TEXT;
    if (!NAME.test(name)) remarks.refuse(path, 'is a name that an HTTPRoute cannot have');
    if (patterns.has(keyOf(name))) remarks.refuse(path, 'is named twice');
    if ('exact' in pattern && pattern.exact === '') remarks.refuse(path, 'an HTTPRoute cannot ask for an empty value');
    if (regexOf(pattern).length > 1024) remarks.refuse(path, 'is longer than an HTTPRoute has room for');
    patterns.set(keyOf(name), pattern);
  }
  if (patterns.size > MAX_ENTRIES) remarks.refuse(at, `has more than ${MAX_ENTRIES} entries`);
  return patterns;
}

/** `[undefined]`: any. */
function methodsOf(match: unknown, at: string, remarks: Remarks): (string | undefined)[] {
  if (match === undefined || match === null) return [undefined];
  const exact = stringAt(asRecord(match), 'exact');
  // Words with nothing but alternatives between them.
  const [, words] = /^\(?([A-Z]+(?:\|[A-Z]+)*)\)?$/.exec(stringAt(asRecord(match), 'regex') ?? '') ?? [];
  const methods = exact === undefined ? asStrings(words?.split('|')) : [exact];
  if (methods.length === 0 || Object.keys(asRecord(match)).length !== 1)
    return [remarks.refuse(at, 'an HTTPRoute names methods, and no patterns of them')];
  for (const method of methods)
    if (!METHODS.has(method)) remarks.refuse(at, `${method} is no method that an HTTPRoute can name`);
  return [...new Set(methods)];
}

/** Whether there may be a request that meets both. */
export function mayBothHold(a: Condition, b: Condition): boolean {
  const meet = (of: ReadonlyMap<string, TextPattern>, others: ReadonlyMap<string, TextPattern>): boolean =>
    [...of].every(([name, pattern]) => mayMeet(pattern, others.get(name) ?? ANY_TEXT));
  return (
    (a.method === undefined || b.method === undefined || a.method === b.method) &&
    mayMeet(a.path, b.path) &&
    meet(a.headers, b.headers) &&
    meet(a.queryParams, b.queryParams)
  );
}
