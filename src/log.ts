import { pino } from 'pino';

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
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** Writes nothing; for tests and for parts whose caller gave no logger. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  error() {},
  child: () => silentLogger,
};
