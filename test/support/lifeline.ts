import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/clock.js';
import type { Connection } from '../../src/kube/connection.js';

/** What ties a program in this process to the world: time and the network. Once cut, the program is as good as killed. */
export class Lifeline {
  readonly #timers = new Set<() => void>();
  readonly #sockets = new Set<Duplex>();
  #isCut = false;

  /** Its connections break off and no new ones are made, its timers never fire. */
  cut(): void {
    this.#isCut = true;
    for (const cancel of this.#timers) cancel();
    for (const socket of this.#sockets) socket.destroy();
    this.#timers.clear();
    this.#sockets.clear();
  }

  /** `clock`, as the program sees it. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      uptime: () => clock.uptime(),
      schedule: (delayMs, callback) => {
        if (this.#isCut) return () => {};
        const forget = (): void => {
          cancel();
          this.#timers.delete(forget);
        };
        const cancel = clock.schedule(delayMs, () => {
          this.#timers.delete(forget);
          callback();
        });
        this.#timers.add(forget);
        return forget;
      },
    };
  }

  /** A connection over streams, as the program sees it. */
  connection(connection: Connection): Connection {
    return {
      ...connection,
      connect: () => {
        const socket = this.#isCut ? undefined : connection.connect?.();
        if (!socket) throw Object.assign(new Error('the program is dead'), { code: 'ECONNREFUSED' });
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        return socket;
      },
    };
  }
}
