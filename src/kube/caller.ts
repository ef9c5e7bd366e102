import { delay, type Clock } from '../clock.js';
import type { Logger } from '../log.js';
import { apiErrorFromResponse, isDisruptionRefused } from './answer.js';
import type { Connection } from './connection.js';
import { ApiError, TransportError } from './errors.js';
import { isStaleConnection, isUntrustedServer } from './transport-failures.js';
import { Transport, readBody, type HttpRequest, type HttpStream } from './transport.js';

/** The verbs of the client; `apply` and `patch` are both PATCH on the wire. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'patch' | 'delete';

/** One answer, or the lack of one (`code` 0), for metrics. */
export interface ResponseInfo {
  verb: Verb;
  code: number;
  durationMs: number;
}

/** One call of the API. */
export interface Call {
  verb: Verb;
  method: string;
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: string;
  contentType?: string;
  /** Form of the answer. Default: `application/json`. */
  accept?: string;
  /** What is acted on, for messages. */
  target: string;
  /** May take place twice without harm, so it may be repeated when it is unknown whether it took place. */
  idempotent: boolean;
  /** Called before every attempt; stops it by throwing. */
  guard?: () => void;
}

interface CallLimits {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/** Deadline of a call that names none. */
export const defaultTimeoutMs = 30_000;

const maxRepetitions = 4;

/** Makes calls: deadline, repetition within it, errors with context, metrics. */
export class Caller {
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onResponse: (info: ResponseInfo) => void;
  readonly #random: () => number;

  constructor(options: {
    connection: Connection;
    clock: Clock;
    log: Logger;
    userAgent: string;
    onResponse: (info: ResponseInfo) => void;
    random: () => number;
  }) {
    this.#connection = options.connection;
    this.#transport = new Transport(options);
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onResponse = options.onResponse;
    this.#random = options.random;
  }

  /** Makes a call and parses its answer, repeating it as the class comment of `Client` says. */
  async json(call: Call, { signal, timeoutMs = defaultTimeoutMs }: CallLimits): Promise<unknown> {
    const deadline = this.#clock.uptime() + timeoutMs;
    for (let repetitions = 0; ; repetitions++) {
      const { ca } = this.#connection;
      try {
        call.guard?.();
        return await this.#attempt(call, { signal, timeoutMs: deadline - this.#clock.uptime() });
      } catch (error) {
        const waitMs = this.#repeatAfter(error, call, repetitions, ca);
        if (waitMs === undefined || this.#clock.uptime() + waitMs >= deadline) throw error;
        if (waitMs > 0) await delay(this.#clock, waitMs, signal);
      }
    }
  }

  /** Makes a call whose answer is a stream; not repeated, except for credentials that have just expired. */
  async stream(call: Call, limits: CallLimits, isRepetition = false): Promise<HttpStream> {
    const { signal, timeoutMs = defaultTimeoutMs } = limits;
    const { ca } = this.#connection;
    try {
      const answer = await this.#measured(call, this.#transport.open(httpRequest(call, { signal, timeoutMs })));
      if (answer.status === 200) return answer;
      const body = await readBody(answer.stream).catch(() => '');
      throw apiErrorFromResponse(labelOf(call), { ...answer, body }, this.#clock.now());
    } catch (error) {
      if (!isRepetition && this.#repeatAfter(error, call, 0, ca) === 0) return this.stream(call, limits, true);
      throw error;
    }
  }

  close(): void {
    this.#transport.close();
  }

  async #attempt(call: Call, limits: { signal: AbortSignal | undefined; timeoutMs: number }): Promise<unknown> {
    const response = await this.#measured(call, this.#transport.send(httpRequest(call, limits)));
    const { status, headers, body } = response;
    if (status < 200 || status > 299) throw apiErrorFromResponse(labelOf(call), response, this.#clock.now());
    if (headers['warning'] !== undefined) {
      this.#log.debug({ verb: call.verb, target: call.target, warning: headers['warning'] }, 'api server warns');
    }
    try {
      return JSON.parse(body);
    } catch (error) {
      throw new TransportError(`${labelOf(call)}: the answer is not JSON`, { cause: error });
    }
  }

  async #measured<T extends { status: number }>(call: Call, exchange: Promise<T>): Promise<T> {
    const startedAt = this.#clock.uptime();
    let code = 0;
    try {
      const answer = await exchange;
      code = answer.status;
      return answer;
    } finally {
      this.#onResponse({ verb: call.verb, code, durationMs: this.#clock.uptime() - startedAt });
    }
  }

  /**
   * Milliseconds to wait before the call may be made again, or undefined if it may not.
   *
   * @param ca  the authority when it was made
   */
  #repeatAfter(error: unknown, call: Call, repetitions: number, ca: Connection['ca']): number | undefined {
    if (isStaleConnection(error)) return call.idempotent && repetitions === 0 ? 0 : undefined;
    // Nothing has been sent yet, so that any call may be repeated.
    if (isUntrustedServer(error)) return this.#hasNewAuthority(ca) ? 0 : undefined;
    if (!(error instanceof ApiError) || repetitions >= maxRepetitions) return undefined;
    if (error.code === 401) return repetitions === 0 && this.#connection.credentialsRejected?.() ? 0 : undefined;
    // A 429 was refused before anything was done, so that any call may be repeated.
    const busy = error.code === 429 && !isDisruptionRefused(error);
    const unwell = error.code >= 500 && error.retryAfterMs !== undefined && call.idempotent;
    if (!busy && !unwell) return undefined;
    const askedMs = error.retryAfterMs ?? 1000 * 2 ** repetitions;
    // Spread out: all who were refused together must not come back together. Never earlier than asked.
    return askedMs * (1 + this.#random() * 0.2);
  }
  /** Another request that failed at the same time may have read it already. */
  #hasNewAuthority(before: Connection['ca']): boolean {
    return this.#connection.ca !== before || this.#connection.serverUntrusted?.() === true;
  }
}

function httpRequest(call: Call, limits: { signal: AbortSignal | undefined; timeoutMs: number }): HttpRequest {
  return {
    method: call.method,
    label: labelOf(call),
    path: call.path + queryString(call.query),
    ...(call.body !== undefined && { body: call.body }),
    headers: {
      ...(call.contentType !== undefined && { 'content-type': call.contentType }),
      ...(call.accept !== undefined && { accept: call.accept }),
    },
    ...limits,
  };
}

function queryString(query: Call['query']): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') parameters.set(key, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

const labelOf = (call: Call): string => `${call.verb} ${call.target}`;
