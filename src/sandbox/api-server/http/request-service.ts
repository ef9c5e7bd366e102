import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AccessAttributes, Authenticator, Identity } from '../auth/auth-interfaces.js';
import { methodNotAllowed, StatusError } from '../errors.js';
import type { Answer, Exchange, PlainAnswer } from './exchange.js';
import type { Fault, Interceptor } from './faults.js';
import { accessForbidden } from './forbidden.js';
import type { Parts } from '../parts.js';
import { protobufToJson, protobufType } from './protobuf.js';
import { represent } from './representation.js';
import { loggedObject, type RequestLog } from './request-log.js';
import { type RequestInfo, requestInfo } from './request-info.js';
import type { Route, RouteAnswer } from './route.js';
import { route } from '../handlers/router.js';
import type { Operations } from '../operations.js';

/** What a service needs. */
export interface ServiceParts {
  readonly parts: Parts;
  readonly operations: Operations;
  readonly authenticator: Authenticator;
  readonly routes: readonly Route[];
  readonly requests: RequestLog;
}

/** Bytes of the largest body. */
const bodyLimit = 3 * 1024 * 1024;

const nobody: Identity = { user: { name: 'system:anonymous', groups: ['system:unauthenticated'] } };

/** A request was made to fail without an answer. */
class ResetConnection extends Error {}

/** Takes requests from the network through authentication, authorization and routing to their answers. */
export class RequestService {
  readonly activity = { inFlight: 0, count: 0 };
  readonly #watches = new Set<() => void>();
  readonly #interceptors = new Set<Interceptor>();
  #resumed: Promise<void> = Promise.resolve();
  #resume = (): void => undefined;

  constructor(private readonly service: ServiceParts) {}

  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => this.#interceptors.delete(interceptor);
  }

  pause(): void {
    this.#resume();
    this.#resumed = new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume();
  }

  endWatches(): void {
    for (const end of [...this.#watches]) end();
  }

  /** Answers one request. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.activity.inFlight += 1;
    this.activity.count += 1;
    try {
      await this.#serve(request, response);
    } finally {
      this.activity.inFlight -= 1;
      this.activity.count += 1;
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, log } = this.service.parts;
    const receivedAt = clock.now();
    const method = request.method ?? 'GET';
    let url: URL;
    let info: RequestInfo;
    try {
      url = urlOf(request);
      info = requestInfo(method, url.pathname, url.searchParams);
    } catch {
      response
        .writeHead(400, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
        .end('400 Bad Request');
      return;
    }
    const start = (identity: Identity, body: Buffer): Exchange => ({
      method,
      uri: request.url ?? '/',
      info,
      query: url.searchParams,
      headers: request.headers,
      body,
      identity,
      warnings: new Set(),
      response,
    });
    let exchange = start(nobody, Buffer.alloc(0));
    try {
      const body = await readBody(request);
      await this.#resumed;
      exchange = start(await this.service.authenticator.authenticate(senderHeaders(request)), body);
      await this.#carryOut(exchange, receivedAt);
    } catch (error) {
      if (error instanceof ResetConnection) {
        request.socket.destroy();
        return;
      }
      if (!(error instanceof StatusError)) log.error({ err: error, uri: request.url }, 'request failed');
      this.#answer(exchange, failure(error), receivedAt);
    }
  }

  async #carryOut(exchange: Exchange, receivedAt: number): Promise<void> {
    this.#authorize(exchange);
    const fault = this.#fault(exchange);
    if (fault?.when === 'before') suffer(fault);
    const { parts, operations } = this.service;
    const watches = { add: (end: () => void) => this.#open(end), onEvent: () => (this.activity.count += 1) };
    const answer = exchange.info.isResource ? await route({ parts, operations, watches }, exchange) : undefined;
    if (fault) {
      this.#logCarriedOut(exchange, answer, receivedAt);
      suffer(fault);
    }
    if (answer?.type === 'stream') this.service.requests.add(exchange, 200, undefined, receivedAt);
    else if (answer) this.#answer(exchange, answer, receivedAt);
    else this.#answerRoute(exchange, this.#routed(exchange), receivedAt);
  }

  /** What was carried out is logged as that, although the client never learns of it. */
  #logCarriedOut(exchange: Exchange, answer: Answer | undefined, receivedAt: number): void {
    if (!answer) return;
    const code = 'code' in answer ? answer.code : 200;
    this.service.requests.add(exchange, code, loggedObject(answer), receivedAt);
    exchange.logged = true;
  }

  #open(end: () => void): () => void {
    this.#watches.add(end);
    return () => this.#watches.delete(end);
  }

  #authorize({ info, identity }: Exchange): void {
    const { isResource, rest: _rest, selectedName, ...place } = info;
    const where = { ...place, name: selectedName };
    const plain = { resource: '', group: '', version: '', subresource: '', namespace: '', name: '' };
    const attributes: AccessAttributes = isResource ? where : { ...where, ...plain };
    const decision = this.service.parts.authorizer.authorize(identity.user, attributes);
    if (!decision.allowed) throw accessForbidden(identity.user, attributes, isResource, decision.reason);
  }

  #fault({ method, uri, info, query, identity }: Exchange): Fault | undefined {
    const { verb, group, resource, subresource, namespace, name } = info;
    const target = { verb, group, resource, subresource, namespace, name };
    const request = { method, uri, ...target, query, user: identity.user.name };
    for (const interceptor of this.#interceptors) {
      const fault = interceptor(request);
      if (fault) return fault;
    }
    return undefined;
  }

  #routed({ method, info, query, headers, body, identity }: Exchange): RouteAnswer {
    const request = { method, path: info.path, query, headers, body, user: identity.user };
    for (const candidate of this.service.routes) {
      const answer = candidate(request);
      if (answer && method !== 'GET') throw methodNotAllowed();
      if (answer) return answer;
    }
    return { code: 404, body: '404 page not found\n' };
  }

  #answer(exchange: Exchange, answer: Exclude<Answer, { type: 'stream' }>, receivedAt: number): void {
    const code = answer.type === 'list' ? 200 : answer.code;
    let body;
    try {
      body = represent(answer, exchange, this.service.parts.clock.now());
    } catch (error) {
      this.#answer(exchange, failure(error), receivedAt);
      return;
    }
    this.service.requests.add(exchange, code, loggedObject(answer), receivedAt);
    const headers = answer.type === 'plain' ? answer.headers : {};
    this.#send(exchange, code, body.text, { 'content-type': body.contentType, ...headers });
  }

  #answerRoute(exchange: Exchange, { code, body, headers }: RouteAnswer, receivedAt: number): void {
    this.service.requests.add(exchange, code, undefined, receivedAt);
    if (Buffer.isBuffer(body)) this.#send(exchange, code, body, { ...headers });
    else if (typeof body === 'string')
      this.#send(exchange, code, body, { 'content-type': 'text/plain; charset=utf-8', ...headers });
    else this.#send(exchange, code, `${JSON.stringify(body)}\n`, { 'content-type': 'application/json', ...headers });
  }

  #send({ response, warnings }: Exchange, code: number, body: string | Buffer, headers: Record<string, string>): void {
    if (response.destroyed) return;
    const lines = [...warnings].map((text) => `299 - ${quoted(text)}`);
    if (lines.length > 0) response.setHeader('warning', lines);
    // Of text Node would make one chunk with the head, and encode that in UTF-8 once more.
    const bytes = Buffer.from(body);
    response.writeHead(code, { 'cache-control': 'no-cache, private', ...headers, 'content-length': bytes.length });
    response.end(bytes);
  }
}

function suffer({ what }: Fault): never {
  if (what === 'reset') throw new ResetConnection();
  const reasons: Record<number, string> = {
    409: 'Conflict',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
  };
  throw new StatusError(what, reasons[what] ?? '', `the sandbox was told to answer ${what}`);
}

/** As `warning.NewWarningHeader` of apimachinery: printable, quoted, in UTF-8; Node takes headers as bytes. */
function quoted(text: string): string {
  const printable = text.replace(/[\0-\x1f\x7f]/g, ' ').replace(/["\\]/g, '\\$&');
  return `"${Buffer.from(printable).toString('latin1')}"`;
}

function failure(error: unknown): PlainAnswer {
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(500, 'InternalError', `Internal error occurred: ${(error as Error).message}`, {
          causes: [{ reason: '', message: (error as Error).message }],
        });
  const seconds = status.details?.retryAfterSeconds;
  return {
    type: 'plain',
    code: status.code,
    body: status.toStatus(),
    ...(seconds !== undefined && { headers: { 'retry-after': String(seconds) } }),
  };
}

/**
 * What a request is for: a path, `//x` too, or a whole URL, whose host does not matter.
 *
 * @throws {TypeError} it is neither
 */
function urlOf({ url = '/' }: IncomingMessage): URL {
  const path = url.replace(/^https?:\/\/[^/?]*/i, '');
  if (!path.startsWith('/')) throw new TypeError(`no path: ${url}`);
  return new URL(`https://127.0.0.1${path}`);
}

/** Who sends a request, and as whom: headers that are there several times stay apart, as names of groups have commas. */
function senderHeaders({ headers, headersDistinct }: IncomingMessage): IncomingHttpHeaders {
  const { authorization } = headers;
  return { ...headersDistinct, ...(authorization !== undefined && { authorization }) };
}

/** What comes in protobuf goes on as JSON. */
function asJson({ headers }: IncomingMessage, body: Buffer): Buffer {
  if (body.length === 0 || headers['content-type'] !== protobufType) return body;
  headers['content-type'] = 'application/json';
  return protobufToJson(body);
}

/** @throws {StatusError} 413 */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= bodyLimit) chunks.push(chunk);
  }
  if (size <= bodyLimit) return asJson(request, Buffer.concat(chunks));
  throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyLimit}`);
}
