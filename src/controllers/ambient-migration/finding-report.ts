import { type AmbientMigrationFinding, MAX_FINDING_MESSAGE } from '../../api/ambient-migration.js';
import {
  type Acknowledgement,
  FINDINGS,
  type Finding,
  WORST_FIRST,
  compareWorstFirst,
  isAcknowledged,
} from '../../mesh/findings.js';
import type { Observed } from './observed.js';
import type { Plan } from './plan.js';
import { healthFindings } from './preflight.js';

/** All findings that are shown, worst first. The health of the cluster is shown with the plan, and is no part of it. Pure. */
export function shownFindings(observed: Observed, plan: Plan): Finding[] {
  return [...healthFindings(observed), ...plan.findings].sort(compareWorstFirst);
}

/** What the status says of findings: one entry for each code, with one of them as an example. Pure. */
export function findingsByCode(
  findings: readonly Finding[],
  acknowledged: readonly Acknowledgement[],
): AmbientMigrationFinding[] {
  const codes = [...new Set(findings.map(({ code }) => code))];
  return codes.map((code) => {
    const all = findings.filter((finding) => finding.code === code);
    const open = all.find((finding) => !isAcknowledged(finding, acknowledged));
    const { object, message } = open ?? all[0]!;
    const { verdict, fix } = FINDINGS[code];
    return {
      code,
      verdict,
      count: all.length,
      object,
      message: cut(message, MAX_FINDING_MESSAGE),
      fix,
      acknowledged: open === undefined,
    };
  });
}

/** `1 BLOCK, 2 WARN`; empty without findings. */
export function findingSummary(findings: readonly Finding[]): string {
  const count = (verdict: string): number => findings.filter(({ code }) => FINDINGS[code].verdict === verdict).length;
  return WORST_FIRST.filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${verdict}`)
    .join(', ');
}

/** A message of at most so many characters. */
export function cut(message: string, max: number): string {
  if (message.length <= max) return message;
  // Half of a pair is no character: the API server would store another one, and the status never be as wanted.
  return `${[...message].slice(0, max - 1).join('')}…`;
}
