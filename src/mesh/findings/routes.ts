import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { concernsMesh } from '../translation/routes/parents.js';
import { placeOf } from './hosts.js';
import { type PolicyScope, finding, isExportedTo, isRoutedElsewhere } from './scope.js';

/** What becomes of a VirtualService that callers of the namespace, or of its Services, carry out today. */
export function virtualServiceFindings(virtualService: PolicyObject, scope: PolicyScope): Finding[] {
  if (!isExportedTo(virtualService, scope.namespace) || !concernsMesh(asRecord(virtualService.spec))) return [];
  const hosts = asStrings(asRecord(virtualService.spec)['hosts']);
  const home = virtualService.metadata.namespace ?? '';
  const isElsewhere = hosts.length > 0 && hosts.every((host) => placeOf(host, home, scope.namespace) === 'elsewhere');
  const to = `the routes to ${hosts.join(', ') || 'its hosts'}`;
  if (scope.routes?.says(virtualService) === true)
    return [finding('SST3030', virtualService, 'spec.hosts', `HTTPRoutes say ${to} to the waypoint`, scope)];
  const text = `ambient callers do not carry out ${to}`;
  if (isElsewhere && isRoutedElsewhere(virtualService, scope)) return [];
  if (isElsewhere) return [finding('SST3004', virtualService, 'spec.hosts', text, scope)];
  const why = scope.routes?.refused.get(virtualService);
  const reason = why ? `; Sidestep writes no HTTPRoute, for ${why.at}: ${why.message}` : '';
  return [finding('SST3003', virtualService, 'spec.hosts', `${text}${reason}`, scope)];
}

/**
 * What becomes of a route of the Gateway API that the waypoint of the migration does not carry out. Sidecars honour routes whose
 * parent is a Service (GAMMA); without a waypoint nobody would.
 */
export function routeFindings(route: PolicyObject, scope: PolicyScope): Finding[] {
  const { namespace } = scope;
  const ofMesh = asRecords(asRecord(route.spec)['parentRefs']).some((parent) => {
    const toService = parent['kind'] === 'Service' || parent['kind'] === 'ServiceEntry';
    const parentNamespace = stringAt(parent, 'namespace') ?? route.metadata.namespace;
    return toService && (parentNamespace === namespace || route.metadata.namespace === namespace);
  });
  return ofMesh
    ? [finding('SST3024', route, 'spec.parentRefs', 'no waypoint of this migration carries it out', scope)]
    : [];
}
