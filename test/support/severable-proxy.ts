import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server on 127.0.0.1 that a test can cut: bytes are passed on as they are, TLS included. */
export class SeverableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      if (this.#isCut) {
        socket.resetAndDestroy();
        return;
      }
      const onward = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.once('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }

  /** @param port  of the server */
  static async start(port: number): Promise<SeverableProxy> {
    const proxy = new SeverableProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections, and new ones too until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
