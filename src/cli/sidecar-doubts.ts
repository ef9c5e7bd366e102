import { LABEL } from '../api/labels.js';
import { isLeftToNamespace, podTemplates } from '../mesh/pod-templates.js';
import type { PolicyObject } from '../mesh/policy-object.js';

/** How a Namespace asks for sidecars. */
const ASKING = `label ${LABEL.injection}=enabled or ${LABEL.revision}`;

/**
 * Namespaces of workloads without their Namespace object, as `helm template` prints them: nobody can tell whether these get a sidecar.
 *
 * @param manifests  with their namespaces
 */
export function missingNamespaces(manifests: readonly PolicyObject[]): string[] {
  const there = namespaceLabels(manifests);
  const named = podTemplates(manifests)
    .filter(({ template }) => isLeftToNamespace(template))
    .map(({ object }) => object.metadata.namespace ?? '');
  return [...new Set(named)].filter((name) => !there.has(name)).sort();
}

/** What to do about a Namespace that is missing, in words. */
export function aboutMissing(name: string): string {
  return `there is no Namespace ${name} among the manifests, so nobody can tell whether its pods get a sidecar; add it, with the ${ASKING} if they do`;
}

/**
 * Why manifests may say less of a migration than they seem to, in words; empty: they do not.
 *
 * @param moving  namespaces that are looked at, for pods get a sidecar there
 */
export function sidecarDoubts(manifests: readonly PolicyObject[], moving: readonly string[]): string[] {
  const labels = namespaceLabels(manifests);
  const doubts = [
    ...missingNamespaces(manifests).map(aboutMissing),
    ...[...labels].flatMap(([name, { [LABEL.injection]: value }]) =>
      value === undefined || value === 'enabled' || value === 'disabled'
        ? []
        : [`the label ${LABEL.injection}=${value} of Namespace ${name} injects nothing: it has to be enabled`],
    ),
  ];
  const isAmbient = [...labels.values()].some((one) => one[LABEL.dataplaneMode] === 'ambient');
  return moving.length > 0 || doubts.length > 0 || isAmbient
    ? doubts
    : [`no pod in these manifests gets a sidecar; that takes workloads, and a Namespace with the ${ASKING}`];
}

/** Why there is nothing to migrate in a namespace, in words; undefined: it is ambient already. */
export function withoutSidecars(manifests: readonly PolicyObject[], name: string): string | undefined {
  const labels = namespaceLabels(manifests).get(name);
  if (labels?.[LABEL.dataplaneMode] === 'ambient') return undefined;
  if (!podTemplates(manifests).some(({ object }) => object.metadata.namespace === name))
    return `there is no workload of namespace ${name} among the manifests`;
  if (!labels) return aboutMissing(name);
  return `no pod of namespace ${name} gets a sidecar: that takes the ${ASKING} on Namespace ${name}`;
}

function namespaceLabels(manifests: readonly PolicyObject[]): Map<string, Readonly<Record<string, string>>> {
  return new Map(
    manifests.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' ? [[metadata.name, metadata.labels ?? {}] as const] : [],
    ),
  );
}
