import equal from 'fast-deep-equal';

import { NODE, type Node, type Taint } from '../nodes.js';
import type { Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import type { WorkloadCondition } from './kinds.js';

/** Taint by condition and its status. */
const troubles: readonly (readonly [condition: string, status: string, taint: string])[] = [
  ['Ready', 'False', 'node.kubernetes.io/not-ready'],
  ['Ready', 'Unknown', 'node.kubernetes.io/unreachable'],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
];

const unschedulable = 'node.kubernetes.io/unschedulable';

const ours = new Set([...troubles.map(([, , taint]) => taint), unschedulable]);

/**
 * The taints that a node should have: those of others, and one for each of its troubles. A node that has not told its
 * conditions yet keeps what the API server gave it.
 *
 * Rules: `doNoScheduleTaintingPass` in kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go.
 */
function taintsOf({ spec, status }: Node): Taint[] {
  const conditions = (status?.['conditions'] ?? []) as WorkloadCondition[];
  if (!conditions.some(({ type }) => type === 'Ready')) return spec?.taints ?? [];
  const wanted = troubles
    .filter(([type, value]) => conditions.some((each) => each.type === type && each.status === value))
    .map(([, , taint]) => taint);
  if (spec?.unschedulable === true) wanted.push(unschedulable);
  const isOurs = ({ key, effect }: Taint): boolean => effect === 'NoSchedule' && ours.has(key);
  const before = spec?.taints ?? [];
  const kept = before.filter((taint) => !isOurs(taint) || wanted.includes(taint.key));
  const added = wanted.filter((key) => !before.some((taint) => isOurs(taint) && taint.key === key));
  return [...kept, ...added.map((key): Taint => ({ key, effect: 'NoSchedule' }))];
}

/** Turns the conditions of nodes into taints. Nodes never fall silent here, so none is given up. */
export class NodeLifecycleController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const nodes = cluster.informer(NODE);
    this.#loop = new ControlLoop({ cluster, log }, 'node-lifecycle', [nodes], (key) => this.#sync(key));
    this.loops = [this.#loop];
    nodes.onChange(({ object, gone }) => {
      if (!gone) this.#loop.add(keyOf(object));
    });
  }

  async #sync(key: string): Promise<void> {
    const node = this.#cluster.informer(NODE).get(refOf(key));
    if (node === undefined) return;
    const taints = taintsOf(node);
    if (equal(taints, node.spec?.taints ?? [])) return;
    const value = taints.length === 0 ? undefined : taints;
    await this.#cluster.change(NODE, node, [{ path: ['spec', 'taints'], value }]);
  }
}
