import { LABEL } from '../api/labels.js';
import { type PolicyObject, asRecord, asRecords } from './policy-object.js';

type Labels = Readonly<Record<string, string>>;

/** A waypoint as labels name it. */
export interface WaypointRef {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The waypoint that an object names by its own labels: `none` if it wants none, undefined if it says nothing. Name and namespace
 * are read from the same object.
 *
 * @param labels     of the object; `use-waypoint-namespace` alone says nothing
 * @param namespace  of the object; a Namespace's own name
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, GetUseWaypoint
 */
export function chosenWaypoint(labels: Labels = {}, namespace: string): WaypointRef | 'none' | undefined {
  const name = labels[LABEL.useWaypoint];
  if (name === undefined || name === 'none') return name;
  return { namespace: labels[LABEL.useWaypointNamespace] ?? namespace, name };
}

/** `namespace/name` of every waypoint that an object names, the canary included. */
export function namedWaypoints(labels: Labels = {}, namespace: string): string[] {
  const chosen = chosenWaypoint(labels, namespace);
  const canary = labels[LABEL.useWaypointCanary];
  return [
    ...(chosen === undefined || chosen === 'none' ? [] : [refKey(chosen)]),
    ...(canary === undefined || canary === 'none'
      ? []
      : [refKey({ namespace: labels[LABEL.useWaypointCanaryNamespace] ?? namespace, name: canary })]),
  ];
}

/** `namespace/name`. */
export function refKey({ namespace, name }: WaypointRef): string {
  return `${namespace}/${name}`;
}

/**
 * `namespace/name` of the Gateways that a policy targets: they are always of its own namespace.
 *
 * @see istio/istio pilot/pkg/model/policyattachment.go
 */
export function targetedGateways({ metadata, spec }: PolicyObject): string[] {
  const { targetRef, targetRefs } = asRecord(spec);
  return [...asRecords(targetRefs), asRecord(targetRef)].flatMap(({ group, kind, name }) =>
    group === 'gateway.networking.k8s.io' && kind === 'Gateway' && typeof name === 'string'
      ? [refKey({ namespace: metadata.namespace ?? '', name })]
      : [],
  );
}
