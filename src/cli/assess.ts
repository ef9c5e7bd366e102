import { stringify } from 'yaml';
import { waypointGateway } from '../../cdk8s/waypoint-gateway.js';
import {
  assess,
  type AssessedFinding,
  type AssessedMesh,
  type AssessedPolicy,
  type ObjectRef,
} from '../mesh/assessment.js';
import { FINDINGS, type Finding } from '../mesh/findings.js';
import { moveMesh } from '../mesh/move-mesh.js';
import { movingNamespaces } from '../mesh/moving-namespaces.js';
import { moveFindings } from '../mesh/move-proof.js';
import { resultOf } from '../mesh/pieces.js';
import type { PolicyObject } from '../mesh/policy-object.js';
import { type ClusterOptions, withClient } from './cluster.js';
import { declaredMesh } from './declared-mesh.js';
import { declaredMove } from './declared-move.js';
import { alternatives, InputError, UsageError } from './failures.js';
import { liveManifests } from './live-manifests.js';
import { type Source, type SourcedManifest, readSourcedManifests } from './manifests.js';
import { sarifLog } from './sarif.js';
import { sidecarDoubts, withoutSidecars } from './sidecar-doubts.js';

/** Options of `sidestep assess`. */
export interface AssessOptions extends ClusterOptions {
  /** Undefined: the cluster is looked at. */
  readonly filename?: readonly string[];
  /** The one that is looked at, and that of objects that name none; undefined: all, and `default`. */
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  /** Also look for requests that would be answered otherwise at a moment of the migration. (no) */
  readonly prove?: boolean;
  readonly output: 'table' | 'json' | 'yaml' | 'sarif';
}

/** A finding, and where its object stands; without `source` in no file. */
export interface LocatedFinding extends AssessedFinding {
  readonly source?: Source;
}

/** What a migration would meet, as `-o json` prints it. */
export interface AssessReport {
  readonly findings: readonly LocatedFinding[];
  readonly policies: readonly AssessedPolicy[];
  /** Objects that have to be there for policies to mean what they mean. */
  readonly generated: readonly object[];
  /** Why the report may say less than it seems to; left out where it does not. */
  readonly warnings?: readonly string[];
}

/**
 * What a migration of namespaces would meet: of those in manifests, or of those in a cluster.
 *
 * @throws {UsageError} options do not go together
 * @throws {InputError} a file makes no sense, or there is no such namespace; the message names it
 * @throws {Error} whatever keeps a cluster from being looked at; see {@link liveManifests}
 */
export async function assessment(options: AssessOptions): Promise<AssessReport> {
  const { filename, namespace, allNamespaces = false } = options;
  if (namespace !== undefined && allNamespaces)
    throw new UsageError('--namespace and --all-namespaces: give one of them');
  if (filename && allNamespaces) throw new UsageError('--filename and --all-namespaces: give one of them');
  if (filename) return reportOf(readSourcedManifests(filename, namespace), options);
  if (namespace === undefined && !allNamespaces)
    throw new UsageError('--filename, --namespace or --all-namespaces: one of them says what to look at');
  return withClient(options, async (client) => {
    const { manifests, warnings } = await liveManifests(client, namespace, options.prove);
    const found = manifests.map((manifest) => ({ manifest, source: undefined }));
    return reportOf(found, options, warnings);
  });
}

/** @param hidden  what a cluster does not show, in words */
function reportOf(
  found: readonly SourcedManifest[],
  { filename, namespace, prove: isProving = false }: AssessOptions,
  hidden: readonly string[] = [],
): AssessReport {
  const declared = declaredMesh(
    found.map(({ manifest }) => manifest),
    namespace ?? 'default',
  );
  const { manifests, meshSettings, settings } = declared;
  const places = manifests.map(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace));
  if (namespace !== undefined && !places.includes(namespace)) {
    const there = alternatives(places.flatMap((place) => place ?? []));
    throw new InputError(`--namespace: nothing among the manifests is in namespace ${namespace}${there}`);
  }
  const mesh = { objects: manifests, settings: meshSettings, rootNamespace: settings.rootNamespace };
  const only = namespace === undefined ? undefined : [namespace];
  const warnings = filename ? doubtsAbout(mesh, namespace) : hidden;
  const prove = (name: string): Finding[] => {
    const move = declaredMove(declared, name);
    const objects = moveMesh(declared.applied, { namespace: name, waypoint: move.waypoint, settings });
    return resultOf(moveFindings({ objects, settings, move }));
  };
  const { findings, policies, generated, waypoints } = assess(mesh, {
    ...(only && { only }),
    ...(isProving && { prove }),
  });
  const sources = sourcesOf(manifests, found);
  return {
    findings: findings.map((finding) => {
      const source = sources.get(nameOf(finding.object));
      return { ...finding, ...(source && { source }) };
    }),
    policies,
    generated: [...waypoints.map((waypoint) => waypointGateway(waypoint)), ...generated],
    ...(warnings.length > 0 && { warnings }),
  };
}

/** A cluster has all Namespaces; manifests may lack what decides who gets a sidecar. */
function doubtsAbout(mesh: AssessedMesh, namespace: string | undefined): string[] {
  const moving = movingNamespaces(mesh, undefined).map(({ name }) => name);
  const reason =
    namespace === undefined || moving.includes(namespace) ? undefined : withoutSidecars(mesh.objects, namespace);
  if (reason !== undefined) throw new InputError(`--namespace: ${reason}`);
  const isAsked = ({ kind, metadata }: PolicyObject): boolean =>
    (kind === 'Namespace' ? metadata.name : metadata.namespace) === namespace;
  return sidecarDoubts(namespace === undefined ? mesh.objects : mesh.objects.filter(isAsked), moving);
}

/**
 * Where objects stand, by their names. Findings do not say of which API a kind is: of several objects with the same names it is the
 * first that has a file.
 *
 * @param placed  `found` with their namespaces, in the same order
 */
function sourcesOf(placed: readonly PolicyObject[], found: readonly SourcedManifest[]): ReadonlyMap<string, Source> {
  const named = placed.flatMap(({ kind, metadata }, index): [string, Source][] => {
    const source = found[index]?.source;
    return source ? [[nameOf({ kind, namespace: metadata.namespace ?? '', name: metadata.name }), source]] : [];
  });
  return new Map(named.reverse());
}

/** Whether there are blockers (2), warnings (1), or neither (0): the exit code. */
export function exitCode({ findings, warnings = [] }: AssessReport): 0 | 1 | 2 {
  const has = (severity: AssessedFinding['severity']): boolean => findings.some((one) => one.severity === severity);
  return has('error') ? 2 : has('warning') || warnings.length > 0 ? 1 : 0;
}

/**
 * The report as people read it, or as programs do.
 *
 * @param version  of Sidestep
 */
export function printedReport(report: AssessReport, output: AssessOptions['output'], version: string): string {
  switch (output) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'yaml':
      return stringify(report);
    case 'sarif':
      return `${JSON.stringify(sarifLog(report.findings, version), null, 2)}\n`;
    case 'table':
      return table(report);
  }
}

function table({ findings, policies, generated, warnings }: AssessReport): string {
  const rows = findings.map(({ code, object, reason, fix, source }) => [
    `${FINDINGS[code].verdict.padEnd(7)} ${code}  ${nameOf(object)}`,
    ...(source ? [`        ${source.file}:${source.line}`] : []),
    `        ${reason}`,
    `        Fix: ${fix}`,
  ]);
  const judged = policies.flatMap((policy) => [
    `${policy.verdict.padEnd(7)} ${nameOf(policy)}`,
    ...policy.differences.map((difference) => `        A copy for the waypoint would differ: ${difference}`),
  ]);
  return [
    findings.length === 0
      ? `Nothing stands in the way${warnings ? ', as far as can be seen' : ''}.`
      : rows.map((lines) => lines.join('\n')).join('\n\n'),
    ...(judged.length > 0 ? [`Policies\n\n${judged.join('\n')}`] : []),
    ...(generated.length > 0
      ? [
          `Generated (a migration writes waypoints and policies itself; apply what else there is)\n\n${generated
            .map((object) => stringify(object))
            .join('---\n')
            .trimEnd()}`,
        ]
      : []),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

const nameOf = ({ kind, namespace, name }: ObjectRef): string =>
  [kind, namespace, name].filter((part) => part !== '').join('/');
