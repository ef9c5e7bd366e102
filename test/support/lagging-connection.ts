import { Duplex } from 'node:stream';
import type { Clock } from '../../src/clock.js';
import type { Connection } from '../../src/kube/connection.js';

/** A connection over streams on which everything that a watch brings arrives `lagMs` late. */
export function laggingWatches(connection: Connection, clock: Clock, lagMs: number): Connection {
  return { ...connection, connect: () => lagging(connection.connect!(), clock, lagMs) };
}

/** Each connection carries one request: its first line says whether it is a watch. */
function lagging(inner: Duplex, clock: Clock, lagMs: number): Duplex {
  let head: string | undefined;
  const outer = new Duplex({
    write(chunk: Buffer, _encoding, callback) {
      head ??= chunk.toString('latin1').split('\r\n', 1)[0] ?? '';
      inner.write(chunk, callback);
    },
    final: (callback) => void inner.end(callback),
    read: () => undefined,
    destroy(error, callback) {
      inner.destroy();
      callback(error);
    },
  });
  const later = (deliver: () => void): void => {
    if (head?.includes('watch=true')) clock.schedule(lagMs, deliver);
    else deliver();
  };
  inner.on('data', (chunk: Buffer) => later(() => outer.push(chunk)));
  inner.once('end', () => later(() => outer.push(null)));
  inner.once('error', (error) => outer.destroy(error));
  return outer;
}
