import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LocatedFinding } from './assess.js';
import { FINDINGS } from '../mesh/findings.js';
import type { Source } from './manifests.js';

/**
 * Findings in the Static Analysis Results Interchange Format, for tools that show them beside a change.
 *
 * @param version  of Sidestep
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarifLog(findings: readonly LocatedFinding[], version: string): object {
  const codes = [...new Set(findings.map(({ code }) => code))];
  const rules = codes.map((code) => ({
    id: code,
    shortDescription: { text: FINDINGS[code].condition },
    help: { text: FINDINGS[code].fix },
  }));
  const results = findings.map(({ code, severity, object, path, reason, fix, source }) => {
    const { kind, namespace, name } = object;
    const fullyQualifiedName = [kind, namespace, name, path].filter((part) => part !== '').join('/');
    return {
      ruleId: code,
      ruleIndex: codes.indexOf(code),
      level: severity,
      message: { text: `${reason}. ${fix}` },
      locations: [
        {
          ...(source && { physicalLocation: physicalLocation(source) }),
          logicalLocations: [{ name, kind: 'resource', fullyQualifiedName }],
        },
      ],
    };
  });
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'sidestep', version, rules } }, results }],
  };
}

function physicalLocation({ file, line }: Source): object {
  return { artifactLocation: { uri: uriOf(file) }, region: { startLine: line } };
}

/** Relative to the working directory, which is where tools have the sources; a file that is not below it has its whole path. */
function uriOf(file: string): string {
  const path = relative('', file);
  const isBelow = !isAbsolute(path) && path.split(sep)[0] !== '..';
  return isBelow ? path.split(sep).map(encodeURIComponent).join('/') : pathToFileURL(resolve(file)).href;
}
