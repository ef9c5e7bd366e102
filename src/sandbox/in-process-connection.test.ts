import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../kube/client.js';
import { POD } from '../kube/types.js';
import { inProcessConnection } from './in-process-connection.js';

let server: Server;
let watch: ServerResponse | undefined;
let sockets: Duplex[];
let listens: boolean;

const connection = inProcessConnection(
  {
    accept: (socket) => {
      if (!listens) throw Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });
      sockets.push(socket);
      server.emit('connection', socket);
    },
  },
  { token: 'secret', headers: { 'impersonate-user': 'jane' } },
);
const client = new Client({ connection });

beforeEach(() => {
  watch = undefined;
  sockets = [];
  listens = true;
  server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('watch=true')) {
      watch = response;
      response.write('{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}\n');
    } else if (request.url === '/reset') request.socket.destroy();
    else response.end(JSON.stringify({ headers: request.headers, large: 'x'.repeat(1_000_000) }));
  });
});

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a connection within the process', () => {
  it('carries requests, as the user, and answers of any size', async () => {
    const answer = (await client.getJson('/version')) as { headers: Record<string, string>; large: string };
    expect(answer.headers).toMatchObject({ authorization: 'Bearer secret', 'impersonate-user': 'jane' });
    expect(answer.large).toHaveLength(1_000_000);
  });

  it('refuses connections while the server does not listen', async () => {
    listens = false;
    await expect(client.getJson('/version')).rejects.toThrow(/the connection was refused/);
  });

  it('breaks off when the server does', async () => {
    await expect(client.getJson('/reset')).rejects.toThrow(/the connection was reset|broke off|failed/);
    const events = client.watch(POD)[Symbol.asyncIterator]();
    await expect(events.next()).resolves.toMatchObject({ value: { type: 'ADDED' } });
    sockets.at(-1)?.destroy();
    await expect(events.next()).rejects.toThrow(/broke off/);
  });

  it('tells the server when the client has left', async () => {
    const events = client.watch(POD)[Symbol.asyncIterator]();
    await events.next();
    let left = false;
    watch?.once('close', () => (left = true));
    await events.return?.();
    await turns();
    expect(left).toBe(true);
    expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });
});
