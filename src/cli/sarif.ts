import type { AssessedFinding } from '../mesh/assessment.js';
import { FINDINGS } from '../mesh/findings.js';

/**
 * Findings in the Static Analysis Results Interchange Format, for tools that show them beside a change.
 *
 * @param version  of Sidestep
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarifLog(findings: readonly AssessedFinding[], version: string): object {
  const codes = [...new Set(findings.map(({ code }) => code))];
  const rules = codes.map((code) => ({
    id: code,
    shortDescription: { text: FINDINGS[code].condition },
    help: { text: FINDINGS[code].fix },
  }));
  const results = findings.map(({ code, severity, object, path, reason, fix }) => {
    const { kind, namespace, name } = object;
    const fullyQualifiedName = [kind, namespace, name, path].filter((part) => part !== '').join('/');
    return {
      ruleId: code,
      ruleIndex: codes.indexOf(code),
      level: severity,
      message: { text: `${reason}. ${fix}` },
      locations: [{ logicalLocations: [{ name, kind: 'resource', fullyQualifiedName }] }],
    };
  });
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'sidestep', version, rules } }, results }],
  };
}
