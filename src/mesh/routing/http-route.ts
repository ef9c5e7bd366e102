import { withoutQuery } from '../enforcement/path.js';
import type { HttpRequest } from '../enforcement/request.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { type HeaderChanges, headerOf, queryOf, withHeaders, withPath } from './request-changes.js';
import type { Outcome, Routed, RoutedRequest } from './routed.js';
import { isWhole } from './string-match.js';

type Fields = Readonly<Record<string, unknown>>;

/** A match of a rule of one of the routes. */
interface Candidate {
  readonly route: PolicyObject;
  readonly index: number;
  readonly rule: Fields;
  readonly path: Fields;
  readonly match: Fields;
}

/**
 * What HTTPRoutes of a Service do with a request to it: of all matches that hold, the most special counts. Which regular expression that
 * is, the Gateway API leaves to implementations; here it is as in istiod. Leave to name Services of other namespaces is not asked for.
 *
 * @param routes  whose parent it is, oldest first
 * @see https://gateway-api.sigs.k8s.io/reference/spec, HTTPRouteRule, matches; istio/istio
 *   pilot/pkg/config/kube/gateway/conversion.go, sortHTTPRoutes
 */
export function byHttpRoutes(routes: readonly PolicyObject[], { http }: RoutedRequest): Routed {
  const candidates = routes
    .flatMap(candidatesOf)
    .filter(({ path, match }) => isPathAsked(path, withoutQuery(http.path)) && isRestAsked(match, http));
  // The sort is stable: what is equally special stays in the order of routes and rules.
  const [chosen] = candidates.sort((a, b) => precedence(b, a));
  if (!chosen) {
    const by = routes.map(nameOf).join(', ');
    return { by, outcomes: [{ answer: 'no rule takes it (404)', allowed: false }] };
  }
  return { by: `${nameOf(chosen.route)}, rule ${chosen.index}`, outcomes: outcomesOf(chosen, http) };
}

const nameOf = ({ metadata }: PolicyObject): string => `HTTPRoute ${metadata.namespace ?? ''}/${metadata.name}`;

function candidatesOf(route: PolicyObject): Candidate[] {
  return asRecords(asRecord(route.spec)['rules']).flatMap((rule, index) => {
    const matches = asRecords(rule['matches']);
    return (matches.length === 0 ? [{}] : matches).map((match: Fields) => ({
      route,
      index,
      rule,
      match,
      path: asRecord(match['path']),
    }));
  });
}

function isPathAsked({ type, value = '/' }: Fields, path: string): boolean {
  const text = String(value);
  if (type === 'Exact') return path === text;
  if (type === 'RegularExpression') return isWhole(text, path);
  const prefix = text.replace(/\/+$/, '');
  return path === prefix || path.startsWith(`${prefix}/`);
}

function isRestAsked({ method, headers, queryParams }: Fields, http: HttpRequest): boolean {
  const hold = (asked: unknown, valueOf: (name: string) => string | undefined): boolean =>
    asRecords(asked).every(({ type, name, value }) => {
      const found = valueOf(String(name));
      if (found === undefined) return false;
      return type === 'RegularExpression' ? isWhole(String(value), found) : found === value;
    });
  return (
    (method === undefined || method === http.method) &&
    hold(headers, (name) => headerOf(http, name)) &&
    hold(queryParams, (name) => queryOf(http, name))
  );
}

function precedence(a: Candidate, b: Candidate): number {
  const form = ({ path }: Candidate): number =>
    ['RegularExpression', 'PathPrefix', 'Exact'].indexOf(stringAt(path, 'type') ?? 'PathPrefix');
  const length = ({ path }: Candidate): number => (stringAt(path, 'value') ?? '/').length;
  const hasMethod = ({ match }: Candidate): number => (match['method'] === undefined ? 0 : 1);
  const count =
    (field: string) =>
    ({ match }: Candidate): number =>
      asRecords(match[field]).length;
  for (const of of [form, length, hasMethod, count('headers'), count('queryParams')])
    if (of(a) !== of(b)) return of(a) - of(b);
  return 0;
}

function outcomesOf({ route, rule, path }: Candidate, http: HttpRequest): Outcome[] {
  const filters = asRecords(rule['filters']);
  const redirect = filters.find(({ type }) => type === 'RequestRedirect');
  if (redirect) {
    const { hostname = '', path: to } = asRecord(redirect['requestRedirect']);
    const target = withoutQuery(replaced(http, asRecord(to), path).path);
    return [{ answer: `redirects to ${String(hostname)}${target}`, allowed: true }];
  }
  const changed = filters.reduce((before, filter) => filtered(before, filter, path), http);
  const backends = asRecords(rule['backendRefs']).filter(({ weight = 1 }) => Number(weight) > 0);
  if (backends.length === 0) return [{ answer: 'sends it nowhere (500)', allowed: false }];
  return backends.map(({ kind = 'Service', name, namespace = route.metadata.namespace, port, ...rest }): Outcome => {
    if (kind !== 'Service') return { answer: `sends it to ${String(kind)} ${String(name)}`, allowed: true };
    return {
      service: { namespace: String(namespace), name: String(name) },
      port: typeof port === 'number' ? port : undefined,
      labels: {},
      http: asRecords(rest['filters']).reduce((before, filter) => filtered(before, filter, path), changed),
      weight: Number(rest['weight'] ?? 1),
    };
  });
}

function filtered(http: HttpRequest, filter: Fields, path: Fields): HttpRequest {
  if (filter['type'] === 'RequestHeaderModifier') return withHeaders(http, headerChanges(filter));
  const { hostname, path: to } = asRecord(filter['urlRewrite']);
  return replaced({ ...http, ...(typeof hostname === 'string' && { host: hostname }) }, asRecord(to), path);
}

function headerChanges(filter: Fields): HeaderChanges {
  const { set, add, remove } = asRecord(filter['requestHeaderModifier']);
  const pairs = (list: unknown): [string, string][] =>
    asRecords(list).map(({ name, value }) => [String(name), String(value)]);
  return { set: pairs(set), add: pairs(add), remove: asStrings(remove) };
}

/** @param asked  the path of the match: what `ReplacePrefixMatch` replaces */
function replaced(http: HttpRequest, to: Fields, asked: Fields): HttpRequest {
  const full = stringAt(to, 'replaceFullPath');
  if (full !== undefined) return withPath(http, full);
  const prefix = stringAt(to, 'replacePrefixMatch');
  if (prefix === undefined) return http;
  const rest = withoutQuery(http.path).slice((stringAt(asked, 'value') ?? '/').replace(/\/+$/, '').length);
  return withPath(http, `${prefix.replace(/\/+$/, '')}${rest}` || '/');
}
