import { ANNOTATION, LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { type WaypointSizing, WaypointSizingSchema } from '../../api/sizing.js';
import { asRecord } from '../../mesh/policy-object.js';
import type { IntendedWaypoint } from '../../mesh/waypoint-needs.js';
import type { Observed } from './observed.js';

/** The waypoint that the namespace is to use. */
export interface Waypoint extends IntendedWaypoint {
  /** It is in the migrated namespace, so that it may be created. */
  readonly own: boolean;
  /** Class of the Gateway that is created. */
  readonly className: string;
  /** What the spec asks for; undefined if it says nothing. */
  readonly sizing: WaypointSizing | undefined;
  /** Pods that must be available before anything is bound. */
  readonly min: number;
  /** What is labelled with it. */
  readonly scope: 'Namespace' | 'ServiceAccount' | 'Service';
  /** A policy or a route needs it: ingress traffic has to go through it too. */
  readonly needed: boolean;
}

/** The waypoint that the spec names, whether or not it is needed. Pure. */
export function waypointOf(observed: Observed): Omit<Waypoint, 'needed'> {
  const { name, namespace, className, scope, replicas, resources } = observed.spec.waypoint;
  const own = observed.namespace.metadata.name;
  const isOwn = namespace === undefined || namespace === own;
  const { gateway } = observed.waypoint;
  const asked = replicas !== undefined || resources !== undefined;
  const sizing = asked
    ? WaypointSizingSchema.parse({ ...(replicas && { replicas }), ...(resources && { resources }) })
    : undefined;
  const isForeign = gateway !== undefined && !isCreatedByMigration(gateway);
  return {
    name,
    namespace: namespace ?? own,
    own: isOwn,
    className,
    scope,
    account: gateway?.metadata.annotations?.[ANNOTATION.gatewayServiceAccount] ?? name,
    sizing,
    min: replicas?.min ?? (isForeign && !asked ? 1 : scaledTo(observed, name)),
  };
}

/** Replicas that there are to be where the spec says nothing: as the autoscaler has it, from the class or from us. */
function scaledTo({ autoscalers, mesh }: Observed, name: string): number {
  const own = autoscalers.find(({ metadata }) => metadata.labels?.[LABEL.gatewayName] === name);
  if (!own) return mesh.waypointReplicas;
  const { minReplicas } = asRecord(own.spec);
  return typeof minReplicas === 'number' ? minReplicas : 1;
}

/** Whether a migration has created a Gateway, so that a rollback deletes it. */
export function isCreatedByMigration({
  metadata,
}: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): boolean {
  return metadata.annotations?.[OWN_ANNOTATION.createdBy] !== undefined;
}
