import type { HttpRequest } from '../enforcement/request.js';
import type { Labels } from '../policy-object.js';

/** Who carries out routes: the sidecar of a caller, or a waypoint. */
export interface Router {
  readonly kind: 'Sidecar' | 'Waypoint';
  readonly namespace: string;
  /** Of its pod; none of a waypoint is ever asked for. */
  readonly labels: Labels;
}

/** A request on its way, as routes look at it. */
export interface RoutedRequest {
  readonly http: HttpRequest;
  /** Of the Service that is called. */
  readonly port: number;
}

/** What becomes of a request by a route: it is sent on to one of several places, or answered at once. */
export interface Routed {
  /** The rule, such as `VirtualService shop/web, rule 0`. */
  readonly by: string;
  /** What may become of it, whatever the shares are. At least one. */
  readonly outcomes: readonly Outcome[];
}

/** One of these. */
export type Outcome =
  | {
      /** The Service that it is sent to. */
      readonly service: { readonly namespace: string; readonly name: string };
      /** Of that Service; undefined: its only one, or the one that was called. */
      readonly port: number | undefined;
      /** What pods of a subset have; none of a Service as a whole. */
      readonly labels: Labels;
      /** As it arrives there. */
      readonly http: HttpRequest;
      readonly weight: number;
    }
  | {
      /** What it is answered with, such as `redirects to /x`. */
      readonly answer: string;
      /** False: with an error. */
      readonly allowed: boolean;
    };
