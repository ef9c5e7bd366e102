import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

import type { Connection } from './connection.js';

/** More requests than this at a time wait for a free connection. */
const maxConnections = 32;

/** Idle connections are closed before load balancers (from 60 s) and the API server (90 s) silently do so. */
const idleConnectionMs = 50_000;

/** Where connections come from, and the certificates that they are opened with. */
export interface Agents {
  ca: unknown;
  cert: unknown;
  key: unknown;
  /** Of requests, which share kept-alive connections. */
  pool: http.Agent;
  /** Of streams, each with a connection of its own. */
  streams: http.Agent;
}

/** For the certificates that the connection has now. */
export function makeAgents(connection: Connection, secure: boolean): Agents {
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
    pool: secure ? new OneServerAgent({ ...tls, ...pool }) : new http.Agent(pool),
    streams: secure ? new OneServerAgent({ ...tls, ...streams }) : new http.Agent(streams),
  };
}

/** All connections are alike. Node would write all certificates into a name, three times for each request, to tell them apart. */
class OneServerAgent extends https.Agent {
  getName(): string {
    return 'api-server';
  }
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
