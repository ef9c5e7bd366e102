import { isAddressed } from '../../mesh/waypoint-gateway.js';
import { type Action, type Decision, isHeld, refused, remove } from './decision.js';
import { isOurs } from './deployed-kinds.js';
import type { Observed } from './observed.js';
import { withoutParameters } from './sizing.js';

/** What is bound to a waypoint that goes must be let go first: a missing waypoint fails open. Objects follow their owner. */
export function farewell({ gateway, bound }: Observed): Decision {
  if (!isHeld(gateway)) return { actions: [], serving: undefined };
  if (bound.length === 0) return { actions: [{ type: 'release' }], serving: undefined };
  return {
    actions: [],
    serving: refused({ reason: 'Deleting', message: `still bound: Services ${bound.join(', ')}` }),
  };
}

/** What we deployed goes once nothing is bound to it, and istiod may deploy again. */
export function withdrawal(observed: Observed): Action[] {
  const { gateway, live, bound } = observed;
  if (bound.length > 0) return [];
  const address: Action = { type: 'set-address', host: undefined };
  return [
    ...withoutParameters(observed),
    // Once released, the Gateway has no address of ours any more: what is left is a person's.
    ...(isHeld(gateway) && isAddressed(gateway) ? [address] : []),
    ...live.filter(({ object }) => isOurs(object, gateway)).map(remove),
    ...(isHeld(gateway) ? [{ type: 'release' } as const] : []),
  ];
}
