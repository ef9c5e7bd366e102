import type { AmbientCase } from './case.js';
import { entries } from './entries.js';
import { peers } from './peers.js';
import { pods } from './pods.js';
import { policies } from './policies.js';
import { services } from './services.js';
import { waypoints } from './waypoints.js';

/** All cases. */
export const ambientCases: readonly AmbientCase[] = [
  ...policies,
  ...peers,
  ...waypoints,
  ...services,
  ...entries,
  ...pods,
];
