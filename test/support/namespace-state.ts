import type { Client } from '../../src/kube/client.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import {
  DAEMON_SET,
  DEPLOYMENT,
  NAMESPACE,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
  type Pod,
} from '../../src/kube/types.js';

const KINDS: readonly ResourceType[] = [DEPLOYMENT, STATEFUL_SET, DAEMON_SET, SERVICE, SERVICE_ACCOUNT];

/** Annotations that a rollback leaves behind, and that "equal to the state before" does not count (design 5.2). */
const IGNORED_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/restartedAt',
  'sidestep.dev/restart',
  // Follows the mode a moment later.
  'sidestep.dev/dataplane',
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
]);

/**
 * A namespace as a rollback must bring it back: its labels and annotations, every object's metadata and spec, and what
 * each pod consists of. Restart annotations, revision numbers, managedFields, names and addresses of pods are left out.
 */
export async function namespaceState(client: Client, namespace: string): Promise<unknown> {
  const objects = await Promise.all(
    KINDS.map(async (type) => (await client.list(type, { namespace })).items.map(comparable)),
  );
  const { items: pods } = await client.list(POD, { namespace });
  return {
    namespace: comparable(await client.get(NAMESPACE, { name: namespace })),
    objects: objects.flat().sort(byText),
    pods: pods
      .filter((pod) => pod.metadata.deletionTimestamp === undefined)
      .map(comparablePod)
      .sort(byText),
  };
}

/** Names of a pod's containers, native sidecars included. */
export function containersOf(pod: Pod): string[] {
  const native = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...pod.spec.containers, ...native].map((container) => container.name);
}

function comparable(object: KubeObject): unknown {
  const { metadata, spec } = object as KubeObject & { spec?: Record<string, unknown> };
  return {
    kind: object.kind,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: withoutIgnored(metadata.annotations),
    spec: cleaned(spec ?? {}),
  };
}

function comparablePod(pod: Pod): unknown {
  const owner = pod.metadata.ownerReferences?.[0]?.kind;
  return {
    owner,
    app: pod.metadata.labels?.['app'],
    containers: containersOf(pod),
    sidecar: pod.metadata.annotations?.['sidecar.istio.io/status'] !== undefined,
    redirection: pod.metadata.annotations?.['ambient.istio.io/redirection'],
  };
}

function withoutIgnored(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !IGNORED_ANNOTATIONS.has(key)));
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key !== 'annotations') return [[key, cleaned(inner)]];
      const kept = withoutIgnored(inner as Record<string, string>);
      return Object.keys(kept).length > 0 ? [[key, kept]] : [];
    }),
  );
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
