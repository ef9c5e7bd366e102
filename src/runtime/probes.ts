import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Check } from './health.js';

/** Where the probes listen, and what they answer with. */
export interface ProbesOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly healthz: () => readonly Check[];
  readonly readyz: () => readonly Check[];
  /** Prometheus text. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** HTTP server of `/healthz`, `/readyz` and `/metrics`. */
export class Probes {
  readonly #options: ProbesOptions;
  #server: Server | undefined;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /**
   * Listens.
   *
   * @returns `http://host:port`
   * @throws {Error} the address cannot be used (EADDRINUSE, EACCES)
   */
  async start(): Promise<string> {
    const { host, port } = this.#options;
    const server = createServer((request, response) => {
      this.#answer(request.url ?? '/', response).catch(() => response.writeHead(500).end('internal error\n'));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new Error(`probes cannot listen on ${host}:${port}`, { cause })));
      server.listen(port, host, resolve);
    });
    return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
  }

  /** Stops listening and closes idle connections. Harmless if it never started. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server?.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      // A scraper keeps its connection open between scrapes, and close() would wait for it.
      server.closeAllConnections();
    });
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    switch (url.split('?', 1)[0]) {
      case '/healthz':
        return answerChecks(response, this.#options.healthz());
      case '/readyz':
        return answerChecks(response, this.#options.readyz());
      case '/metrics': {
        const { contentType, body } = await this.#options.metrics();
        response.writeHead(200, { 'content-type': contentType }).end(body);
        return;
      }
      default:
        response.writeHead(404, { 'content-type': 'text/plain' }).end('there are /healthz, /readyz and /metrics\n');
    }
  }
}

/** As kube-apiserver answers `?verbose`: a line for each check, and 503 if one fails (500 would read like a bug of the probe). */
function answerChecks(response: ServerResponse, checks: readonly Check[]): void {
  const lines = checks.map(({ name, failure }) =>
    failure === undefined ? `[+] ${name} ok` : `[-] ${name} failed: ${failure}`,
  );
  const code = checks.every(({ failure }) => failure === undefined) ? 200 : 503;
  response.writeHead(code, { 'content-type': 'text/plain' }).end(`${lines.join('\n')}\n`);
}
