import type { PodSpec } from '../../../kube/types.js';
import { canonicalResources } from '../injector/quantity.js';
import { podInfoVolume, tokenVolume } from '../injector/sidecar-volumes.js';
import type { GatewayInput } from './gateway-input.js';
import { gatewayContainer, loggingArguments, proxyNameAndImage, routerEnvironment } from './gateway-pod.js';

/**
 * The pod of a Gateway that is no waypoint.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml
 */
export function routerPod(input: GatewayInput): PodSpec {
  const { values } = input.config;
  const { proxy, sds } = values.global;
  const mount = (name: string, mountPath: string): { name: string; mountPath: string } => ({ name, mountPath });
  return {
    securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
    serviceAccountName: input.serviceAccount,
    containers: [
      {
        ...proxyNameAndImage(input),
        ...gatewayContainer,
        resources: canonicalResources(proxy.resources),
        securityContext,
        args: [
          'proxy',
          'router',
          ...['--domain', `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`],
          ...loggingArguments(input),
        ],
        env: routerEnvironment(input),
        volumeMounts: [
          mount('workload-socket', '/var/run/secrets/workload-spiffe-uds'),
          mount('credential-socket', '/var/run/secrets/credential-uds'),
          mount('workload-certs', '/var/run/secrets/workload-spiffe-credentials'),
          mount('istiod-ca-cert', '/var/run/secrets/istio'),
          mount('istio-data', '/var/lib/istio/data'),
          mount('istio-envoy', '/etc/istio/proxy'),
          mount('istio-token', '/var/run/secrets/tokens'),
          mount('istio-podinfo', '/etc/istio/pod'),
        ],
      },
    ],
    volumes: [
      { name: 'workload-socket', emptyDir: {} },
      { name: 'credential-socket', emptyDir: {} },
      { name: 'workload-certs', emptyDir: {} },
      { name: 'istio-envoy', emptyDir: { medium: 'Memory' } },
      { name: 'istio-data', emptyDir: {} },
      podInfoVolume,
      tokenVolume(sds.token.aud),
      { name: 'istiod-ca-cert', configMap: { name: 'istio-ca-root-cert' } },
    ],
  };
}

const securityContext = {
  capabilities: { drop: ['ALL'] },
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsUser: 1337,
  runAsGroup: 1337,
  runAsNonRoot: true,
};
