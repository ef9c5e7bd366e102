import { type PolicyObject, asRecord, stringAt } from './policy-object.js';
import { type IntendedWaypoint, waypointNeed } from './waypoint-needs.js';

/** The waypoint that a migration of a namespace would use, if it wanted one. */
export interface AskedWaypoint extends IntendedWaypoint {
  readonly className: string;
  /** It is wanted: it is asked for, or something needs it. */
  readonly isWanted: boolean;
  /** The migration may write policies for it. */
  readonly isTranslating: boolean;
}

/** As the AmbientMigration of the namespace asks; without one, as one that says nothing would. */
export function askedWaypoint(objects: readonly PolicyObject[], namespace: string): AskedWaypoint {
  const migration = objects.find(
    ({ kind, metadata }) => kind === 'AmbientMigration' && metadata.namespace === namespace,
  );
  const asked = asRecord(asRecord(migration?.spec)['waypoint']);
  const name = stringAt(asked, 'name') ?? 'waypoint';
  const waypoint = { name, namespace: stringAt(asked, 'namespace') ?? namespace, account: name };
  const isNeeded = (object: PolicyObject): boolean => waypointNeed(object, waypoint, namespace) !== undefined;
  const provision = stringAt(asked, 'provision') ?? 'Auto';
  const isWanted = provision === 'Always' || (provision === 'Auto' && objects.some(isNeeded));
  const translation = stringAt(asRecord(asRecord(migration?.spec)['policies']), 'translation') ?? 'Auto';
  const isTranslating = provision !== 'Never' && translation === 'Auto';
  return { ...waypoint, className: stringAt(asked, 'className') ?? 'istio-waypoint', isWanted, isTranslating };
}
