import { CONDITIONS, REASONS } from '../src/api/conditions.js';
import { FINDINGS } from '../src/mesh/findings.js';

const NOTE = '<!-- Generated from src/. Do not edit. -->\n';

/** `docs/conditions.md`: every condition and reason of an AmbientMigration. */
export function conditionsPage(): string {
  return `${NOTE}# Conditions of an AmbientMigration

Scripts should use conditions, not \`status.phase\`. Names are stable: one is never given a second meaning.

| condition | \`True\` means |
|---|---|
${rows(CONDITIONS, (text) => [text])}
## Reasons

Every condition gives one of these reasons, and a message for people.

| reason | meaning |
|---|---|
${rows(REASONS, (text) => [text])}`;
}

/** `docs/findings.md`: every finding, what it is about and what to do. */
export function findingsPage(): string {
  const ack = { true: 'yes', false: 'no' } as const;
  return `${NOTE}# Findings

A finding is something about the namespace, or about the mesh around it, that matters for the migration. \`BLOCK\` stops the
migration before its first change, until it is fixed or, where the table says so, accepted in \`spec.acknowledge\`. \`WARN\` never
stops it. Codes are stable: 1xxx cluster, 2xxx policy, 3xxx traffic, 4xxx workload. Findings of the cluster (1xxx) show in the
messages of conditions; all others in \`status.plan.findings\`.

| code | verdict | when | what to do | can be acknowledged |
|---|---|---|---|---|
${rows(FINDINGS, ({ verdict, condition, fix, acknowledgeable }) => [verdict, condition, fix, verdict === 'BLOCK' ? ack[`${acknowledgeable}`] : '']).trimEnd()}
`;
}

function rows<T>(table: Readonly<Record<string, T>>, cells: (entry: T) => readonly string[]): string {
  return Object.entries(table)
    .map(([name, entry]) => `| ${[`\`${name}\``, ...cells(entry)].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
}
