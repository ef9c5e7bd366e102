import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkQueue, QueueObserver } from './work-queue.js';

/** As `controller_runtime_reconcile_total` counts: `requeue` is a conflict, which is tried again and is no error. */
export type ReconcileResult = 'success' | 'error' | 'requeue' | 'requeue_after';

const RECONCILE_RESULTS: readonly ReconcileResult[] = ['success', 'error', 'requeue', 'requeue_after'];

/** Of controller-runtime, seconds: most reconciles take milliseconds, some wait for a slow API server. */
const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Of client-go's workqueue: powers of ten from 10 ns, here from 1 ms, for a JavaScript clock tells no less. */
const QUEUE_BUCKETS = [0.001, 0.01, 0.1, 1, 10, 100, 1000];

/** What is read at each scrape and not counted as it happens. */
export interface Scraped {
  readonly queue: { readonly controller: string; readonly queue: WorkQueue };
  readonly informer: { readonly kind: string; readonly objects: number; readonly lastEventAgeMs: number | undefined };
}

/**
 * The metrics of one manager in a registry of its own. Names and labels are controller-runtime's and client-go's where they
 * have one, so their dashboards work. Labels never hold an object's name, but where a controller
 * says so: of things that are few, such as waypoints that are missing.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #reconciles = this.#counter('controller_runtime_reconcile_total', 'Reconciles by result', [
    'controller',
    'result',
  ]);
  readonly #errors = this.#counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed', [
    'controller',
  ]);
  readonly #terminal = this.#counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Failures that are not retried',
    ['controller'],
  );
  readonly #panics = this.#counter(
    'controller_runtime_reconcile_panics_total',
    'Failures that are bugs (TypeError and the like)',
    ['controller'],
  );
  readonly #timeouts = this.#counter(
    'controller_runtime_reconcile_timeouts_total',
    'Reconciles that passed their deadline',
    ['controller'],
  );
  readonly #time = this.#histogram(
    'controller_runtime_reconcile_time_seconds',
    'Length of a reconcile',
    ['controller'],
    RECONCILE_BUCKETS,
  );
  readonly #maxConcurrent = this.#gauge('controller_runtime_max_concurrent_reconciles', 'Workers of the controller', [
    'controller',
  ]);
  readonly #adds = this.#counter('workqueue_adds_total', 'Keys added, repeated ones not counted', [
    'name',
    'controller',
  ]);
  readonly #retries = this.#counter('workqueue_retries_total', 'Keys added again after a failure', [
    'name',
    'controller',
  ]);
  readonly #queueTime = this.#histogram(
    'workqueue_queue_duration_seconds',
    'Time a key waits',
    ['name', 'controller'],
    QUEUE_BUCKETS,
  );
  readonly #workTime = this.#histogram(
    'workqueue_work_duration_seconds',
    'Time a key is worked on',
    ['name', 'controller'],
    QUEUE_BUCKETS,
  );
  readonly #requests = this.#counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method']);
  readonly #requestTime = this.#histogram(
    'rest_client_request_duration_seconds',
    'Length of a request to the API server',
    ['verb'],
    RECONCILE_BUCKETS,
  );
  readonly #leading = this.#gauge('leader_election_master_status', '1 while this process holds the Lease', ['name']);
  readonly #watchRestarts = this.#counter('informer_watch_restarts_total', 'Watches that had to be opened again', [
    'kind',
    'reason',
  ]);

  /** For the `onResponse` option of a `Client`. `code` 0 is a request without an answer. */
  readonly observeResponse = (response: { verb: string; code: number; durationMs: number }): void => {
    this.#requests.inc({ code: response.code === 0 ? '<error>' : String(response.code), method: response.verb });
    this.#requestTime.observe({ verb: response.verb }, response.durationMs / 1000);
  };

  /** @param reason  constant word of the reflector: `closed`, `idle`, `gone`, `error` … */
  watchRestarted(kind: string, reason: string): void {
    this.#watchRestarts.inc({ kind, reason });
  }

  setLeading(lease: string, isLeading: boolean): void {
    this.#leading.set({ name: lease }, isLeading ? 1 : 0);
  }

  /** Where a controller counts; all its counters exist at 0 from now on, so a rate over them has no gap. */
  controller(controller: string, concurrency: number): ControllerMetrics {
    for (const result of RECONCILE_RESULTS) this.#reconciles.inc({ controller, result }, 0);
    for (const counter of [this.#errors, this.#terminal, this.#panics, this.#timeouts]) counter.inc({ controller }, 0);
    this.#maxConcurrent.set({ controller }, concurrency);
    return {
      finished: (result, durationMs) => {
        this.#reconciles.inc({ controller, result });
        this.#time.observe({ controller }, durationMs / 1000);
        if (result === 'error') this.#errors.inc({ controller });
      },
      terminal: () => this.#terminal.inc({ controller }),
      bug: () => this.#panics.inc({ controller }),
      timedOut: () => this.#timeouts.inc({ controller }),
    };
  }

  /** Where the queue of a controller counts. */
  queue(controller: string): QueueObserver {
    const labels = { name: controller, controller };
    this.#adds.inc(labels, 0);
    this.#retries.inc(labels, 0);
    return {
      added: () => this.#adds.inc(labels),
      retried: () => this.#retries.inc(labels),
      taken: (waitedMs) => this.#queueTime.observe(labels, waitedMs / 1000),
      done: (workedMs) => this.#workTime.observe(labels, workedMs / 1000),
    };
  }

  /** Registers what is read at each scrape. Call once. */
  scrape(sources: {
    uptimeMs: () => number;
    queues: () => readonly Scraped['queue'][];
    informers: () => readonly Scraped['informer'][];
    eventLoopLagMs: () => number;
  }): void {
    const perQueue = (name: string, help: string, value: (queue: WorkQueue) => number): void => {
      this.#scraped(name, help, ['name', 'controller'], (gauge) => {
        for (const { controller, queue } of sources.queues()) gauge.set({ name: controller, controller }, value(queue));
      });
    };
    const perInformer = (
      name: string,
      help: string,
      value: (informer: Scraped['informer']) => number,
      join: (a: number, b: number) => number,
    ): void => {
      this.#scraped(name, help, ['kind'], (gauge) => {
        // A kind that is watched in several scopes has an informer for each.
        const byKind = new Map<string, number>();
        for (const informer of sources.informers())
          byKind.set(informer.kind, join(byKind.get(informer.kind) ?? 0, value(informer)));
        for (const [kind, joined] of byKind) gauge.set({ kind }, joined);
      });
    };
    const ages = (queue: WorkQueue): number[] =>
      queue.runningSince.map((sinceMs) => (sources.uptimeMs() - sinceMs) / 1000);
    this.#scraped(
      'controller_runtime_active_workers',
      'Workers that are running a reconcile',
      ['controller'],
      (gauge) => {
        for (const { controller, queue } of sources.queues()) gauge.set({ controller }, queue.runningSince.length);
      },
    );
    perQueue('workqueue_depth', 'Keys that wait for a worker', (queue) => queue.depth);
    perQueue('workqueue_delayed', 'Keys that wait for their time: backoff and requeueAfter', (queue) => queue.delayed);
    perQueue('workqueue_unfinished_work_seconds', 'Age of all runs under way, added up', (queue) =>
      ages(queue).reduce((a, b) => a + b, 0),
    );
    perQueue('workqueue_longest_running_processor_seconds', 'Age of the oldest run under way', (queue) =>
      Math.max(0, ...ages(queue)),
    );
    perInformer(
      'informer_objects',
      'Objects held of a kind',
      ({ objects }) => objects,
      (a, b) => a + b,
    );
    perInformer(
      'informer_last_event_age_seconds',
      'Time since the watch of a kind was last heard of; of several, the one that is silent for longest',
      ({ lastEventAgeMs = 0 }) => lastEventAgeMs / 1000,
      Math.max,
    );
    this.#scraped('nodejs_eventloop_lag_p99_seconds', 'Event-loop lag, 99th percentile', [], (gauge) =>
      gauge.set(sources.eventLoopLagMs() / 1000),
    );
    this.#scraped('process_resident_memory_bytes', 'Resident memory', [], (gauge) =>
      gauge.set(process.memoryUsage.rss()),
    );
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time used',
      registers: [this.registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  /** Registers a metric that `read` computes at each scrape; no series stays that it does not name. */
  computed(
    { name, help, labelNames }: { name: string; help: string; labelNames: readonly string[] },
    read: () => readonly { labels: Readonly<Record<string, string>>; value: number }[],
  ): void {
    this.#scraped(name, help, [...labelNames], (gauge) => {
      gauge.reset();
      for (const { labels, value } of read()) gauge.set(labels, value);
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }

  #scraped(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        collect(this);
      },
    });
  }
}

/** Counters of one controller. */
export interface ControllerMetrics {
  /** A run has ended by itself; one that was aborted with the process says nothing about the work. */
  finished(result: ReconcileResult, durationMs: number): void;
  terminal(): void;
  bug(): void;
  timedOut(): void;
}
