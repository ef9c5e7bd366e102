import { asRecord, asRecords, type PolicyObject, stringAt } from '../../../src/mesh/policy-object.js';
import { OTHER, type RoutedRequest } from './mesh.js';
import { effectText, targetText } from './virtual-service-model.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a proxy does with a request, by the routes that istiod gives it: the first that matches counts.
 *
 * @param routes    of the virtual host, as the debug port shows them
 * @param services  that clusters are named for
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto
 */
export function byEnvoyRoutes(
  routes: readonly Fields[],
  services: readonly PolicyObject[],
  request: RoutedRequest,
): string {
  const route = routes.find(({ match }) => holds(asRecord(match), request));
  if (!route) return 'none';
  const redirect = stringAt(asRecord(route['redirect']), 'pathRedirect');
  if (redirect !== undefined) return `redirect to ${redirect}`;
  const { weightedClusters, cluster, timeout } = asRecord(route['route']);
  const clusters =
    cluster === undefined ? asRecords(asRecord(weightedClusters)['clusters']) : [{ name: cluster, weight: 1 }];
  const backends = clusters.map(({ name, weight }) => ({
    to: targetOf(String(name), services),
    weight: Number(weight ?? 0),
  }));
  return effectText(backends, Number.parseFloat(String(timeout)) * 1000);
}

function holds(match: Fields, { path, method, headers, query }: RoutedRequest): boolean {
  const { prefix = '', path: exact, safeRegex, pathSeparatedPrefix, ...others } = match;
  const known = ['caseSensitive', 'headers', 'queryParameters'];
  const unknown = Object.keys(others).filter((field) => !known.includes(field));
  if (unknown.length > 0) throw new Error(`a route asks for ${unknown.join(', ')}`);
  const segments = typeof pathSeparatedPrefix === 'string' ? pathSeparatedPrefix : undefined;
  return (
    path.startsWith(prefix as string) &&
    (exact === undefined || path === exact) &&
    (safeRegex === undefined || isWhole(safeRegex, path)) &&
    (segments === undefined || path === segments || path.startsWith(`${segments}/`)) &&
    asRecords(match['headers']).every((asked) => valueHolds(asked, { ...headers, ':method': method })) &&
    asRecords(match['queryParameters']).every((asked) => valueHolds(asked, query))
  );
}

const isWhole = (regex: unknown, text: string): boolean =>
  new RegExp(`^(?:${String(asRecord(regex)['regex'])})$`).test(text);

function valueHolds({ name, stringMatch, presentMatch }: Fields, given: Readonly<Record<string, string>>): boolean {
  const value = given[String(name)];
  if (value === undefined) return false;
  if (presentMatch === true) return true;
  const { exact, safeRegex } = asRecord(stringMatch);
  return safeRegex === undefined ? value === exact : isWhole(safeRegex, value);
}

/** `inbound-vip|80|http|web.shop.svc.cluster.local`, or `outbound` for what another waypoint serves, or none; sidecars name subsets. */
function targetOf(cluster: string, services: readonly PolicyObject[]): string {
  const [, port, subset, host = ''] = cluster.split('|');
  const [name, namespace] = host.split('.');
  const found = (wanted: string): PolicyObject | undefined =>
    services.find(
      ({ kind, metadata }) => kind === wanted && metadata.name === name && metadata.namespace === namespace,
    );
  const subsets = asRecords(asRecord(found('DestinationRule')?.spec)['subsets']);
  const labels = {
    ...asRecord(asRecord(found('Service')?.spec)['selector']),
    ...asRecord(subsets.find((one) => one['name'] === subset)?.['labels']),
  };
  return targetText(namespace === OTHER ? OTHER : String(namespace), labels, Number(port));
}
