import { asRecord, asRecords, type PolicyObject } from '../../../src/mesh/policy-object.js';
import { MESH, OTHER, type RoutedRequest, SHOP } from './mesh.js';

type Fields = Readonly<Record<string, unknown>>;

/** What is done with a request, as text that is the same for the same thing, and what has led there. */
export interface Routed {
  readonly effect: string;
  /** Index of the rule; -1: no rule is for the request. */
  readonly rule: number;
  readonly match: Fields;
}

/**
 * What a VirtualService does with a request, as its documentation says: the first match in the list counts.
 *
 * @see istio.io, reference/config/networking/virtual-service
 */
export function byVirtualService({ spec }: PolicyObject, request: RoutedRequest): Routed {
  const rules = asRecords(asRecord(spec)['http']);
  for (const [rule, fields] of rules.entries()) {
    const matches = fields['match'] === undefined ? [{}] : asRecords(fields['match']);
    const match = matches.find((one) => holds(one, request));
    if (match) return { effect: effectOf(fields, request), rule, match };
  }
  return { effect: 'none', rule: -1, match: {} };
}

function holds({ uri, method, headers, queryParams, port }: Fields, request: RoutedRequest): boolean {
  const values = (asked: unknown, given: Readonly<Record<string, string>>, keyOf: (name: string) => string): boolean =>
    Object.entries(asRecord(asked)).every(([name, pattern]) => {
      const value = given[keyOf(name)];
      return value !== undefined && isLike(asRecord(pattern), value);
    });
  return (
    (uri === undefined || isLike(asRecord(uri), request.path)) &&
    (method === undefined || isLike(asRecord(method), request.method)) &&
    values(headers, request.headers, (name) => name.toLowerCase()) &&
    values(queryParams, request.query, (name) => name) &&
    (port === undefined || port === request.port)
  );
}

function isLike({ exact, prefix, regex }: Fields, text: string): boolean {
  if (typeof exact === 'string') return text === exact;
  if (typeof prefix === 'string') return text.startsWith(prefix);
  return typeof regex !== 'string' || new RegExp(`^(?:${regex})$`).test(text);
}

function effectOf({ route, redirect, timeout }: Fields, { port }: RoutedRequest): string {
  if (redirect !== undefined) return `redirect to ${String(asRecord(redirect)['uri'])}`;
  const routes = asRecords(route);
  const backends = routes.map(({ destination, weight }) => ({
    to: targetOf(asRecord(destination), port),
    weight: routes.length === 1 ? 100 : Number(weight ?? 0),
  }));
  return effectText(backends, Number.parseFloat((timeout as string | undefined) ?? '0') * 1000);
}

/** What pods a destination is, and which port of their Service. */
function targetOf({ host, port, subset }: Fields, requested: number): string {
  const [name, namespace = SHOP] = String(host).split('.');
  const find = (kind: string, home: string): PolicyObject | undefined =>
    MESH.find((one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === home);
  const { selector, ports } = asRecord(find('Service', namespace)?.spec);
  const [only, ...others] = asRecords(ports);
  const number = asRecord(port)['number'] ?? (others.length === 0 ? only?.['port'] : requested);
  const subsets = asRecords(asRecord(find('DestinationRule', namespace)?.spec)['subsets']);
  const labels = subset === undefined ? {} : asRecord(subsets.find((one) => one['name'] === subset)?.['labels']);
  return targetText(namespace === OTHER ? OTHER : SHOP, { ...asRecord(selector), ...labels }, Number(number));
}

/** Pods by namespace and labels, at a port of their Service. */
export function targetText(namespace: string, labels: Fields, port: number): string {
  return `${namespace} ${JSON.stringify(Object.entries(labels).sort())} ${port}`;
}

/** Where requests go, in which shares, and for how long. */
export function effectText(backends: readonly { to: string; weight: number }[], timeoutMs: number): string {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const shares = backends.filter(({ weight }) => weight > 0).map(({ to, weight }) => `${to}: ${weight / total}`);
  return `${shares.sort().join(', ')}; ${timeoutMs} ms`;
}
