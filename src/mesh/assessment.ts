import { askedWaypoint, type AskedWaypoint } from './asked-waypoint.js';
import { FINDINGS, type Finding, type FindingCode, type Verdict } from './findings.js';
import { systemNamespaceFindings } from './findings/namespace.js';
import { podTemplateFindings, type TemplateOfPods } from './findings/pod-template.js';
import { namedPorts, probedPorts, type TemplateWithPorts } from './findings/template-ports.js';
import { isInjected, labelsIn, podTemplates, type Templated } from './pod-templates.js';
import type { MeshSettings } from './mesh-settings.js';
import { READ_KINDS, policyFindings } from './policies.js';
import { type Labels, type PolicyObject, asRecord, asRecords, objectName } from './policy-object.js';
import type { Difference, PodGroup, TargetService, TranslationScope } from './translation/selection.js';
import { waypointCopies } from './translation/waypoint-copies.js';

/** A mesh as its objects declare it. */
export interface AssessedMesh {
  /** Of any kind; those in namespaces name theirs. */
  readonly objects: readonly PolicyObject[];
  readonly settings: MeshSettings;
  /** The namespace whose policies apply to the whole mesh. */
  readonly rootNamespace: string;
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
  /** What such a copy would not do. */
  readonly differences: readonly string[];
}

/** Kinds that are looked at for what they say of waypoints; whom they let call is said by others. */
const NO_POLICIES = new Set(['Namespace', 'Service']);

/** What is found in policies that do not know the waypoint's identity, or take everybody for it. */
const ABOUT_IDENTITY = new Set<FindingCode>(['SST2005', 'SST2006']);

/** What is found in policies that only a waypoint can enforce. A copy for it is the cure; SST2005 asks for more besides. */
const CURED_BY_COPY = new Set<FindingCode>([
  'SST2006',
  'SST2007',
  'SST2008',
  'SST2009',
  'SST2010',
  'SST2011',
  'SST2017',
  'SST3016',
]);

const SEVERITY: Readonly<Record<Verdict, AssessedFinding['severity']>> = {
  BLOCK: 'error',
  WARN: 'warning',
  CONVERT: 'note',
  DROP: 'note',
  KEEP: 'note',
};
const WORST_FIRST: readonly Verdict[] = ['BLOCK', 'WARN', 'CONVERT', 'DROP', 'KEEP'];

/** Istio's own of which nobody knows here are told, not left out. Gateways are no policies. */
function isRead({ apiVersion = '', kind }: PolicyObject): boolean {
  return READ_KINDS.has(kind) || (/^[a-z.]+\.istio\.io\//.test(apiVersion) && kind !== 'Gateway');
}

/**
 * What a migration of every namespace with sidecars would meet, by what the objects declare. Pure.
 *
 * Where something has to be copied for a waypoint, it is looked at once more with that waypoint: pods behind one see its identity.
 * What only a running cluster can tell is not in it: the health of the mesh, live pods, quotas, and what admission says.
 *
 * @param only  the namespaces that are looked at, if pods get a sidecar there; undefined: all of these
 */
export function assess(mesh: AssessedMesh, only?: readonly string[]): Assessment {
  const moving = movingNamespaces(mesh, only);
  const policies = mesh.objects.filter((object) => isRead(object) && !NO_POLICIES.has(object.kind));
  const met = new Map(moving.map((one) => [one.name, findingsOf(mesh, one, [])]));
  const first = judgeAll(policies, moving, met).generated;
  for (const one of served(moving, first).filter(({ waypoint }) => !waypoint.isWanted)) {
    const copied = new Set(met.get(one.name)?.flatMap(({ code, object }) => (CURED_BY_COPY.has(code) ? [object] : [])));
    const behind = findingsOf(mesh, { ...one, waypoint: { ...one.waypoint, isWanted: true } }, first);
    // What is copied as a whole does not have to let the waypoint in.
    met.set(
      one.name,
      behind.filter(({ code, object }) => !(ABOUT_IDENTITY.has(code) && copied.has(object))),
    );
  }
  const { judged, generated } = judgeAll(policies, moving, met);
  const findings = [...met].flatMap(([namespace, found]) => found.map((finding) => assessed(finding, namespace)));
  return {
    findings: distinct(findings).sort(worstFirst),
    policies: judged,
    generated,
    waypoints: served(moving, generated).flatMap(({ waypoint }) => (isThere(waypoint, mesh) ? [] : [waypoint])),
  };
}

const served = (moving: readonly MovingNamespace[], copies: readonly PolicyObject[]): MovingNamespace[] =>
  moving.filter(({ name }) => copies.some(({ metadata }) => metadata.namespace === name));

/** What a migration of each namespace would meet. */
type Met = ReadonlyMap<string, readonly Finding[]>;

/** A namespace that a migration would change. */
interface MovingNamespace {
  readonly name: string;
  /** What makes its pods. */
  readonly templates: readonly Templated[];
  /** Those whose pods get a sidecar. */
  readonly losing: readonly Templated[];
  readonly waypoint: AskedWaypoint;
  readonly scope: TranslationScope;
}

function movingNamespaces(mesh: AssessedMesh, only: readonly string[] | undefined): MovingNamespace[] {
  const { objects } = mesh;
  const labels = new Map<string, Labels>(
    objects.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' ? [[metadata.name, metadata.labels ?? {}] as const] : [],
    ),
  );
  const byNamespace = new Map<string, Templated[]>([...labels.keys()].map((name) => [name, []]));
  for (const one of podTemplates(objects)) {
    const name = one.object.metadata.namespace ?? '';
    byNamespace.set(name, [...(byNamespace.get(name) ?? []), one]);
  }
  return [...byNamespace].sort().flatMap(([name, templates]) => {
    const losing = templates.filter(({ template }) => isInjected(template, labels.get(name) ?? {}));
    if (losing.length === 0 || only?.includes(name) === false) return [];
    const waypoint = askedWaypoint(objects, name);
    return [{ name, templates, losing, waypoint, scope: translationScope(name, templates, waypoint, mesh) }];
  });
}

/** @param copies  policies that are going to be there, too, and of which nothing has to be said */
function findingsOf(
  { objects, settings, rootNamespace }: AssessedMesh,
  { name, templates, losing, waypoint }: MovingNamespace,
  copies: readonly PolicyObject[],
): Finding[] {
  const pods = objects.filter(({ kind, metadata }) => kind === 'Pod' && metadata.namespace === name);
  const scope = {
    namespace: name,
    rootNamespace,
    workloadLabels: [
      ...templates.map(({ template }) => labelsIn(template)),
      ...pods.map(({ metadata }) => metadata.labels ?? {}),
    ],
    probes: templates.flatMap(({ template }) => probedPorts(template as TemplateWithPorts)),
    containerPorts: templates.flatMap(({ template }) => namedPorts(template as TemplateWithPorts)),
    mesh: settings,
    waypoint: waypoint.isWanted ? waypoint : undefined,
  };
  const known = new Set(copies.map((copy) => objectName(copy, name)));
  return [
    ...policyFindings([...objects.filter(isRead), ...copies], scope).filter(({ object }) => !known.has(object)),
    ...systemNamespaceFindings({ metadata: { name } }, rootNamespace),
    ...losing.flatMap(({ object: workload, template }) => {
      const owner = objectName(workload, name);
      return podTemplateFindings(template as unknown as TemplateOfPods).map(({ code, message }) => ({
        code,
        object: owner,
        message: `${owner} ${message}`,
        path: 'spec.template',
      }));
    }),
  ];
}

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
  return { judged: all.map(({ judged }) => judged), generated: all.flatMap(({ copies }) => copies) };
}

/** What becomes of a policy, and its copies if something was found that asks for them. */
function judge(
  policy: PolicyObject,
  moving: readonly MovingNamespace[],
  foundIn: (namespace: MovingNamespace) => readonly Finding[],
): { judged: AssessedPolicy; copies: readonly PolicyObject[] } {
  const translated = moving.flatMap((namespace) => {
    const asks = foundIn(namespace).some(({ code }) => CURED_BY_COPY.has(code) || code === 'SST2005');
    return asks ? (waypointCopies(policy, namespace.scope) ?? []) : [];
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
      differences: differences.map(({ at, message }: Difference) => `${at}: ${message}`),
    },
    copies: translated.flatMap(({ copies }) => copies),
  };
}

function translationScope(
  name: string,
  templates: readonly Templated[],
  waypoint: AskedWaypoint,
  { objects, rootNamespace }: AssessedMesh,
): TranslationScope {
  const services = objects.filter(({ kind, metadata }) => kind === 'Service' && metadata.namespace === name);
  return {
    namespace: name,
    rootNamespace,
    waypoint,
    services: services as unknown as readonly TargetService[],
    pods: templates.flatMap(({ object, template }): PodGroup[] => {
      const { hostNetwork, containers } = asRecord(template['spec']);
      if (hostNetwork === true) return [];
      const ports = asRecords(containers).flatMap((container) => asRecords(container['ports']));
      return [
        { name: objectName(object, name), labels: labelsIn(template), ports: ports as unknown as PodGroup['ports'] },
      ];
    }),
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
const CLUSTER_KINDS = new Set(['Namespace', 'Node', 'GatewayClass', 'MutatingWebhookConfiguration']);

function refOf(object: string, namespace: string): ObjectRef {
  const [kind = '', ...names] = object.split('/');
  const name = names.at(-1) ?? '';
  return { kind, namespace: names.length > 1 ? names[0]! : CLUSTER_KINDS.has(kind) ? '' : namespace, name };
}

function distinct(findings: readonly AssessedFinding[]): AssessedFinding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

function worstFirst(a: AssessedFinding, b: AssessedFinding): number {
  const rank = ({ code }: AssessedFinding): number => WORST_FIRST.indexOf(FINDINGS[code].verdict);
  const text = ({ code, object: { namespace, kind, name } }: AssessedFinding): string =>
    [code, namespace, kind, name].join(' ');
  return rank(a) - rank(b) || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
}
