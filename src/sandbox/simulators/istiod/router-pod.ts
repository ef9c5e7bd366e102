import type { PodSpec } from '../../../kube/types.js';
import { canonicalResources } from '../injector/sidecar-resources.js';
import { podInfoVolume, tokenVolume } from '../injector/sidecar-volumes.js';
import type { GatewayInput } from './gateway-input.js';
import {
  gatewayContainer,
  loggingArguments,
  proxyMounts,
  proxyNameAndImage,
  proxySecurityContext,
  routerEnvironment,
} from './gateway-pod.js';

/**
 * The pod of a Gateway that is no waypoint.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml
 */
export function routerPod(input: GatewayInput): PodSpec {
  const { values } = input.config;
  const { proxy, sds } = values.global;
  return {
    securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
    serviceAccountName: input.serviceAccount,
    containers: [
      {
        ...proxyNameAndImage(input),
        ...gatewayContainer,
        resources: canonicalResources(proxy.resources),
        securityContext: proxySecurityContext,
        args: [
          'proxy',
          'router',
          ...['--domain', `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`],
          ...loggingArguments(input),
        ],
        env: routerEnvironment(input),
        volumeMounts: [
          { name: 'workload-socket', mountPath: '/var/run/secrets/workload-spiffe-uds' },
          { name: 'credential-socket', mountPath: '/var/run/secrets/credential-uds' },
          { name: 'workload-certs', mountPath: '/var/run/secrets/workload-spiffe-credentials' },
          ...proxyMounts,
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
