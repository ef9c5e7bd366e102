import type { PodSpec } from '../../../kube/types.js';
import type { TemplateInput } from './template-input.js';
import { userVolumes } from './user-volumes.js';

type Volumes = NonNullable<PodSpec['volumes']>;

const field = (path: string, fieldPath: string): object => ({ path, fieldRef: { fieldPath } });

/** The volume with labels and annotations of the pod itself. */
export const podInfoVolume: Volumes[number] = {
  name: 'istio-podinfo',
  downwardAPI: { items: [field('labels', 'metadata.labels'), field('annotations', 'metadata.annotations')] },
};

/** The volume with the token by which a proxy is known to istiod. */
export function tokenVolume(audience: string): Volumes[number] {
  const serviceAccountToken = { path: 'istio-token', expirationSeconds: 43_200, audience };
  return { name: 'istio-token', projected: { sources: [{ serviceAccountToken }] } };
}

/**
 * Volumes of a sidecar; a volume without a source is an empty folder.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function sidecarVolumes(input: TemplateInput): Volumes {
  const bootstrap = 'sidecar.istio.io/bootstrapOverride';
  return [
    { name: 'workload-socket' },
    { name: 'credential-socket' },
    { name: 'workload-certs' },
    ...(input.has(bootstrap)
      ? [{ name: 'custom-bootstrap-volume', configMap: { name: input.annotation(bootstrap, '') } }]
      : []),
    { name: 'istio-envoy', emptyDir: { medium: 'Memory' } },
    { name: 'istio-data', emptyDir: {} },
    podInfoVolume,
    tokenVolume(input.config.values.global.sds.token.aud),
    { name: 'istiod-ca-cert', configMap: { name: 'istio-ca-root-cert' } },
    { name: 'istio-ca-crl', configMap: { name: 'istio-ca-crl', optional: true } },
    ...userVolumes(input),
  ];
}
