import { askedWaypoint, type AskedWaypoint } from './asked-waypoint.js';
import { isGateway } from './dataplane.js';
import type { Finding } from './findings.js';
import { declaredWorkloadFindings } from './findings/declared-workloads.js';
import { systemNamespaceFindings } from './findings/namespace.js';
import { isProxyless, podTemplateFindings, scrapeFindings, type TemplateOfPods } from './findings/pod-template.js';
import { namedPorts, probedPorts, type TemplateWithPorts } from './findings/template-ports.js';
import {
  besideForms,
  nameFindings,
  refusalFindings,
  type Translating,
  translationFindings,
} from './findings/translation.js';
import type { MeshSettings } from './mesh-settings.js';
import { asPod, isInjected, labelsIn, podTemplates, type Templated } from './pod-templates.js';
import { READ_KINDS, callerDemands, policyFindings } from './policies.js';
import { type Labels, type PolicyObject, asRecord, objectName, stringAt } from './policy-object.js';
import { type NamespaceTranslation, namespaceTranslation } from './translation/namespace-translation.js';
import { closedGraph } from './translation/ways-around.js';
import type { CallerIdentity } from './waypoint-identity.js';

/** A mesh as its objects declare it. */
export interface AssessedMesh {
  /** Of any kind; those in namespaces name theirs. */
  readonly objects: readonly PolicyObject[];
  readonly settings: MeshSettings;
  /** The namespace whose policies apply to the whole mesh. */
  readonly rootNamespace: string;
}

/** Istio's own of which nobody knows here are told, not left out. Gateways are no policies. */
export function isRead({ apiVersion = '', kind }: PolicyObject): boolean {
  return READ_KINDS.has(kind) || (/^[a-z.]+\.istio\.io\//.test(apiVersion) && kind !== 'Gateway');
}

/** A namespace that a migration would change. */
export interface MovingNamespace {
  readonly name: string;
  /** What makes its pods. */
  readonly templates: readonly Templated[];
  /** Those whose pods get a sidecar. */
  readonly losing: readonly Templated[];
  readonly waypoint: AskedWaypoint;
  readonly translation: NamespaceTranslation;
}

/**
 * The namespaces that a migration would change.
 *
 * @param only  undefined: all
 */
export function movingNamespaces(mesh: AssessedMesh, only: readonly string[] | undefined): MovingNamespace[] {
  const { objects } = mesh;
  const labels = new Map<string, Labels>(
    objects.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' ? [[metadata.name, metadata.labels ?? {}] as const] : [],
    ),
  );
  const byNamespace = new Map<string, Templated[]>();
  for (const one of podTemplates(objects)) {
    const name = one.object.metadata.namespace ?? '';
    byNamespace.set(name, [...(byNamespace.get(name) ?? []), one]);
  }
  return [...byNamespace].sort().flatMap(([name, templates]) => {
    const losing = templates.filter(({ template }) => getsSidecar(template, labels.get(name)));
    if (losing.length === 0 || only?.includes(name) === false) return [];
    const asked = askedWaypoint(objects, name);
    const translation = namespaceTranslation(name, templates, asked, mesh);
    const isNeeded =
      translation.forms.forms.some((form) => form.isLayer7 && form.objects.length > 0) ||
      (translation.routes?.written.length ?? 0) > 0;
    const waypoint = { ...asked, isWanted: asked.isWanted || isNeeded };
    return [{ name, templates, losing, waypoint, translation }];
  });
}

/** The injector makes gateways of some templates, which keep their proxy. Agents of proxyless gRPC have findings of their own. */
function getsSidecar(template: Templated['template'], namespace: Labels = {}): boolean {
  const isRouter = isGateway(asPod(template)) && !isProxyless(template as unknown as TemplateOfPods);
  return isInjected(template, namespace) && !isRouter;
}

/**
 * What a migration of one of them would meet.
 *
 * @param copies    policies that are going to be there, too, and of which nothing has to be said
 * @param sidecars  accounts of pods with sidecars, in any namespace
 */
export function findingsOf(
  { objects, settings, rootNamespace }: AssessedMesh,
  { name, templates, losing, waypoint, translation }: MovingNamespace,
  copies: readonly PolicyObject[],
  sidecars: readonly CallerIdentity[],
): Finding[] {
  const own = objects.filter(({ metadata }) => metadata.namespace === name);
  const pods = own.filter(({ kind }) => kind === 'Pod');
  const place =
    objects.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === name)?.metadata.labels ?? {};
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
    routes: translation.routes,
  };
  const known = new Set(copies.map((copy) => objectName(copy, name)));
  const found = policyFindings([...objects.filter(isRead), ...copies], scope).filter(
    ({ object }) => !known.has(object),
  );
  const demands = callerDemands(objects, scope);
  const written = translation.forms.forms.flatMap((form) => form.objects);
  const translating: Translating = {
    namespace: name,
    forms: translation.forms,
    closed: translation.closed,
    graph: closedGraph(translation.closed, translation.pods, name),
    sidecarsElsewhere: sidecars.filter(({ namespace }) => namespace !== name),
    waitingForIt: translation.waitingForIt,
    isPlaintextTaken: !demands.strict,
  };
  return [
    ...(waypoint.isWanted && waypoint.isTranslating
      ? [
          ...besideForms(found, translating),
          ...translationFindings(translating),
          ...refusalFindings(translating),
          ...nameFindings(written, objects, name, hasSameSpec),
        ]
      : found),
    ...systemNamespaceFindings({ metadata: { name } }, rootNamespace),
    ...losing.flatMap((one) => templateFindings(one, name, demands.strict || demands.identityBased)),
    ...declaredWorkloadFindings(name, own, templates, losing, place),
  ];
}

const hasSameSpec = (a: PolicyObject, b: PolicyObject): boolean => said(a.spec) === said(b.spec);

/** As JSON, fields by name; empty ones say nothing, as for the operator, which reads what the API server has kept. */
function said(spec: unknown): string {
  return JSON.stringify(spec, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const fields = Object.entries(value).filter(([, inner]) => !isEmpty(inner));
    return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

/** @param isPlaintextRefused  for whoever scrapes metrics without a certificate */
function templateFindings({ object, template }: Templated, namespace: string, isPlaintextRefused: boolean): Finding[] {
  const name = objectName(object, namespace);
  const ofPods = template as unknown as TemplateOfPods;
  const found: Omit<Finding, 'object'>[] = podTemplateFindings(ofPods);
  return [...found, ...(isPlaintextRefused ? scrapeFindings(ofPods) : [])].map(({ code, message }) => ({
    code,
    object: name,
    message: `${name} ${message}`,
    path: 'spec.template',
  }));
}

/** Accounts of pods that the injector gives a sidecar. */
export function sidecarsOf({ objects }: AssessedMesh): CallerIdentity[] {
  const labels = new Map(
    objects.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' ? [[metadata.name, metadata.labels ?? {}] as const] : [],
    ),
  );
  return podTemplates(objects)
    .filter(({ object, template }) => getsSidecar(template, labels.get(object.metadata.namespace ?? '')))
    .map(({ object, template }) => ({
      namespace: object.metadata.namespace ?? '',
      account: stringAt(asRecord(template['spec']), 'serviceAccountName') ?? 'default',
    }));
}
