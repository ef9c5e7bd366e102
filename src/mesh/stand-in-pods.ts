import { ANNOTATION, LABEL } from '../api/labels.js';
import type { PictureObjects } from './picture.js';
import { type Labels, type PolicyObject, asRecord } from './policy-object.js';

type Pod = PictureObjects['pods'][number];
type Fields = Readonly<Record<string, unknown>>;

/** Where the pod template of a kind is. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['template'],
  StatefulSet: ['template'],
  DaemonSet: ['template'],
  ReplicaSet: ['template'],
  ReplicationController: ['template'],
  Rollout: ['template'],
  Job: ['template'],
  CronJob: ['jobTemplate', 'spec', 'template'],
};

/**
 * One pod for each workload among manifests, as it would run: with what the injector or the CNI agent would make of it by the labels of its
 * namespace and template. Sidecars speak HBONE, as those of the ambient profile do. Each has an address of its own, of the block
 * 240.0.0.0/4, which nobody uses.
 *
 * @param objects     of any kind; pods are left as they are
 * @param namespaces  labels by name
 */
export function standInPods(objects: readonly PolicyObject[], namespaces: (namespace: string) => Labels): Pod[] {
  const workloads = objects.flatMap((object) => {
    const template = (TEMPLATES[object.kind] ?? []).reduce<unknown>((value, key) => asRecord(value)[key], object.spec);
    return TEMPLATES[object.kind] === undefined ? [] : [{ object, template: asRecord(template) }];
  });
  return workloads.map(({ object, template }, index) =>
    podOf(object, template, namespaces(object.metadata.namespace ?? ''), index + 1),
  );
}

function podOf(
  { metadata: { name, namespace = '' } }: PolicyObject,
  template: Fields,
  place: Labels,
  index: number,
): Pod {
  const { labels = {}, annotations = {} } = asRecord(template['metadata']) as Pick<
    Pod['metadata'],
    'labels' | 'annotations'
  >;
  const spec = asRecord(template['spec']) as NonNullable<Pod['spec']>;
  const isOnHost = spec.hostNetwork === true;
  const isInjected = !isOnHost && wouldInject(place, labels);
  const isCaptured =
    !isOnHost && !isInjected && (labels[LABEL.dataplaneMode] ?? place[LABEL.dataplaneMode]) === 'ambient';
  const address = [240, (index >> 16) & 255, (index >> 8) & 255, index & 255].join('.');
  return {
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(isInjected && { [LABEL.tunnel]: 'http', [LABEL.tlsMode]: 'istio' }) },
      annotations: {
        ...annotations,
        ...(isInjected && { [ANNOTATION.sidecarStatus]: '{}' }),
        ...(isCaptured && { [ANNOTATION.redirection]: 'enabled' }),
      },
    },
    spec: { ...spec, containers: [...(spec.containers ?? []), ...(isInjected ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running', podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/**
 * What the rules of istiod's injector say, with any revision: the namespace before the pod, which can refuse.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
 */
function wouldInject(namespace: Labels, pod: Labels): boolean {
  if (pod[LABEL.inject] === 'false' || namespace[LABEL.injection] === 'disabled') return false;
  if (namespace[LABEL.injection] === 'enabled' || namespace[LABEL.revision] !== undefined) return true;
  return pod[LABEL.inject] === 'true' || pod[LABEL.revision] !== undefined;
}
