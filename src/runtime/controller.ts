import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Client } from '../kube/client.js';
import type { EventRecorder } from '../kube/events.js';
import type { KubeObject } from '../kube/resource.js';
import type { Logger } from '../log.js';
import type { Backoff } from './backoff.js';
import { guardClient } from './client-guard.js';
import { DeadlineExceededError } from './errors.js';
import { turnForOthers } from './event-loop.js';
import type { ControllerMetrics, Metrics } from './metrics.js';
import { outcomeOfError, type Outcome } from './outcome.js';
import { requestOfKey, type Request } from './request.js';
import type { Result } from './result.js';
import type { Store } from './store.js';
import type { Stores } from './stores.js';
import type { WatchSpec } from './watch.js';
import { WorkQueue } from './work-queue.js';

/** A controller as its author declares it. */
export interface ControllerSpec {
  /** Unique in the manager; label of its metrics and logs. */
  readonly name: string;
  /** The kind whose keys `reconcile` gets; its `map` is usually `toSelf`. */
  readonly primary: WatchSpec;
  /** Everything else that `reconcile` reads: what is not declared here cannot be read. */
  readonly watches: readonly WatchSpec[];
  /** What it shows of the cluster at each scrape, also while it stands by. */
  readonly gauges?: readonly ControllerGauge[];
  /** Keys worked on at the same time; default 8. */
  readonly concurrency?: number;
  /** Deadline of one run in ms, after which its signal aborts and its client refuses; default 60 000. */
  readonly timeoutMs?: number;
  /** Delays between retries of a key that fails; default 50 ms to 60 s. */
  readonly backoff?: Backoff;
  /**
   * Brings the world nearer to what the object of `request` says, and returns what to wait for. Reads state anew each
   * time; may be called at any time for any key, also one whose object is gone.
   *
   * @throws {TerminalError} a retry cannot help
   * @throws anything else is retried with backoff (after Retry-After, if the server named one)
   */
  reconcile(request: Request, context: ReconcileContext): Promise<Result>;
}

/** A metric that a controller computes from what it watches. */
export interface ControllerGauge {
  /** Of the metric, such as `sidestep_waypoint_missing`. */
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** The series that there are now, each with a value for every label; one that is not among them is gone. Pure. */
  readonly read: (stores: Stores) => readonly { labels: Readonly<Record<string, string>>; value: number }[];
}

/** What a run may use. */
export interface ReconcileContext {
  /** Refuses every call once the run is over its deadline, and every write once the Lease is lost. */
  readonly client: Client;
  readonly stores: Stores;
  /** The store of the controller's primary kind, in the scope of its watch. */
  readonly primary: Store<KubeObject>;
  /** Bound: controller, object, reconcileId, generation. */
  readonly log: Logger;
  /** Aborted at the deadline, when the Lease is lost, and when the time to drain is over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly events: EventRecorder;
}

/** What a controller gets from its manager. */
export interface ControllerOptions {
  readonly client: Client;
  readonly stores: Stores;
  /** The store of the primary kind. */
  readonly primary: Store<KubeObject>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  /** Refuses a write by throwing; see `guardClient`. */
  readonly assertWrite?: () => void;
  /** Numbers in [0, 1) for the jitter of retries. */
  readonly random?: () => number;
}

const DEFAULT_CONCURRENCY = 8;
const DEFAULT_TIMEOUT_MS = 60_000;

/** What a run has to unwind after its abort, before its worker goes on to other keys without it. */
const UNWIND_MS = 2_000;

/** A conflict is everyday until it repeats; then it is somebody who writes the same field again and again. */
const CONFLICTS_TO_REPORT = 5;

/** One call of `reconcile`. */
interface Run {
  readonly key: string;
  readonly startedMs: number;
  readonly log: Logger;
  readonly abort: AbortController;
  ended: Promise<void>;
  isOverdue: boolean;
}

/** Takes keys from the queue, calls `reconcile`, and does what the outcome asks for. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  /** Deadline of one run, ms. */
  readonly timeoutMs: number;
  readonly #spec: ControllerSpec;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #concurrency: number;
  readonly #runs = new Set<Run>();
  /** When a run last ended, or the workers started; undefined while standing by. */
  #lastEndMs: number | undefined;

  constructor(spec: ControllerSpec, options: ControllerOptions) {
    const { clock, metrics, random } = options;
    this.name = spec.name;
    this.timeoutMs = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#spec = spec;
    this.#options = options;
    this.#clock = clock;
    this.#log = options.log.child({ controller: spec.name });
    this.#concurrency = spec.concurrency ?? DEFAULT_CONCURRENCY;
    this.#metrics = metrics.controller(spec.name, this.#concurrency);
    this.queue = new WorkQueue({ clock, backoff: spec.backoff, random, observer: metrics.queue(spec.name) });
  }

  /** Starts the workers. Keys may have been added before. */
  start(): void {
    this.#lastEndMs = this.#clock.uptime();
    for (let worker = 0; worker < this.#concurrency; worker += 1) void this.#work();
  }

  /** Takes no more keys and drops those that wait. Resolves when the runs under way have ended, however long they take. */
  async drain(): Promise<void> {
    this.queue.close();
    await Promise.all([...this.#runs].map((run) => run.ended));
  }

  /** Aborts the runs under way; their clients refuse from now on. */
  abort(reason: Error): void {
    this.queue.close();
    for (const run of this.#runs) run.abort.abort(reason);
  }

  /** For the health check; both in ms: age of the oldest run, and for how long keys wait while no run ends. */
  get progress(): { readonly oldestRunMs: number; readonly starvedMs: number } {
    const nowMs = this.#clock.uptime();
    const oldestRunMs = Math.max(0, ...[...this.#runs].map((run) => nowMs - run.startedMs));
    const starvedSinceMs = Math.max(this.#lastEndMs ?? Infinity, this.queue.waitingSinceMs ?? Infinity);
    return { oldestRunMs, starvedMs: Math.max(0, nowMs - starvedSinceMs) };
  }

  async #work(): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      const run = this.#begin(key);
      await this.#endedOrOverdue(run);
      await turnForOthers();
    }
  }

  #begin(key: string): Run {
    const { metadata } = this.#options.primary.get(requestOfKey(key)) ?? {};
    const log = this.#log.child({ object: key, reconcileId: randomUUID(), generation: metadata?.generation });
    const run: Run = {
      key,
      startedMs: this.#clock.uptime(),
      log,
      abort: new AbortController(),
      ended: Promise.resolve(),
      isOverdue: false,
    };
    this.#runs.add(run);
    run.ended = this.#attempt(run).then((outcome) => this.#end(run, outcome));
    return run;
  }

  async #attempt(run: Run): Promise<Outcome> {
    const { client, stores, primary, events, assertWrite } = this.#options;
    const { signal } = run.abort;
    const cancelDeadline = this.#clock.schedule(this.timeoutMs, () =>
      run.abort.abort(new DeadlineExceededError(`reconcile took longer than ${this.timeoutMs} ms`)),
    );
    const context: ReconcileContext = {
      client: guardClient(client, { signal, assertWrite }),
      stores,
      primary,
      log: run.log,
      signal,
      clock: this.#clock,
      events,
    };
    try {
      const result: Result | undefined = await this.#spec.reconcile(requestOfKey(run.key), context);
      return result ?? { kind: 'bug', error: new TypeError('reconcile returned no Result') };
    } catch (error) {
      return outcomeOfError(error, signal);
    } finally {
      cancelDeadline();
    }
  }

  /** The only place that acts on how a run ended: the queue, the metrics and the one line of log, per outcome. */
  #end(run: Run, outcome: Outcome): void {
    const { key, log } = run;
    const { queue } = this;
    const durationMs = this.#clock.uptime() - run.startedMs;
    const finished = (result: Parameters<ControllerMetrics['finished']>[0]): void =>
      this.#metrics.finished(result, durationMs);
    this.#runs.delete(run);
    this.#lastEndMs = this.#clock.uptime();
    switch (outcome.kind) {
      case 'awaitChange':
        queue.forget(key);
        finished('success');
        log.debug({ durationMs }, 'reconciled');
        break;
      case 'requeueAfter':
        queue.forget(key);
        queue.add(key, { delayMs: outcome.delayMs });
        finished('requeue_after');
        log.debug({ durationMs, delayMs: outcome.delayMs, reason: outcome.reason }, 'reconciled, will run again later');
        break;
      case 'conflict': {
        const delayMs = queue.retry(key);
        const level = queue.failures(key) < CONFLICTS_TO_REPORT ? 'debug' : 'error';
        finished('requeue');
        log[level]({ err: outcome.error, durationMs, delayMs }, 'reconcile met a conflict, will be retried');
        break;
      }
      case 'failed': {
        const delayMs = queue.retry(key, outcome.retryAfterMs);
        finished('error');
        log.error(
          { err: outcome.error, durationMs, delayMs, failures: queue.failures(key) },
          'reconcile failed, will be retried',
        );
        break;
      }
      case 'bug': {
        const delayMs = queue.retry(key);
        finished('error');
        this.#metrics.bug();
        log.error({ err: outcome.error, durationMs, delayMs }, 'reconcile failed by a bug, will be retried');
        break;
      }
      case 'timedOut': {
        const delayMs = queue.retry(key);
        finished('error');
        this.#metrics.timedOut();
        // An overdue run had its line when its worker left it.
        log[run.isOverdue ? 'debug' : 'error'](
          { err: outcome.error, durationMs, delayMs },
          'reconcile passed its deadline, will be retried',
        );
        break;
      }
      case 'terminal':
        queue.forget(key);
        finished('error');
        this.#metrics.terminal();
        log.error({ err: outcome.error, durationMs }, 'reconcile failed, not retried until something changes');
        break;
      case 'stopped':
        log.debug({ durationMs }, 'reconcile was stopped');
        break;
      default:
        outcome satisfies never;
    }
    queue.done(key);
  }

  /**
   * Resolves when `run` has ended, or goes on long after its deadline: a run that ignores its abort keeps its key, so no second
   * run of it can start, but not its worker.
   */
  #endedOrOverdue(run: Run): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(this.timeoutMs + UNWIND_MS, () => {
        run.isOverdue = true;
        run.log.error(
          { durationMs: this.#clock.uptime() - run.startedMs },
          'reconcile ignores its deadline, its key is blocked until it ends',
        );
        resolve();
      });
      void run.ended.then(() => {
        cancel();
        resolve();
      });
    });
  }
}
