import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

import { onAbort, type Clock } from '../clock.js';
import type { Connection } from './connection.js';
import { TransportError } from './errors.js';

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

/** More requests than this at a time wait for a free connection. */
const maxConnections = 32;

/** Idle connections are closed before load balancers (from 60 s) and the API server (90 s) silently do so. */
const idleConnectionMs = 50_000;

/**
 * HTTP/1.1 to one API server. Requests share a pool of kept-alive connections, because a TLS handshake per request costs
 * five times the request itself, on both sides; each stream has a connection of its own, so that watches never starve requests.
 */
export class Transport {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #base: URL;
  readonly #pathPrefix: string;
  #agents: Agents | undefined;
  #retired: Agents | undefined;

  constructor(options: { connection: Connection; clock: Clock; userAgent: string }) {
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
    this.#base = new URL(options.connection.server);
    this.#pathPrefix = this.#base.pathname.replace(/\/+$/, '');
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
      throw wrap(error, request);
    } finally {
      release();
    }
  }

  /**
   * Sends a request and returns as soon as the answer's headers are there. An abort of `signal` destroys the stream with
   * the signal's reason.
   */
  async open(request: HttpRequest): Promise<HttpStream> {
    const { status, headers, stream, release, begun } = await this.#exchange(request, 'own connection');
    begun();
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

  async #exchange(request: HttpRequest, kind: 'pool' | 'own connection'): Promise<Exchange> {
    request.signal?.throwIfAborted();
    const deadline = new Deadline(this.#clock, request);
    try {
      const headers = await deadline.bound(this.#connection.headers());
      const agents = this.#currentAgents();
      const call = this.#start(request, headers, kind === 'pool' ? agents.pool : agents.streams);
      return await answerOf(call, request, deadline);
    } catch (error) {
      deadline.release();
      throw wrap(error, request);
    }
  }

  #start(request: HttpRequest, credentials: Record<string, string>, agent: http.Agent): http.ClientRequest {
    const secure = this.#base.protocol === 'https:';
    const options: https.RequestOptions = {
      method: request.method,
      protocol: this.#base.protocol,
      // URL keeps the brackets of an IPv6 address; the resolver wants none.
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port === '' ? (secure ? 443 : 80) : this.#base.port,
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
    return secure ? https.request(options) : http.request(options);
  }

  /** New agents when the certificates changed: a pooled connection keeps the identity that it was opened with. */
  #currentAgents(): Agents {
    const { ca, cert, key } = this.#connection;
    const current = this.#agents;
    if (current && current.ca === ca && current.cert === cert && current.key === key) return current;
    this.#retired?.pool.destroy();
    this.#retired?.streams.destroy();
    this.#retired = current;
    this.#agents = makeAgents(this.#connection, this.#base.protocol === 'https:');
    return this.#agents;
  }
}

interface Agents {
  ca: unknown;
  cert: unknown;
  key: unknown;
  pool: http.Agent;
  streams: http.Agent;
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
    call.on('error', (error) => reject(wrap(error, request, call.reusedSocket)));
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

function makeAgents(connection: Connection, secure: boolean): Agents {
  const { ca, cert, key, servername, rejectUnauthorized } = connection;
  const tls: https.AgentOptions = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
  const pool = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: 16, timeout: idleConnectionMs };
  const streams = { keepAlive: false, maxSockets: Infinity };
  if (connection.connect) {
    // Opening one costs nothing, so none is kept.
    const agent = new InProcessAgent(() => connection.connect?.());
    return { ca, cert, key, pool: agent, streams: agent };
  }
  return {
    ca,
    cert,
    key,
    pool: secure ? new https.Agent({ ...tls, ...pool }) : new http.Agent(pool),
    streams: secure ? new https.Agent({ ...tls, ...streams }) : new http.Agent(streams),
  };
}

/** Makes connections in its own way; errors of it are those of the request. */
class InProcessAgent extends http.Agent {
  readonly #connect: () => Duplex | undefined;

  constructor(connect: () => Duplex | undefined) {
    super({ keepAlive: false, maxSockets: Infinity });
    this.#connect = connect;
  }

  createConnection(
    _options: http.ClientRequestArgs,
    created?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    try {
      return this.#connect();
    } catch (error) {
      created?.(error as Error, undefined as unknown as Duplex);
      return undefined;
    }
  }
}

/** Ends a request when its time is up or its signal is aborted, in whatever stage it is. */
class Deadline {
  readonly #cancelTimer: () => void;
  readonly #forgetSignal: () => void;
  #expire: (reason: Error) => void = () => {};
  #reason: Error | undefined;

  constructor(clock: Clock, request: HttpRequest) {
    this.#cancelTimer = clock.schedule(request.timeoutMs, () =>
      this.#end(new TransportError(`${request.label}: no answer within ${request.timeoutMs} ms`)),
    );
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
    stream.once('end', () =>
      stream.complete ? resolve(body) : reject(new Error('the connection was closed mid-answer')),
    );
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the connection was closed mid-answer')));
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** A reset of a connection that had been idle in the pool: the server closed it while our request was on its way. */
class StaleConnectionError extends TransportError {}

/**
 * Whether the request most likely never reached the server, because it went out on a pooled connection that the server
 * was just closing. Only requests that may take place twice may be repeated for it.
 */
export function isStaleConnection(error: unknown): boolean {
  return error instanceof StaleConnectionError;
}

const troubles: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the server is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the server is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of the server is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate of the server is not trusted',
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another name',
};

function wrap(error: unknown, request: HttpRequest, reusedSocket = false): Error {
  if (request.signal?.aborted) return request.signal.reason as Error;
  if (error instanceof TransportError) return error;
  const cause = error as NodeJS.ErrnoException;
  const stale = reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
  const message = `${request.label}: ${troubles[cause.code ?? ''] ?? 'the connection failed'}`;
  return stale ? new StaleConnectionError(message, { cause }) : new TransportError(message, { cause });
}
