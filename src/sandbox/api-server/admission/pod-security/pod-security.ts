import { isEqual } from '../../json.js';
import type { AdmissionAttributes } from '../admission-chain.js';
import type { ClusterView } from '../../storage/cluster-view.js';
import { type FieldError, invalid } from '../../errors.js';
import type { ApiObject } from '../../object.js';
import { type AdmissionPlugin, denied } from '../plugin.js';
import type { PodSpec } from '../../builtin/pod-spec.js';
import { baselineChecks } from './baseline.js';
import { restrictedChecks } from './restricted.js';
import type { SecurityProblem } from './security-context.js';

const prefix = 'pod-security.kubernetes.io/';
const levels = ['privileged', 'baseline', 'restricted'];

type Labels = Readonly<Record<string, string>>;
type Mode = 'enforce' | 'audit' | 'warn';

/** Subresources of pods that do not change what runs. */
const harmless = new Set(['attach', 'binding', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'status']);

/** Kinds that have a pod template, and where. */
const templates: Readonly<Record<string, string[]>> = {
  'apps/daemonsets': ['spec', 'template'],
  'apps/deployments': ['spec', 'template'],
  'apps/replicasets': ['spec', 'template'],
  'apps/statefulsets': ['spec', 'template'],
  'batch/jobs': ['spec', 'template'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template'],
};

/**
 * The Pod Security Standards, as the labels of the namespace ask for them: pods that do not meet `enforce` are refused,
 * pods and workloads that do not meet `warn` are warned about. All versions are taken to be the latest.
 *
 * @see pod-security-admission, admission/admission.go
 */
export function podSecurity(cluster: ClusterView): AdmissionPlugin {
  const labelsOf = (name: string): Labels =>
    cluster.get({ group: '', plural: 'namespaces' }, { name })?.metadata.labels ?? {};
  return {
    validate(attributes) {
      const { resource, operation, subresource, namespace = '', object } = attributes;
      if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
      const path = `${resource.group}/${resource.plural}`;
      if (path === '/namespaces' && subresource === '') validateNamespace(cluster, attributes, object);
      if (path === '/pods' && !harmless.has(subresource)) {
        if (operation === 'CREATE' || isSignificant(attributes)) validatePod(attributes, labelsOf(namespace), object);
      }
      const template = templates[path];
      if (template && subresource === '') warnOfTemplate(attributes, labelsOf(namespace), at(object, template));
    },
  };
}

function validatePod(attributes: AdmissionAttributes, labels: Labels, pod: ApiObject): void {
  const enforced = problems(labels, 'enforce', pod['spec'] as PodSpec);
  if (enforced.length > 0)
    throw denied(attributes, `violates PodSecurity ${standard(labels, 'enforce')}: ${text(enforced)}`);
  report(attributes, labels, pod['spec'] as PodSpec);
}

function warnOfTemplate(attributes: AdmissionAttributes, labels: Labels, template: unknown): void {
  const { spec } = (template ?? {}) as { spec?: PodSpec };
  if (spec) report(attributes, labels, spec);
}

function report(attributes: AdmissionAttributes, labels: Labels, spec: PodSpec): void {
  const found = problems(labels, 'warn', spec);
  if (found.length > 0) attributes.warn(`would violate PodSecurity ${standard(labels, 'warn')}: ${text(found)}`);
}

/** Labels must make sense, and who tightens them is told about pods that are there already. */
function validateNamespace(cluster: ClusterView, attributes: AdmissionAttributes, namespace: ApiObject): void {
  const { name } = namespace.metadata;
  const labels = namespace.metadata.labels ?? {};
  const before = attributes.oldObject?.metadata.labels ?? {};
  const errors = labelErrors(labels);
  if (errors.length > 0 && !isEqual(errors, labelErrors(before))) {
    throw invalid({ group: '', kind: 'Namespace' }, name, errors);
  }
  if (
    attributes.operation !== 'UPDATE' ||
    levels.indexOf(levelOf(labels, 'enforce')) <= levels.indexOf(levelOf(before, 'enforce'))
  ) {
    return;
  }
  const found = new Map<string, string[]>();
  for (const pod of cluster.list({ group: '', plural: 'pods' }, name)) {
    const reasons = problems(labels, 'enforce', pod['spec'] as PodSpec)
      .map(({ reason }) => reason)
      .join(', ');
    if (reasons !== '') found.set(reasons, [...(found.get(reasons) ?? []), pod.metadata.name]);
  }
  if (found.size === 0) return;
  const level = standard(labels, 'enforce');
  attributes.warn(`existing pods in namespace "${name}" violate the new PodSecurity enforce level ${level}`);
  for (const warning of [...found].map(([reasons, pods]) => `${several(pods)}: ${reasons}`).sort())
    attributes.warn(warning);
}

function several(pods: readonly string[]): string {
  const [first] = [...pods].sort();
  if (pods.length === 1) return first!;
  return `${first} (and ${pods.length - 1} other ${pods.length === 2 ? 'pod' : 'pods'})`;
}

function labelErrors(labels: Labels): FieldError[] {
  return (['enforce', 'audit', 'warn'] as const).flatMap((mode): FieldError[] => {
    const [level, version] = [labels[prefix + mode], labels[`${prefix}${mode}-version`]];
    const error = (key: string, value: string, detail: string): FieldError => ({
      type: 'Invalid value',
      field: `metadata.labels[${prefix}${key}]`,
      value,
      detail,
    });
    const isVersion = version === undefined || version === 'latest' || /^v1\.\d+$/.test(version);
    return [
      ...(level === undefined || levels.includes(level)
        ? []
        : [error(mode, level, `must be one of ${levels.join(', ')}`)]),
      ...(isVersion ? [] : [error(`${mode}-version`, version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

/** An unknown level is treated as the strictest. */
function levelOf(labels: Labels, mode: Mode): string {
  const level = labels[prefix + mode] ?? (mode === 'warn' ? stricterWarning(labels) : 'privileged');
  return levels.includes(level) ? level : mode === 'enforce' ? 'restricted' : 'privileged';
}

/** Who enforces and says nothing about warnings is warned at the enforced level (`PolicyToEvaluate`). */
function stricterWarning(labels: Labels): string {
  return labels[`${prefix}enforce`] ?? 'privileged';
}

/** As messages show it. */
function standard(labels: Labels, mode: Mode): string {
  const inherited =
    mode === 'warn' && labels[`${prefix}warn`] === undefined ? labels[`${prefix}enforce-version`] : undefined;
  return `"${levelOf(labels, mode)}:${labels[`${prefix}${mode}-version`] ?? inherited ?? 'latest'}"`;
}

function problems(labels: Labels, mode: Mode, spec: PodSpec): SecurityProblem[] {
  const level = levelOf(labels, mode);
  if (level === 'privileged') return [];
  const checks = level === 'restricted' ? [...baselineChecks, ...restrictedChecks] : baselineChecks;
  const replaced = new Set(checks.map(({ instead }) => instead));
  return checks.filter(({ id }) => !replaced.has(id)).flatMap(({ check }) => check(spec) ?? []);
}

function text(found: readonly SecurityProblem[]): string {
  return found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');
}

/** Of what checks look at, only images can change, and ephemeral containers be added. */
function isSignificant({ object, oldObject }: AdmissionAttributes): boolean {
  const images = (pod: ApiObject | undefined): unknown => {
    const { initContainers, containers, ephemeralContainers } = (pod?.['spec'] ?? {}) as PodSpec;
    return [initContainers, containers, ephemeralContainers].map((list) =>
      list?.map(({ name, image }) => [name, image]),
    );
  };
  return !isEqual(images(object), images(oldObject));
}

function at(object: ApiObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}
