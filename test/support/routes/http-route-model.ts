import { asRecord, asRecords, type PolicyObject, stringAt } from '../../../src/mesh/policy-object.js';
import { MESH, type RoutedRequest, SHOP } from './mesh.js';
import { effectText, targetText } from './virtual-service-model.js';

type Fields = Readonly<Record<string, unknown>>;

/** A match of a rule of one of the routes. */
interface Candidate {
  readonly rule: Fields;
  readonly path: Fields;
  readonly match: Fields;
}

/**
 * What HTTPRoutes of a Service do with a request to it, as the Gateway API says: of all matches that hold, the most special counts.
 * Which regular expression that is, the Gateway API leaves to implementations; here it is as in istiod.
 *
 * @param routes  what stands for a VirtualService: HTTPRoutes, oldest first, and the Services that they name
 * @see https://gateway-api.sigs.k8s.io/reference/spec, HTTPRouteRule, matches; istio/istio
 *   pilot/pkg/config/kube/gateway/conversion.go, sortHTTPRoutes
 */
export function byHttpRoutes(routes: readonly PolicyObject[], service: string, request: RoutedRequest): string {
  const candidates = routes
    .filter(({ kind, spec }) => kind === 'HTTPRoute' && hasParent(asRecord(spec), service, request.port))
    .flatMap(({ spec }) => asRecords(asRecord(spec)['rules']))
    .flatMap((rule) => candidatesOf(rule))
    .filter(({ path, match }) => pathHolds(path, request.path) && restHolds(match, request));
  // The sort is stable: what is equally special stays in the order of routes and rules.
  const [chosen] = candidates.sort((a, b) => precedence(b, a));
  return chosen ? effectOf(chosen.rule, routes) : 'none';
}

function hasParent({ parentRefs }: Fields, service: string, port: number): boolean {
  return asRecords(parentRefs).some(
    (parent) => parent['name'] === service && (parent['port'] === undefined || parent['port'] === port),
  );
}

function candidatesOf(rule: Fields): Candidate[] {
  const matches = rule['matches'] === undefined ? [{}] : asRecords(rule['matches']);
  return matches.map((match: Fields) => ({
    rule,
    match,
    path: asRecord(match['path'] ?? { type: 'PathPrefix', value: '/' }),
  }));
}

function pathHolds({ type, value }: Fields, path: string): boolean {
  const text = String(value);
  if (type === 'Exact') return path === text;
  if (type === 'RegularExpression') return new RegExp(`^(?:${text})$`).test(path);
  const [asked, given] = [text, path].map((one) => one.split('/').filter((part) => part !== ''));
  return asked!.every((part, index) => given![index] === part);
}

function restHolds({ method, headers, queryParams }: Fields, request: RoutedRequest): boolean {
  const values = (asked: unknown, given: Readonly<Record<string, string>>): boolean =>
    asRecords(asked).every(({ type, name, value }) => {
      const found = given[String(name)];
      if (found === undefined) return false;
      return type === 'RegularExpression' ? new RegExp(`^(?:${String(value)})$`).test(found) : found === value;
    });
  return (
    (method === undefined || method === request.method) &&
    values(headers, request.headers) &&
    values(queryParams, request.query)
  );
}

function precedence(a: Candidate, b: Candidate): number {
  const form = ({ path }: Candidate): number =>
    ['RegularExpression', 'PathPrefix', 'Exact'].indexOf(String(path['type']));
  const length = ({ path }: Candidate): number => String(path['value']).length;
  const hasMethod = ({ match }: Candidate): number => (match['method'] === undefined ? 0 : 1);
  const count =
    (field: string) =>
    ({ match }: Candidate): number =>
      asRecords(match[field]).length;
  for (const of of [form, length, hasMethod, count('headers'), count('queryParams')])
    if (of(a) !== of(b)) return of(a) - of(b);
  return 0;
}

function effectOf({ filters, backendRefs, timeouts }: Fields, routes: readonly PolicyObject[]): string {
  const redirect = asRecord(asRecords(filters).find(({ type }) => type === 'RequestRedirect')?.['requestRedirect']);
  const to = stringAt(asRecord(redirect['path']), 'replaceFullPath');
  if (to !== undefined) return `redirect to ${to}`;
  const backends = asRecords(backendRefs).map(({ name, namespace = SHOP, port, weight = 1 }) => {
    const service = [...MESH, ...routes].find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === name && metadata.namespace === namespace,
    );
    const labels = asRecord(asRecord(service?.spec)['selector']);
    return { to: targetText(String(namespace), labels, Number(port)), weight: Number(weight) };
  });
  const [, seconds = '0', milliseconds = '0'] =
    /^(?:(\d+)s)?(?:(\d+)ms)?$/.exec(stringAt(asRecord(timeouts), 'request') ?? '') ?? [];
  return effectText(backends, Number(seconds) * 1000 + Number(milliseconds));
}
