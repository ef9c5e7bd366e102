/**
 * What Sidestep does about a finding (design 5.3): keep the object as it is, convert it, warn, stop until it is fixed or
 * acknowledged, or note that the object loses its effect.
 */
export type Verdict = 'KEEP' | 'CONVERT' | 'WARN' | 'BLOCK' | 'DROP';

/** Verdicts in the order in which findings are shown. */
export const WORST_FIRST: readonly Verdict[] = ['BLOCK', 'WARN', 'CONVERT', 'DROP', 'KEEP'];

/** An entry of the table of findings: everything about a code that does not depend on the object it was found on. */
export interface FindingKind {
  readonly verdict: Verdict;
  /** When it is raised, one sentence. */
  readonly condition: string;
  /** What the user can do about it, one sentence in the imperative. */
  readonly fix: string;
  /** Page, file or issue of the upstream project that the rule comes from. */
  readonly source: string;
  /** Whether a blocker may be accepted in `spec.acknowledge`. Health of the mesh and what Sidestep cannot execute may not. */
  readonly acknowledgeable: boolean;
  /** Raised by live pods: it comes and goes without anybody's change, and stays out of the plan's hash. */
  readonly fromPods: boolean;
  /** Only a waypoint can do what the object asks for. */
  readonly needsWaypoint: boolean;
}

/** An entry; by default only a blocker may be acknowledged, and nothing else is true of it. */
export const kind = (
  verdict: Verdict,
  condition: string,
  fix: string,
  source: string,
  options: { acknowledgeable?: boolean; fromPods?: boolean; needsWaypoint?: boolean } = {},
): FindingKind => ({
  verdict,
  condition,
  fix,
  source,
  acknowledgeable: options.acknowledgeable ?? verdict === 'BLOCK',
  fromPods: options.fromPods ?? false,
  needsWaypoint: options.needsWaypoint ?? false,
});

/** Nobody may acknowledge it. */
export const MUST_FIX = { acknowledgeable: false };
/** Live pods raise it. */
export const FROM_PODS = { fromPods: true };
/** A waypoint is needed for it. */
export const NEEDS_WAYPOINT = { needsWaypoint: true };
