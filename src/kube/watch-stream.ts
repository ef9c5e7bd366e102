import type { Clock } from '../clock.js';
import { apiErrorFromStatus, withoutManagedFields } from './answer.js';
import { ApiError, TransportError, SilentStreamError } from './errors.js';
import type { KubeObject } from './resource.js';
import type { HttpStream } from './transport.js';

/** One line of a watch. A bookmark carries no object: it only says up to which version everything has been sent. */
export type WatchEvent<T extends KubeObject = KubeObject> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string };

/** No object is larger than etcd's limit of 1.5 MB; JSON may blow that up somewhat. */
const maxLineLength = 64 * 1024 * 1024;

/**
 * Cuts a text that arrives in chunks into lines. Looks at each character once, also when a large object arrives in
 * thousands of chunks.
 */
export class LineSplitter {
  #parts: string[] = [];
  #length = 0;

  /**
   * @returns the lines that `chunk` completes, without empty ones
   * @throws {TransportError} a line longer than any object can be
   */
  push(chunk: string): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      const line = this.#parts.join('') + chunk.slice(from, end);
      this.#parts = [];
      this.#length = 0;
      if (line.trim() !== '') lines.push(line);
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(from === 0 ? chunk : chunk.slice(from));
    return lines;
  }

  /** Whether the text ended in the middle of a line. */
  get pending(): boolean {
    return this.#length > 0;
  }

  #keep(rest: string): void {
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length > maxLineLength) throw new TransportError('a watch sent a line that is too long to be an event');
  }
}

/** How the reader of a watch judges the stream. */
export interface WatchReaderOptions {
  clock: Clock;
  /** What is watched, for messages. */
  label: string;
  signal: AbortSignal | undefined;
  keepManagedFields: boolean;
  /** A stream that sends nothing for this long is dead. */
  idleTimeoutMs: number;
  /** The stream is given up after this time, whatever it sends. */
  maxDurationMs: number;
}

/**
 * Opens a watch and reads its events until the server ends the stream.
 *
 * @throws {ApiError} the server refused the watch, or sent an ERROR event, such as 410 Expired
 * @throws {TransportError} the connection broke off, fell silent, or sent something that is no event
 * @throws the reason of the signal, when it is aborted
 */
export async function* readWatch<T extends KubeObject>(
  open: () => Promise<HttpStream>,
  options: WatchReaderOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const { stream } = await open();
  const splitter = new LineSplitter();
  const watchdog = new Watchdog(options, (reason) => stream.destroy(reason));
  stream.setEncoding('utf8');
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      watchdog.seen();
      for (const line of splitter.push(chunk)) yield parseEvent<T>(line, options);
    }
    if (splitter.pending) throw new TransportError(`${options.label}: the stream ended in the middle of an event`);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof ApiError || error instanceof TransportError) throw error;
    throw new TransportError(`${options.label}: the stream broke off`, { cause: error });
  } finally {
    watchdog.stop();
    stream.destroy();
  }
}

function parseEvent<T extends KubeObject>(
  line: string,
  { label, keepManagedFields }: WatchReaderOptions,
): WatchEvent<T> {
  let event: { type?: unknown; object?: T };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (error) {
    throw new TransportError(`${label}: the stream holds a line that is not JSON`, { cause: error });
  }
  const version = event?.object?.metadata?.resourceVersion;
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (!event.object || !version) break;
      return { type: event.type, object: keepManagedFields ? event.object : withoutManagedFields(event.object) };
    case 'BOOKMARK':
      if (version) return { type: 'BOOKMARK', resourceVersion: version };
      break;
    case 'ERROR':
      throw apiErrorFromStatus(label, event.object);
  }
  throw new TransportError(`${label}: the stream holds a line that is no watch event`);
}

/** Tells when a stream has been silent or open for too long. By `uptime`: a clock that is set back would make a dead one look alive. */
class Watchdog {
  readonly #options: WatchReaderOptions;
  readonly #bark: (reason: TransportError) => void;
  readonly #startedAt: number;
  #lastSeenAt: number;
  #cancel: () => void;

  constructor(options: WatchReaderOptions, bark: (reason: TransportError) => void) {
    this.#options = options;
    this.#bark = bark;
    this.#startedAt = this.#lastSeenAt = options.clock.uptime();
    this.#cancel = this.#arm();
  }

  /** Only notes the time: re-arming a timer for each chunk would cost more than reading it. */
  seen(): void {
    this.#lastSeenAt = this.#options.clock.uptime();
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): () => void {
    const { clock, idleTimeoutMs, maxDurationMs } = this.#options;
    const dueAt = Math.min(this.#lastSeenAt + idleTimeoutMs, this.#startedAt + maxDurationMs);
    return clock.schedule(dueAt - clock.uptime(), () => this.#check());
  }

  #check(): void {
    const { clock, label, idleTimeoutMs, maxDurationMs } = this.#options;
    if (clock.uptime() - this.#lastSeenAt >= idleTimeoutMs) {
      this.#bark(new SilentStreamError(`${label}: the stream was silent for ${idleTimeoutMs} ms`));
    } else if (clock.uptime() - this.#startedAt >= maxDurationMs) {
      this.#bark(new TransportError(`${label}: the stream was open for more than ${maxDurationMs} ms`));
    } else {
      this.#cancel = this.#arm();
    }
  }
}
