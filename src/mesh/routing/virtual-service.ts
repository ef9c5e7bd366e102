import { withoutQuery } from '../enforcement/path.js';
import type { HttpRequest } from '../enforcement/request.js';
import { type Labels, type PolicyObject, asRecord, asRecords, asStrings, selects, stringAt } from '../policy-object.js';
import { type HeaderChanges, headerOf, queryOf, withHeaders, withPath } from './request-changes.js';
import type { Outcome, Routed, RoutedRequest, Router } from './routed.js';
import { isLike, regexOf } from './string-match.js';

type Fields = Readonly<Record<string, unknown>>;

/** What VirtualServices refer to. */
export interface VirtualServiceScope {
  readonly router: Router;
  /** The VirtualService of that name, without hosts of its own; undefined if there is none. */
  readonly delegate: (namespace: string, name: string) => PolicyObject | undefined;
  /** Labels of a subset of a Service; undefined if no DestinationRule has it. */
  readonly subset: (service: { namespace: string; name: string }, name: string) => Labels | undefined;
}

/**
 * What VirtualServices for a host do with a request: the first match in the list counts. Undefined if no rule of any is for the router on
 * that port: then it is as if there were none. One that has such a rule, and does not take the request, fails it.
 *
 * @param all  of the host, in the order in which they are read: a waypoint merges them, a sidecar reads the first
 * @see istio.io, reference/config/networking/virtual-service; istio/istio pilot/pkg/networking/core/route/route.go,
 *   BuildHTTPRoutesForVirtualService, and listener_waypoint.go, waypointInboundRoute
 */
export function byVirtualServices(
  all: readonly PolicyObject[],
  request: RoutedRequest,
  scope: VirtualServiceScope,
): Routed | undefined {
  const heard = all.filter((one) => isFor(one, request.port, scope));
  const [first] = heard;
  for (const one of scope.router.kind === 'Sidecar' ? heard.slice(0, 1) : heard) {
    const routed = byRules(one, request, scope);
    if (routed) return routed;
  }
  return first && { by: nameOf(first.metadata), outcomes: [{ answer: 'no rule takes it (404)', allowed: false }] };
}

/** Whether any rule is for the router on a port, whatever the request. */
function isFor({ metadata, spec }: PolicyObject, port: number, scope: VirtualServiceScope): boolean {
  return asRecords(asRecord(spec)['http']).some((fields) => {
    const matches = asRecords(fields['match']);
    if (matches.length > 0 && !matches.some((match) => isMeant(match, port, scope.router))) return false;
    if (fields['delegate'] === undefined) return true;
    const delegate = delegateOf(fields, metadata, scope);
    return delegate !== undefined && isFor(delegate, port, scope);
  });
}

function byRules(one: PolicyObject, request: RoutedRequest, scope: VirtualServiceScope): Routed | undefined {
  for (const [index, fields] of asRecords(asRecord(one.spec)['http']).entries()) {
    const matches = asRecords(fields['match']);
    const match = matches.length === 0 ? {} : matches.find((each) => holds(each, request, scope.router));
    if (!match) continue;
    if (fields['delegate'] === undefined) {
      return { by: `${nameOf(one.metadata)}, rule ${index}`, outcomes: outcomesOf(one, fields, match, request, scope) };
    }
    const delegate = delegateOf(fields, one.metadata, scope);
    const routed = delegate && byRules(delegate, request, scope);
    if (routed) return routed;
  }
  return undefined;
}

function delegateOf(
  fields: Fields,
  own: PolicyObject['metadata'],
  scope: VirtualServiceScope,
): PolicyObject | undefined {
  const { name = '', namespace = own.namespace } = asRecord(fields['delegate']);
  return scope.delegate(String(namespace), String(name));
}

const nameOf = ({ namespace = '', name }: PolicyObject['metadata']): string => `VirtualService ${namespace}/${name}`;

/**
 * Whether a match is for the router on a port, whatever the request. A waypoint leaves out all that ask for labels.
 *
 * @see istio/istio pilot/pkg/networking/core/route/route.go, TranslateRoute and sourceMatchHTTP
 */
function isMeant(match: Fields, asked: number, { kind, namespace, labels }: Router): boolean {
  const sourceLabels = asRecord(match['sourceLabels']);
  if (![undefined, 0, asked].includes(match['port'] as number | undefined)) return false;
  if (kind === 'Waypoint' && Object.keys(sourceLabels).length > 0) return false;
  const gateways = asStrings(match['gateways']);
  if (gateways.length > 0) return gateways.includes('mesh');
  return selects(sourceLabels, labels) && [undefined, '', namespace].includes(stringAt(match, 'sourceNamespace'));
}

/** @see istio/istio pilot/pkg/networking/core/route/route.go, TranslateRouteMatch */
function holds(match: Fields, { http, port }: RoutedRequest, router: Router): boolean {
  const entries = (field: string): [string, unknown][] => Object.entries(asRecord(match[field]));
  const isAsked = (field: string, text: string): boolean => match[field] === undefined || isLike(match[field], text);
  return (
    isMeant(match, port, router) &&
    isPathAsked(match, withoutQuery(http.path)) &&
    isAsked('method', http.method) &&
    isAsked('scheme', 'http') &&
    isAsked('authority', http.host) &&
    entries('headers').every(([name, asked]) => isLike(asked, headerOf(http, name))) &&
    entries('withoutHeaders').every(([name, asked]) => !isLike(asked, headerOf(http, name))) &&
    entries('queryParams').every(([name, asked]) => isLike(asked, queryOf(http, name)))
  );
}

function isPathAsked({ uri, ignoreUriCase }: Fields, path: string): boolean {
  if (uri === undefined) return true;
  if (ignoreUriCase !== true) return isLike(uri, path);
  const lower = Object.entries(asRecord(uri)).map(([form, text]) => [
    form,
    // Of a regular expression it says nothing.
    form === 'regex' ? text : String(text).toLowerCase(),
  ]);
  return isLike(Object.fromEntries(lower), stringAt(asRecord(uri), 'regex') === undefined ? path.toLowerCase() : path);
}

function outcomesOf(
  one: PolicyObject,
  fields: Fields,
  match: Fields,
  { http, port }: RoutedRequest,
  scope: VirtualServiceScope,
): Outcome[] {
  const { redirect, directResponse, fault } = fields;
  if (redirect !== undefined) {
    const { authority = '', uri = withoutQuery(http.path) } = asRecord(redirect);
    return [{ answer: `redirects to ${String(authority)}${String(uri)}`, allowed: true }];
  }
  if (directResponse !== undefined) return [answered(Number(asRecord(directResponse)['status']))];
  const { percentage, httpStatus } = asRecord(asRecord(fault)['abort']);
  const aborted = Number(asRecord(percentage)['value'] ?? 0);
  const abort = aborted > 0 ? [answered(Number(httpStatus ?? 503))] : [];
  if (aborted >= 100) return abort;
  const routes = asRecords(fields['route']);
  const changed = rewritten(http, asRecord(fields['rewrite']), match);
  const sent = routes
    // The weight of an only destination says nothing.
    .map((route) => ({ route, weight: routes.length === 1 ? 100 : Number(route['weight'] ?? 0) }))
    .filter(({ weight }) => weight > 0)
    .map(({ route, weight }): Outcome => {
      const destination = asRecord(route['destination']);
      const host = stringAt(destination, 'host') ?? '';
      const service = serviceOf(host, one.metadata.namespace ?? '');
      if (!service) return { answer: `sends it to ${host}, which is no Service of the cluster`, allowed: true };
      const subset = stringAt(destination, 'subset') ?? '';
      const labels = subset === '' ? {} : scope.subset(service, subset);
      if (!labels) return { answer: `sends it to the subset ${subset} of ${host}, which nobody knows`, allowed: false };
      const number = asRecord(destination['port'])['number'];
      const own = withHeaders(changed, headerChanges(route['headers']));
      return {
        service,
        labels,
        port: typeof number === 'number' && number > 0 ? number : undefined,
        http: withHeaders(own, headerChanges(fields['headers'])),
        weight,
      };
    });
  const all = [...abort, ...sent];
  return all.length > 0 ? all : [{ answer: `sends it nowhere from port ${port}`, allowed: false }];
}

const answered = (status: number): Outcome => ({ answer: `answers ${status}`, allowed: status < 400 });

/** A short name is of the namespace of the VirtualService; undefined: no Service of this cluster. */
function serviceOf(host: string, home: string): { namespace: string; name: string } | undefined {
  if (!host.includes('.')) return { namespace: home, name: host };
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/.exec(host) ?? [];
  return name === undefined ? undefined : { name, namespace: namespace! };
}

function headerChanges(headers: unknown): HeaderChanges {
  const { set, add, remove } = asRecord(asRecord(headers)['request']);
  const pairs = (map: unknown): [string, string][] =>
    Object.entries(asRecord(map)).map(([name, value]) => [name, String(value)]);
  return { set: pairs(set), add: pairs(add), remove: asStrings(remove) };
}

function rewritten(http: HttpRequest, { uri, authority, uriRegexRewrite }: Fields, match: Fields): HttpRequest {
  const host = typeof authority === 'string' && authority !== '' ? authority : http.host;
  const path = withoutQuery(http.path);
  if (typeof uri === 'string' && uri !== '') return withPath({ ...http, host }, rewrittenPath(path, uri, match['uri']));
  const { match: regex, rewrite } = asRecord(uriRegexRewrite);
  if (typeof regex !== 'string' || typeof rewrite !== 'string') return { ...http, host };
  const found = regexOf(regex, 'g');
  const written = rewrite.replaceAll('$', '$$$$').replaceAll(/\\(\d)/g, '$$$1');
  return withPath({ ...http, host }, found ? path.replace(found, written) : path);
}

/** A path that is asked for by its beginning gets another beginning; any other is replaced. */
function rewrittenPath(path: string, uri: string, asked: unknown): string {
  const begin = asked === undefined ? '/' : stringAt(asRecord(asked), 'prefix');
  return begin === undefined ? uri : uri + path.slice(begin.length);
}
