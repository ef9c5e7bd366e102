import http from 'node:http';
import https from 'node:https';

import { onAbort, type Clock } from '../clock.js';
import { makeAgents, type Agents } from './agents.js';
import type { Connection } from './connection.js';
import { TransportError } from './errors.js';
import { failureOf } from './transport-failures.js';

/** One HTTP exchange to make. */
export interface HttpRequest {
  method: string;
  /** What is asked, for messages. */
  label: string;
  /** Path and query, starting with `/`, without the path prefix that the server's URL may have. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** The answer must be complete (for a stream: have begun) within this time. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** A complete answer, whatever its status. */
export interface HttpResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** An answer that is still arriving. Whoever gets it destroys `stream` when done. */
export interface HttpStream {
  status: number;
  headers: http.IncomingHttpHeaders;
  stream: http.IncomingMessage;
}

/**
 * HTTP/1.1 to one API server. Requests share a pool of kept-alive connections, because a TLS handshake per request costs
 * five times the request itself, on both sides; each stream has a connection of its own, so that watches never starve requests.
 */
export class Transport {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #server: Pick<https.RequestOptions, 'protocol' | 'hostname' | 'port'>;
  readonly #pathPrefix: string;
  #agents: Agents | undefined;
  #retired: Agents | undefined;

  constructor(options: { connection: Connection; clock: Clock; userAgent: string }) {
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
    const { protocol, hostname, port, pathname } = new URL(options.connection.server);
    this.#server = {
      protocol,
      // URL keeps the brackets of an IPv6 address; the resolver wants none.
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : port,
    };
    this.#pathPrefix = pathname.replace(/\/+$/, '');
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws {TransportError} no complete answer within `timeoutMs`, or the connection failed
   * @throws the reason of `signal`, when it is aborted
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { status, headers, stream, release } = await this.#exchange(request, 'pool');
    try {
      return { status, headers, body: await readBody(stream) };
    } catch (error) {
      throw failureOf(error, request);
    } finally {
      release();
    }
  }

  /**
   * Sends a request and returns as soon as the answer's headers are there. An abort of `signal` destroys the stream with
   * the signal's reason; a refusal (not 200) must be complete in time, as any other answer.
   */
  async open(request: HttpRequest): Promise<HttpStream> {
    const { status, headers, stream, release, begun } = await this.#exchange(request, 'own connection');
    if (status === 200) begun();
    stream.once('close', release);
    return { status, headers, stream };
  }

  /** Closes all connections; requests in flight fail. */
  close(): void {
    for (const agents of [this.#agents, this.#retired]) {
      agents?.pool.destroy();
      agents?.streams.destroy();
    }
  }

  get #isSecure(): boolean {
    return this.#server.protocol === 'https:';
  }

  async #exchange(request: HttpRequest, kind: 'pool' | 'own connection'): Promise<Exchange> {
    request.signal?.throwIfAborted();
    const deadline = new Deadline(this.#clock, request, () => this.#dropIdle());
    try {
      const headers = await deadline.bound(this.#connection.headers());
      const agents = this.#currentAgents();
      const call = this.#start(request, headers, kind === 'pool' ? agents.pool : agents.streams);
      return await answerOf(call, request, deadline);
    } catch (error) {
      deadline.release();
      throw failureOf(error, request);
    }
  }

  #start(request: HttpRequest, credentials: Record<string, string>, agent: http.Agent): http.ClientRequest {
    const options: https.RequestOptions = {
      ...this.#server,
      method: request.method,
      path: this.#pathPrefix + request.path,
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        // Node sends the body of a DELETE without any framing unless its length is given.
        ...(request.body !== undefined && { 'content-length': String(Buffer.byteLength(request.body)) }),
        ...request.headers,
        ...credentials,
      },
      agent,
    };
    return this.#isSecure ? https.request(options) : http.request(options);
  }

  /**
   * Closes the connections that are not in use. After a request without an answer they may lead nowhere too, as when a load balancer
   * has died, and each would cost one more deadline: a leader has two before it loses its Lease.
   */
  #dropIdle(): void {
    const idle = Object.values(this.#agents?.pool.freeSockets ?? {}).flatMap((sockets) => sockets ?? []);
    for (const socket of idle) socket.destroy();
  }

  /** New agents when the certificates changed: a pooled connection keeps the identity that it was opened with. */
  #currentAgents(): Agents {
    const { ca, cert, key } = this.#connection;
    const current = this.#agents;
    if (current && current.ca === ca && current.cert === cert && current.key === key) return current;
    this.#retired?.pool.destroy();
    this.#retired?.streams.destroy();
    this.#retired = current;
    this.#agents = makeAgents(this.#connection, this.#isSecure);
    return this.#agents;
  }
}

interface Exchange extends HttpStream {
  /** The answer has begun and may now take for ever. */
  begun: () => void;
  /** Forgets deadline and signal. */
  release: () => void;
}

function answerOf(call: http.ClientRequest, request: HttpRequest, deadline: Deadline): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    deadline.onExpiry((reason) => call.destroy(reason));
    // Stays for the life of the request: an error without a listener would end the process.
    call.on('error', (error) => reject(failureOf(error, request, call.reusedSocket)));
    call.once('response', (stream) => {
      stream.on('error', () => {});
      // After an answer has begun, destroying the request would hide the reason behind "aborted".
      deadline.onExpiry((reason) => stream.destroy(reason));
      resolve({
        status: stream.statusCode ?? 0,
        headers: stream.headers,
        stream,
        begun: () => deadline.stopTimer(),
        release: () => deadline.release(),
      });
    });
    call.end(request.body);
  });
}

/** Ends a request when its time is up or its signal is aborted, in whatever stage it is. */
class Deadline {
  readonly #cancelTimer: () => void;
  readonly #forgetSignal: () => void;
  #expire: (reason: Error) => void = () => {};
  #reason: Error | undefined;

  /** @param expired  told when the time is up before the answer is there */
  constructor(clock: Clock, request: HttpRequest, expired: () => void) {
    this.#cancelTimer = clock.schedule(request.timeoutMs, () => {
      this.#end(new TransportError(`${request.label}: no answer within ${request.timeoutMs} ms`));
      expired();
    });
    this.#forgetSignal = onAbort(request.signal, () => this.#end(asError(request.signal?.reason)));
  }

  /** What ends the current stage; called at once if it is too late already. */
  onExpiry(expire: (reason: Error) => void): void {
    this.#expire = expire;
    if (this.#reason) expire(this.#reason);
  }

  /** The promise, or a rejection with the reason if that comes first. */
  bound<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.onExpiry(reject);
      work.then(resolve, reject);
    });
  }

  stopTimer(): void {
    this.#cancelTimer();
  }

  release(): void {
    this.#cancelTimer();
    this.#forgetSignal();
  }

  #end(reason: Error): void {
    this.#reason = reason;
    this.#expire(reason);
  }
}

/** Reads an answer to its end; rejects if the connection breaks off before. */
export function readBody(stream: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (body += chunk));
    stream.once('end', () => {
      if (stream.complete) resolve(body);
    });
    stream.once('error', reject);
    stream.once('close', () => {
      // Each answer is closed in the end; an error made for a whole one, with its stack, is a sixth of what a request costs.
      const isWhole = stream.complete && stream.readableEnded;
      if (!isWhole) reject(new Error('the connection was closed mid-answer'));
    });
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
