import { servingOf } from '../../mesh/waypoint-gateway.js';
import type { Decision } from './decision.js';
import { isDeployed } from './deployed-kinds.js';
import { deploy } from './deployment.js';
import { farewell, withdrawal } from './leaving.js';
import type { Observed } from './observed.js';
import { size, withoutParameters } from './sizing.js';

/** A Gateway that we have served, and that is none of ours any more. */
const NOT_SERVABLE = {
  reason: 'NotServable',
  message: 'Sidestep does not deploy a waypoint for this Gateway any more; what it has deployed goes',
} as const;

/** Decides what is to be done for a Gateway that we may serve, or have served. Pure. */
export function decide(observed: Observed): Decision {
  const { gateway } = observed;
  if (gateway.metadata.deletionTimestamp !== undefined) return farewell(observed);
  const serving = servingOf(gateway);
  if (serving?.kind === 'deployed') return deploy(observed);
  if (serving?.kind === 'declined') return withdrawal(observed, serving);
  // What we have deployed goes first, also where istiod is to deploy next.
  if (isDeployed(observed)) return withdrawal(observed, NOT_SERVABLE);
  return serving?.kind === 'sized' ? size(observed) : { actions: withoutParameters(observed), serving: undefined };
}
