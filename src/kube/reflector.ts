import { onAbort, type Clock } from '../clock.js';
import type { Logger } from '../log.js';
import type { Client, Page } from './client.js';
import { ApiError, SilentStreamError, TransportError, isGone, isNotFound } from './errors.js';
import { compareResourceVersions } from './resource-version.js';
import { describeRef, isBuiltIn, resourceName, type KubeObject, type ResourceType } from './resource.js';
import type { WatchEvent } from './watch-stream.js';

/** Where a reflector tells what is in the cluster. Calls are synchronous and must be quick. */
export interface ReflectorHandler<T> {
  /**
   * This is all there is: whatever was known and is not in the list has been deleted.
   *
   * @param version  of the list; none for a kind that is absent, and where versions have begun anew: what is known of before
   *                 cannot be compared with it
   */
  replace(objects: T[], version?: string): void;
  upsert(object: T): void;
  /** `object` is its last state. */
  remove(object: T): void;
}

/** Why a reflector had to begin a new watch. */
export type RestartReason = 'closed' | 'silent' | 'gone' | 'error';

export interface ReflectorOptions<T extends KubeObject> {
  client: Client;
  type: ResourceType<T>;
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  handler: ReflectorHandler<T>;
  clock: Clock;
  log: Logger;
  /** Reduces an object to what is kept; applied page by page, so that the rest is never held for all objects at once. */
  transform?: ((object: T) => T) | undefined;
  /** Called for each new watch after the first, for metrics. */
  onRestart?: ((reason: RestartReason) => void) | undefined;
}

/** Delay before the second attempt; each further failure doubles it. */
const firstBackoffMs = 500;
const maxBackoffMs = 30_000;

/** A watch that lived this long was healthy: what follows is a new trouble, not the old one. */
const healthyMs = 30_000;

/** A watch that the server ends sooner than this counts as a failure, or a broken server would be hammered. */
const minWatchMs = 1_000;

/**
 * Deadline of one page. The server gives up after 60 s by itself (its flag `--request-timeout`); who gives up before that makes
 * a slow server do the same work again and again, and never gets the list.
 */
const pageTimeoutMs = 75_000;

/** How often a kind that does not exist is looked for when nobody calls `poke`. */
const absentRecheckMs = 300_000;

/**
 * For how long a kind that was served must be answered with 404 before it counts as absent: a proxy in between says 404 too,
 * while it starts or loads its routes, and controllers would act on an empty cluster.
 */
const absenceProofMs = 10_000;

/**
 * Mirrors a collection of the API server into a handler: lists it, then watches from the version of the list, for as long
 * as it runs. It keeps no objects itself.
 *
 * - A broken, silent or ended watch resumes from the last version seen; bookmarks keep that version young.
 * - A version that the server has forgotten (410, as a status or an ERROR event) leads to a new list; until it is there,
 *   the handler's view stays, and deletions that happened meanwhile show by their absence in the new list.
 * - A version that is yet to come, for etcd was restored from a backup, leads to a new list too: the server would say nothing until
 *   it gets there. After each silent watch the server is asked which version it has, and after a bookmark from before.
 * - Failures are retried for ever, after an exponential backoff with jitter of at most 30 s, or Retry-After if longer.
 * - A kind that the server does not know (404) is `absent` and counts as empty and synced; `poke` looks for it again. One that
 *   was served before is believed to be absent only if that is still the answer 10 s later; for a built-in kind a 404 is
 *   a failure as any other.
 * - An exception of the handler is logged, and the stream goes on.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #resource: string;
  readonly #firstSync: Promise<void>;
  /** Where the next watch begins; undefined makes a list come first. */
  #version: string | undefined;
  /** Perhaps the server is behind `#version`: the last watch brought nothing, or a bookmark from before. */
  #isDoubted = false;
  /** Versions have begun anew since the last list. */
  #wentBack = false;
  #synced = false;
  #resolveFirstSync: () => void = () => {};
  #absent = false;
  /** The last list was a success: if the kind is said to be absent now, it was removed. */
  #served = false;
  /** By `uptime`, when a kind that was served was first said to be absent. */
  #missingSince: number | undefined;
  #lastEventAt = 0;
  #failures = 0;
  #outageTold = false;
  #poked = false;
  #wake: (() => void) | undefined;
  #running = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#resource = resourceName(options.type);
    this.#firstSync = new Promise((resolve) => (this.#resolveFirstSync = resolve));
  }

  /** Whether the handler has been given a complete view once. Stays true. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Whether the server does not serve this kind. */
  get absent(): boolean {
    return this.#absent;
  }

  /** When the server was last heard of, bookmarks included; milliseconds since the epoch, 0 for never. */
  get lastEventAt(): number {
    return this.#lastEventAt;
  }

  /** Resolves when `synced` becomes true; never rejects. */
  whenSynced(): Promise<void> {
    return this.#firstSync;
  }

  /** Ends the current wait, if there is one: for somebody who knows that things have changed. */
  poke(): void {
    // Kept for a wait that is about to begin: the list that is under way may be older than the news.
    this.#poked = true;
    this.#wake?.();
  }

  /**
   * Lists and watches until `signal` is aborted, then resolves; never rejects because of the server or the handler.
   *
   * @throws {Error} it is running already
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error(`the reflector of ${this.#resource} is running already`);
    this.#running = true;
    try {
      while (!signal.aborted) {
        const waitMs = await this.#round(signal);
        if (waitMs > 0 && !signal.aborted) await this.#wait(waitMs, signal);
      }
    } finally {
      this.#running = false;
    }
  }

  /** One list, if needed, and one watch. Returns how long to wait before the next round, in milliseconds. */
  async #round(signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    let watchingSince: number | undefined;
    try {
      if (this.#isDoubted) await this.#checkVersion(signal);
      if (this.#version === undefined) await this.#list(signal);
      watchingSince = clock.uptime();
      await this.#watch(signal);
      return this.#afterClose(clock.uptime() - watchingSince);
    } catch (error) {
      if (signal.aborted) return 0;
      if (watchingSince !== undefined && clock.uptime() - watchingSince >= healthyMs) this.#recovered();
      return this.#afterFailure(error, watchingSince !== undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { handler, clock } = this.#options;
    this.#poked = false;
    let objects: T[] = [];
    let version: string | undefined;
    for await (const page of this.#pages(signal)) {
      if (page.restarted) objects = [];
      for (const item of page.items) objects.push(this.#reduce(item));
      version = page.resourceVersion;
    }
    // From no version a watch would begin with what there is by then: nobody would tell what was deleted before.
    if (!version) throw new TransportError(`list ${this.#resource}: the answer has no resourceVersion`);
    this.#absent = false;
    handler.replace(objects, this.#wentBack ? undefined : version);
    this.#wentBack = false;
    this.#served = true;
    this.#missingSince = undefined;
    this.#version = version;
    this.#lastEventAt = clock.now();
    this.#markSynced();
  }

  #pages(signal: AbortSignal, limit?: number): AsyncIterable<Page<T> & { restarted: boolean }> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const options = { namespace, labelSelector, fieldSelector, signal, timeoutMs: pageTimeoutMs };
    return client.pages(type, limit === undefined ? options : { ...options, limit });
  }

  /** Gives up a version that the server has not reached, as after a restore of etcd: nothing would be told until then. */
  async #checkVersion(signal: AbortSignal): Promise<void> {
    for await (const { resourceVersion } of this.#pages(signal, 1)) {
      if (isOlder(resourceVersion, this.#version)) {
        const fields = { resource: this.#resource, version: this.#version, current: resourceVersion };
        this.#options.log.error(fields, 'the versions of the server have gone back, listing again');
        this.#version = undefined;
        this.#wentBack = true;
      }
      break;
    }
    this.#isDoubted = false;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector, clock } = this.#options;
    // Spread out, so that the watches of a process do not all end at the same moment.
    const timeoutSeconds = 300 + Math.floor(client.random() * 301);
    const from = this.#version === undefined ? {} : { resourceVersion: this.#version };
    const events = client.watch(type, { namespace, labelSelector, fieldSelector, signal, timeoutSeconds, ...from });
    for await (const event of events) {
      this.#lastEventAt = clock.now();
      this.#isDoubted = event.type === 'BOOKMARK' && isOlder(event.resourceVersion, this.#version);
      if (this.#isDoubted) return;
      this.#deliver(event);
    }
  }

  #deliver(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      this.#version = event.resourceVersion;
      return;
    }
    const { handler, log } = this.#options;
    // Before the handler runs: an object that it cannot take must not come again with every reconnect.
    this.#version = event.object.metadata.resourceVersion;
    const object = this.#reduce(event.object);
    try {
      if (event.type === 'DELETED') handler.remove(object);
      else handler.upsert(object);
    } catch (error) {
      const { metadata } = event.object;
      log.error({ err: error, resource: this.#resource, object: describeRef(metadata) }, 'watch handler failed');
    }
  }

  #reduce(object: T): T {
    const { transform, log } = this.#options;
    if (!transform) return object;
    try {
      return transform(object);
    } catch (error) {
      // Whole rather than missing: an object left out would look deleted.
      const ref = describeRef(object.metadata);
      log.error({ err: error, resource: this.#resource, object: ref }, 'transform failed, object kept whole');
      return object;
    }
  }

  #markSynced(): void {
    this.#outageTold = false;
    this.#synced = true;
    this.#resolveFirstSync();
  }

  /** A watch has lived long enough to call what was before it over. */
  #recovered(): void {
    this.#failures = 0;
    this.#outageTold = false;
  }

  /** The server ended the watch, as it does every few minutes. */
  #afterClose(livedMs: number): number {
    this.#restarting('closed');
    if (livedMs >= healthyMs) this.#recovered();
    return livedMs >= minWatchMs ? 0 : this.#backoff();
  }

  #afterFailure(error: unknown, watching: boolean): number {
    if (isNotFound(error) && !isBuiltIn(this.#options.type))
      return watching ? this.#relist('gone') : this.#afterNotServed();
    this.#missingSince = undefined;
    if (watching && isGone(error)) {
      this.#options.log.debug({ resource: this.#resource, version: this.#version }, 'watch expired, listing again');
      return this.#relist('gone');
    }
    if (error instanceof SilentStreamError) {
      this.#options.log.debug({ resource: this.#resource }, 'watch was silent, resuming');
      this.#restarting('silent');
      this.#isDoubted = true;
      this.#recovered();
      return 0;
    }
    if (watching && blamesVersion(error, this.#failures)) this.#version = undefined;
    if (watching) this.#restarting('error');
    const waitMs = Math.max(this.#backoff(), retryAfterMs(error));
    const fields = { err: error, resource: this.#resource, retryInMs: Math.round(waitMs) };
    // An outage is told once for each kind, not at each try.
    const level = this.#outageTold ? 'debug' : 'error';
    this.#outageTold = true;
    this.#options.log[level](fields, watching ? 'watch failed' : 'list failed');
    return waitMs;
  }

  /** At once the first time; a server that forgets every version it hands out is backed away from. */
  #relist(reason: RestartReason): number {
    this.#restarting(reason);
    this.#version = undefined;
    const isFirst = this.#failures === 0;
    const waitMs = this.#backoff();
    return isFirst ? 0 : waitMs;
  }

  #afterNotServed(): number {
    if (!this.#served) return this.#becomeAbsent();
    const now = this.#options.clock.uptime();
    this.#missingSince ??= now;
    const provenInMs = this.#missingSince + absenceProofMs - now;
    // Also when `poke` has cut the wait short.
    return provenInMs > 0 ? provenInMs : this.#becomeAbsent();
  }

  #becomeAbsent(): number {
    const { handler, log, clock } = this.#options;
    this.#served = false;
    this.#missingSince = undefined;
    if (!this.#absent) log.debug({ resource: this.#resource }, 'kind is not served');
    this.#absent = true;
    this.#failures = 0;
    this.#lastEventAt = clock.now();
    try {
      handler.replace([]);
    } catch (error) {
      log.error({ err: error, resource: this.#resource }, 'watch handler failed');
    }
    this.#markSynced();
    return absentRecheckMs;
  }

  #restarting(reason: RestartReason): void {
    this.#options.onRestart?.(reason);
  }

  #backoff(): number {
    const ceilingMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(this.#failures, 16));
    this.#failures++;
    return ceilingMs * (0.5 + this.#options.client.random() / 2);
  }

  /** Ends early when the run is aborted or poked. */
  async #wait(waitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#poked) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          cancel();
          forget();
          this.#wake = undefined;
          resolve();
        };
        const cancel = this.#options.clock.schedule(waitMs, done);
        const forget = onAbort(signal, done);
        this.#wake = done;
      });
    }
    this.#poked = false;
  }
}

/**
 * Whether a failed watch may fail because of the version it began at, so that only a new list helps. A lost connection, a
 * busy server or missing permissions never say so, however often: all informers would list everything again, at a server that
 * asked for less. One that fails in itself (500), or is behind the version (504), gets three more chances.
 */
function blamesVersion(error: unknown, failures: number): boolean {
  if (!(error instanceof ApiError)) return false;
  const { code } = error;
  if (code === 500 || code === 504) return failures >= 3;
  // A 404 that comes here is of a kind that every server has: said by something else in between.
  return code < 500 && ![401, 403, 404, 408, 429].includes(code);
}

const isOlder = (version: string, than: string | undefined): boolean =>
  (compareResourceVersions(version, than) ?? 0) < 0;

function retryAfterMs(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
}
