import { type PolicyObject, asRecord, asRecords } from './policy-object.js';
import { chosenWaypoint, namedWaypoints, refKey, targetedGateways, type WaypointRef } from './use-waypoint.js';

type Named = Pick<PolicyObject, 'kind' | 'metadata'>;

/** What may use a waypoint; objects of namespaces that are going are left out. */
export interface UsersOptions {
  readonly policies: readonly PolicyObject[];
  readonly namespaces: readonly Named[];
  readonly services: readonly Named[];
  readonly serviceEntries: readonly Named[];
}

/**
 * Policies that nobody enforces without the waypoint: they target the Gateway, or a Service or ServiceEntry that is bound to it.
 *
 * @returns `Kind namespace/name` of each
 * @see istio/istio pilot/pkg/model/policyattachment.go: a target is of the policy's own namespace
 */
export function dependentPolicies(waypoint: WaypointRef, options: UsersOptions): string[] {
  const { policies, namespaces, services, serviceEntries } = options;
  const labelsOf = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels]));
  const isBound = ({ metadata: { labels, namespace = '' } }: Named): boolean => {
    const chosen = chosenWaypoint(labels, namespace) ?? chosenWaypoint(labelsOf.get(namespace), namespace);
    return chosen !== undefined && chosen !== 'none' && refKey(chosen) === refKey(waypoint);
  };
  const bound = new Set([...services, ...serviceEntries].filter(isBound).map(keyOf));
  return policies
    .filter(
      (policy) =>
        targetedGateways(policy).includes(refKey(waypoint)) || targetedHosts(policy).some((key) => bound.has(key)),
    )
    .map(shown);
}

/**
 * Objects whose own labels name the waypoint.
 *
 * @returns `Kind namespace/name` of each, or `Namespace name`
 */
export function namedBy(waypoint: WaypointRef, objects: readonly Named[]): string[] {
  const names = ({ kind, metadata: { labels, namespace, name } }: Named): boolean =>
    namedWaypoints(labels, kind === 'Namespace' ? name : (namespace ?? '')).includes(refKey(waypoint));
  return objects.filter(names).map(shown);
}

const keyOf = ({ kind, metadata: { namespace = '', name } }: Named): string => `${kind} ${namespace}/${name}`;

const shown = (object: Named): string =>
  object.kind === 'Namespace' ? `Namespace ${object.metadata.name}` : keyOf(object);

const HOST_KINDS: Readonly<Record<string, readonly string[]>> = {
  Service: ['', 'core'],
  ServiceEntry: ['networking.istio.io'],
};

/** The Services and ServiceEntries that a policy targets. */
function targetedHosts({ metadata, spec }: PolicyObject): string[] {
  const { targetRef, targetRefs } = asRecord(spec);
  return [...asRecords(targetRefs), asRecord(targetRef)].flatMap(({ group = '', kind, name }) =>
    typeof kind === 'string' && typeof name === 'string' && HOST_KINDS[kind]?.includes(String(group))
      ? [`${kind} ${metadata.namespace ?? ''}/${name}`]
      : [],
  );
}
