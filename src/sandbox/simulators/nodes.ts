import type { Client } from '../../kube/client.js';
import { formatTime } from '../../kube/conditions.js';
import { clusterScoped, type KubeObject } from '../../kube/resource.js';

/** What keeps pods off a node. */
export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A machine, the fields that simulators read or write. */
export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: Taint[] };
  status?: {
    addresses?: { type: string; address: string }[];
    nodeInfo?: { kubeletVersion: string };
    [field: string]: unknown;
  };
}

export const NODE = clusterScoped<Node>('', 'v1', 'nodes', 'Node');

/** Version of the kubelets; istiod makes native sidecars from 1.33 on. */
const kubeletVersion = 'v1.35.4';

const kubelet = 'kubelet';

const amounts = { cpu: '1k', memory: '1Ti', pods: '1M' };

const conditions = [
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'],
];

/**
 * Adds `count` nodes, `node-1` and so on and ready, with the addresses of the real harness.
 *
 * @param now  milliseconds since the epoch
 */
export async function createNodes(client: Client, count: number, now: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  await Promise.all(names.map((name, index) => createNode(client, name, `10.0.0.${index + 1}`, formatTime(now))));
}

async function createNode(client: Client, name: string, address: string, at: string): Promise<void> {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
      },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
  };
  const status = {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    allocatable: amounts,
    capacity: amounts,
    conditions: conditions.map(([type, status, reason, message]) => {
      return { type, status, lastHeartbeatTime: at, lastTransitionTime: at, reason, message };
    }),
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
    nodeInfo,
    phase: 'Running',
  };
  await client.create(NODE, node, { fieldManager: kubelet });
  // Once more, for the status: an API server need not take it from a create.
  await client.apply(NODE, { ...node, status } as Node, { fieldManager: kubelet, force: true, subresource: 'status' });
}

const nodeInfo = {
  architecture: 'amd64',
  bootID: '',
  containerRuntimeVersion: 'sandbox',
  kernelVersion: 'sandbox',
  kubeProxyVersion: kubeletVersion,
  kubeletVersion,
  machineID: '',
  operatingSystem: 'linux',
  osImage: '',
  systemUUID: '',
};
