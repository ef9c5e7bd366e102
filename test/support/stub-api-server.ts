import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import type { Connection } from '../../src/kube/connection.js';
import { until } from './fake-clock.js';

/** A request as the stub got it. */
export interface RecordedRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: Record<string, string>;
  headers: http.IncomingHttpHeaders;
  /** Parsed if it is JSON, else text; undefined if empty. */
  body: unknown;
}

/** What to answer instead of the usual. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;
  /** Break the connection instead of answering. */
  reset?: boolean;
  /** Never answer. */
  hang?: boolean;
  /** Send headers and half of the body; then close the connection, or keep it open in silence. */
  half?: 'closed' | 'silent';
}

/** What a server with TLS shows, PEM. */
export interface StubCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Which requests a script is for; what is left out matches all. */
export interface Match {
  method?: string;
  path?: string;
  watch?: boolean;
}

interface StubObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string } & Record<string, unknown>;
  [field: string]: unknown;
}

interface Script {
  match: Match;
  reply: Reply | ((request: RecordedRequest) => Reply | Promise<Reply>);
  remaining: number;
}

/** A watch that a client has open; the test plays the server. */
export class StubWatch {
  readonly request: RecordedRequest;
  readonly #response: http.ServerResponse;
  /** Whether the connection is gone, by whichever side. */
  closed = false;

  constructor(request: RecordedRequest, response: http.ServerResponse) {
    this.request = request;
    this.#response = response;
    response.once('close', () => (this.closed = true));
  }

  send(type: string, object: unknown): void {
    this.sendRaw(`${JSON.stringify({ type, object })}\n`);
  }

  bookmark(resourceVersion: string): void {
    this.send('BOOKMARK', { metadata: { resourceVersion } });
  }

  /** Sends an ERROR event that holds a Status. */
  fail(code: number, reason: string): void {
    this.send('ERROR', status(code, reason));
  }

  sendRaw(text: string | Buffer): void {
    this.#response.write(text);
  }

  /** Ends the stream as the API server does when its time is up. */
  end(): void {
    this.#response.end();
  }

  /** Breaks the connection. */
  reset(): void {
    this.#response.socket?.resetAndDestroy();
  }
}

/**
 * An API server that a test scripts, over real HTTP or HTTPS on a free loopback port. Without a script it serves the collections
 * that `set` gave it: lists (with `limit` and `continue`), single objects, watches that stay open; a write is answered
 * with its own body, a JSON patch with the object as it was.
 */
export class StubApiServer {
  readonly requests: RecordedRequest[] = [];
  readonly watches: StubWatch[] = [];
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: http.Server | https.Server;
  readonly #sockets = new Set<Socket>();
  readonly #dead = new Set<Socket>();
  readonly #collections = new Map<string, { objects: StubObject[]; resourceVersion: string }>();
  readonly #scripts: Script[] = [];

  private constructor(tls: StubCertificate | undefined) {
    const serve = (request: http.IncomingMessage, response: http.ServerResponse): void =>
      void this.#serve(request, response);
    this.#server = tls ? https.createServer(pairOf(tls), serve) : http.createServer(serve);
    this.#server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param tls  makes it serve HTTPS; default: plain HTTP */
  static async start(tls?: StubCertificate): Promise<StubApiServer> {
    const stub = new StubApiServer(tls);
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  /** Breaks all connections and stops listening. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  get url(): string {
    const scheme = this.#server instanceof https.Server ? 'https' : 'http';
    return `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Shows another certificate from now on, as after a restart: all connections are broken. */
  renew(tls: StubCertificate): void {
    (this.#server as https.Server).setSecureContext(pairOf(tls));
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Lets all connections that there are fall silent, as when a node or a load balancer between has died: they stay open, and nothing
   * is answered on them any more. New ones are served.
   */
  playDead(): void {
    for (const socket of this.#sockets) this.#dead.add(socket);
  }

  connection(): Connection {
    return { server: this.url, headers: async () => ({}), describe: this.url };
  }

  /** Makes the collection at `path` hold `objects`; an object without a version gets that of the collection. */
  set(path: string, resourceVersion: string, objects: StubObject[]): void {
    const versioned = objects.map((object) => ({
      ...object,
      metadata: { resourceVersion, ...object.metadata },
    }));
    this.#collections.set(path, { objects: versioned, resourceVersion });
  }

  /** Makes the collection at `path` unknown: 404. */
  unset(path: string): void {
    this.#collections.delete(path);
  }

  /** Answers the next `times` matching requests with `reply`; scripts are used in the order they were given. */
  on(match: Match, reply: Script['reply'], times = 1): void {
    this.#scripts.push({ match, reply, remaining: times });
  }

  /** The requests that match, in the order they came. */
  seen(match: Match): RecordedRequest[] {
    return this.requests.filter((request) => matches(match, request));
  }

  /** The `n`th watch (from 1) on any path, as soon as a client has opened it. */
  async watch(n: number): Promise<StubWatch> {
    await until(() => this.watches.length >= n, `watch number ${n}`);
    return this.watches[n - 1] as StubWatch;
  }

  async #serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const request = await record(incoming);
    if (this.#dead.has(incoming.socket)) return;
    this.requests.push(request);
    const script = this.#scripts.find((each) => each.remaining > 0 && matches(each.match, request));
    if (script) {
      script.remaining--;
      const reply = typeof script.reply === 'function' ? await script.reply(request) : script.reply;
      answer(response, reply);
    } else if (request.query['watch'] === 'true') {
      this.#openWatch(request, response);
    } else {
      answer(response, this.#usual(request));
    }
  }

  #openWatch(request: RecordedRequest, response: http.ServerResponse): void {
    if (!this.#collections.has(request.path)) {
      answer(response, { status: 404 });
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.watches.push(new StubWatch(request, response));
  }

  #usual(request: RecordedRequest): Reply {
    if (request.method !== 'GET' && !Array.isArray(request.body)) return { body: request.body };
    const collection = this.#collections.get(request.path);
    if (collection) return { body: pageOf(collection, request.query) };
    const end = request.path.lastIndexOf('/');
    const name = decodeURIComponent(request.path.slice(end + 1));
    const siblings = this.#collections.get(request.path.slice(0, end))?.objects;
    const found = siblings?.find((object) => object.metadata.name === name);
    if (request.method !== 'GET') return { body: found ?? { metadata: { name } } };
    return found ? { body: found } : { status: 404 };
  }
}

function pageOf(
  { objects, resourceVersion }: { objects: StubObject[]; resourceVersion: string },
  query: Record<string, string>,
): unknown {
  const from = Number(query['continue'] ?? 0);
  const end = from + Number(query['limit'] ?? objects.length);
  const metadata = { resourceVersion, ...(end < objects.length && { continue: String(end) }) };
  return { kind: 'List', apiVersion: 'v1', metadata, items: objects.slice(from, end) };
}

function matches(match: Match, request: RecordedRequest): boolean {
  return (
    (match.method ?? request.method) === request.method &&
    (match.path ?? request.path) === request.path &&
    (match.watch ?? request.query['watch'] === 'true') === (request.query['watch'] === 'true')
  );
}

const reasons: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

/** A Status as the API server sends it with an error. */
export function status(code: number, reason = reasons[code] ?? 'Unknown', details?: object): object {
  const message = `stub says ${code}`;
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, ...(details && { details }) };
}

function answer(response: http.ServerResponse, reply: Reply): void {
  if (reply.hang) return;
  if (reply.reset) {
    response.socket?.resetAndDestroy();
    return;
  }
  const code = reply.status ?? 200;
  const body = reply.body ?? (code >= 400 ? status(code) : {});
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(code, { 'content-type': 'application/json', ...reply.headers });
  if (!reply.half) {
    response.end(text);
    return;
  }
  response.write(text.slice(0, text.length / 2), () => {
    if (reply.half === 'closed') response.socket?.destroySoon();
  });
}

const pairOf = ({ certificate, key }: StubCertificate): https.ServerOptions => ({ cert: certificate, key });

async function record(incoming: http.IncomingMessage): Promise<RecordedRequest> {
  const url = new URL(incoming.url ?? '/', 'http://stub');
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk as string;
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers,
    body: parse(text),
  };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
