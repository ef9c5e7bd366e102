import type { Manifest } from './apply.js';
import { kubernetesVersion } from './build.js';

// All are required by the API; the stage node-initialize fills in those that are empty.
const emptyNodeInfo = {
  architecture: '',
  bootID: '',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: '',
  machineID: '',
  operatingSystem: '',
  osImage: '',
  systemUUID: '',
};

/**
 * `count` nodes for kwok, and of the namespace istio-system.
 *
 * Their addresses are fixed: kwok would otherwise give each the address of this machine, and hostNetwork pods with it.
 */
export function nodes(count: number): Manifest[] {
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  const objects = names.map((name, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', 'kubernetes.io/hostname': name },
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    status: {
      // istiod makes native sidecars where every kubelet is new enough; kwok would call itself "kwok-0.8.0".
      nodeInfo: { ...emptyNodeInfo, kubeletVersion: kubernetesVersion },
      addresses: [
        { type: 'InternalIP', address: `10.0.0.${index + 1}` },
        { type: 'Hostname', address: name },
      ],
    },
  }));
  const istioSystem = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } };
  return [istioSystem, ...objects];
}
