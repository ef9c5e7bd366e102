import type { Connection } from '../../src/kube/connection.js';

/** The same connection as somebody else; the user of `connection` needs the right to impersonate. */
export function impersonating(connection: Connection, user: string): Connection {
  return {
    server: connection.server,
    describe: `${connection.describe} as ${user}`,
    get ca() {
      return connection.ca;
    },
    get cert() {
      return connection.cert;
    },
    get key() {
      return connection.key;
    },
    ...(connection.rejectUnauthorized !== undefined && { rejectUnauthorized: connection.rejectUnauthorized }),
    ...(connection.servername !== undefined && { servername: connection.servername }),
    ...(connection.connect && { connect: () => connection.connect!() }),
    headers: async () => ({ ...(await connection.headers()), 'impersonate-user': user }),
  };
}
