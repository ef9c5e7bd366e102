import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Finding } from '../../mesh/findings.js';
import { moveFindings, type ProofInput } from '../../mesh/move-proof.js';
import type { Observed } from './observed.js';
import { directionOf } from './situation.js';
import { contentHash } from './snapshot.js';

/** How long a proof works before others have their turn, in milliseconds. */
const SLICE_MS = 20;

/** A proof, under way or done. */
interface Known {
  /** Of everything that decides what it says. */
  readonly hash: string;
  readonly work: Generator<undefined, Finding[]>;
  findings?: readonly Finding[];
}

/**
 * What the proofs of migrations have found, by namespace, before their first change: from the snapshot on the plan is what was accepted.
 * A proof may take seconds, so it is made once for what it is made from, and goes on where it was if the pass that has begun it had to
 * end. It is not remembered by the cluster: another process makes it again, and it says the same.
 */
export class Proofs {
  readonly #known = new Map<string, Known>();
  readonly #sliceMs: number;

  /** @param sliceMs  how long a proof works before others have their turn; 0: after each piece */
  constructor(sliceMs = SLICE_MS) {
    this.#sliceMs = sliceMs;
  }

  /**
   * What the proof finds; nothing where nothing is going to be migrated.
   *
   * @param inputOf  what it is made from
   * @throws {Error} `signal` is aborted
   */
  async prove(
    observed: Observed,
    inputOf: (observed: Observed) => ProofInput,
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const { name } = observed.namespace.metadata;
    if (!isAhead(observed)) {
      if (observed.supersededBy === undefined) this.forget(name);
      return [];
    }
    const input = inputOf(observed);
    const hash = hashOf(input);
    const last = this.#known.get(name);
    const known = last?.hash === hash ? last : { hash, work: findingsOf(input) };
    this.#known.set(name, known);
    if (known.findings) return known.findings;
    const found = await inSlices(known.work, this.#sliceMs, signal);
    // Of two passes that share the work, the later one to end comes away with nothing.
    return (known.findings ??= found);
  }

  forget(namespace: string): void {
    this.#known.delete(namespace);
  }
}

/** Whether the migration has its first change still before it. */
function isAhead(observed: Observed): boolean {
  const { snapshot, snapshotProblem, supersededBy } = observed;
  return (
    !snapshot && snapshotProblem === undefined && supersededBy === undefined && directionOf(observed) === 'forward'
  );
}

/** A proof that fails is none: that blocks, and is told. */
function* findingsOf(input: ProofInput): Generator<undefined, Finding[]> {
  try {
    return yield* moveFindings(input);
  } catch (error) {
    const message = `the proof failed: ${error instanceof Error ? error.message : String(error)}`;
    return [{ code: 'SST2047', object: `Namespace/${input.move.namespace}`, message }];
  }
}

/** Functions are left out: what they say follows from the rest. */
function hashOf({ objects, settings, move }: ProofInput): string {
  return contentHash([objects, settings, move, move.closed !== undefined]);
}

async function inSlices<T>(work: Generator<undefined, T>, sliceMs: number, signal: AbortSignal): Promise<T> {
  let startedAtMs = performance.now();
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (performance.now() - startedAtMs < sliceMs) continue;
    await setImmediate();
    signal.throwIfAborted();
    startedAtMs = performance.now();
  }
}
