import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { ServingReason } from '../../api/serving.js';
import { isAddressed, servingOf } from '../../mesh/waypoint-gateway.js';
import { keptAddress } from './address.js';
import { type Action, type Decision, isHeld, refused, remove } from './decision.js';
import { isDeployed, isKept, isOurs } from './deployed-kinds.js';
import { deploy } from './deployment.js';
import type { Observed, Problem } from './observed.js';
import { withoutParameters } from './sizing.js';

/** Objects that a message names; there may be thousands. */
const NAMED = 5;

/**
 * A waypoint that is missing fails open: requests go past it. So what depends on it goes first: policies that only it enforces, then the
 * Services that we have bound to it, then what others have. As long as it waits it is deployed as before, and last of all it goes: its
 * Namespace owns it, too, so the garbage collector leaves it.
 */
export function farewell(observed: Observed): Decision {
  const { gateway, namespace } = observed;
  if (!isHeld(gateway)) return { actions: [], serving: undefined };
  const reason = reasonToStay(observed);
  if (!reason) return { actions: [...removals(observed), { type: 'release' }], serving: undefined };
  // Nothing can be created in a Namespace that goes.
  const isKept = servingOf(gateway)?.kind === 'deployed' && namespace.metadata.deletionTimestamp === undefined;
  return { ...(isKept ? deploy(observed) : { actions: keptAddress(observed) }), serving: refused(reason) };
}

/**
 * What we deployed goes once nothing depends on it, as for a Gateway that is deleted, and istiod may deploy again.
 *
 * @param declined  why it is not deployed any more
 */
export function withdrawal(observed: Observed, declined: Problem): Decision {
  const { gateway } = observed;
  const stays = isDeployed(observed) ? reasonToStay(observed) : undefined;
  if (stays) {
    // Of what we let go ourselves nobody has to hear.
    const reason = stays.reason === 'Deleting' ? declined.reason : stays.reason;
    const serving = refused({ reason, message: `${declined.message}; ${stays.message}` });
    const hold: Action[] = isHeld(gateway) ? [] : [{ type: 'hold' }];
    return { actions: [...hold, ...repairs(observed, declined), ...keptAddress(observed)], serving };
  }
  const address: Action = { type: 'set-address', host: undefined };
  const actions: Action[] = [
    ...withoutParameters(observed),
    // Once released, the Gateway has no address of ours any more: what is left is a person's.
    ...(isHeld(gateway) && isAddressed(gateway) ? [address] : []),
    ...removals(observed),
    ...(isHeld(gateway) ? [{ type: 'release' } as const] : []),
  ];
  return { actions, serving: refused(declined) };
}

/** Reasons that change nothing about what is rendered for a Gateway. */
const AS_BEFORE: readonly ServingReason[] = ['OptedOut', 'AddressTaken'];

/** What runs is kept as it was while it waits; where the Gateway is another one now, it stays as it is. */
function repairs(observed: Observed, { reason }: Problem): readonly Action[] {
  const isGoing = observed.namespace.metadata.deletionTimestamp !== undefined;
  if (isGoing || !AS_BEFORE.includes(reason)) return [];
  // The address may be somebody else's now.
  return deploy(observed).actions.filter(({ type }) => type === 'apply' || type === 'scale');
}

const removals = ({ gateway, live }: Observed): Action[] =>
  live.filter(({ object }) => isOurs(object, gateway) || isKept(object, gateway)).map(remove);

/**
 * Why the waypoint is still needed; who wants it gone all the same can say so, but not for what we have bound to it. In a Namespace that
 * goes the waypoint is gone already, whoever needs it: to wait would only keep the Namespace, and hide from others that it is missing.
 */
function reasonToStay({ gateway, namespace, dependents, bound, users }: Observed): Problem | undefined {
  const force = gateway.metadata.annotations?.[OWN_ANNOTATION.forceDelete];
  const isForced = force !== undefined && force !== 'false';
  const othersCount = !isForced && namespace.metadata.deletionTimestamp === undefined;
  const advice = `the annotation ${OWN_ANNOTATION.forceDelete} ends the wait`;
  if (dependents.length > 0 && othersCount) {
    const message = `only this waypoint enforces ${list(dependents)}: delete them, or let them target another one; ${advice}`;
    return { reason: 'PoliciesDepend', message };
  }
  if (bound.length > 0) return { reason: 'Deleting', message: `still bound: Services ${list(bound)}` };
  if (users.length > 0 && othersCount) {
    const message = `still named by ${list(users)}: remove their label istio.io/use-waypoint, or name another one; ${advice}`;
    return { reason: 'StillNamed', message };
  }
  return undefined;
}

function list(objects: readonly string[]): string {
  const named = objects.toSorted().slice(0, NAMED).join(', ');
  return objects.length > NAMED ? `${named} and ${objects.length - NAMED} more` : named;
}
