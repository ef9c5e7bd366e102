import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { age, ageColumn, column, nameColumn, type TableForm, wideColumn } from './table-form.js';
import { specOf } from './workloads.js';

interface NodeSpec {
  unschedulable?: boolean;
  taints?: { key: string; effect: string }[];
}

interface NodeStatus {
  capacity?: Record<string, string>;
  allocatable?: Record<string, string>;
  conditions?: { type: string; status: string }[];
  addresses?: { type: string; address: string }[];
  nodeInfo?: Record<string, string>;
}

const rolePrefix = 'node-role.kubernetes.io/';
const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

const statusOf = (node: ApiObject): NodeStatus => node.status ?? {};

function readiness(node: ApiObject): string {
  const ready = statusOf(node).conditions?.find(({ type }) => type === 'Ready');
  const first = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return specOf<NodeSpec>(node).unschedulable ? `${first},SchedulingDisabled` : first;
}

function roles({ metadata: { labels = {} } }: ApiObject): string {
  const found = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length) || [];
    return key === 'kubernetes.io/role' && value !== '' ? value : [];
  });
  return [...new Set(found)].sort().join(',') || '<none>';
}

const table: TableForm = {
  columns: [
    nameColumn,
    column('Status', 'The status of the node'),
    column('Roles', 'The roles of the node'),
    ageColumn,
    column('Version', 'Kubelet Version reported by the node.'),
    wideColumn('Internal-IP', 'Address of the node in its network.'),
    wideColumn('External-IP', 'Address of the node in the world.'),
    wideColumn('OS-Image', 'OS Image reported by the node.'),
    wideColumn('Kernel-Version', 'Kernel Version reported by the node.'),
    wideColumn('Container-Runtime', 'ContainerRuntime Version reported by the node.'),
  ],
  cells: (node, now) => {
    const { nodeInfo = {}, addresses = [] } = statusOf(node);
    const address = (type: string): string => addresses.find((each) => each.type === type)?.address ?? '<none>';
    return [
      node.metadata.name,
      readiness(node),
      roles(node),
      age(node.metadata.creationTimestamp, now),
      nodeInfo.kubeletVersion ?? '',
      address('InternalIP'),
      address('ExternalIP'),
      nodeInfo.osImage || '<unknown>',
      nodeInfo.kernelVersion || '<unknown>',
      nodeInfo.containerRuntimeVersion || '<unknown>',
    ];
  },
};

/** `v1` Node. */
export const nodes: BuiltinKind = {
  group: '',
  kind: 'Node',
  shortNames: ['no'],
  namespaced: false,
  subresources: ['status'],
  strategy: {
    keepsStatusOnCreate: true,
    setDefaults: (node) => {
      const { capacity, allocatable } = statusOf(node);
      if (capacity && !allocatable) statusOf(node).allocatable = { ...capacity };
    },
    prepareForCreate: (node) => {
      // Of the admission plugin TaintNodesByCondition: nobody knows yet whether the node is ready.
      const { taints = [], ...spec } = specOf<NodeSpec>(node);
      if (!taints.some(({ key }) => key === notReady.key)) node.spec = { ...spec, taints: [...taints, notReady] };
    },
    selectableFieldNames: ['spec.unschedulable'],
    selectableFields: (node) => ({ 'spec.unschedulable': String(specOf<NodeSpec>(node).unschedulable ?? false) }),
  },
  table,
};
