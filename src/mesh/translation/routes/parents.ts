import { placeOf, serviceAt } from '../../findings/hosts.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../../policy-object.js';
import type { Remarks } from './remarks.js';
import { hasWaypoint, httpPorts, objectAt, type RouteScope } from './scope.js';

/** Most parents of a route. */
const MAX_PARENTS = 32;

/**
 * The Services whose requests a VirtualService routes: parents of the HTTPRoute. Refused are hosts of which none is known here,
 * and those that others route, too.
 */
export function parentsOf(virtualService: PolicyObject, scope: RouteScope, remarks: Remarks): PolicyObject[] {
  const { namespace } = scope;
  const hosts = asStrings(asRecord(virtualService.spec)['hosts']);
  if (hosts.length === 0) remarks.refuse('spec.hosts', 'names nothing');
  const services = hosts.flatMap((host, index) => {
    const at = `spec.hosts[${index}]`;
    const name = serviceAt(host, namespace, namespace);
    const service = objectAt(scope, 'Service', namespace, name);
    if (placeOf(host, namespace, namespace) === 'elsewhere')
      remarks.refuse(at, `a route of ${host} has to be in its namespace`);
    else if (!service) remarks.refuse(at, `${host} is no Service of the namespace`);
    else if (!hasWaypoint(service)) remarks.refuse(at, `who calls ${host} does so past the waypoint`);
    else if (httpPorts(service).length === 0) remarks.refuse(at, `${host} has no port for HTTP`);
    else for (const other of othersOf(name!, virtualService, scope)) remarks.refuse(at, `${other} routes it, too`);
    return service ? [service] : [];
  });
  if (services.length > MAX_PARENTS) remarks.refuse('spec.hosts', `has more than ${MAX_PARENTS} hosts`);
  return [...new Set(services)];
}

/** What else routes requests to a Service: what comes of both is not told by either. */
function othersOf(service: string, virtualService: PolicyObject, { objects, namespace }: RouteScope): string[] {
  const own = virtualService.metadata.name;
  return objects
    .filter(({ kind, metadata, spec }) => {
      const home = metadata.namespace ?? '';
      if (kind === 'VirtualService')
        return (
          (metadata.name !== own || home !== namespace) &&
          concernsMesh(asRecord(spec)) &&
          asStrings(asRecord(spec)['hosts']).some((host) => serviceAt(host, home, namespace) === service)
        );
      if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return false;
      // Those of an earlier look.
      if (kind === 'HTTPRoute' && home === namespace && isNamedFor(metadata.name, own)) return false;
      return asRecords(asRecord(spec)['parentRefs']).some(
        (parent) =>
          parent['kind'] === 'Service' &&
          parent['name'] === service &&
          (stringAt(parent, 'namespace') ?? home) === namespace,
      );
    })
    .map(
      ({ kind, metadata }) =>
        `${kind} ${metadata.namespace === namespace ? '' : `${metadata.namespace}/`}${metadata.name}`,
    );
}

/** Whether the name of a route is one that a translation gives: with the port, and the number of the part. */
const isNamedFor = (name: string, virtualService: string): boolean =>
  name.startsWith(virtualService) && /^(-\d+){0,2}$/.test(name.slice(virtualService.length));

/** Whether a VirtualService is for callers in the mesh, and not for Gateways only. */
export function concernsMesh(spec: Readonly<Record<string, unknown>>): boolean {
  const gateways = asStrings(spec['gateways']);
  return gateways.length === 0 || gateways.includes('mesh');
}
