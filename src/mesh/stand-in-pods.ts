import { ANNOTATION, LABEL } from '../api/labels.js';
import type { PictureObjects } from './picture.js';
import { isInjected, podTemplates } from './pod-templates.js';
import { type Labels, type PolicyObject, asRecord } from './policy-object.js';

type Pod = PictureObjects['pods'][number];
type Fields = Readonly<Record<string, unknown>>;

/**
 * One pod for each workload among manifests, as it would run: with what the injector or the CNI agent would make of it by the labels of its
 * namespace and template. Sidecars speak HBONE, as those of the ambient profile do. Each has an address of its own, of the block
 * 240.0.0.0/4, which nobody uses.
 *
 * @param objects     of any kind; pods are left as they are
 * @param namespaces  labels by name
 */
export function standInPods(objects: readonly PolicyObject[], namespaces: (namespace: string) => Labels): Pod[] {
  return podTemplates(objects).map(({ object, template }, index) =>
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
  const injected = isInjected(template, place);
  const isCaptured =
    !isOnHost && !injected && (labels[LABEL.dataplaneMode] ?? place[LABEL.dataplaneMode]) === 'ambient';
  const address = [240, (index >> 16) & 255, (index >> 8) & 255, index & 255].join('.');
  return {
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(injected && { [LABEL.tunnel]: 'http', [LABEL.tlsMode]: 'istio' }) },
      annotations: {
        ...annotations,
        ...(injected && { [ANNOTATION.sidecarStatus]: '{}' }),
        ...(isCaptured && { [ANNOTATION.redirection]: 'enabled' }),
      },
    },
    spec: { ...spec, containers: [...(spec.containers ?? []), ...(injected ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running', podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}
