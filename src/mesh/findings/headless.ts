import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import { targetsOf } from '../waypoint-needs.js';
import { type PolicyScope, finding, isOwn } from './scope.js';

/**
 * Headless Services of the namespace, whose callers address pods: no waypoint sees that traffic.
 *
 * @see istio-ambient facts 6.3
 */
export function headlessFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const services = objects.filter((object) => object.kind === 'Service' && isOwn(object, scope) && isHeadless(object));
  return services.map((service) => {
    const user = scope.waypoint && objects.find((object) => isOwn(object, scope) && names(object, service));
    return user
      ? finding(
          'SST3026',
          service,
          'spec.clusterIP',
          `${user.kind} ${user.metadata.name} is for a waypoint, and callers pass it by`,
          scope,
        )
      : finding('SST3025', service, 'spec.clusterIP', 'callers address its pods', scope);
  });
}

/** Whether callers of a Service address its pods; without a selector it has none of the mesh. */
export function isHeadless({ spec }: PolicyObject): boolean {
  const { clusterIP, selector } = asRecord(spec);
  return clusterIP === 'None' && Object.keys(asRecord(selector)).length > 0;
}

/** Whether a policy or a route is for a Service by its name. */
function names(object: PolicyObject, { metadata }: PolicyObject): boolean {
  const parents = asRecords(asRecord(object.spec)['parentRefs']);
  return [...targetsOf(object), ...parents].some(
    ({ kind, name, namespace = metadata.namespace }) =>
      kind === 'Service' && name === metadata.name && namespace === metadata.namespace,
  );
}
