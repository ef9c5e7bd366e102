import { FINDINGS, type FindingCode } from '../mesh/findings.js';
import { UsageError } from './failures.js';

const CONSEQUENCES = {
  KEEP: 'KEEP: nothing has to be done',
  CONVERT: 'CONVERT: another object is needed beside it, or in its place',
  WARN: 'WARN: it is shown, and stops nothing',
  BLOCK: 'BLOCK: a migration does not begin before it is fixed',
  DROP: 'DROP: it has no effect in ambient mode',
} as const;

/**
 * What a finding means, why, and what to do about it, as text.
 *
 * @param code  in either case, such as `SST2003`
 * @throws {UsageError} there is no such finding
 */
export function explain(code: string): string {
  const known = code.toUpperCase();
  if (!isCode(known))
    throw new UsageError(`there is no finding ${code}; docs/findings.md lists them, SST1001 is the first`);
  const { verdict, condition, fix, source, acknowledgeable } = FINDINGS[known];
  const consequence = `${CONSEQUENCES[verdict]}${acknowledgeable ? ', or accepted in spec.acknowledge' : ''}`;
  return [
    `${known}  ${consequence}`,
    '',
    condition,
    '',
    `Fix:    ${fix}`,
    `Source: ${source}`,
    ...(acknowledgeable
      ? ['', 'To accept it:', '', '  spec:', '    acknowledge:', `    - code: ${known}`, '      reason: …']
      : []),
    '',
  ].join('\n');
}

const isCode = (code: string): code is FindingCode => Object.hasOwn(FINDINGS, code);
