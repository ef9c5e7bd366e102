import { waypointGateway } from '../../../cdk8s/waypoint-gateway.js';
import type { Reason } from '../../api/conditions.js';
import type { Gateway } from '../../api/gateway-api.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { SERVING } from '../../api/serving.js';
import type { WaypointSizing } from '../../api/sizing.js';
import { findCondition } from '../../kube/conditions.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import { isSubset } from '../../kube/subset.js';
import { isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { namesWaypoint } from '../../mesh/waypoint-needs.js';
import { bindingMark } from './binding.js';
import { labelNaming } from './field-owners.js';
import type { Observed } from './observed.js';
import { type Waypoint, isCreatedByMigration } from './intended-waypoint.js';
import { wantedWaypoint } from './scope.js';
import { transitionMs, waitVerdict } from './situation.js';
import { triedVerdict } from './undone-writes.js';
import { type Action, type Verdict, done } from './verdict.js';
import { unreadiness } from './waypoint-state.js';

const RECHECK_NAMERS_MS = 10_000;

/** Who names a waypoint, as far as a message tells. */
const SHOWN_NAMERS = 5;

/** The step Waypoint, forward: a Gateway that takes traffic. One that is there is used as it is; only ours is changed. */
export function waypointReady(observed: Observed): Verdict {
  const waypoint = wantedWaypoint(observed);
  if (!waypoint) return done('NotNeeded', notNeeded(observed));
  const actions = provisioning(observed, waypoint);
  const what = `Gateway ${waypoint.namespace}/${waypoint.name}`;
  if (actions[0]) {
    return triedVerdict(observed, { kind: 'act', actions, reason: 'WaypointMissing', message: actions[0].note });
  }
  const { gateway } = observed.waypoint;
  if (!gateway) return { kind: 'wait', reason: 'WaypointNotReady', message: `${what} does not exist` };
  // Once something is bound a pod that restarts is no reason to hold the migration.
  const enough = isBoundTo(observed, waypoint) ? 1 : waypoint.min;
  const missing = unreadiness(gateway, observed.waypoint, waypoint, enough);
  if (missing === undefined) return done('WaypointReady', `${what} takes traffic`);
  const sinceMs = Date.parse(gateway.metadata.creationTimestamp ?? '') || 0;
  return waitVerdict(observed, sinceMs, 'WaypointNotReady', missing);
}

/** The step Waypoint, back: what a migration has made is gone, once nothing names it. */
export function waypointGone(observed: Observed): Verdict {
  const { actions, held } = leftovers(observed, undefined);
  if (actions[0]) {
    return triedVerdict(observed, { kind: 'act', actions, reason: 'WaypointLeaving', message: actions[0].note });
  }
  if (held.length > 0) return inUseVerdict(observed, held);
  const { gateways, orphans } = observed.waypoint;
  const created = gateways.filter(isCreatedByMigration);
  const leaving = [...created.map(({ metadata }) => `Gateway ${metadata.name}`), ...orphans];
  if (leaving.length === 0) return done('RolledBack', 'no waypoint of ours is left');
  const why = created.flatMap(({ status }) => findCondition(status?.conditions, SERVING)?.message ?? []);
  const message = [`${leaving.join(', ')} is being deleted`, ...why].join(': ');
  const deletedMs = created.map(({ metadata }) => Date.parse(metadata.deletionTimestamp ?? '') || 0);
  return goingVerdict(observed, Math.max(0, ...deletedMs), 'WaypointLeaving', message);
}

/** A person has to let it go who names it; told is who manages the first label that says so. */
function inUseVerdict(observed: Observed, held: readonly Held[]): Verdict {
  const { managers } = observed;
  const [first] = held.flatMap(({ namers }) => namers).flatMap((namer) => labelNaming(namer) ?? []);
  const owner = first && managers ? `; ${first.type.kind} ${first.ref.name}: ${managers}` : '';
  const message = held
    .map(({ gateway, namers }) => `Gateway ${gateway} is named by ${namers.slice(0, SHOWN_NAMERS).join(', ')}`)
    .join('; ');
  const verdict = goingVerdict(
    observed,
    0,
    'WaypointInUse',
    `${message}${owner}: remove their label ${LABEL.useWaypoint}, or name another waypoint`,
  );
  return verdict.kind === 'stalled' && first ? { ...verdict, reverted: first } : verdict;
}

/** A wait that begins when what is left of the migration beside the Gateway has gone; no event need tell of its end. */
function goingVerdict(observed: Observed, sinceMs: number, reason: Reason, message: string): Verdict {
  const beganMs = (['WaypointBound', 'PoliciesTranslated'] as const).map((type) =>
    transitionMs(observed, type, 'False'),
  );
  const verdict = waitVerdict(observed, Math.max(sinceMs, ...beganMs), reason, message);
  if (verdict.kind !== 'wait' && verdict.kind !== 'stalled') return verdict;
  return { ...verdict, recheckMs: Math.min(verdict.recheckMs ?? RECHECK_NAMERS_MS, RECHECK_NAMERS_MS) };
}

/** A Gateway of ours that stays, and what names it, as messages do. */
interface Held {
  readonly gateway: string;
  readonly namers: readonly string[];
}

/** What takes away Gateways and sizings of ours that are not wanted, and why some of them stay. */
export function leftovers(
  observed: Observed,
  waypoint: Waypoint | undefined,
): { readonly actions: readonly (Action & { readonly note: string })[]; readonly held: readonly Held[] } {
  const { gateways, namers } = observed.waypoint;
  const unwanted = gateways.filter(({ metadata }) => !waypoint?.own || metadata.name !== waypoint.name);
  const created = unwanted.filter(
    (gateway) => isCreatedByMigration(gateway) && gateway.metadata.deletionTimestamp === undefined,
  );
  const namersOf = ({ metadata }: Gateway): readonly string[] => namers.get(metadata.name) ?? [];
  return {
    actions: [
      ...unwanted.flatMap((gateway) => sizingActions(gateway, undefined)),
      ...created
        .filter((gateway) => namersOf(gateway).length === 0)
        .map(({ metadata: { name, uid } }) => {
          return { type: 'delete-gateway', name, uid: uid ?? '', note: `deleting Gateway ${name}` } as const;
        }),
    ],
    held: created
      .filter((gateway) => namersOf(gateway).length > 0)
      .map((gateway) => ({ gateway: gateway.metadata.name, namers: namersOf(gateway) })),
  };
}

/** What creates the Gateway, or brings ours to what the spec says now. */
export function provisioning(observed: Observed, waypoint: Waypoint): readonly (Action & { readonly note: string })[] {
  const { gateway } = observed.waypoint;
  if (!waypoint.own) return [];
  const what = `Gateway ${waypoint.name}`;
  if (!gateway) {
    const manifest = gatewayOf(observed, waypoint);
    return [{ type: 'create-gateway', manifest, note: `creating ${what} of class ${waypoint.className}` }];
  }
  if (gateway.metadata.deletionTimestamp !== undefined) return [];
  if (!isCreatedByMigration(gateway)) return sizingActions(gateway, waypoint.sizing);
  const manifest = gatewayOf(observed, waypoint);
  return isSubset(manifest, gateway) ? [] : [{ type: 'apply-gateway', manifest, note: `changing ${what}` }];
}

function gatewayOf({ namespace, migration }: Observed, { name, className, sizing }: Waypoint): KubeObject {
  const { name: own, labels } = namespace.metadata;
  const revision = labels?.[LABEL.revision];
  return waypointGateway({
    name,
    namespace: own,
    className,
    // Without it a Gateway of a namespace with a revision may belong to nobody.
    ...(revision !== undefined && { revision }),
    // Also where nothing is asked for: what was asked before is gone then.
    sizing: sizing ?? { resources: {} },
    annotations: { [OWN_ANNOTATION.createdBy]: migration.metadata.name },
  });
}

/** The sizing of a Gateway that somebody else has made: set if it has none, and taken away if it is ours. */
function sizingActions(gateway: Gateway, sizing: WaypointSizing | undefined): (Action & { readonly note: string })[] {
  const { name, annotations = {} } = gateway.metadata;
  const { [OWN_ANNOTATION.sizing]: live, [OWN_ANNOTATION.migrationSizing]: mark } = annotations;
  const value = sizing && JSON.stringify(sizing);
  const change = (changes: FieldChange[], note: string): (Action & { readonly note: string })[] => [
    { type: 'size-gateway', name, changes, note },
  ];
  const isTheirs = live !== undefined && live !== mark;
  if (value === undefined || isTheirs) {
    if (mark === undefined) return [];
    return change(
      [
        ...(isTheirs ? [] : [annotation(OWN_ANNOTATION.sizing, undefined)]),
        annotation(OWN_ANNOTATION.migrationSizing, undefined),
      ],
      `taking our sizing off Gateway ${name}`,
    );
  }
  if (live === value) return [];
  return change(
    [annotation(OWN_ANNOTATION.sizing, value), annotation(OWN_ANNOTATION.migrationSizing, value)],
    `sizing Gateway ${name}`,
  );
}

const annotation = (key: string, value: string | undefined): FieldChange => ({
  path: ['metadata', 'annotations', key],
  value,
});

/** Whether anything names a waypoint for a migration. */
export function isBound(observed: Observed): boolean {
  return namersIn(observed).some((object) => Object.keys(bindingMark(object)?.labels ?? {}).length > 0);
}

function isBoundTo(observed: Observed, waypoint: Waypoint): boolean {
  return namersIn(observed).some((object) => isHeldByMigration(object) && namesWaypoint(object, waypoint));
}

function namersIn({ namespace, waypoint: { services, accounts } }: Observed): readonly KubeObject[] {
  return [namespace, ...services, ...accounts];
}

/** Why there is no waypoint. */
export function notNeeded(observed: Observed): string {
  return observed.spec.waypoint.provision === 'Never'
    ? 'spec.waypoint.provision is Never'
    : 'no policy or route needs a waypoint';
}
