import { Duplex } from 'node:stream';
import type { Connection } from '../../src/kube/connection.js';
import { type RequestInfo, requestInfo } from '../../src/sandbox/api-server/http/request-info.js';

/** A request of a program, before it is sent. */
export interface OutgoingRequest extends RequestInfo {
  /** Parameters, the very ones that are sent: an interceptor may change them. */
  readonly query: URLSearchParams;
  /** As far as it is sent together with the head, as Node does with text. */
  readonly body: string;
}

/**
 * Looks at each request before it is sent.
 *
 * @returns `reset` breaks the connection off, `refuse` answers 403; either way nothing is sent. A function is called when the API server
 *          answers, before the program hears of it
 */
export type Interceptor = (request: OutgoingRequest) => Failure | (() => void) | undefined;

/** How a request fails that is not sent. */
export type Failure = 'reset' | 'refuse';

/** A connection over streams on which every request passes through `interceptors`, which may change at any time. */
export function interceptedConnection(connection: Connection, interceptors: Iterable<Interceptor>): Connection {
  return { ...connection, connect: () => intercepted(connection.connect!(), interceptors) };
}

/** Each connection carries one request, and what is written first begins with its line. */
function intercepted(inner: Duplex, interceptors: Iterable<Interceptor>): Duplex {
  let onAnswer: (() => void)[] | undefined;
  const outer = new Duplex({
    write(chunk: Buffer, _encoding, callback) {
      if (onAnswer) return void inner.write(chunk, callback);
      const sent = send(chunk, interceptors);
      if (sent === 'reset') return callback(reset());
      if (sent === 'refuse') {
        outer.push(REFUSAL);
        return callback();
      }
      onAnswer = sent.onAnswer;
      inner.write(sent.chunk, callback);
    },
    final: (callback) => void inner.end(callback),
    read: () => undefined,
    destroy(error, callback) {
      inner.destroy();
      callback(error);
    },
  });
  inner.on('data', (chunk: Buffer) => {
    for (const answered of onAnswer?.splice(0) ?? []) answered();
    if (!outer.destroyed) outer.push(chunk);
  });
  inner.once('end', () => outer.push(null));
  inner.once('error', (error) => outer.destroy(error));
  inner.once('close', () => {
    if (!inner.readableEnded) outer.destroy(reset());
  });
  return outer;
}

const refused = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Status',
  status: 'Failure',
  reason: 'Forbidden',
  code: 403,
  message: 'refused by the test',
});

const REFUSAL = [
  'HTTP/1.1 403 Forbidden',
  'content-type: application/json',
  `content-length: ${refused.length}`,
  'connection: close',
  '',
  refused,
].join('\r\n');

const reset = (): Error => Object.assign(new Error('the connection was broken off'), { code: 'ECONNRESET' });

/** What is written instead of the first chunk, and whom to tell of the answer. */
function send(
  chunk: Buffer,
  interceptors: Iterable<Interceptor>,
): Failure | { readonly chunk: Buffer; readonly onAnswer: (() => void)[] } {
  const end = chunk.indexOf('\r\n');
  const [method = '', uri = '', version = ''] = chunk.toString('latin1', 0, end).split(' ');
  const [path = '', search = ''] = uri.split('?', 2);
  const query = new URLSearchParams(search);
  const body = chunk.subarray(chunk.indexOf('\r\n\r\n') + 4).toString();
  const request = { ...requestInfo(method, path, query), query, body };
  const onAnswer: (() => void)[] = [];
  for (const intercept of [...interceptors]) {
    const verdict = intercept(request);
    if (typeof verdict === 'string') return verdict;
    if (verdict) onAnswer.push(verdict);
  }
  const target = query.size > 0 ? `${path}?${query.toString()}` : path;
  const line = Buffer.from([method, target, version].join(' '), 'latin1');
  return { chunk: Buffer.concat([line, chunk.subarray(end)]), onAnswer };
}
