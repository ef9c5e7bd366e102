import type { HttpRequest } from '../enforcement/request.js';
import type { Trace } from '../enforcement/trace.js';
import type { MomentName } from '../moments.js';
import type { MeshPicture } from '../picture.js';
import type { Caller } from './callers.js';
import type { Target } from './targets.js';

/** What was found of a migration: nothing is left to fear if all of it is empty. */
export interface Proof {
  /** The plainest examples first, those that open something before all others. */
  readonly flips: readonly Flip[];
  /** Flips that are not told, because there are so many. */
  readonly more: number;
  /** Those of them that open something. */
  readonly moreOpens: number;
  /** Places where the search gave up, or where an example did not turn out as it should: unless it is 0, nothing is proven. */
  readonly undecided: number;
}

/** A request that is answered in another way than before the migration. */
export interface Flip {
  /** `Opens`: it was refused before, and is allowed: a gap. `Refuses`: the contrary. */
  readonly kind: 'Opens' | 'Refuses';
  readonly step: MomentName;
  readonly from: {
    /** `Pod/namespace/name`, or in words who it is that is not in the mesh. */
    readonly name: string;
    /** `namespace/account`; none of who is outside the mesh. */
    readonly account?: string;
    /** Callers to whom the same happens. */
    readonly others: number;
  };
  readonly to: {
    /** `service.namespace:port` or `Pod/namespace/name:port` */
    readonly name: string;
    /** Services and pods to which the same happens. */
    readonly others: number;
  };
  readonly request: {
    /** None where proxies do not read requests. */
    readonly http?: HttpRequest;
    /** What `X-Forwarded-For` has to say (nothing). */
    readonly remoteAddress?: string;
  };
  /** What no objects tell, and what has to be so for this: `connection.sni=x at the sidecar`. */
  readonly assuming: readonly string[];
  readonly before: Trace;
  readonly after: Trace;
}

/** A caller, and a pod that it gets to, in the pictures of then and of now. */
export interface Case {
  readonly caller: Caller;
  /** How many pods are like it. */
  readonly callers: number;
  readonly target: Target;
  readonly backend: Target['backends'][number];
  readonly from: MeshPicture;
  readonly to: MeshPicture;
}
