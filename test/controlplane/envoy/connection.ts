import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How a connection is made. */
export interface Route {
  port: number;
  /** Address that it comes from; any of 127.0.0.0/8. */
  from: string;
  /** Where it is said to be going. */
  to: { address: string; port: number };
  /** The caller's certificate, and the server name that it asks for. */
  tls?: { certificate: string; key: string; serverName?: string };
}

/** A request as it goes over the wire. */
export interface WireRequest {
  method: string;
  path: string;
  headers: readonly (readonly [name: string, value: string])[];
}

/** What came back. */
export interface WireResponse {
  status: number;
  body: string;
}

/** Where the line of the PROXY protocol says that connections come from. */
export const proxiedPeers = { TCP4: '10.9.9.9', TCP6: 'fd00::1' };

const timeoutMs = 60_000;

/**
 * Sends requests over one connection, one after the other, and gives their answers in order.
 *
 * @throws {Error} when the connection ends before all answers are there
 */
export async function exchange(route: Route, requests: readonly WireRequest[]): Promise<WireResponse[]> {
  const raw = connectTcp({ host: '127.0.0.1', port: route.port, localAddress: route.from });
  raw.setTimeout(timeoutMs, () => raw.destroy(new Error('no answer within a minute')));
  await once(raw, 'connect');
  const family = route.to.address.includes(':') ? 'TCP6' : 'TCP4';
  const { [family]: peer } = proxiedPeers;
  raw.write(`PROXY ${family} ${peer} ${route.to.address} 40000 ${route.to.port}\r\n`);
  const socket = route.tls ? await secured(raw, route.tls) : raw;
  try {
    return await answers(socket, requests.map(text));
  } finally {
    socket.destroy();
    raw.destroy();
  }
}

async function secured(raw: Socket, { certificate, key, serverName }: NonNullable<Route['tls']>): Promise<Socket> {
  const socket = connectTls({
    socket: raw,
    cert: certificate,
    key,
    rejectUnauthorized: false,
    ...(serverName !== undefined && { servername: serverName }),
  });
  await once(socket, 'secureConnect');
  return socket;
}

function text({ method, path, headers }: WireRequest): string {
  return `${method} ${path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** Envoy takes no more than two requests at a time over HTTP/1.1: each waits for the answer to the one before. */
function answers(socket: Socket, requests: readonly string[]): Promise<WireResponse[]> {
  return new Promise((resolve, reject) => {
    const done: WireResponse[] = [];
    let rest = '';
    const send = (): void => void socket.write(requests[done.length] ?? '', 'latin1');
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1');
      const next = parse(rest);
      if (!next) return;
      done.push(next.response);
      rest = rest.slice(next.length);
      if (done.length === requests.length) resolve(done);
      else send();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const last = done.at(-1);
      const text = `the connection ended after ${done.length} of ${requests.length} answers`;
      reject(new Error(`${text}; the last was ${last?.status} ${last?.body} to ${requests[done.length - 1]}`));
    });
    send();
  });
}

/** The first response of a text, if all of it is there. */
function parse(all: string): { response: WireResponse; length: number } | undefined {
  const end = all.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = all.slice(0, end);
  const bodyLength = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const length = end + 4 + bodyLength;
  if (all.length < length) return undefined;
  return { response: { status: Number(head.split(' ')[1]), body: all.slice(end + 4, length) }, length };
}
