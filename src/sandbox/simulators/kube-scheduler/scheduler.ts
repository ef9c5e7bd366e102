import { createHash } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import { formatTime } from '../../../kube/conditions.js';
import { isConflict, isNotFound } from '../../../kube/errors.js';
import { EventRecorder } from '../../../kube/events.js';
import { guardedPatch } from '../../../kube/patch.js';
import { POD, type Pod } from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import { Informers, type Informer } from '../informers.js';
import { KeyedWork } from '../keyed-work.js';
import { NODE, type Node } from '../nodes.js';
import { whyUnfit } from './node-fit.js';

/** What {@link Scheduler} is made from. */
export interface SchedulerOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  /** Decides between nodes with the same number of pods. */
  seed: number;
}

const name = 'default-scheduler';

/**
 * Gives pods to nodes: of those that fit, to the one with the fewest pods. A pod that fits nowhere is told why, and looked
 * at again when it or a node changes.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #informers: Informers;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #work: KeyedWork;
  readonly #events: EventRecorder;
  /** Bindings that the watch has not shown yet: node by uid of the pod. */
  readonly #bound = new Map<string, string>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { client, clock, log } = options;
    this.#informers = new Informers({ client, clock, log });
    this.#pods = this.#informers.of(POD);
    this.#nodes = this.#informers.of(NODE);
    this.#events = new EventRecorder({ client, clock, log, component: name, instance: `${name}-sandbox` });
    // One at a time: each must see where the one before has gone.
    this.#work = new KeyedWork({ run: (key) => this.#schedule(key), clock, log, concurrency: 1 });
    this.#pods.onChange(({ object, gone }) => {
      const { namespace, name: pod, uid = '' } = object.metadata;
      if (gone || object.spec.nodeName !== undefined) this.#bound.delete(uid);
      if (!gone && isWaiting(object)) this.#work.add(`${namespace}/${pod}`);
    });
    this.#nodes.onChange(() => {
      for (const pod of this.#pods.list()) {
        if (isWaiting(pod)) this.#work.add(`${pod.metadata.namespace}/${pod.metadata.name}`);
      }
    });
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#informers.run(signal);
    this.#work.stop();
    this.#events.stop();
  }

  /** Resolves when all nodes and pods have been seen once. */
  whenSynced(): Promise<void> {
    return this.#informers.whenSynced();
  }

  async #schedule(key: string): Promise<void> {
    const [namespace = '', pod = ''] = key.split('/');
    const found = this.#pods.get({ namespace, name: pod });
    if (found === undefined || !isWaiting(found) || this.#bound.has(found.metadata.uid ?? '')) return;
    try {
      await this.#place(found);
    } catch (error) {
      // Gone, or changed by somebody else: its own event asks again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #place(pod: Pod): Promise<void> {
    const nodes = this.#nodes.list();
    const fitting = nodes.filter((node) => whyUnfit(pod, node) === undefined);
    const node = this.#emptiest(pod, fitting);
    if (node === undefined) await this.#reject(pod, nodes);
    else await this.#bind(pod, node);
  }

  /** The node with the fewest pods. */
  #emptiest(pod: Pod, nodes: Node[]): Node | undefined {
    const counts = new Map<string, number>();
    for (const { metadata, spec } of this.#pods.list()) {
      const node = spec.nodeName ?? this.#bound.get(metadata.uid ?? '');
      if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    const { seed } = this.#options;
    const rank = ({ metadata }: Node): number =>
      (counts.get(metadata.name) ?? 0) + seededFraction(seed, `${pod.metadata.uid}/${metadata.name}`);
    return nodes.toSorted((a, b) => rank(a) - rank(b))[0];
  }

  async #bind(pod: Pod, { metadata: node }: Node): Promise<void> {
    const { namespace, name: podName, uid } = pod.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: node.name };
    const metadata = {
      name: podName,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
    };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata, target };
    this.#bound.set(uid ?? '', node.name);
    try {
      await this.#options.client.create(POD, binding, { fieldManager: name, subresource: 'binding' });
    } catch (error) {
      this.#bound.delete(uid ?? '');
      throw error;
    }
    this.#tell(pod, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${namespace}/${podName} to ${node.name}`);
  }

  async #reject(pod: Pod, nodes: Node[]): Promise<void> {
    const { client, clock } = this.#options;
    const message = rejection(pod, nodes);
    const old = pod.status?.conditions ?? [];
    const known = old.find(({ type }) => type === 'PodScheduled');
    if (known?.status === 'False' && known.message === message) return;
    const condition = {
      type: 'PodScheduled',
      observedGeneration: pod.metadata.generation,
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime: formatTime(clock.now()),
      reason: 'Unschedulable',
      message,
    };
    const value = [...old.filter(({ type }) => type !== 'PodScheduled'), condition];
    const operations = guardedPatch(pod, [{ path: ['status', 'conditions'], value }]);
    const written = await client.jsonPatch<Pod>(POD, pod.metadata, operations, {
      fieldManager: name,
      subresource: 'status',
    });
    this.#pods.written(written);
    this.#tell(pod, 'Warning', 'FailedScheduling', 'Scheduling', message);
  }

  #tell(pod: Pod, type: 'Normal' | 'Warning', reason: string, action: string, note: string): void {
    const { namespace, name: podName, uid } = pod.metadata;
    const regarding = { apiVersion: 'v1', kind: 'Pod', name: podName, ...(namespace !== undefined && { namespace }) };
    this.#events.emit({ regarding: { ...regarding, ...(uid !== undefined && { uid }) }, type, reason, action, note });
  }
}

/** From 0 to 1, depending on `seed` and `what` only. */
function seededFraction(seed: number, what: string): number {
  return createHash('sha256').update(`${seed}/${what}`).digest().readUInt32BE() / 2 ** 32;
}

/** Whether the pod is ours to give to a node. */
function isWaiting({ metadata, spec, status }: Pod): boolean {
  const { schedulerName = name, schedulingGates = [] } = spec as { schedulerName?: string; schedulingGates?: object[] };
  if (spec.nodeName !== undefined || metadata.deletionTimestamp !== undefined) return false;
  return schedulerName === name && schedulingGates.length === 0 && status?.phase !== 'Failed';
}

/** Why no node will do, as the real scheduler sums it up. */
function rejection(pod: Pod, nodes: Node[]): string {
  if (nodes.length === 0) return 'no nodes available to schedule pods';
  const reasons = new Map<string, number>();
  for (const node of nodes) {
    const reason = whyUnfit(pod, node) ?? '';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const told = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  const available = `0/${nodes.length} nodes are available:`;
  const preemption = `${available} ${nodes.length} Preemption is not helpful for scheduling.`;
  return `${available} ${told.join(', ')}. no new claims to deallocate, preemption: ${preemption}`;
}
