import type { PodSpec } from '../../../kube/types.js';
import { canonicalResources } from '../injector/quantity.js';
import { podInfoVolume, tokenVolume } from '../injector/sidecar-volumes.js';
import type { GatewayInput } from './gateway-input.js';
import { gatewayContainer, loggingArguments, proxyNameAndImage, waypointEnvironment } from './gateway-pod.js';

/**
 * The pod of a waypoint.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export function waypointPod(input: GatewayInput): PodSpec {
  const { values } = input.config;
  const { waypoint } = values.global;
  const filled = (field: object | undefined): boolean => Object.keys(field ?? {}).length > 0;
  const mount = (name: string, mountPath: string): { name: string; mountPath: string } => ({ name, mountPath });
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
        securityContext,
        volumeMounts: [
          mount('workload-socket', '/var/run/secrets/workload-spiffe-uds'),
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

const securityContext = {
  privileged: false,
  runAsGroup: 1337,
  runAsUser: 1337,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
};
