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
  waypointEnvironment,
} from './gateway-pod.js';

/**
 * The pod of a waypoint.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export function waypointPod(input: GatewayInput): PodSpec {
  const { values } = input.config;
  const { waypoint } = values.global;
  const filled = (field: object | undefined): boolean => Object.keys(field ?? {}).length > 0;
  return {
    ...(filled(waypoint.affinity) && { affinity: waypoint.affinity }),
    ...(waypoint.topologySpreadConstraints?.length && {
      topologySpreadConstraints: waypoint.topologySpreadConstraints,
    }),
    ...(filled(waypoint.nodeSelector) && { nodeSelector: waypoint.nodeSelector as Record<string, string> }),
    ...(waypoint.tolerations?.length && { tolerations: waypoint.tolerations }),
    serviceAccountName: input.serviceAccount,
    containers: [
      {
        ...proxyNameAndImage(input),
        ...gatewayContainer,
        args: [
          'proxy',
          'waypoint',
          ...['--domain', `$(POD_NAMESPACE).svc.${values.global.proxy.clusterDomain}`],
          ...['--serviceCluster', `${input.serviceAccount}.$(POD_NAMESPACE)`],
          ...loggingArguments(input),
        ],
        env: waypointEnvironment(input),
        ...(waypoint.resources && { resources: canonicalResources(waypoint.resources) }),
        securityContext: proxySecurityContext,
        volumeMounts: [{ name: 'workload-socket', mountPath: '/var/run/secrets/workload-spiffe-uds' }, ...proxyMounts],
      },
    ],
    volumes: [
      { name: 'workload-socket', emptyDir: {} },
      { name: 'istio-envoy', emptyDir: { medium: 'Memory' } },
      { name: 'go-proxy-envoy', emptyDir: { medium: 'Memory' } },
      { name: 'istio-data', emptyDir: {} },
      { name: 'go-proxy-data', emptyDir: {} },
      podInfoVolume,
      tokenVolume('istio-ca'),
      { name: 'istiod-ca-cert', configMap: { name: 'istio-ca-root-cert' } },
    ],
  };
}
