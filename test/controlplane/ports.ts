import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { type Lock, tryLock } from './lock.js';

// Below Linux' ephemeral range (from 32768): there a connection of any process could take, as its own end, the port of
// a server that a test has just killed and is about to start again. Also below the NodePort range (from 30000).
const firstPort = 20_000;
const blockSize = 16;
const blocks = 600;

/** Ports that no other control plane of this user gets until they are released. */
export interface Ports extends Lock {
  /** The next of at most 16 free ports. */
  next(): number;
}

/**
 * Reserves a block of free ports of 127.0.0.1 for one control plane.
 *
 * @throws {Error} when no free block was found in 100 attempts
 */
export async function reservePorts(): Promise<Ports> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const block = Math.floor(Math.random() * blocks);
    const taken = tryLock(join(tmpdir(), `sidestep-ports-${userInfo().uid}`, String(block)));
    if ('heldBy' in taken) continue;
    const base = firstPort + block * blockSize;
    const ports = Array.from({ length: blockSize }, (_, index) => base + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return handOut(ports, taken);
    taken.release();
  }
  throw new Error('no block of 16 free ports on 127.0.0.1 between 20000 and 29599');
}

function handOut(ports: number[], reservation: Lock): Ports {
  return {
    next(): number {
      const port = ports.shift();
      if (port === undefined) throw new Error('the block of ports is used up');
      return port;
    },
    release: () => reservation.release(),
  };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
