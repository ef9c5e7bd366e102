import { type Duplex, duplexPair } from 'node:stream';
import type { Connection } from '../kube/connection.js';

/** A server in this process that takes connections without listening on the network. */
export interface InProcessServer {
  /**
   * Takes its end of a new connection and serves plain HTTP on it.
   *
   * @throws {Error} with code ECONNREFUSED, it does not serve now
   */
  accept(socket: Duplex): void;
}

/** Who connects. */
export interface InProcessUser {
  /** Bearer token. */
  readonly token: string;
  /** More headers of every request, such as `Impersonate-User`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A connection to a server in this process: HTTP as everywhere, but over a pair of streams. Without sockets nothing depends
 * on the kernel's timing, so what is on its way arrives within a few turns of the event loop, always in the same order.
 */
export function inProcessConnection(server: InProcessServer, { token, headers = {} }: InProcessUser): Connection {
  return {
    server: 'http://in-process',
    describe: 'the API server in this process',
    connect: () => {
      const [ours, theirs] = duplexPair();
      server.accept(theirs);
      breakTogether(ours, theirs);
      return ours;
    },
    headers: async () => ({ ...headers, authorization: `Bearer ${token}` }),
  };
}

/** As sockets do: when one end is gone, the other one learns of it. */
function breakTogether(...[ours, theirs]: readonly [Duplex, Duplex]): void {
  const reset = (end: Duplex): void => {
    if (end.readableEnded) end.destroy();
    else end.destroy(Object.assign(new Error('the other end is gone'), { code: 'ECONNRESET' }));
  };
  ours.once('close', () => reset(theirs));
  theirs.once('close', () => reset(ours));
}
