import { randomUUID } from 'node:crypto';
import { onAbort, type Clock } from '../clock.js';
import type { Client } from '../kube/client.js';
import { EventRecorder } from '../kube/events.js';
import type { Logger } from '../log.js';
import { guardClient } from './client-guard.js';
import { Controller, type ControllerSpec } from './controller.js';
import { LeadershipLostError, ShutdownError } from './errors.js';
import { EventLoopMonitor } from './event-loop.js';
import { feed } from './event-source.js';
import { liveness, readiness, type ManagerState } from './health.js';
import { Informers } from './informers.js';
import { LeaderElector, type Leadership, type LeaderElectionConfig } from './leader.js';
import { Metrics } from './metrics.js';
import { Probes } from './probes.js';

/** What a manager is made of. */
export interface ManagerOptions {
  /** Open connection to the API server; not closed by the manager. The Lease has connections of its own beside it. */
  readonly client: Client;
  readonly controllers: readonly ControllerSpec[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the program: field manager of the Lease, reporter of Events. */
  readonly component: string;
  /** Where it runs, such as the pod's name. The Lease is held under this and a random suffix, so it need not be unique. */
  readonly identity: string;
  /** Default: no election; this process may always write. */
  readonly leaderElection?: LeaderElectionConfig;
  /** HTTP address of /healthz, /readyz and /metrics; port 0 takes a free one. Default: none. */
  readonly probes?: { readonly host: string; readonly port: number };
  /** How long runs under way may take to end after the stop signal, ms; then they are aborted. Default 15 000. */
  readonly drainTimeoutMs?: number;
  /** To count what else belongs there, such as the client's requests (`metrics.observeResponse`). Default: a new one. */
  readonly metrics?: Metrics;
}

/**
 * What follows takes up to 12 s: twice `UNWIND_MS`, and the two requests that release the Lease. All of it must fit into the
 * 30 s that Kubernetes gives a pod (`terminationGracePeriodSeconds` in `cdk8s/install.ts`).
 */
const DEFAULT_DRAIN_TIMEOUT_MS = 15_000;

/** What runs have to unwind after their abort, and Events to get out, ms. */
const UNWIND_MS = 2_000;

/** How often to say what is waited for at start, ms. */
const SYNC_REPORT_MS = 30_000;

/** The right to write of a manager that stands for no election. */
function always(): Leadership {
  return { signal: new AbortController().signal, assertHeld: () => {}, release: () => Promise.resolve() };
}

/**
 * Runs controllers: fills the stores, waits for the Lease with warm stores, works while it holds it, and leaves in order.
 * Is used for one run.
 */
export class Manager {
  /** For what no reconcile does: refuses writes while this process does not lead, and everything once it has stopped. */
  readonly client: Client;
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #informers: Informers;
  readonly #controllers: readonly Controller[];
  readonly #events: EventRecorder;
  readonly #loop = new EventLoopMonitor();
  readonly #probes: Probes | undefined;
  readonly #elector: LeaderElector | undefined;
  /** Of the Lease alone: writes that an admission webhook holds for seconds would keep its renewal from a shared pool. */
  readonly #electionClient: Client | undefined;
  readonly #end = new AbortController();
  #leadership: Leadership | undefined;
  #state: ManagerState = 'starting';
  #probesUrl: string | undefined;

  /**
   * @throws {Error} two controllers have one name, or their watches contradict each other
   * @throws {RangeError} the times of the election make no sense
   */
  constructor(options: ManagerOptions) {
    const { client, clock, log, component, identity, leaderElection } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#metrics = options.metrics ?? new Metrics();
    this.#informers = new Informers({
      client,
      clock,
      log,
      onRestart: (kind, reason) => this.#metrics.watchRestarted(kind, reason),
    });
    const assertWrite = (): void => this.#assertLeading();
    this.client = guardClient(client, { signal: this.#end.signal, assertWrite });
    this.#events = new EventRecorder({ client: this.client, clock, log, component, instance: identity });
    this.#controllers = options.controllers.map((spec) => this.#controller(spec, assertWrite));
    const names = options.controllers.map(({ name }) => name);
    if (new Set(names).size < names.length) throw new Error(`two controllers have one name: ${names.join(', ')}`);
    if (leaderElection) {
      this.#electionClient = client.apart();
      this.#elector = new LeaderElector({
        ...leaderElection,
        client: this.#electionClient,
        clock,
        log,
        identity: `${identity}_${randomUUID()}`,
        fieldManager: component,
      });
    }
    this.#probes = this.#makeProbes();
    this.#scrape();
  }

  /** `http://host:port` of the probes, once they listen. */
  get probesUrl(): string | undefined {
    return this.#probesUrl;
  }

  get state(): ManagerState {
    return this.#state;
  }

  /**
   * Runs until `signal` is aborted; resolves when everything under way has ended, the Lease is released and Events are out.
   * An absent kind or an API server that is down is waited for.
   *
   * @throws {LeadershipLostError} the Lease was lost. All writes have been refused since; the process should end.
   * @throws {ShutdownError} after the stop signal some runs ended neither in time nor on their abort
   * @throws {Error} the address of the probes cannot be used, or a watch crashed
   */
  async run(signal: AbortSignal): Promise<void> {
    const background = new AbortController();
    // Of the start, which ends with a crash as well: nobody would hold a Lease that is taken later.
    const ending = new AbortController();
    const forget = onAbort(signal, () => ending.abort(signal.reason));
    if (signal.aborted) ending.abort(signal.reason);
    let starting: Promise<Leadership | undefined> | undefined;
    this.#loop.start();
    try {
      await this.#startProbes();
      const crashed = this.#informers.run(background.signal);
      // It is looked at below, but may fail while something else is.
      crashed.catch(() => {});
      starting = this.#startUp(ending.signal);
      const leadership = await Promise.race([starting, crashed]);
      if (!leadership) return;
      this.#lead(leadership);
      await Promise.race([whenAborted(signal), rejectOnAbort(leadership.signal), crashed]);
      await this.#drain(leadership);
    } finally {
      const isCrash = this.#state === 'leading';
      this.#state = 'stopping';
      const reason = new ShutdownError('the manager has stopped');
      for (const controller of this.#controllers) controller.abort(reason);
      this.#end.abort(reason);
      background.abort(reason);
      forget();
      ending.abort(reason);
      this.#events.stop();
      this.#loop.stop();
      if (isCrash) await this.#endsWithin(UNWIND_MS, this.#allDrained());
      await this.#letGo(starting);
      await this.#probes?.stop();
    }
  }

  /** Releases the Lease if it is held still, and closes the connections of it. */
  async #letGo(starting: Promise<Leadership | undefined> | undefined): Promise<void> {
    // What it fails with is the reason of the run's end, or comes from that.
    const leadership = await starting?.catch(() => undefined);
    await leadership?.release();
    this.#setLeading(false);
    this.#electionClient?.close();
  }

  /** Until the Lease is held; undefined if the signal comes first. */
  async #startUp(signal: AbortSignal): Promise<Leadership | undefined> {
    const stopReports = this.#reportUnsynced();
    await Promise.race([this.#informers.whenSynced(), whenAborted(signal)]);
    stopReports();
    if (signal.aborted) return undefined;
    this.#feed();
    this.#state = 'standby';
    this.#log.info({ kinds: this.#informers.all.length }, 'caches are filled');
    return this.#acquire(signal);
  }

  async #acquire(signal: AbortSignal): Promise<Leadership | undefined> {
    if (!this.#elector) return always();
    try {
      return await this.#elector.acquire(signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #lead(leadership: Leadership): void {
    this.#leadership = leadership;
    this.#state = 'leading';
    this.#setLeading(true);
    leadership.signal.addEventListener('abort', () => {
      this.#state = 'stopping';
      this.#setLeading(false);
      this.#log.error({ err: leadership.signal.reason as Error }, 'lost the lease, all work is dropped');
      for (const controller of this.#controllers) controller.abort(leadership.signal.reason as Error);
    });
    for (const controller of this.#controllers) controller.start();
  }

  /**
   * In this order: no new work, the work under way, what it had to say, and only then the Lease, for until the last write is
   * out nobody else may begin.
   */
  async #drain(leadership: Leadership): Promise<void> {
    const { drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = this.#options;
    this.#state = 'stopping';
    this.#log.info({}, 'stopping');
    const drained = this.#allDrained();
    if (!(await this.#endsWithin(drainTimeoutMs, drained))) {
      const reason = new ShutdownError(`the run did not end within the ${drainTimeoutMs} ms of the drain`);
      for (const controller of this.#controllers) controller.abort(reason);
    }
    const isClean = await this.#endsWithin(UNWIND_MS, drained);
    await this.#events.flush(UNWIND_MS);
    await leadership.release();
    this.#setLeading(false);
    leadership.signal.throwIfAborted();
    if (!isClean) throw new ShutdownError('some reconciles ended neither in time nor on their abort');
    this.#log.info({}, 'stopped');
  }

  #allDrained(): Promise<unknown> {
    return Promise.all(this.#controllers.map((controller) => controller.drain()));
  }

  /** The fence: every attempt to write of a reconcile or an Event passes here first. */
  #assertLeading(): void {
    if (!this.#leadership) throw new LeadershipLostError('this process does not hold the lease yet');
    this.#leadership.assertHeld();
  }

  #controller(spec: ControllerSpec, assertWrite: () => void): Controller {
    const { client, clock, log } = this.#options;
    const primary = this.#informers.declare(spec.primary);
    for (const watch of spec.watches) this.#informers.declare(watch);
    return new Controller(spec, {
      client,
      stores: this.#informers,
      primary,
      clock,
      log,
      events: this.#events,
      metrics: this.#metrics,
      assertWrite,
    });
  }

  /** Leads all events to the queues. Later than the sync, for mappings look into stores; before the Lease, to be warm. */
  #feed(): void {
    this.#options.controllers.forEach((spec, at) => {
      const { queue } = this.#controllers[at] as Controller;
      for (const watch of [spec.primary, ...spec.watches]) {
        const isPrimary = watch === spec.primary;
        const log = this.#log.child({ controller: spec.name });
        feed({ informer: this.#informers.declare(watch), spec: watch, isPrimary, stores: this.#informers, queue, log });
      }
    });
  }

  async #startProbes(): Promise<void> {
    if (!this.#probes) return;
    this.#probesUrl = await this.#probes.start();
    this.#log.info({ url: this.#probesUrl }, 'probes listen');
  }

  #makeProbes(): Probes | undefined {
    const { registry } = this.#metrics;
    return (
      this.#options.probes &&
      new Probes({
        ...this.#options.probes,
        healthz: () => liveness(this.#loop.read(), this.#controllers),
        readyz: () => readiness(this.#state, this.#informers.unsynced),
        metrics: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
      })
    );
  }

  #scrape(): void {
    this.#setLeading(false);
    this.#metrics.scrape({
      uptimeMs: () => this.#clock.uptime(),
      queues: () => this.#controllers.map(({ name, queue }) => ({ controller: name, queue })),
      informers: () =>
        this.#informers.all.map(({ kind, size, lastEventAt }) => ({
          kind,
          objects: size,
          lastEventAgeMs: lastEventAt > 0 ? this.#clock.now() - lastEventAt : undefined,
        })),
      eventLoopLagMs: () => this.#loop.read().p99Ms,
    });
    for (const gauge of this.#options.controllers.flatMap(({ gauges = [] }) => gauges))
      this.#metrics.computed(gauge, () => gauge.read(this.#informers));
  }

  #setLeading(isLeading: boolean): void {
    const { leaderElection } = this.#options;
    if (leaderElection) this.#metrics.setLeading(leaderElection.name, isLeading);
  }

  /** Says from time to time what the start waits for; returns how to end that. */
  #reportUnsynced(): () => void {
    let cancel = (): void => {};
    const report = (): void => {
      this.#log.info({ kinds: this.#informers.unsynced }, 'still waiting for first lists');
      cancel = this.#clock.schedule(SYNC_REPORT_MS, report);
    };
    cancel = this.#clock.schedule(SYNC_REPORT_MS, report);
    return () => cancel();
  }

  async #endsWithin(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
    let cancel = (): void => {};
    const timeout = new Promise<boolean>((resolve) => {
      cancel = this.#clock.schedule(timeoutMs, () => resolve(false));
    });
    const isInTime = await Promise.race([work.then(() => true), timeout]);
    cancel();
    return isInTime;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return whenAborted(signal).then(() => {
    throw signal.reason;
  });
}
