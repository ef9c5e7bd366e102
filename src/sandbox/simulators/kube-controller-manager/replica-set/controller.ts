import { matchesSelector } from '../../../../kube/selectors.js';
import { POD, type Pod } from '../../../../kube/types.js';
import { statesOf } from '../../informers.js';
import { serverMessage, type Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { REPLICA_SET, type ReplicaSet } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { claim, controllerOf, isControlledBy, ownerKeys } from '../ownership.js';
import { PodControl } from '../pod-control.js';
import { rankForDeletion } from '../pod-ranking.js';
import { isActive, isTerminating, nextAvailableInMs, podFromTemplate } from '../pods.js';
import { replicaSetStatus } from './status.js';

/** Not more pods than this are created or deleted at a time. */
const burst = 500;

/** Keeps as many pods as a ReplicaSet asks for. Rules: kubernetes/pkg/controller/replicaset/replica_set.go. */
export class ReplicaSetController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #podControl: PodControl;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#podControl = new PodControl(cluster, new ObjectEvents(cluster, log, 'replicaset-controller'));
    const sets = cluster.informer(REPLICA_SET);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'replica-set', [sets, pods], (key) => this.#sync(key));
    this.loops = [this.#loop];
    sets.onChange(({ object }) => this.#loop.add(keyOf(object)));
    pods.onChange((change) => {
      for (const pod of statesOf(change)) this.#loop.add(...ownerKeys(cluster, REPLICA_SET, pod));
    });
  }

  async #sync(key: string): Promise<void> {
    const set = this.#cluster.informer(REPLICA_SET).get(refOf(key));
    if (set === undefined) return;
    const matches = ({ metadata }: Pod): boolean => matchesSelector(set.spec.selector, metadata.labels);
    const pods = this.#cluster.informer(POD).list(set.metadata.namespace);
    const active = await claim({
      cluster: this.#cluster,
      ownerType: REPLICA_SET,
      owner: set,
      type: POD,
      candidates: pods.filter(isActive),
      matches,
    });
    const terminating = pods.filter((pod) => isTerminating(pod) && isControlledBy(pod, set) && matches(pod));
    const failure = set.metadata.deletionTimestamp === undefined ? await this.#manage(set, active) : undefined;
    await this.#updateStatus(set, active, terminating, failure);
    if (failure !== undefined) throw failure;
  }

  /** Creates what is missing or deletes what is too much; returns what it failed with. */
  async #manage(set: ReplicaSet, active: Pod[]): Promise<Error | undefined> {
    const missing = (set.spec.replicas ?? 1) - active.length;
    try {
      const draft = podFromTemplate(set.spec.template, set);
      for (let i = 0; i < Math.min(missing, burst); i++) {
        // Where the namespace is going away, nothing more will be created.
        if ((await this.#podControl.create(set, draft)) === undefined) break;
      }
      for (const pod of this.#surplus(set, active, -missing)) await this.#podControl.delete(set, pod);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #surplus(set: ReplicaSet, active: Pod[], count: number): Pod[] {
    if (count <= 0) return [];
    const nowMs = this.#cluster.clock.now();
    return rankForDeletion(active, this.#relatedPods(set), nowMs).slice(0, Math.min(count, burst));
  }

  /** The active pods of all ReplicaSets of the same Deployment. */
  #relatedPods(set: ReplicaSet): Pod[] {
    const { namespace } = set.metadata;
    const controller = controllerOf(set)?.uid;
    const sets = this.#cluster
      .informer(REPLICA_SET)
      .list(namespace)
      .filter((other) => other === set || (controller !== undefined && controllerOf(other)?.uid === controller));
    return this.#cluster
      .informer(POD)
      .list(namespace)
      .filter((pod) => isActive(pod) && sets.some(({ spec }) => matchesSelector(spec.selector, pod.metadata.labels)));
  }

  async #updateStatus(set: ReplicaSet, active: Pod[], terminating: Pod[], failure: Error | undefined): Promise<void> {
    const nowMs = this.#cluster.clock.now();
    const status = replicaSetStatus(set, {
      active,
      terminating,
      failure: failure === undefined ? undefined : serverMessage(failure),
      nowMs,
      now: this.#cluster.now(),
    });
    await this.#cluster.setStatus(REPLICA_SET, set, status);
    const waitMs = nextAvailableInMs(active, set.spec.minReadySeconds ?? 0, nowMs);
    if (waitMs !== undefined) this.#loop.addAfter(keyOf(set), waitMs);
  }
}
