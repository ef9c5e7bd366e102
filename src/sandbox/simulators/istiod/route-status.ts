import { withConditions, type Wanted } from './conditions.js';
import { gatewayClasses, type ClassInfo } from './gateway-classes.js';
import type { ReasonAndMessage } from './gateway-names.js';
import type { BackendReference, HttpRoute, Listener, ParentReference, RouteParentStatus } from './kinds.js';
import { judgeListener } from './listener-status.js';
import type { PolicyLookup } from './policy-conditions.js';

const gatewayGroup = 'gateway.networking.k8s.io';
const controllerName = 'istio.io/gateway-controller';

/** What the status of routes depends on. */
export interface RouteLookup extends PolicyLookup {
  /** What istiod makes of a class of Gateways, if it is its own. */
  classInfo(name: string): ClassInfo | undefined;
}

/**
 * The entries that istiod writes into the status of an HTTPRoute: one for each parent that it knows, Gateways of its class
 * `istio` and Services. Filters, ReferenceGrants and the namespaces that a listener allows are not looked at.
 *
 * @see istio/istio pilot/pkg/config/kube/gateway/conditions.go, createRouteStatus
 */
export function routeParents(route: HttpRoute, lookup: RouteLookup, nowMs: number): RouteParentStatus[] {
  const known = route.status?.parents ?? [];
  const parents = (route.spec.parentRefs ?? []).filter((parent) => isOurs(parent, route, lookup));
  const entries = parents.map((parentRef) => {
    const before = known.find((entry) => sameParent(entry.parentRef, parentRef));
    const wanted = conditionsFor(parentRef, route, lookup);
    const conditions = withConditions(before?.conditions, wanted, route.metadata.generation, nowMs);
    return { conditions, controllerName, parentRef };
  });
  const foreign = known.filter((entry) => entry.controllerName !== controllerName);
  return [...foreign, ...entries.sort((a, b) => (rank(a.parentRef) > rank(b.parentRef) ? -1 : 1))];
}

/** How many routes a listener has. */
export function attachedRoutes(
  gateway: { namespace: string; name: string },
  listener: string,
  routes: HttpRoute[],
  lookup: RouteLookup,
): number {
  const attached = routes.filter((route) =>
    (route.spec.parentRefs ?? []).some((parent) => {
      if (kindOf(parent) !== 'Gateway' || parent.name !== gateway.name) return false;
      if (namespaceOf(parent, route) !== gateway.namespace || !isOurs(parent, route, lookup)) return false;
      return matchingListeners(parent, route, lookup).some(({ name }) => name === listener);
    }),
  );
  return attached.length;
}

function isOurs(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): boolean {
  if (kindOf(parent) === 'Service') return true;
  if (kindOf(parent) !== 'Gateway') return false;
  const gateway = lookup.gateway(namespaceOf(parent, route), parent.name);
  // Routes of a waypoint are routes of the Services behind it.
  return gateway !== undefined && lookup.classInfo(gateway.spec.gatewayClassName) === gatewayClasses.istio;
}

function conditionsFor(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): Wanted[] {
  const denied = kindOf(parent) === 'Service' ? missingService(parent, route, lookup) : refusal(parent, route, lookup);
  const backend = (route.spec.rules ?? [])
    .flatMap(({ backendRefs }) => backendRefs ?? [])
    .map((reference) => wrongBackend(reference, route, lookup))
    .find((problem) => problem !== undefined);
  const waypoints = kindOf(parent) === 'Service' ? waypointMessage(parent, route, lookup) : 'All waypoints resolved';
  return [
    judged('Accepted', { reason: 'Accepted', message: 'Route was valid' }, denied),
    judged('ResolvedRefs', { reason: 'ResolvedRefs', message: 'All references resolved' }, backend),
    { type: 'ResolvedWaypoints', status: 'True', reason: 'ResolvedWaypoints', message: waypoints },
  ];
}

function judged(type: string, good: ReasonAndMessage, bad: ReasonAndMessage | undefined): Wanted {
  return { type, status: bad === undefined ? 'True' : 'False', ...(bad ?? good) };
}

function missingService(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): ReasonAndMessage | undefined {
  if (lookup.service(namespaceOf(parent, route), parent.name) !== undefined) return undefined;
  return { reason: 'NoMatchingParent', message: `parent service: "${parent.name}" not found` };
}

/** Why no listener of a Gateway takes the route. */
function refusal(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): ReasonAndMessage | undefined {
  if (matchingListeners(parent, route, lookup).length > 0) return undefined;
  const named = namedListeners(parent, route, lookup);
  if (named.length === 0 && parent.sectionName !== undefined) {
    return { reason: 'NoMatchingParent', message: `sectionName "${parent.sectionName}" not found` };
  }
  const message = `no hostnames matched parent hostname "${named[0]?.hostname ?? ''}"`;
  return { reason: 'NoMatchingListenerHostname', message };
}

function namedListeners(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): Listener[] {
  const gateway = lookup.gateway(namespaceOf(parent, route), parent.name);
  const info = gateway && lookup.classInfo(gateway.spec.gatewayClassName);
  if (gateway === undefined || info === undefined) return [];
  return gateway.spec.listeners.filter(({ name, port }, index) => {
    const isNamed = parent.sectionName === undefined || parent.sectionName === name;
    const { supportedKinds } = judgeListener(gateway, index, info, 0).status;
    const takes = supportedKinds.some(({ kind }) => kind === 'HTTPRoute');
    return isNamed && takes && (parent.port === undefined || parent.port === port);
  });
}

function matchingListeners(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): Listener[] {
  const { hostnames = [] } = route.spec;
  return namedListeners(parent, route, lookup).filter(
    ({ hostname }) =>
      hostname === undefined || hostnames.length === 0 || hostnames.some((other) => overlap(hostname, other)),
  );
}

/** Whether a name fits both, either of which may begin with a wildcard. */
function overlap(a: string, b: string): boolean {
  const fits = (name: string, pattern: string): boolean => pattern.startsWith('*') && name.endsWith(pattern.slice(1));
  return a === b || fits(a, b) || fits(b, a);
}

function wrongBackend(backend: BackendReference, route: HttpRoute, lookup: RouteLookup): ReasonAndMessage | undefined {
  const { group = '', kind = 'Service', name } = backend;
  if (group !== '' || kind !== 'Service') {
    return {
      reason: 'InvalidKind',
      message: `referencing unsupported backendRef: group "${group}" kind "${kind}"`,
    };
  }
  const namespace = backend.namespace ?? route.metadata.namespace ?? '';
  if (lookup.service(namespace, name) !== undefined) return undefined;
  return { reason: 'BackendNotFound', message: `backend(${name}.${namespace}.svc.cluster.local) not found` };
}

function waypointMessage(parent: ParentReference, route: HttpRoute, lookup: RouteLookup): string {
  const namespace = namespaceOf(parent, route);
  const service = lookup.service(namespace, parent.name);
  if (service === undefined) return 'parent not found';
  const label = 'istio.io/use-waypoint';
  const isLabelled = [service, lookup.namespace(namespace)].some((object) => object?.metadata.labels?.[label]);
  const unused = 'in ambient mode, route will not be respected';
  return isLabelled ? 'All waypoints resolved' : `${label} label missing from parent and parent namespace; ${unused}`;
}

function kindOf({ group = gatewayGroup, kind = 'Gateway' }: ParentReference): string | undefined {
  if (kind === 'Gateway' && group === gatewayGroup) return kind;
  return kind === 'Service' && group === '' ? kind : undefined;
}

function namespaceOf(parent: ParentReference, route: HttpRoute): string {
  return parent.namespace ?? route.metadata.namespace ?? '';
}

function sameParent(a: ParentReference, b: ParentReference): boolean {
  return rank(a) === rank(b);
}

/** By which parents are told apart and ordered. */
function rank({
  group = gatewayGroup,
  kind = 'Gateway',
  namespace = '',
  name,
  sectionName = '',
  port = 0,
}: ParentReference): string {
  return [group, kind, namespace, name, sectionName, port].join('/');
}
