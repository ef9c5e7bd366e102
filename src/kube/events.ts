import { randomBytes } from 'node:crypto';

import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import type { Client } from './client.js';
import { ApiError, TransportError, isNotFound } from './errors.js';
import type { KubeObject } from './resource.js';
import { EVENT, type Event, type ObjectReference } from './types.js';

/** Something worth telling the people who look at an object. */
export interface EmittedEvent {
  /** What it is about. */
  regarding: ObjectReference;
  /** A second object that it has to do with, such as the one for whose sake it happened. */
  related?: ObjectReference;
  type: 'Normal' | 'Warning';
  /** Why; one CamelCase word, at most 128 characters. */
  reason: string;
  /** What happened, a sentence; cut at 1,024 bytes, for so the API server counts. */
  note: string;
  /** What was done or tried; one CamelCase word, at most 128 characters. */
  action: string;
  /** Where the event is stored. Default: the namespace of `regarding`, or `default` for a cluster-scoped object. */
  namespace?: string;
}

/** An object as Events name it. */
export function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { name, namespace, uid } = metadata;
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
}

export interface EventRecorderOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  /** The `reportingController`, such as `sidestep.dev/operator`. */
  component: string;
  /** The `reportingInstance`, such as the name of the pod. */
  instance: string;
}

/** Waiting events beyond this number are dropped, newest first. */
const maxQueued = 1_000;

/** Per object, as in client-go: a burst, then one each five minutes. */
const burstPerObject = 25;
const refillMs = 300_000;

/** A repeated event is counted in memory and its series written at most this often. */
const seriesIntervalMs = 60_000;

/** After so long without a repetition a series is over, and the next occurrence is a new event. */
const seriesEndMs = 360_000;

/** A longer note is refused. */
const maxNoteBytes = 1024;

const maxAttempts = 3;
const writeTimeoutMs = 10_000;

/** An event that exists in the cluster, or is about to, and how often it has happened since. */
interface Series {
  event: EmittedEvent;
  name: string;
  count: number;
  writtenCount: number;
  firstAt: number;
  lastAt: number;
  writtenAt: number;
  queued: boolean;
}

/** What is left of an object's allowance, as of a time. */
interface Allowance {
  tokens: number;
  at: number;
}

/**
 * Writes `events.k8s.io/v1` Events in the background. Repetitions of an event become one series, and an object that is
 * talked about too much is cut off for a while, so that a hot loop cannot flood the API server. Events are best effort:
 * what cannot be written is dropped, with a log line.
 *
 * Needs `create` and `patch` on `events` in the group `events.k8s.io`.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #allowances = new Map<string, Allowance>();
  #queue: Series[] = [];
  #working: Promise<void> | undefined;
  #cancelSweep: (() => void) | undefined;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Takes an event and returns at once; never throws. */
  emit(event: EmittedEvent): void {
    const now = this.#options.clock.now();
    const key = keyOf(event);
    const running = this.#series.get(key);
    if (running && now - running.lastAt < seriesEndMs) {
      running.count++;
      running.lastAt = now;
      // The second occurrence at once, so that a repetition can be seen; later ones with the sweep.
      if (running.writtenCount === 1 && running.count === 2) this.#enqueue(running);
    } else if (this.#mayTellOf(event.regarding, now)) {
      const series = newSeries(event, now);
      if (this.#enqueue(series)) this.#series.set(key, series);
    } else {
      this.#drop(event, 'too many events about one object');
    }
    this.#scheduleSweep();
  }

  /** Writes what is waiting, and resolves when it is written or `timeoutMs` have passed; never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    this.#sweep(true);
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(timeoutMs, resolve);
      void (this.#working ?? Promise.resolve()).then(() => {
        cancel();
        resolve();
      });
    });
    this.#stopSweep();
  }

  /** Drops what is waiting and leaves no timer behind. */
  stop(): void {
    this.#queue.length = 0;
    this.#stopSweep();
  }

  #stopSweep(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #enqueue(series: Series): boolean {
    if (series.queued) return true;
    if (this.#queue.length >= maxQueued) {
      this.#drop(series.event, 'too many events are waiting');
      return false;
    }
    series.queued = true;
    this.#queue.push(series);
    this.#working ??= this.#work();
    return true;
  }

  async #work(): Promise<void> {
    // Gives the caller of `emit` its thread back before anything is done.
    await Promise.resolve();
    for (let series = this.#queue.shift(); series; series = this.#queue.shift()) {
      series.queued = false;
      await this.#write(series);
    }
    this.#working = undefined;
  }

  async #write(series: Series): Promise<void> {
    const { count } = series;
    try {
      if (series.writtenCount === 0 || !(await this.#writeSeries(series, count))) await this.#create(series, count);
      series.writtenCount = count;
      series.writtenAt = this.#options.clock.now();
    } catch (error) {
      const { regarding, reason } = series.event;
      const object = regarding.namespace ? `${regarding.namespace}/${regarding.name}` : regarding.name;
      this.#options.log.error({ err: error, kind: regarding.kind, object, reason }, 'event not written');
      this.#series.delete(keyOf(series.event));
    }
  }

  async #create(series: Series, count: number): Promise<void> {
    const { client, component, instance } = this.#options;
    const { regarding, related, type, reason, note, action } = series.event;
    const event: Event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: series.name, namespace: namespaceOf(series.event) },
      eventTime: microTime(series.firstAt),
      reportingController: component,
      reportingInstance: instance.slice(0, 128),
      action: action.slice(0, 128),
      reason: reason.slice(0, 128),
      type,
      note: firstBytes(note, maxNoteBytes),
      regarding,
      ...(related && { related }),
      ...(count > 1 && { series: { count, lastObservedTime: microTime(series.lastAt) } }),
    };
    await this.#persistently(() => client.create(EVENT, event, { fieldManager: component, timeoutMs: writeTimeoutMs }));
  }

  /** Returns false if the event is there no more: the API server forgets events after an hour. */
  async #writeSeries(series: Series, count: number): Promise<boolean> {
    const { client, component } = this.#options;
    const ref = { namespace: namespaceOf(series.event), name: series.name };
    const value = { count, lastObservedTime: microTime(series.lastAt) };
    try {
      await this.#persistently(() =>
        client.jsonPatch(EVENT, ref, [{ op: 'add', path: '/series', value }], {
          fieldManager: component,
          timeoutMs: writeTimeoutMs,
        }),
      );
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      Object.assign(series, { name: newName(series.event), firstAt: series.lastAt });
      return false;
    }
  }

  async #persistently(write: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return;
      } catch (error) {
        const passing = error instanceof TransportError || (error instanceof ApiError && error.code >= 500);
        if (!passing || attempt >= maxAttempts) throw error;
        const waitMs = 1000 * 2 ** attempt;
        await new Promise<void>((resolve) => this.#options.clock.schedule(waitMs, resolve));
      }
    }
  }

  #scheduleSweep(): void {
    this.#cancelSweep ??= this.#options.clock.schedule(seriesIntervalMs, () => {
      this.#cancelSweep = undefined;
      this.#sweep(false);
      if (this.#series.size > 0 || this.#allowances.size > 0) this.#scheduleSweep();
    });
  }

  /** Writes series that have grown, forgets those that are over and allowances that are full again. */
  #sweep(everything: boolean): void {
    const now = this.#options.clock.now();
    for (const [key, series] of this.#series) {
      const due = everything || now - series.writtenAt >= seriesIntervalMs;
      if (series.writtenCount > 0 && series.count > series.writtenCount && due) this.#enqueue(series);
      else if (now - series.lastAt >= seriesEndMs && !series.queued) this.#series.delete(key);
    }
    for (const [object, allowance] of this.#allowances) {
      if (tokensAt(allowance, now) >= burstPerObject) this.#allowances.delete(object);
    }
    if (this.#dropped > 0) this.#options.log.error({ dropped: this.#dropped }, 'events were dropped');
    this.#dropped = 0;
  }

  #mayTellOf(regarding: ObjectReference, now: number): boolean {
    const object = objectKey(regarding);
    const allowance = this.#allowances.get(object) ?? { tokens: burstPerObject, at: now };
    const tokens = tokensAt(allowance, now);
    this.#allowances.set(object, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  #drop(event: EmittedEvent, why: string): void {
    this.#dropped++;
    const { kind, namespace, name } = event.regarding;
    this.#options.log.debug({ kind, namespace, name, reason: event.reason, why }, 'event dropped');
  }
}

function newSeries(event: EmittedEvent, now: number): Series {
  return {
    event,
    name: newName(event),
    count: 1,
    writtenCount: 0,
    firstAt: now,
    lastAt: now,
    writtenAt: now,
    queued: false,
  };
}

/** A clock that was set back takes nothing away. */
const tokensAt = ({ tokens, at }: Allowance, now: number): number =>
  Math.min(burstPerObject, tokens + Math.max(0, now - at) / refillMs);

const objectKey = ({ apiVersion, kind, namespace, name, uid }: ObjectReference): string =>
  JSON.stringify([apiVersion, kind, namespace, name, uid]);

const keyOf = (event: EmittedEvent): string =>
  JSON.stringify([event.regarding, event.type, event.reason, event.action, event.note, event.namespace]);

const namespaceOf = (event: EmittedEvent): string => event.namespace ?? event.regarding.namespace ?? 'default';

/** Unique, and a DNS name whatever the object is called: at most 253 characters of `a-z0-9.-`. */
function newName(event: EmittedEvent): string {
  const readable = event.regarding.name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 230);
  return `${readable.replace(/[^a-z0-9]+$/, '')}.${randomBytes(8).toString('hex')}`;
}

/** The longest beginning of `text` that is at most `max` bytes as UTF-8 and ends between two code points. */
function firstBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  // As of a stream that goes on: a code point that is cut in two is left out.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(text).subarray(0, max), { stream: true });
}

/** RFC 3339 with microseconds, the form of `metav1.MicroTime`. */
export function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
