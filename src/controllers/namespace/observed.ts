import type { Namespace, Pod } from '../../kube/types.js';
import type { Situation } from '../../mesh/created-waypoint.js';
import type { WaypointRef } from '../../mesh/use-waypoint.js';
import type { Obstacle } from '../use-waypoint.js';

/** A waypoint that something in the namespace names, and that traffic goes around. */
export interface Unbound {
  readonly ref: WaypointRef;
  readonly obstacle: Obstacle;
  /** Whether the Namespace names it. */
  readonly byNamespace: boolean;
  /** Services that name it themselves. */
  readonly services: readonly string[];
}

/** What a pass knows of a namespace; from the caches, so it may be a moment old. */
export interface Observed {
  readonly namespace: Namespace;
  /** Of the waypoint that its label names. */
  readonly waypoint: Situation;
  readonly pods: readonly Pod[];
  readonly unbound: readonly Unbound[];
  /** An AmbientMigration tells more about the pods than we could. */
  readonly hasMigration: boolean;
}
