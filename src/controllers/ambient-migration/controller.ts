import { AMBIENT_MIGRATION, type AmbientMigration } from '../../api/ambient-migration.js';
import { isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import { applyStatus } from '../../kube/status.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import { generationOrMetadataChanged, watch } from '../../runtime/watch.js';
import { act } from './act.js';
import { type Decision, decide } from './decide.js';
import { managersOf, withLabelOwners } from './field-owners.js';
import { FindingLists } from './finding-list.js';
import { STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import { observe } from './observe.js';
import type { MeshLocation } from '../istio-configuration.js';
import type { Observed } from './observed.js';
import { dryRun, plusDryRuns } from './dry-run.js';
import { proofInput } from './proof-input.js';
import { Proofs } from './proofs.js';
import { RecentDryRuns } from './recent-dry-runs.js';
import { generationOf } from './situation.js';
import { type Pass, statusOf } from './status.js';
import { UnnamedBackends } from './unnamed-backends.js';
import type { Verdict } from './verdict.js';
import { watches } from './watches.js';

/** The controller of AmbientMigration: the phases of design 5. */
export function ambientMigration(location: MeshLocation): ControllerSpec {
  const memory = {
    recent: new RecentDryRuns(),
    lists: new FindingLists(),
    proofs: new Proofs(),
    unnamed: new UnnamedBackends(),
  };
  return {
    name: 'ambient-migration',
    primary: watch({
      type: AMBIENT_MIGRATION,
      map: (object) => [{ namespace: object.metadata.namespace, name: object.metadata.name }],
      predicate: generationOrMetadataChanged,
    }),
    watches: watches(location),
    reconcile: (request, context) => reconcile(request, context, location, memory),
  };
}

/** What is kept between passes; without it a pass asks, proves or waits once more, and decides the same. */
interface Memory {
  readonly recent: RecentDryRuns;
  readonly lists: FindingLists;
  readonly proofs: Proofs;
  readonly unnamed: UnnamedBackends;
}

/**
 * One pass: observe, decide, act, report. A new spec is acknowledged in the status before anything else is written.
 *
 * @throws {ApiError} an action or the status write failed; the queue retries the pass
 */
async function reconcile(
  request: Request,
  context: ReconcileContext,
  location: MeshLocation,
  { recent, lists, proofs, unnamed }: Memory,
): Promise<Result> {
  const stored = observe(request, context.stores, location, context.clock.now());
  if (!stored) {
    unnamed.forget(request.namespace ?? '');
    recent.forget(request.namespace ?? '');
    lists.forget(request.namespace ?? '');
    proofs.forget(request.namespace ?? '');
    return awaitChange();
  }
  const cached = { ...stored, unnamedSince: unnamed.see(stored) };
  const proven = await proofs.prove(
    cached,
    (observed) => proofInput(observed, context.stores, location),
    context.signal,
  );
  const seen = await withLabelOwners({ ...cached, proven }, context);
  const isNew = seen.migration.status?.observedGeneration !== generationOf(seen);
  const decided = await attempt(async () =>
    isNew ? { observed: seen, decision: decide(seen) } : decideWithDryRuns(seen, context, recent),
  );
  if ('error' in decided) {
    const failure = String(decided.error);
    if (!context.signal.aborted) await report(seen, decide(seen), { isNew, failure }, context);
    throw decided.error;
  }
  const { observed, decision } = decided.value;

  const outcome = isNew ? { value: 0 } : await attempt(() => carryOut(decision, observed, context));
  // The next pass comes at once, finds the rollout and tells of it: one status for each restart, not two.
  const isRestarted = decision.verdict.reason === 'Restarting' && 'value' in outcome && outcome.value > 0;
  if (isRestarted) return next(decision, isNew, outcome.value);
  await report(observed, decision, { isNew, failure: 'error' in outcome ? String(outcome.error) : undefined }, context);
  const listed = isNew ? undefined : await listFindings(observed, decision, lists, context);
  if ('error' in outcome) throw outcome.error;
  return soonest(next(decision, isNew, outcome.value), listed);
}

/** Decides; where a step asks for dry runs, or for the owner of a reverted label, asks and decides once more. */
async function decideWithDryRuns(
  observed: Observed,
  context: ReconcileContext,
  recent: RecentDryRuns,
): Promise<{ observed: Observed; decision: Decision }> {
  const decision = decide(observed);
  const { verdict } = decision;
  if (verdict.kind === 'dry-run') {
    const waiting = recent.waitOf(observed);
    if (waiting) return waiting;
    const request = recent.unanswered(verdict.request, observed);
    const dryRuns = plusDryRuns(observed.dryRuns, await dryRun(request, observed, context.client, context.signal));
    recent.keep(observed, dryRuns);
    return decideWithDryRuns({ ...observed, dryRuns }, context, recent);
  }
  if (verdict.kind === 'stalled' && verdict.reverted && observed.managers === undefined) {
    const managers = await managersOf(verdict.reverted, context);
    return decideWithDryRuns({ ...observed, managers }, context, recent);
  }
  return { observed, decision };
}

async function carryOut(decision: Decision, observed: Observed, context: ReconcileContext): Promise<number> {
  return decision.verdict.kind === 'act' ? act(decision.verdict.actions, observed, context) : 0;
}

async function report(observed: Observed, decision: Decision, pass: Pass, context: ReconcileContext): Promise<void> {
  const status = statusOf(observed, decision, pass);
  const options = { fieldManager: STATUS_FIELD_MANAGER, signal: context.signal };
  const applied = await applyStatus<AmbientMigration>(
    context.client,
    AMBIENT_MIGRATION,
    observed.migration,
    status,
    options,
  ).catch(ignoreNotFound);
  if (!applied?.written) return;
  context.stores.of(AMBIENT_MIGRATION).record(applied.object);
  if (decision.verdict.kind !== 'stalled') return;
  const { reason, message } = decision.verdict;
  context.events.emit({
    regarding: referenceTo(observed.migration),
    type: 'Warning',
    reason,
    note: message,
    action: 'Migrate',
  });
}

/** After the status, which matters more. One that is superseded, or on its way out, has nothing to list. */
async function listFindings(
  observed: Observed,
  { plan }: Decision,
  lists: FindingLists,
  context: ReconcileContext,
): Promise<Result | undefined> {
  const { supersededBy, migration } = observed;
  const isThere = context.stores.of(AMBIENT_MIGRATION).get(migration.metadata)?.metadata.uid === migration.metadata.uid;
  if (supersededBy !== undefined || !isThere || migration.metadata.deletionTimestamp !== undefined) return undefined;
  return lists.keep(observed, plan, context);
}

/** The AmbientMigration was deleted while the pass ran: nobody is left to report to. */
function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** How long to wait for the caches when the API server knew better than they did, in milliseconds. */
const STALE_CACHE_MS = 200;

/**
 * The same after an eviction, whose answer tells the caches nothing: until they have seen the pod go, which is an event, a pass would
 * only ask the same again.
 */
const EVICTION_SEEN_MS = 1_000;

/** After a write the next pass looks again at once: what follows from it may need no event at all. */
function next(decision: Decision, isNew: boolean, written: number): Result {
  const { verdict } = decision;
  if (isNew) return requeueAfter(0, 'SpecChanged');
  switch (verdict.kind) {
    case 'done':
      return awaitChange();
    case 'act':
    case 'dry-run':
      if (onlyEvicts(verdict)) return requeueAfter(EVICTION_SEEN_MS, verdict.reason);
      return requeueAfter(written > 0 ? 0 : STALE_CACHE_MS, verdict.reason);
    case 'wait':
    case 'stalled':
      return verdict.recheckMs === undefined ? awaitChange() : requeueAfter(verdict.recheckMs, verdict.reason);
  }
}

function soonest(one: Result, other: Result | undefined): Result {
  if (other?.kind !== 'requeueAfter') return one;
  return one.kind === 'requeueAfter' && one.delayMs <= other.delayMs ? one : other;
}

function onlyEvicts(verdict: Verdict): boolean {
  return verdict.kind === 'act' && verdict.actions.every(({ type }) => type === 'evict');
}

/** Whatever happens to dry runs and actions, the status is written; the error is thrown after that. */
async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
