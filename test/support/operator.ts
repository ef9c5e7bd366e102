import { existsSync, mkdirSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Component } from '../controlplane/component.js';
import { repositoryRoot } from '../controlplane/paths.js';
import { Watchdog } from '../controlplane/watchdog.js';

/** An operator that tests start and end. */
export interface Operator {
  /** Starts it and waits until it is ready: leading, or standing by. */
  start(): Promise<void>;
  /** `SIGKILL` is a crash, `SIGTERM` an orderly end; waits until it has ended. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** False as soon as it has ended, also by itself. */
  readonly running: boolean;
  /** What it tells Prometheus. */
  metrics(): Promise<string>;
  /** Ends it, if it runs, and whatever is beside it. */
  stop(): Promise<void>;
}

/** The bundled operator in a process of its own, as `make run` and the image start it. */
export class OperatorProcess implements Operator {
  readonly #watchdog = new Watchdog('sidestep-operator');
  readonly #component: Component;
  readonly #probesPort: number;

  private constructor(component: (watchdog: Watchdog) => Component, probesPort: number) {
    this.#component = component(this.#watchdog);
    this.#probesPort = probesPort;
  }

  /**
   * @param options.name  tells the logs of several operators apart, and is its identity in the Lease
   * @param options.operatorArgs  options of Node
   * @throws {Error} the bundle is not built
   */
  static async create(options: {
    dir: string;
    kubeconfig: string;
    name?: string;
    environment?: Record<string, string>;
    operatorArgs?: readonly string[];
  }): Promise<OperatorProcess> {
    const bundle = join(repositoryRoot, 'dist', 'main.cjs');
    if (!existsSync(bundle)) throw new Error(`${bundle} is missing: make build`);
    const name = options.name ?? 'operator';
    const port = await freePort();
    mkdirSync(join(options.dir, 'logs'), { recursive: true });
    const spec = {
      name,
      command: process.execPath,
      args: ['--enable-source-maps', ...(options.operatorArgs ?? []), bundle],
      env: {
        KUBECONFIG: options.kubeconfig,
        POD_NAME: name,
        PROBES_HOST: '127.0.0.1',
        PROBES_PORT: String(port),
        LOG_LEVEL: 'info',
        ...options.environment,
      },
      cwd: options.dir,
      log: join(options.dir, 'logs', `${name}.log`),
      isReady: async () => (await probe(port, '/readyz')).code === 200,
    };
    return new OperatorProcess((watchdog) => new Component(spec, watchdog, () => undefined), port);
  }

  start(): Promise<void> {
    return this.#component.start();
  }

  kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    return this.#component.kill(signal);
  }

  get running(): boolean {
    return this.pid !== undefined;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#component.pid;
  }

  async metrics(): Promise<string> {
    return (await probe(this.#probesPort, '/metrics')).body;
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    await this.#watchdog.stop();
  }
}

function probe(port: number, path: string): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, timeout: 2_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    }).once('error', reject);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
