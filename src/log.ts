import { pino, type Logger as Pino } from 'pino';

/**
 * Structured logger. Messages are constants in lower case; what varies goes into the fields.
 *
 * `info` says that the cluster changed because of us, `debug` tells of every pass, `error` is written once per
 * failure with the error object under the key `err`. Objects are logged as kind, namespace and name, never whole.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
}

/** What `createLogger` takes. */
export interface LogOptions {
  /** Lines below this level are not written; `silent` writes none. */
  level: 'debug' | 'info' | 'error' | 'silent';
  /** Gets each line, newline included. Default: standard output, written synchronously so that a crash loses none. */
  destination?: { write(line: string): void };
}

/**
 * Makes a logger that writes one JSON object per line: `level` (name), `time` (RFC 3339, UTC), the fields, `msg`.
 *
 * An error under the key `err` is written with type, message, stack and its chain of causes.
 */
export function createLogger(options: LogOptions): Logger {
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
  return new PinoLogger(root, {});
}

/**
 * A child of pino's turns its fields into text when it is made. Each run of a reconcile has a child, and most write nothing: this
 * one makes pino's with its first line.
 */
class PinoLogger implements Logger {
  readonly #root: Pino;
  readonly #fields: object;
  #lines: Pino | undefined;

  constructor(root: Pino, fields: object) {
    this.#root = root;
    this.#fields = fields;
  }

  debug(fields: object, message: string): void {
    if (this.#root.isLevelEnabled('debug')) this.#child.debug(fields, message);
  }

  info(fields: object, message: string): void {
    if (this.#root.isLevelEnabled('info')) this.#child.info(fields, message);
  }

  error(fields: object, message: string): void {
    this.#child.error(fields, message);
  }

  child(fields: object): Logger {
    return new PinoLogger(this.#root, { ...this.#fields, ...fields });
  }

  get #child(): Pino {
    return (this.#lines ??= this.#root.child(this.#fields));
  }
}

/** Writes nothing; for tests and for parts whose caller gave no logger. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  error() {},
  child: () => silentLogger,
};
