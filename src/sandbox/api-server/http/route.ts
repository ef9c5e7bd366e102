import type { IncomingHttpHeaders } from 'node:http';
import type { User } from '../resource.js';

/** A request that is not about a resource (`/version`, `/apis`, `/openapi/v3` …). */
export interface RouteRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly user: User;
}

/** Its answer. */
export interface RouteAnswer {
  readonly code: number;
  /** Objects are sent as JSON, strings as `text/plain`, Buffers as they are. */
  readonly body: object | string | Buffer;
  /** Lower-case names; `content-type` wins over the one that follows from the body. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a path, or says that it is not its own (undefined). Asked in order; 404 where nobody answers. */
export type Route = (request: RouteRequest) => RouteAnswer | undefined;
