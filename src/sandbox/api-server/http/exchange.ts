import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Identity } from '../auth/auth-interfaces.js';
import type { ApiObject } from '../object.js';
import type { RequestInfo } from './request-info.js';
import type { ServedResource } from '../resource.js';

/** One request on its way, and what is gathered for its answer and its log entry. */
export interface Exchange {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly identity: Identity;
  /** Texts for `Warning` headers, each once. */
  readonly warnings: Set<string>;
  /** The decoded body, for the log. */
  requestObject?: unknown;
  /** It has its log entry already. */
  logged?: boolean;
  /** Where watches write to. */
  readonly response: ServerResponse;
}

/** An object, in the version of the request, to be shown in the form that the request accepts. */
export interface ObjectAnswer {
  readonly type: 'object';
  readonly code: number;
  readonly resource: ServedResource;
  readonly object: ApiObject;
}

/** A list of them. */
export interface ListAnswer {
  readonly type: 'list';
  readonly resource: ServedResource;
  readonly items: readonly ApiObject[];
  readonly metadata: ListMetadata;
}

/** Metadata of a list. */
export interface ListMetadata {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** JSON that has one form only: Status, subresources, reviews. */
export interface PlainAnswer {
  readonly type: 'plain';
  readonly code: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer is being streamed. */
export interface StreamAnswer {
  readonly type: 'stream';
}

/** What a handler answers. */
export type Answer = ObjectAnswer | ListAnswer | PlainAnswer | StreamAnswer;
