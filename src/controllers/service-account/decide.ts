import { LABEL } from '../../api/labels.js';
import { referenceTo } from '../../kube/events.js';
import { decideWaypoint, MISSING_MS, type Step, whyNotMade } from '../../mesh/created-waypoint.js';
import { refKey } from '../../mesh/use-waypoint.js';
import { type Binding, bindings, mixedServices } from '../../mesh/waypoint-binding.js';
import type { State } from '../../runtime/state-events.js';
import type { OwnerObject } from '../created-waypoint.js';
import { listed } from '../listed.js';
import type { Account, Observed } from './observe.js';

/** What is to be done about the accounts of a namespace. */
export interface Decision {
  /** Services whose label is not as it should be. */
  readonly bindings: readonly Binding[];
  /** About the waypoints of accounts. */
  readonly waypoints: readonly { readonly owner: OwnerObject; readonly steps: readonly Step[] }[];
  /** What people should know if it lasts. */
  readonly states: readonly State[];
  /** When to look again if nothing changes. */
  readonly waitMs: number | undefined;
}

/** How long something must last before an Event says so: pods start, and Gateways come after labels. */
const LASTING_MS = 30_000;

/** Decides about a namespace; pure. */
export function decide(observed: Observed): Decision {
  const { services, pods, accounts, waypoints, labelled } = observed;
  const decided = labelled.map((account) => ({ account, ...decideWaypoint(account.waypoint) }));
  const waits = decided.map(({ waitMs }) => waitMs).filter((waitMs) => waitMs !== undefined);
  return {
    bindings: bindings(services, pods, accounts, waypoints),
    waypoints: decided.map(({ account: { owner }, steps }) => ({ owner, steps })),
    states: [...decided.flatMap(({ account, pending }) => blockedState(account, pending)), ...mixed(observed)],
    waitMs: waits.length > 0 ? Math.min(...waits) : undefined,
  };
}

function blockedState({ owner, blocked, waypoint }: Account, pending: string | undefined): State[] {
  if (!blocked || !owner.object) return [];
  const { ref, obstacle } = blocked;
  const isMissing = obstacle.kind === 'missing';
  const isPending = isMissing && pending === ref.name && ref.namespace === owner.namespace;
  const hint = isMissing && ref.namespace === owner.namespace && !isPending ? whyNotMade(waypoint) : '';
  return [
    {
      id: `${owner.name} ${obstacle.kind} ${refKey(ref)}`,
      // One that will be made is told only if it was not.
      afterMs: isPending ? MISSING_MS + LASTING_MS : LASTING_MS,
      event: {
        regarding: referenceTo(owner.object),
        type: 'Warning',
        reason: isMissing ? 'WaypointMissing' : 'WaypointNotBound',
        note: `${obstacle.message}: traffic to the pods of this account goes around it, without its policies and routes${hint}`,
        action: 'Observe',
      },
    },
  ];
}

function mixed({ services, pods, accounts, waypoints }: Observed): State[] {
  return mixedServices(services, pods, accounts, waypoints).flatMap(({ service, accounts: all, served }) => {
    const object = services.find(({ metadata }) => metadata.name === service);
    if (!object) return [];
    const found =
      served.length === all.length
        ? 'which do not have the same waypoint'
        : `and only ${listed(served)} has a waypoint`;
    const note =
      `pods of this Service run under ${listed(all)}, ${found}: the Service is not bound. ` +
      `Give its pods accounts of one waypoint, or label the Service ${LABEL.useWaypoint}`;
    return [
      {
        id: `mixed ${service}`,
        afterMs: LASTING_MS,
        event: { regarding: referenceTo(object), type: 'Warning', reason: 'MixedAccounts', note, action: 'Bind' },
      },
    ];
  });
}
