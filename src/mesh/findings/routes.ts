import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { placeOf } from './hosts.js';
import { type PolicyScope, finding, isExportedTo } from './scope.js';

/** What becomes of a VirtualService that callers of the namespace, or of its Services, carry out today. */
export function virtualServiceFindings(virtualService: PolicyObject, scope: PolicyScope): Finding[] {
  if (!isExportedTo(virtualService, scope.namespace) || !concernsMeshTraffic(virtualService)) return [];
  const hosts = asStrings(asRecord(virtualService.spec)['hosts']);
  const home = virtualService.metadata.namespace ?? '';
  const isElsewhere = hosts.length > 0 && hosts.every((host) => placeOf(host, home, scope.namespace) === 'elsewhere');
  const text = `ambient callers do not carry out the routes to ${hosts.join(', ') || 'its hosts'}`;
  return [finding(isElsewhere ? 'SST3004' : 'SST3003', virtualService, 'spec.hosts', text, scope)];
}

/** A VirtualService that is bound to ingress gateways only stays with them. */
function concernsMeshTraffic(virtualService: PolicyObject): boolean {
  const gateways = asStrings(asRecord(virtualService.spec)['gateways']);
  return gateways.length === 0 || gateways.includes('mesh');
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
