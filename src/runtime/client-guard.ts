import { onAbort } from '../clock.js';
import type { CallOptions, Client } from '../kube/client.js';

/** Position of the options among the arguments of each verb. A verb that is not listed cannot be called through a guard. */
const OPTIONS_AT = {
  get: 2,
  list: 1,
  pages: 1,
  watch: 1,
  getJson: 1,
  create: 2,
  apply: 2,
  jsonPatch: 3,
  delete: 2,
} as const;

type Verb = keyof typeof OPTIONS_AT;

/** These give an async iterable, which throws when it is read; the others give a promise. */
const STREAMS: ReadonlySet<Verb> = new Set<Verb>(['pages', 'watch']);

/**
 * A client for somebody whose permission to write can end: once `signal` is aborted every call is refused and the ones under
 * way are aborted. Only the guard can enforce this, for code that ignores its signal goes on running.
 *
 * @param options.signal       ends all use; its reason is what refused calls throw
 * @param options.assertWrite  called before each write; throws to refuse it. For what only the clock can tell: after a
 *                             pause of the process no timer has fired yet, but the Lease may have run out
 */
export function guardClient(
  client: Client,
  options: { signal: AbortSignal; assertWrite?: (() => void) | undefined },
): Client {
  const { signal, assertWrite } = options;
  const refusing = client.guarded(() => {
    signal.throwIfAborted();
    assertWrite?.();
  });
  // A run uses one verb or two: they are made when they are used.
  return new Proxy(refusing, {
    get: (_, property) => (isVerb(property) ? withSignal(refusing, property, signal) : undefined),
  });
}

const isVerb = (property: string | symbol): property is Verb => Object.hasOwn(OPTIONS_AT, property);

function withSignal(client: Client, verb: Verb, signal: AbortSignal): (...args: unknown[]) => unknown {
  const call = (args: unknown[]): unknown => {
    signal.throwIfAborted();
    return eitherSignal(signal, args[OPTIONS_AT[verb]] as CallOptions | undefined, (options) => {
      args[OPTIONS_AT[verb]] = options;
      return (client[verb] as (...args: unknown[]) => unknown)(...args);
    });
  };
  // A promise also when it refuses, for callers handle one kind of failure.
  return STREAMS.has(verb) ? (...args) => call(args) : async (...args) => await call(args);
}

/**
 * Calls `run` with options that abort when `guard` or the caller's own signal does. Without AbortSignal.any: on Node 20 each
 * signal made by it stays reachable from a source that lives long (nodejs/node issue 54614).
 */
function eitherSignal(
  guard: AbortSignal,
  options: CallOptions | undefined,
  run: (options: CallOptions) => unknown,
): unknown {
  const own = options?.signal;
  if (!own || own === guard) return run({ ...options, signal: guard });
  const either = new AbortController();
  const forgets = [guard, own].map((source) => {
    if (source.aborted) either.abort(source.reason);
    return onAbort(source, () => either.abort(source.reason));
  });
  const release = (): void => forgets.forEach((forget) => forget());
  const answer = run({ ...options, signal: either.signal });
  if (answer instanceof Promise) return answer.finally(release);
  return answer;
}
