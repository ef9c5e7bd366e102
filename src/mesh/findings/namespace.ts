import type { Finding } from '../findings.js';
import type { Labels } from '../policy-object.js';

/** The namespace, as far as it says who looks after it. */
export interface NamespaceObject {
  readonly metadata: { readonly name: string; readonly labels?: Labels; readonly annotations?: Labels };
}

/** A field manager of the namespace, and the labels that it owns. */
export interface LabelOwner {
  readonly manager: string;
  /** Keys. */
  readonly labels: readonly string[];
}

/**
 * Namespaces of Kubernetes itself.
 *
 * @see Kubernetes docs, Namespaces, Initial namespaces
 */
const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'];

/**
 * A namespace that no migration is for: that of Istio, or one of Kubernetes.
 *
 * @param rootNamespace  the namespace of istiod and of policies for the whole mesh
 */
export function systemNamespaceFindings({ metadata: { name } }: NamespaceObject, rootNamespace: string): Finding[] {
  const owner = name === rootNamespace ? 'Istio' : SYSTEM_NAMESPACES.includes(name) ? 'Kubernetes' : undefined;
  return owner === undefined
    ? []
    : [{ code: 'SST4024', object: `Namespace/${name}`, message: `namespace ${name} is one of ${owner}` }];
}

/** Marks that a tool leaves on what it keeps as it is in a repository. `app.kubernetes.io/instance` says nothing: charts write it too. */
const TRACKING: readonly { readonly tool: string; readonly key: string }[] = [
  { tool: 'Argo CD', key: 'argocd.argoproj.io/tracking-id' },
  { tool: 'Argo CD', key: 'argocd.argoproj.io/instance' },
  { tool: 'Flux', key: 'kustomize.toolkit.fluxcd.io/name' },
  { tool: 'Flux', key: 'helm.toolkit.fluxcd.io/name' },
];

/**
 * Names under which these tools write.
 *
 * @see argoproj/argo-cd common/common.go (ArgoCDSSAManager); Flux docs, Kustomization, Controlling the apply behavior of resources
 */
const MANAGERS = ['argocd-controller', 'argocd-application-controller', 'kustomize-controller', 'helm-controller'];

/** Flux leaves an object alone that says so. @see Flux docs, Kustomization, Controlling the apply behavior of resources */
const FLUX_APPLY = 'kustomize.toolkit.fluxcd.io/ssa';
const FLUX_LEAVES = ['ignore', 'ifnotpresent'];

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The tool that keeps the namespace as it is in a repository, and its mark; undefined without one, or if it leaves the namespace alone. */
export function trackerOf({ metadata }: NamespaceObject): { readonly tool: string; readonly key: string } | undefined {
  const marks = { ...metadata.labels, ...metadata.annotations };
  if (FLUX_LEAVES.includes(metadata.annotations?.[FLUX_APPLY]?.toLowerCase() ?? '')) return undefined;
  return TRACKING.find(({ key }) => marks[key] !== undefined);
}

/**
 * Whether a GitOps tool would revert what a migration changes: it blocks only if the tool owns one of these very labels.
 *
 * @param changing  keys of the namespace labels that the migration changes
 * @param owners    of the labels of the namespace, asked for if {@link trackerOf} finds a tool
 */
export function gitOpsFindings(
  namespace: NamespaceObject,
  changing: readonly string[],
  owners: readonly LabelOwner[],
): Finding[] {
  const tracker = trackerOf(namespace);
  if (!tracker) return [];
  const { name, annotations = {} } = namespace.metadata;
  const object = `Namespace/${name}`;
  const byTool = owners.filter(({ manager }) => MANAGERS.includes(manager)).flatMap(({ labels }) => labels);
  const owned = changing.filter((key) => byTool.includes(key) || names(annotations[LAST_APPLIED], key));
  const { tool, key } = tracker;
  return owned.length > 0
    ? [{ code: 'SST4026', object, message: `${tool} owns metadata.labels[${owned.join(', ')}] of namespace ${name}` }]
    : [{ code: 'SST4025', object, message: `${tool} has marked namespace ${name} as its own with ${key}` }];
}

function names(lastApplied: string | undefined, label: string): boolean {
  return lastApplied?.includes(`"${label}":`) ?? false;
}
