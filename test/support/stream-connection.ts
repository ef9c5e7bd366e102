import { connect } from 'node:tls';
import type { Connection } from '../../src/kube/connection.js';

/** The same server and user, over TLS streams that are opened here: whoever wraps them sees plain HTTP, one request on each. */
export function streamConnection(connection: Connection): Connection {
  const { hostname, host, port } = new URL(connection.server);
  // Of the last handshake: there is one for each request.
  let session: Buffer | undefined;
  return {
    server: `http://${host}`,
    describe: connection.describe,
    headers: () => connection.headers(),
    connect: () => {
      const { ca } = connection;
      const socket = connect({
        host: hostname,
        port: Number(port),
        ...(ca !== undefined && { ca }),
        ...(session && { session }),
      });
      socket.setNoDelay(true);
      socket.on('session', (ticket) => (session = ticket));
      return socket;
    },
  };
}
