import { OWN_ANNOTATION } from '../api/own-labels.js';
import type { AskedWaypoint } from './asked-waypoint.js';
import { FINDINGS, type Finding, type FindingCode, type Verdict, WORST_FIRST } from './findings.js';
import { CLUSTER_NETWORK_POLICIES } from './findings/foreign-network-policy.js';
import {
  type AssessedMesh,
  type MovingNamespace,
  findingsOf,
  isRead,
  movingNamespaces,
  sidecarsOf,
} from './moving-namespaces.js';
import { type PolicyObject, asRecord, objectName } from './policy-object.js';

export type { AssessedMesh } from './moving-namespaces.js';

/** What is assessed. */
export interface AssessOptions {
  /** The namespaces that are looked at, if pods get a sidecar there. (all of these) */
  readonly only?: readonly string[] | undefined;
  /** Further findings about the migration of a namespace: which requests it would answer otherwise. */
  readonly prove?: ((namespace: string) => readonly Finding[]) | undefined;
}

/** What a migration of namespaces would meet. */
export interface Assessment {
  /** Worst first. */
  readonly findings: readonly AssessedFinding[];
  /** One for each object that says who may call whom, or how. */
  readonly policies: readonly AssessedPolicy[];
  /** What has to be there for what policies mean to stay as it is. */
  readonly generated: readonly PolicyObject[];
  /** Gateways that `generated` needs, and that are not there. */
  readonly waypoints: readonly AskedWaypoint[];
}

/** An object by its names; one of the whole cluster has no namespace. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A finding, with all that a person needs to act on it. */
export interface AssessedFinding {
  readonly code: FindingCode;
  /** `error` stops a migration. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly object: ObjectRef;
  /** The field that it is about; empty: the whole object. */
  readonly path: string;
  readonly reason: string;
  readonly fix: string;
}

/** What becomes of a policy. */
export interface AssessedPolicy extends ObjectRef {
  /** `CONVERT`: a copy of it among `generated` does at the waypoint what it does at sidecars. */
  readonly verdict: Verdict;
  /** What such a copy would not do, or does not say. */
  readonly differences: readonly string[];
}

/** Kinds that are looked at for what they say of waypoints; whom they let call is said by others. */
const NO_POLICIES = new Set(['Namespace', 'Service']);

/** Said of policies and routes beside which a migration writes what ambient mode needs. */
const WRITTEN = new Set<FindingCode>(['SST2032', 'SST2033', 'SST3030', 'SST3031']);

/** What is found in policies that do not know the waypoint's identity, or take everybody for it. */
const ABOUT_IDENTITY = new Set<FindingCode>(['SST2005', 'SST2006']);

/** What is found in policies and routes that only a waypoint can carry out. A copy for it is the cure; SST2005 asks for more besides. */
const CURED_BY_COPY = new Set<FindingCode>([
  'SST2006',
  'SST2007',
  'SST2008',
  'SST2009',
  'SST2010',
  'SST2011',
  'SST2017',
  'SST3003',
  'SST3004',
  'SST3008',
  'SST3016',
]);

const SEVERITY: Readonly<Record<Verdict, AssessedFinding['severity']>> = {
  BLOCK: 'error',
  WARN: 'warning',
  CONVERT: 'note',
  DROP: 'note',
  KEEP: 'note',
};

/**
 * What a migration of every namespace with sidecars would meet, by what the objects declare. Pure.
 *
 * Where something has to be copied for a waypoint, it is looked at once more with that waypoint: pods behind one see its identity.
 * What only a running cluster can tell is not in it: the health of the mesh, rollouts under way, quotas, and what admission says.
 */
export function assess(given: AssessedMesh, { only, prove }: AssessOptions = {}): Assessment {
  const mesh = withoutWritten(given);
  const sidecars = sidecarsOf(mesh);
  const moving = movingNamespaces(mesh, only);
  const policies = mesh.objects.filter((object) => isRead(object) && !NO_POLICIES.has(object.kind));
  const met = new Map(moving.map((one) => [one.name, findingsOf(mesh, one, [], sidecars)]));
  const first = judgeAll(policies, moving, met).generated;
  for (const one of served(moving, first).filter(({ waypoint }) => !waypoint.isWanted)) {
    const copied = new Set(met.get(one.name)?.flatMap(({ code, object }) => (CURED_BY_COPY.has(code) ? [object] : [])));
    const behind = findingsOf(mesh, { ...one, waypoint: { ...one.waypoint, isWanted: true } }, first, sidecars);
    // What is copied as a whole does not have to let the waypoint in.
    met.set(
      one.name,
      behind.filter(({ code, object }) => !(ABOUT_IDENTITY.has(code) && copied.has(object))),
    );
  }
  const { judged, generated } = judgeAll(policies, moving, met);
  const findings = [...met].flatMap(([namespace, found]) =>
    [...found, ...(prove?.(namespace) ?? [])].map((finding) => assessed(finding, namespace)),
  );
  return {
    findings: distinct(findings).sort(worstFirst),
    policies: judged,
    generated,
    waypoints: served(moving, generated).flatMap(({ waypoint }) => (isThere(waypoint, mesh) ? [] : [waypoint])),
  };
}

/** What a migration has written already is for it to keep. */
function withoutWritten(mesh: AssessedMesh): AssessedMesh {
  const isWritten = ({ metadata }: PolicyObject): boolean =>
    metadata.annotations?.[OWN_ANNOTATION.translatedFrom] !== undefined;
  return { ...mesh, objects: mesh.objects.filter((object) => !isWritten(object)) };
}

/** Where a waypoint has to read copies; nobody reads a ReferenceGrant where it is. */
const served = (moving: readonly MovingNamespace[], copies: readonly PolicyObject[]): MovingNamespace[] =>
  moving.filter(({ name }) =>
    copies.some(({ kind, metadata }) => metadata.namespace === name && kind !== 'ReferenceGrant'),
  );

/** What a migration of each namespace would meet. */
type Met = ReadonlyMap<string, readonly Finding[]>;

function judgeAll(
  policies: readonly PolicyObject[],
  moving: readonly MovingNamespace[],
  met: Met,
): { judged: AssessedPolicy[]; generated: PolicyObject[] } {
  const byObject = new Map(
    [...met].map(([namespace, findings]) => {
      const found = new Map<string, Finding[]>();
      for (const finding of findings) found.set(finding.object, [...(found.get(finding.object) ?? []), finding]);
      return [namespace, found];
    }),
  );
  const all = policies.map((policy) =>
    judge(policy, moving, ({ name }) => byObject.get(name)?.get(objectName(policy, name)) ?? []),
  );
  return { judged: all.map(({ judged }) => judged), generated: distinct(all.flatMap(({ copies }) => copies)) };
}

/** What becomes of a policy, and its copies if something was found that asks for them. */
function judge(
  policy: PolicyObject,
  moving: readonly MovingNamespace[],
  foundIn: (namespace: MovingNamespace) => readonly Finding[],
): { judged: AssessedPolicy; copies: readonly PolicyObject[] } {
  const translated = moving.flatMap((namespace) => {
    const asks = foundIn(namespace).some(
      ({ code }) => CURED_BY_COPY.has(code) || code === 'SST2005' || WRITTEN.has(code),
    );
    return asks ? (namespace.translation.of(policy) ?? []) : [];
  });
  const differences = translated.flatMap((one) => one.differences);
  const isExact = translated.length > 0 && differences.length === 0;
  const verdicts = moving
    .flatMap(foundIn)
    .map(({ code }) => (isExact && CURED_BY_COPY.has(code) ? 'CONVERT' : FINDINGS[code].verdict));
  const { kind, metadata } = policy;
  return {
    judged: {
      kind,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      verdict: WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? 'KEEP',
      differences: [...differences, ...translated.flatMap(({ leftOut = [] }) => leftOut)].map(
        ({ at, message }) => `${at}: ${message}`,
      ),
    },
    copies: translated.flatMap(({ copies }) => copies),
  };
}

function isThere({ name, namespace }: AskedWaypoint, { objects }: AssessedMesh): boolean {
  return objects.some(
    ({ kind, metadata, spec }) =>
      kind === 'Gateway' &&
      metadata.name === name &&
      metadata.namespace === namespace &&
      asRecord(spec)['gatewayClassName'] !== undefined,
  );
}

function assessed({ code, object, message, path = '' }: Finding, namespace: string): AssessedFinding {
  const { verdict, fix } = FINDINGS[code];
  return { code, severity: SEVERITY[verdict], object: refOf(object, namespace), path, reason: message, fix };
}

/** Kinds that are in no namespace. */
const CLUSTER_KINDS = new Set([
  'Namespace',
  'Node',
  'GatewayClass',
  'MutatingWebhookConfiguration',
  ...CLUSTER_NETWORK_POLICIES,
]);

function refOf(object: string, namespace: string): ObjectRef {
  const [kind = '', ...names] = object.split('/');
  const name = names.at(-1) ?? '';
  return { kind, namespace: names.length > 1 ? names[0]! : CLUSTER_KINDS.has(kind) ? '' : namespace, name };
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function worstFirst(a: AssessedFinding, b: AssessedFinding): number {
  const rank = ({ code }: AssessedFinding): number => WORST_FIRST.indexOf(FINDINGS[code].verdict);
  const text = ({ code, object: { namespace, kind, name } }: AssessedFinding): string =>
    [code, namespace, kind, name].join(' ');
  return rank(a) - rank(b) || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
}
