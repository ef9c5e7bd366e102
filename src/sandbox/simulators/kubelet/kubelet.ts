import { type Clock } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import { formatTime } from '../../../kube/conditions.js';
import { isConflict, isNotFound } from '../../../kube/errors.js';
import { guardedPatch } from '../../../kube/patch.js';
import { POD, type Pod } from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import { Informers, type Change, type Informer } from '../informers.js';
import { KeyedWork } from '../keyed-work.js';
import { NODE, type Node } from '../nodes.js';
import { PodAddresses } from './pod-addresses.js';
import { podStage, type PodStage } from './pod-stage.js';
import { podStatus } from './pod-status.js';

/** What {@link Kubelet} is made from. */
export interface KubeletOptions {
  client: Client;
  clock: Clock;
  log: Logger;
}

const fieldManager = 'kubelet';

/**
 * The kubelets of all nodes: pods that have a node and a sandbox become Running and Ready, pods of Jobs complete, pods that
 * are being deleted vanish. Nothing really runs; {@link podStage} says what pods can be told to do instead.
 */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #informers: Informers;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #work: KeyedWork;
  readonly #addresses = new PodAddresses();

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#informers = new Informers(options);
    this.#pods = this.#informers.of(POD);
    this.#nodes = this.#informers.of(NODE);
    this.#work = new KeyedWork({ run: (key) => this.#reconcile(key), clock, log });
    this.#pods.onChange((change) => this.#seen(change));
    this.#nodes.onChange(({ object }) => this.#nodeSeen(object));
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#informers.run(signal);
    this.#work.stop();
  }

  /** Resolves when all nodes and pods have been seen once. */
  whenSynced(): Promise<void> {
    return this.#informers.whenSynced();
  }

  #seen({ object: pod, gone }: Change<Pod>): void {
    const { namespace, name, uid = '' } = pod.metadata;
    if (gone) return this.#addresses.release(uid);
    if (pod.status?.podIP !== undefined && pod.spec.hostNetwork !== true) this.#addresses.keep(uid, pod.status.podIP);
    if (pod.spec.nodeName !== undefined) this.#work.add(`${namespace}/${name}`);
  }

  #nodeSeen(node: Node): void {
    const { name } = node.metadata;
    for (const { metadata, spec } of this.#pods.list()) {
      if (spec.nodeName === name) this.#work.add(`${metadata.namespace}/${metadata.name}`);
    }
  }

  async #reconcile(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = this.#pods.get({ namespace, name });
    const stage = pod && podStage(pod);
    const node = pod && this.#nodes.get({ name: pod.spec.nodeName ?? '' });
    // A pod without a node that exists is nobody's.
    if (pod === undefined || stage === undefined || node === undefined) return;
    try {
      if (stage === 'remove') await this.#remove(pod);
      else if (stage === 'drain') await this.#drain(pod, key);
      else await this.#enter(pod, stage, node);
    } catch (error) {
      // Whatever the pod has become, its own event asks again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Its grace period ends at the time that the API server has written. */
  async #drain(pod: Pod, key: string): Promise<void> {
    const leftMs = Date.parse(pod.metadata.deletionTimestamp ?? '') - this.#options.clock.now();
    if (leftMs > 0) this.#work.addAfter(key, leftMs);
    else await this.#remove(pod);
  }

  async #enter(pod: Pod, stage: Exclude<PodStage, 'drain' | 'remove'>, node: Node): Promise<void> {
    const { client, clock } = this.#options;
    const hostIP = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '127.0.0.1';
    const podIP = pod.spec.hostNetwork === true ? hostIP : this.#addresses.of(pod.metadata.uid ?? '');
    const value = podStatus(pod, stage, { at: formatTime(clock.now()), hostIP, podIP });
    const operations = guardedPatch(pod, [{ path: ['status'], value }]);
    const options = { fieldManager, subresource: 'status' };
    this.#pods.written(await client.jsonPatch<Pod>(POD, pod.metadata, operations, options));
  }

  async #remove({ metadata }: Pod): Promise<void> {
    const { uid } = metadata;
    await this.#options.client.delete(POD, metadata, { gracePeriodSeconds: 0, ...(uid !== undefined && { uid }) });
  }
}
