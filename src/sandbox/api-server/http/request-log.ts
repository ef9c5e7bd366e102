import type { Clock } from '../../../clock.js';
import type { Answer, Exchange } from './exchange.js';

/** One request: the fields of an audit.k8s.io/v1 Event that tests read, stage ResponseComplete (watches: ResponseStarted). */
export interface LoggedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups: readonly string[] };
  readonly impersonatedUser?: { readonly username: string; readonly groups: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly apiVersion: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus: { readonly code: number };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  /** RFC 3339 with microseconds, from the clock. */
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** How many requests are remembered at least. */
const limit = 50_000;

/** Requests in the order in which they were answered. Objects are the stored ones themselves, frozen. */
export class RequestLog {
  #entries: LoggedRequest[] = [];
  readonly #listeners = new Set<(entry: LoggedRequest) => void>();

  constructor(private readonly clock: Clock) {}

  /** All that are remembered. */
  entries(): readonly LoggedRequest[] {
    return this.#entries;
  }

  /** Calls back for each request when it has been answered. */
  onEntry(callback: (entry: LoggedRequest) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** @param receivedAt  milliseconds since the epoch */
  add(exchange: Exchange, code: number, responseObject: unknown, receivedAt: number): void {
    if (exchange.logged) return;
    const { user, impersonator } = exchange.identity;
    const sender = impersonator ?? user;
    const entry: LoggedRequest = {
      verb: exchange.info.verb,
      requestURI: exchange.uri,
      user: { username: sender.name, groups: sender.groups },
      ...(impersonator && { impersonatedUser: { username: user.name, groups: user.groups } }),
      ...(exchange.headers['user-agent'] !== undefined && { userAgent: exchange.headers['user-agent'] }),
      ...(exchange.info.isResource && { objectRef: objectRefOf(exchange, responseObject) }),
      responseStatus: { code },
      ...(exchange.requestObject !== undefined && { requestObject: exchange.requestObject }),
      ...(responseObject !== undefined && { responseObject }),
      requestReceivedTimestamp: microseconds(receivedAt),
      stageTimestamp: microseconds(this.clock.now()),
    };
    this.#entries.push(entry);
    if (this.#entries.length > limit * 2) this.#entries = this.#entries.slice(-limit);
    for (const listener of this.#listeners) listener(entry);
  }
}

function objectRefOf({ info }: Exchange, answered: unknown): NonNullable<LoggedRequest['objectRef']> {
  const created =
    info.verb === 'create' ? (answered as { metadata?: { name?: string } } | undefined)?.metadata?.name : '';
  const name = info.selectedName || created;
  return {
    resource: info.resource,
    ...(info.namespace !== '' && { namespace: info.namespace }),
    ...(name && { name }),
    ...(info.group !== '' && { apiGroup: info.group }),
    apiVersion: info.version,
    ...(info.subresource !== '' && { subresource: info.subresource }),
  };
}

/** What the log shows of an answer: no lists, they would be all of it. */
export function loggedObject(answer: Answer): unknown {
  if (answer.type === 'object') return answer.object;
  return answer.type === 'plain' ? answer.body : undefined;
}

function microseconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
