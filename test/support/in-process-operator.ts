import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { Connection } from '../../src/kube/connection.js';
import { createLogger } from '../../src/log.js';
import { type Assembly, assemble } from '../../src/operator.js';
import type { Time } from './cluster.js';
import { type Interceptor, interceptedConnection } from './intercepted-connection.js';
import { laggingWatches } from './lagging-connection.js';
import { Lifeline } from './lifeline.js';
import type { Operator } from './operator.js';

/** How long it may take to become ready, or to end in order, in simulated ms. */
const PATIENCE_MS = 60_000;

/** One run, from a start to its end. */
interface Run {
  readonly assembly: Assembly;
  readonly lifeline: Lifeline;
  readonly ended: Promise<void>;
  isOver: boolean;
}

/**
 * The operator in this process, on the time of the tests: put together as `src/main.ts` does it, but for the probes, which
 * nobody asks over HTTP. It shares nothing with the tests but the API server.
 */
export class InProcessOperator implements Operator {
  readonly #options: {
    readonly name: string;
    readonly log: string;
    readonly connection: Connection;
    readonly time: Time;
    readonly leaderElection: boolean;
  };
  readonly #interceptors = new Set<Interceptor>();
  #run: Run | undefined;
  /** How late watches of the runs that start from now on bring what has happened, ms. */
  watchLagMs = 0;

  /**
   * @param options.dir  folder with the folder of logs
   * @param options.connection  over streams, as the operator's ServiceAccount
   * @param options.name  is its identity in the Lease, and the name of its log
   * @param options.leaderElection  whether it needs the Lease to write (true)
   */
  constructor(options: { dir: string; connection: Connection; time: Time; name?: string; leaderElection?: boolean }) {
    const { dir, connection, time, name = 'operator', leaderElection = true } = options;
    const logs = join(dir, 'logs');
    mkdirSync(logs, { recursive: true });
    this.#options = { name, log: join(logs, `${name}.log`), connection, time, leaderElection };
  }

  get running(): boolean {
    return this.#run?.isOver === false;
  }

  async start(): Promise<void> {
    if (this.running) return;
    const run = (this.#run = this.#begin());
    await this.#options.time.until(
      'the operator is ready',
      async () => {
        if (run.isOver) throw new Error(`the operator has ended; its log is ${this.#options.log}`);
        const state = run.assembly.operator.manager?.state;
        return state === 'leading' || state === 'standby' || undefined;
      },
      { timeoutMs: PATIENCE_MS },
    );
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const run = this.#run;
    if (!run || run.isOver) return;
    if (signal === 'SIGKILL') return this.crash();
    run.assembly.operator.stop();
    await this.#options.time.during('the operator ends', run.ended);
  }

  /** As `kill('SIGKILL')`, at once: from now on it does and hears nothing. */
  crash(): void {
    const run = this.#run;
    if (!run || run.isOver) return;
    run.isOver = true;
    run.lifeline.cut();
  }

  /**
   * Shows every request to `interceptor` before it is sent.
   *
   * @returns ends that
   */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => this.#interceptors.delete(interceptor);
  }

  async metrics(): Promise<string> {
    return (await this.#run?.assembly.metrics.registry.metrics()) ?? '';
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
  }

  #begin(): Run {
    const { name, log, connection, time, leaderElection } = this.#options;
    const lifeline = new Lifeline();
    const clock: Clock = lifeline.clock(time);
    const intercepted = interceptedConnection(connection, this.#interceptors);
    const seen = this.watchLagMs > 0 ? laggingWatches(intercepted, clock, this.watchLagMs) : intercepted;
    const assembly = assemble({
      connection: lifeline.connection(seen),
      clock,
      log: createLogger({ level: 'info', destination: { write: (line) => appendFileSync(log, line) } }),
      config: {
        identity: name,
        istioNamespace: 'istio-system',
        leaderElection,
        leaseNamespace: 'sidestep-system',
      },
    });
    const run: Run = { assembly, lifeline, isOver: false, ended: Promise.resolve() };
    const ended = assembly.operator.start().then(
      () => this.#end(run),
      // It has said why in its log, or is a dead one's last word.
      (error: Error) => this.#end(run, error),
    );
    return Object.assign(run, { ended });
  }

  #end(run: Run, error?: Error): void {
    if (error && !run.isOver) appendFileSync(this.#options.log, `the operator ended: ${String(error)}\n`);
    run.isOver = true;
    run.assembly.client.close();
  }
}
