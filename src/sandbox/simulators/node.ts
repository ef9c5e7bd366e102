import type { KubeObject, ResourceType } from '../../kube/resource.js';

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

export const NODE: ResourceType<Node> = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };
