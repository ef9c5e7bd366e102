import { placeOf } from '../findings/hosts.js';
import { isExportedTo } from '../findings/scope.js';
import { type Labels, type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { concernsMesh } from '../translation/routes/parents.js';
import { byHttpRoutes } from './http-route.js';
import type { Routed, RoutedRequest, Router } from './routed.js';
import { byVirtualServices } from './virtual-service.js';

/** Kinds that say where requests go. */
export const ROUTE_KINDS: readonly string[] = ['VirtualService', 'HTTPRoute', 'DestinationRule'];

/** Who is called. */
interface Called {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What somebody who carries out routes does with requests to a Service; undefined if there are no routes of it.
 *
 * Sidecars carry out HTTPRoutes of the Service's namespace and of their own, which come first; waypoints those of the Service's namespace
 * and of their own. So it is with VirtualServices for a waypoint, and both read only what is exported to them. Where there are both,
 * HTTPRoutes count: what comes of both is not told by either. Routes of other kinds are not followed.
 *
 * @param objects  of {@link ROUTE_KINDS}
 * @param rootNamespace  its DestinationRules are for Services of all namespaces
 * @see istio-ambient facts, 5.7; istio/istio pilot/pkg/model/push_context.go, getVirtualServiceForWaypoint
 */
export function routesOfService(
  objects: readonly PolicyObject[],
  router: Router,
  called: Called,
  rootNamespace = 'istio-system',
): ((request: RoutedRequest) => Routed | undefined) | undefined {
  const httpRoutes = httpRoutesOf(objects, router, called);
  const virtualServices = virtualServicesOf(objects, router, called);
  if (httpRoutes.length === 0 && virtualServices.length === 0) return undefined;
  const scope = {
    router,
    delegate: (namespace: string, name: string) =>
      objects.find(
        ({ kind, metadata }) => kind === 'VirtualService' && metadata.namespace === namespace && metadata.name === name,
      ),
    subset: (service: Called, name: string) =>
      subsetsOf(objects, [router.namespace, service.namespace, rootNamespace], service).get(name),
  };
  return (request) => {
    const onPort = httpRoutes.filter((route) => parentsOf(route, called).some((one) => isOnPort(one, request.port)));
    if (onPort.length > 0) return byHttpRoutes(closest(onPort, router), request);
    return byVirtualServices(virtualServices, request, scope);
  };
}

/** Those of the caller's own namespace take the place of those of the Service's. */
function closest(routes: readonly PolicyObject[], { kind, namespace }: Router): readonly PolicyObject[] {
  const own = routes.filter(({ metadata }) => metadata.namespace === namespace);
  return kind === 'Sidecar' && own.length > 0 ? own : routes;
}

function httpRoutesOf(objects: readonly PolicyObject[], router: Router, called: Called): PolicyObject[] {
  const homes = [called.namespace, router.namespace];
  return inOrder(
    objects.filter(
      (route) =>
        route.kind === 'HTTPRoute' &&
        homes.includes(route.metadata.namespace ?? '') &&
        parentsOf(route, called).length > 0,
    ),
  );
}

const parentsOf = ({ metadata, spec }: PolicyObject, called: Called): readonly Readonly<Record<string, unknown>>[] =>
  asRecords(asRecord(spec)['parentRefs']).filter(
    (parent) =>
      parent['kind'] === 'Service' &&
      parent['name'] === called.name &&
      (stringAt(parent, 'namespace') ?? metadata.namespace) === called.namespace,
  );

const isOnPort = (parent: Readonly<Record<string, unknown>>, port: number): boolean =>
  parent['port'] === undefined || parent['port'] === port;

function virtualServicesOf(objects: readonly PolicyObject[], router: Router, called: Called): PolicyObject[] {
  const seen = objects.filter(
    (one) =>
      one.kind === 'VirtualService' &&
      concernsMesh(asRecord(one.spec)) &&
      isExportedTo(one, router.namespace) &&
      (router.kind === 'Sidecar' || [called.namespace, router.namespace].includes(one.metadata.namespace ?? '')),
  );
  const ranked = seen.map((one) => ({ one, rank: rankOf(one, called) })).filter(({ rank }) => rank > 0);
  // To a waypoint all hosts that match are alike.
  const best = router.kind === 'Sidecar' ? Math.max(0, ...ranked.map(({ rank }) => rank)) : 1;
  return inOrder(ranked.filter(({ rank }) => rank >= best).map(({ one }) => one));
}

/** How exactly its hosts name the Service: 0 not at all, more for longer wildcards, most for its name. */
function rankOf({ metadata, spec }: PolicyObject, { namespace, name }: Called): number {
  const fullName = `${name}.${namespace}.svc.cluster.local`;
  const ranks = asStrings(asRecord(spec)['hosts']).map((host) => {
    if (host.startsWith('*')) return fullName.endsWith(host.slice(1)) ? host.length : 0;
    const isIt = host.split('.')[0] === name && placeOf(host, metadata.namespace ?? '', namespace) === 'here';
    return isIt ? Number.MAX_SAFE_INTEGER : 0;
  });
  return Math.max(0, ...ranks);
}

/** The oldest first; of the same age as they come. */
function inOrder(objects: readonly PolicyObject[]): PolicyObject[] {
  const born = ({ metadata }: PolicyObject): string => metadata.creationTimestamp ?? '';
  return [...objects].sort((a, b) => born(a).localeCompare(born(b)));
}

/**
 * The labels of subsets, by their names: of the DestinationRules of the first of these places that has any for the Service.
 *
 * @param places  namespaces; that of who sends the request is the first, and sees what the others export
 * @see istio/istio pilot/pkg/model/push_context.go, destinationRule
 */
function subsetsOf(
  objects: readonly PolicyObject[],
  places: readonly [own: string, ...others: string[]],
  called: Called,
): ReadonlyMap<unknown, Labels> {
  const rules = objects
    .filter(({ kind }) => kind === 'DestinationRule')
    .map((rule) => ({ rule, rank: rankOf({ ...rule, spec: { hosts: [asRecord(rule.spec)['host']] } }, called) }))
    .filter(({ rank }) => rank > 0);
  const [own] = places;
  const seenIn = places.map((place) =>
    rules.filter(({ rule }) => rule.metadata.namespace === place && (place === own || isExportedTo(rule, own))),
  );
  const closest = seenIn.find(({ length }) => length > 0) ?? [];
  const best = Math.max(...closest.map(({ rank }) => rank));
  const subsets = closest
    .filter(({ rank }) => rank === best)
    .flatMap(({ rule }) => asRecords(asRecord(rule.spec)['subsets']));
  // Of one name the first counts.
  return new Map(subsets.toReversed().map(({ name, labels }) => [name, asRecord(labels) as Labels]));
}
