import equal from 'fast-deep-equal';
import type { PodTemplate } from '../../kube/types.js';
import { decide, type Decision } from './decide.js';
import type { DryRuns, Observed } from './observed.js';
import { generationOf } from './situation.js';
import type { DryRunRequest } from './verdict.js';
import { workloadName } from './workloads.js';

/**
 * How long the dry runs of Preflight stand, in milliseconds. Less than any recheck of what they have found, so that a recheck asks
 * anew.
 */
const STAND_MS = 5_000;

/**
 * The last dry runs of Preflight, by namespace. While a migration waits before its first change, for approval above all, every
 * pod that comes or goes is a pass, and each would make a dry run of every workload. So they stand for a moment, as long as they lead
 * to another wait: whoever goes on asks anew. That a pod without sidecar is admitted stands until the spec changes, as an approval
 * does, or the pod template: it is asked once more for each workload, and no more.
 */
export class RecentDryRuns {
  readonly #made = new Map<string, { readonly atMs: number; readonly dryRuns: DryRuns }>();
  readonly #admitted = new Map<string, Admitted>();

  keep(observed: Observed, dryRuns: DryRuns): void {
    const { namespace, snapshot, nowMs } = observed;
    const { name } = namespace.metadata;
    if (snapshot) return this.forget(name);
    this.#made.set(name, { atMs: nowMs, dryRuns });
    const templates = new Map(this.#admittedOf(observed));
    for (const workload of observed.workloads) {
      const key = workloadName(workload);
      if (dryRuns.withoutSidecar?.get(key)?.kind === 'created') templates.set(key, workload.template);
    }
    this.#admitted.set(name, { generation: generationOf(observed), templates });
  }

  forget(namespace: string): void {
    this.#made.delete(namespace);
    this.#admitted.delete(namespace);
  }

  /** What of a request is to be asked still: not whether pods without sidecar are admitted that have been. */
  unanswered(request: DryRunRequest, observed: Observed): DryRunRequest {
    if (!request.withoutSidecar) return request;
    const admitted = this.#admittedOf(observed);
    const isNew = (workload: (typeof request.pods)[number]): boolean =>
      !equal(admitted.get(workloadName(workload)), workload.template);
    return { ...request, withoutSidecar: request.withoutSidecar.filter(isNew) };
  }

  /** The standstill that these dry runs still mean, with a recheck when they are over; undefined where they must be made. */
  waitOf(observed: Observed): { observed: Observed; decision: Decision } | undefined {
    const made = this.#made.get(observed.namespace.metadata.name);
    if (!made || observed.snapshot) return undefined;
    const leftMs = made.atMs + STAND_MS - observed.nowMs;
    if (leftMs <= 0 || leftMs > STAND_MS) return undefined;
    const seen = { ...observed, dryRuns: made.dryRuns };
    const decision = decide(seen);
    const { verdict } = decision;
    if (verdict.kind !== 'wait' && verdict.kind !== 'stalled') return undefined;
    const recheckMs = Math.min(leftMs, verdict.recheckMs ?? leftMs);
    return { observed: seen, decision: { ...decision, verdict: { ...verdict, recheckMs } } };
  }

  #admittedOf(observed: Observed): ReadonlyMap<string, PodTemplate> {
    const known = this.#admitted.get(observed.namespace.metadata.name);
    return known?.generation === generationOf(observed) ? known.templates : new Map<string, PodTemplate>();
  }
}

/** Pod templates of which a pod without sidecar was admitted, by `Kind/name`, since the spec had a generation. */
interface Admitted {
  readonly generation: number;
  readonly templates: ReadonlyMap<string, PodTemplate>;
}
