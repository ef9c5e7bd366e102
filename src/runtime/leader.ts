import { delay, type Clock } from '../clock.js';
import type { Client, JsonPatchOperation } from '../kube/client.js';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '../kube/errors.js';
import { LEASE, type Lease } from '../kube/types.js';
import type { Logger } from '../log.js';
import { LeadershipLostError } from './errors.js';

/** Which Lease is fought for, and how fast; times in ms. */
export interface LeaderElectionConfig {
  readonly namespace: string;
  readonly name: string;
  /** How long others wait after the last renewal they saw before they take over; default 15 000. */
  readonly leaseDurationMs?: number;
  /** A holder that could not renew for this long stands down; default 10 000. Must be less than `leaseDurationMs`. */
  readonly renewDeadlineMs?: number;
  /** Time between tries; default 2 000. Must be less than `renewDeadlineMs`. */
  readonly retryPeriodMs?: number;
}

export interface LeaderElectorOptions extends LeaderElectionConfig {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Unique to this process: two processes with one identity would both lead. */
  readonly identity: string;
  readonly fieldManager: string;
  /** Numbers in [0, 1) for the jitter of tries. */
  readonly random?: () => number;
}

/** The right to write, from `LeaderElector.acquire` until it is released or lost. */
export interface Leadership {
  /** Aborted, with a LeadershipLostError, when the right ends without `release`. */
  readonly signal: AbortSignal;
  /**
   * Throws if the right has ended: released, lost, or run out by the clock, also when no timer could fire yet because the process was stopped.
   *
   * @throws {LeadershipLostError}
   */
  assertHeld(): void;
  /** Gives the Lease up, once, so that the next one need not wait for it to run out. Never throws. */
  release(): Promise<void>;
}

type LeaseSpec = NonNullable<Lease['spec']>;

/**
 * A moment by two clocks. The machine's wall clock can be set back, and its monotonic one stands still while the machine
 * sleeps; of what has passed since, the most that any of them says counts.
 */
type Moment = readonly [nowMs: number, uptimeMs: number];

/** Of client-go: waits between tries are lengthened by up to this factor, so candidates do not march in step. */
const JITTER_FACTOR = 1.2;

/**
 * Leader election by a Lease, with client-go's rules. No clock of another machine is trusted: a candidate measures by its
 * own clock how long it has seen no renewal, and the holder counts its time from before the renewal was sent. So the
 * holder stands down `leaseDurationMs - renewDeadlineMs` before anybody else can hold the Lease, as long as clocks run
 * at about the same speed.
 *
 * @see client-go, tools/leaderelection
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #random: () => number;
  /**
   * The Lease as last seen, and when it was first seen like that: by `uptime`, or a candidate whose clock is set forward would take
   * the Lease from one who lives.
   */
  #seen: { lease: Lease; sinceMs: number } | undefined;
  /** `#seen` may be out of date: a write failed, and perhaps only its answer was lost. */
  #mustRead = true;

  /** @throws {RangeError} the times are not in the order retry < renew < lease */
  constructor(options: LeaderElectorOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    if (!(retryPeriodMs > 0 && retryPeriodMs * JITTER_FACTOR < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)) {
      throw new RangeError('leader election: retryPeriodMs * 1.2 < renewDeadlineMs < leaseDurationMs must hold');
    }
    this.#options = options;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#clock = options.clock;
    this.#log = options.log.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
    this.#random = options.random ?? Math.random;
  }

  /**
   * Waits until this process holds the Lease, however long that takes; failed requests are tried again.
   *
   * @throws the reason of `signal` as soon as it is aborted
   */
  async acquire(signal: AbortSignal): Promise<Leadership> {
    let holder: string | undefined;
    for (;;) {
      signal.throwIfAborted();
      const acquired = await this.#try(() => this.#take(signal), signal);
      if (acquired) {
        this.#log.info({}, 'acquired the lease');
        return this.#lead(acquired);
      }
      const now = this.#seen?.lease.spec?.holderIdentity;
      if (now && now !== holder) this.#log.info({ holder: now }, 'waiting for the lease');
      holder = now;
      await delay(this.#clock, this.#retryPeriodMs * (1 + this.#random() * JITTER_FACTOR), signal);
    }
  }

  #lead(acquired: Moment): Leadership {
    const lost = new AbortController();
    const released = new AbortController();
    let renewedAt = acquired;
    let cancelExpiry: () => void = () => {};
    const lose = (message: string): void => {
      cancelExpiry();
      released.abort();
      lost.abort(new LeadershipLostError(message));
    };
    const expire = (): void => lose(`the lease could not be renewed for ${this.#renewDeadlineMs} ms`);
    const renewed = (at: Moment): void => {
      renewedAt = at;
      cancelExpiry();
      cancelExpiry = this.#clock.schedule(this.#renewDeadlineMs - this.#sinceMs(at), expire);
    };
    renewed(acquired);
    const renewing = this.#renew(released.signal, renewed, () => lose('the lease is no longer ours'));
    const release = async (): Promise<void> => {
      cancelExpiry();
      released.abort();
      // A renewal under way must not come after the release.
      await renewing;
      if (!lost.signal.aborted) await this.#giveUp();
    };
    let releasing: Promise<void> | undefined;
    return {
      signal: lost.signal,
      assertHeld: () => {
        if (!released.signal.aborted && this.#sinceMs(renewedAt) >= this.#renewDeadlineMs) expire();
        lost.signal.throwIfAborted();
        if (released.signal.aborted) throw new LeadershipLostError('the lease was released');
      },
      release: () => (releasing ??= release()),
    };
  }

  async #renew(stop: AbortSignal, renewed: (at: Moment) => void, lose: () => void): Promise<void> {
    while (!stop.aborted) {
      try {
        await delay(this.#clock, this.#retryPeriodMs, stop);
      } catch {
        return; // stopped; there is nothing else to fail
      }
      const at = await this.#try(() => this.#extend(stop), stop);
      if (stop.aborted) return;
      if (at) renewed(at);
      else if (!this.#mustRead && !this.#isOurs()) lose();
    }
  }

  /** One try to take or to renew the Lease: the moment from which it counts, or undefined. A failure is not fatal yet. */
  async #try(write: () => Promise<boolean>, signal: AbortSignal): Promise<Moment | undefined> {
    const started = this.#now();
    try {
      return (await write()) ? started : undefined;
    } catch (err) {
      // Even a request that failed may have been carried out.
      this.#mustRead = true;
      if (signal.aborted) return undefined;
      const isRace = isConflict(err) || isInvalid(err) || isAlreadyExists(err);
      this.#log[isRace ? 'debug' : 'error']({ err }, 'could not write the lease, will be retried');
      return undefined;
    }
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    await this.#read(signal);
    if (this.#isHeldByOther()) return false;
    if (this.#seen) await this.#write(this.#claim(), signal);
    else await this.#create(signal);
    return true;
  }

  /**
   * Renews without reading first, for a holder knows its Lease from its last write. Never takes it back: a Lease that
   * somebody cleared or deleted may have had another holder meanwhile.
   */
  async #extend(signal: AbortSignal): Promise<boolean> {
    if (this.#mustRead) await this.#read(signal);
    if (!this.#isOurs()) return false;
    await this.#write(this.#claim(), signal);
    return true;
  }

  async #read(signal?: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    try {
      this.#see(await client.get<Lease>(LEASE, { namespace, name }, this.#callOptions(signal)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#seen = undefined;
      this.#mustRead = false;
    }
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { client, namespace, name, fieldManager } = this.#options;
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace, name },
      spec: this.#claim(),
    };
    this.#see(await client.create<Lease>(LEASE, lease, { ...this.#callOptions(signal), fieldManager }));
  }

  async #write(spec: LeaseSpec, signal?: AbortSignal): Promise<void> {
    const { client, namespace, name, fieldManager } = this.#options;
    const lease = this.#seen?.lease;
    const operations: JsonPatchOperation[] = [
      { op: 'test', path: '/metadata/resourceVersion', value: lease?.metadata.resourceVersion },
      ...(lease?.spec ? [] : [{ op: 'add' as const, path: '/spec', value: {} }]),
      ...Object.entries(spec).map(([field, value]) => ({ op: 'add' as const, path: `/spec/${field}`, value })),
    ];
    this.#see(
      await client.jsonPatch<Lease>(LEASE, { namespace, name }, operations, {
        ...this.#callOptions(signal),
        fieldManager,
      }),
    );
  }

  /** What the Lease says once we hold it; `acquireTime` and `leaseTransitions` change with the holder only. */
  #claim(): LeaseSpec {
    const held = this.#seen?.lease.spec;
    const isOurs = this.#isOurs();
    const now = microTime(this.#clock.now());
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      acquireTime: (isOurs ? held?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: (held?.leaseTransitions ?? 0) + (this.#seen && !isOurs ? 1 : 0),
    };
  }

  async #giveUp(): Promise<void> {
    try {
      if (this.#mustRead) await this.#read();
      if (!this.#isOurs()) return;
      await this.#write({ holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(this.#clock.now()) });
      this.#log.info({}, 'released the lease');
    } catch (err) {
      // It runs out by itself; the next leader only has to wait for that.
      this.#log.error({ err }, 'could not release the lease');
    }
  }

  #see(lease: Lease): void {
    const isSame = this.#seen && JSON.stringify(this.#seen.lease.spec) === JSON.stringify(lease.spec);
    this.#mustRead = false;
    this.#seen = { lease, sinceMs: isSame && this.#seen ? this.#seen.sinceMs : this.#clock.uptime() };
  }

  #now(): Moment {
    return [this.#clock.now(), this.#clock.uptime()];
  }

  #sinceMs(moment: Moment): number {
    return Math.max(...this.#now().map((nowMs, clock) => nowMs - (moment[clock] ?? nowMs)));
  }

  #isOurs(): boolean {
    return this.#seen?.lease.spec?.holderIdentity === this.#options.identity;
  }

  #isHeldByOther(): boolean {
    const { holderIdentity, leaseDurationSeconds } = this.#seen?.lease.spec ?? {};
    if (!this.#seen || !holderIdentity || this.#isOurs()) return false;
    const durationMs = leaseDurationSeconds === undefined ? this.#leaseDurationMs : leaseDurationSeconds * 1000;
    return this.#clock.uptime() < this.#seen.sinceMs + durationMs;
  }

  #callOptions(signal?: AbortSignal): { timeoutMs: number; signal?: AbortSignal } {
    // Two tries must fit into the renew deadline, or one lost packet costs the Lease.
    return { timeoutMs: this.#renewDeadlineMs / 2 - this.#retryPeriodMs / 2, ...(signal && { signal }) };
  }
}

/** RFC 3339 with six digits, as metav1.MicroTime wants it. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
