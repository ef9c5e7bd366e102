import { LABEL } from '../../api/labels.js';
import { type PolicyObject, asRecord, asRecords, asStrings, selects, stringAt } from '../policy-object.js';
import {
  type Difference,
  type TargetService,
  type TranslationScope,
  isHeadless,
  listingServices,
} from './selection.js';

type Fields = Readonly<Record<string, unknown>>;

/** Routes that a waypoint carries out for a Service, after it has looked at its policies. */
const ROUTES = new Set(['HTTPRoute', 'GRPCRoute']);

/** Whether an object is one of {@link TranslationScope.routing}. */
export const isRouting = ({ kind }: PolicyObject): boolean => ROUTES.has(kind) || kind === 'ServiceEntry';

/**
 * Ways to pods of a policy on which nobody meets copies for Services: by their addresses, where the waypoint is for these; by a Service
 * that lists them without selector; by the host of a ServiceEntry that chooses them; by a route from another Service. A waypoint looks at
 * the policies of the Service that is called, and then routes; a sidecar of the pods looks at what arrives.
 *
 * @param services  that have copies
 * @see istio/istio pilot/pkg/networking/core/listener_waypoint.go, buildWaypointHTTPFilters; pilot/pkg/model/policyattachment.go
 */
export function waysPast(
  policy: PolicyObject,
  services: readonly TargetService[],
  scope: TranslationScope,
): Difference[] {
  const names = new Set(services.map(({ metadata }) => metadata.name));
  const selector = asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']);
  const chosen = scope.pods.filter(({ labels }) => selects(selector, labels));
  const entries = scope.routing.filter(
    ({ kind, metadata, spec }) =>
      kind === 'ServiceEntry' &&
      metadata.namespace === scope.namespace &&
      asRecord(spec)['workloadSelector'] !== undefined &&
      chosen.some(({ labels }) => selects(asRecord(asRecord(asRecord(spec)['workloadSelector'])['labels']), labels)),
  );
  const routes = scope.routing.flatMap((route) =>
    parentsOf(route, scope.namespace)
      .filter((parent) => !names.has(parent))
      .flatMap((parent) => {
        const backends = rulesOf(route).flatMap((rule) => backendsOf(rule, route, scope.namespace));
        const past = backends.filter((backend) => names.has(backend));
        return past.length > 0 ? [routed(route, parent, [...new Set(past)])] : [];
      }),
  );
  // Who calls a headless Service calls its pods, which are closed to him.
  const listing = listingServices(policy, scope).filter((service) => !isHeadless(service));
  return [...addressed(scope), ...listing.map(listed), ...entries.map(aliased), ...routes];
}

/**
 * Routes that change what a policy asks for on the way to its pods: their sidecars see the request as it was changed, a waypoint as it
 * came.
 *
 * @param services  that have copies
 */
export function rewritesBefore(
  policy: PolicyObject,
  services: readonly TargetService[],
  scope: TranslationScope,
): Difference[] {
  const names = new Set(services.map(({ metadata }) => metadata.name));
  const asked = askedBy(policy);
  return scope.routing.flatMap((route) => {
    const changed = parentsOf(route, scope.namespace).flatMap((parent) =>
      rulesOf(route)
        .filter((rule) => [parent, ...backendsOf(rule, route, scope.namespace)].some((name) => names.has(name)))
        .flatMap((rule) => changesOf(rule)),
    );
    const seen = [...new Set(changed.filter((change) => asked(change)))];
    if (seen.length === 0) return [];
    const message = `changes ${seen.join(', ')} after the waypoint has looked at the policy, and before pods do`;
    return [{ reason: 'Routed', at: `${route.kind}/${route.metadata.name}`, message }];
  });
}

/** Services of a namespace to which a route is attached. */
function parentsOf(route: PolicyObject, namespace: string): string[] {
  return asRecords(asRecord(route.spec)['parentRefs']).flatMap((parent) => {
    const isHere = (stringAt(parent, 'namespace') ?? route.metadata.namespace) === namespace;
    const name = stringAt(parent, 'name');
    return parent['kind'] === 'Service' && isHere && name !== undefined ? [name] : [];
  });
}

const rulesOf = ({ spec }: PolicyObject): readonly Fields[] => asRecords(asRecord(spec)['rules']);

/** Services of the namespace that a rule names for requests, or for copies of them. */
function backendsOf(rule: Fields, route: PolicyObject, namespace: string): string[] {
  const mirrors = filtersOf(rule).map(({ requestMirror }) => asRecord(asRecord(requestMirror)['backendRef']));
  const refs = [...asRecords(rule['backendRefs']).filter(({ weight }) => weight !== 0), ...mirrors];
  return refs.flatMap((ref) => {
    const isHere = (stringAt(ref, 'namespace') ?? route.metadata.namespace) === namespace;
    const name = stringAt(ref, 'name');
    return isHere && name !== undefined && (ref['kind'] ?? 'Service') === 'Service' ? [name] : [];
  });
}

const filtersOf = (rule: Fields): readonly Fields[] => [
  ...asRecords(rule['filters']),
  ...asRecords(rule['backendRefs']).flatMap(({ filters }) => asRecords(filters)),
];

/** What a rule changes of a request: `path`, `host`, `header NAME` in lower case. */
function changesOf(rule: Fields): string[] {
  return filtersOf(rule).flatMap(({ urlRewrite, requestHeaderModifier }) => {
    const { path, hostname } = asRecord(urlRewrite);
    const { set, add, remove } = asRecord(requestHeaderModifier);
    const headers = [...asRecords(set), ...asRecords(add)].map(({ name }) => String(name));
    return [
      ...(path === undefined ? [] : ['path']),
      ...(hostname === undefined ? [] : ['host']),
      ...[...headers, ...asStrings(remove)].map((name) => `header ${name.toLowerCase()}`),
    ];
  });
}

/** Whether a policy asks for what is changed. Of a filter and a provider nobody knows; what only tells of requests decides nothing. */
function askedBy({ kind, spec }: PolicyObject): (change: string) => boolean {
  const { action, rules, jwtRules } = asRecord(spec);
  if (kind === 'Telemetry') return () => false;
  if (kind === 'RequestAuthentication') {
    const places = asRecords(jwtRules).flatMap(({ fromHeaders }) => asRecords(fromHeaders).map(({ name }) => name));
    const headers = new Set(['authorization', ...places.map((name) => String(name).toLowerCase())]);
    return (change) => headers.has(change.replace(/^header /, ''));
  }
  if (kind !== 'AuthorizationPolicy' || action === 'CUSTOM') return () => true;
  const operations = asRecords(rules).flatMap(({ to }) => asRecords(to).map(({ operation }) => asRecord(operation)));
  const fields = new Set(operations.flatMap((operation) => Object.keys(operation)));
  const conditions = asRecords(rules).flatMap(({ when }) => asRecords(when).map(({ key }) => String(key)));
  const headers = conditions.flatMap((key) => /^request\.(?:regex\.)?headers\[(.*)\]$/.exec(key)?.[1] ?? []);
  return (change) => {
    if (change === 'path') return fields.has('paths') || fields.has('notPaths');
    if (change === 'host') return fields.has('hosts') || fields.has('notHosts');
    return headers.some((name) => `header ${name.toLowerCase()}` === change);
  };
}

/** Who calls the address of a pod calls no Service. */
function addressed({ waypoint, traffic = 'service' }: TranslationScope): Difference[] {
  if (traffic !== 'all' && traffic !== 'workload') return [];
  const message = `takes calls to addresses of pods (label ${LABEL.waypointFor}: ${traffic}), where nobody meets a copy for a Service: set that label to service`;
  return [{ reason: 'Routed', at: `Gateway/${waypoint.name}`, message }];
}

/** No copy targets it: tomorrow it may list other pods. */
function listed({ metadata }: TargetService): Difference {
  const message =
    'has no selector, and pods of the policy among its endpoints, where nobody meets a copy for a Service: give it a selector, or delete it';
  return { reason: 'Routed', at: `Service/${metadata.name}`, message };
}

function aliased({ metadata }: PolicyObject): Difference {
  const message = 'leads to pods of the policy by another host, where nobody meets a copy for a Service';
  return { reason: 'Routed', at: `ServiceEntry/${metadata.name}`, message };
}

function routed(route: PolicyObject, parent: string, backends: readonly string[]): Difference {
  const message = `sends requests for Service ${parent} to ${backends.join(', ')}, and they meet the policies of ${parent} only`;
  return { reason: 'Routed', at: `${route.kind}/${route.metadata.name}`, message };
}
