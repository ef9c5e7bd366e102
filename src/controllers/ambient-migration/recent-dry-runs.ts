import { decide, type Decision } from './decide.js';
import type { DryRuns, Observed } from './observed.js';

/**
 * How long the dry runs of Preflight stand, in milliseconds. Less than any recheck of what they have found, so that a recheck asks
 * anew.
 */
const STAND_MS = 5_000;

/**
 * The last dry runs of Preflight, by namespace. While a migration waits before its first change, for approval above all, every
 * pod that comes or goes is a pass, and each would make a dry run of every workload. So they stand for a moment, as long as they lead
 * to another wait: whoever goes on asks anew.
 */
export class RecentDryRuns {
  readonly #made = new Map<string, { readonly atMs: number; readonly dryRuns: DryRuns }>();

  keep({ namespace, snapshot, nowMs }: Observed, dryRuns: DryRuns): void {
    if (snapshot) this.#made.delete(namespace.metadata.name);
    else this.#made.set(namespace.metadata.name, { atMs: nowMs, dryRuns });
  }

  forget(namespace: string): void {
    this.#made.delete(namespace);
  }

  /** The wait that these dry runs still mean, with a recheck when they are over; undefined where they must be made. */
  waitOf(observed: Observed): { observed: Observed; decision: Decision } | undefined {
    const made = this.#made.get(observed.namespace.metadata.name);
    if (!made || observed.snapshot) return undefined;
    const leftMs = made.atMs + STAND_MS - observed.nowMs;
    if (leftMs <= 0 || leftMs > STAND_MS) return undefined;
    const seen = { ...observed, dryRuns: made.dryRuns };
    const decision = decide(seen);
    const { verdict } = decision;
    if (verdict.kind !== 'wait') return undefined;
    const recheckMs = Math.min(leftMs, verdict.recheckMs ?? leftMs);
    return { observed: seen, decision: { ...decision, verdict: { ...verdict, recheckMs } } };
  }
}
