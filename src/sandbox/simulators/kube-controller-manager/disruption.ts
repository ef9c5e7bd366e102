import { namespaced } from '../../../kube/resource.js';
import { matchesSelector } from '../../../kube/selectors.js';
import { POD, type Pod, type PodDisruptionBudget as KubePodDisruptionBudget } from '../../../kube/types.js';
import { statesOf } from '../informers.js';
import { serverMessage, type Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import { scaledValue } from './int-or-percent.js';
import { DEPLOYMENT, REPLICA_SET, STATEFUL_SET, type WorkloadCondition } from './kinds.js';
import { ObjectEvents } from './object-events.js';
import { controllerOf } from './ownership.js';
import { isReady } from './pods.js';

interface PodDisruptionBudget extends Omit<KubePodDisruptionBudget, 'status'> {
  status?: KubePodDisruptionBudget['status'] & {
    disruptedPods?: Record<string, string>;
    conditions?: WorkloadCondition[];
  };
}

const POD_DISRUPTION_BUDGET = namespaced<PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);

type Status = NonNullable<PodDisruptionBudget['status']>;

/** An eviction that has not deleted its pod after so long counts no more. */
const evictionTimeoutMs = 120_000;

/** How many pods there should be, and how many of them healthy. */
interface Expectation {
  expected: number;
  desired: number;
}

/**
 * What a budget asks for.
 *
 * @param pods   pods that it selects
 * @param scale  how many pods their controllers want together; asked only for percentages and `maxUnavailable`
 */
function expectationOf({ spec }: PodDisruptionBudget, pods: readonly Pod[], scale: () => number): Expectation {
  if (spec?.maxUnavailable !== undefined) {
    const expected = scale();
    return { expected, desired: Math.max(0, expected - scaledValue(spec.maxUnavailable, expected, 'up')) };
  }
  if (typeof spec?.minAvailable === 'string') {
    const expected = scale();
    return { expected, desired: scaledValue(spec.minAvailable, expected, 'up') };
  }
  return { expected: pods.length, desired: spec?.minAvailable ?? 0 };
}

/** Tells in each budget's status how many pods may be evicted. Rules: kubernetes/pkg/controller/disruption. */
export class DisruptionController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'controllermanager');
    const budgets = cluster.informer(POD_DISRUPTION_BUDGET);
    const pods = cluster.informer(POD);
    const owners = [cluster.informer(DEPLOYMENT), cluster.informer(REPLICA_SET), cluster.informer(STATEFUL_SET)];
    this.#loop = new ControlLoop({ cluster, log }, 'disruption', [budgets, pods, ...owners], (key) => this.#sync(key));
    this.loops = [this.#loop];
    budgets.onChange(({ object }) => this.#loop.add(keyOf(object)));
    pods.onChange((change) => statesOf(change).forEach((pod) => this.#addBudgets(pod)));
  }

  #addBudgets(pod: Pod): void {
    for (const budget of this.#cluster.informer(POD_DISRUPTION_BUDGET).list(pod.metadata.namespace)) {
      if (matchesSelector(budget.spec?.selector, pod.metadata.labels)) this.#loop.add(keyOf(budget));
    }
  }

  async #sync(key: string): Promise<void> {
    const budget = this.#cluster.informer(POD_DISRUPTION_BUDGET).get(refOf(key));
    if (budget === undefined) return;
    const pods = this.#cluster
      .informer(POD)
      .list(budget.metadata.namespace)
      .filter(({ metadata }) => matchesSelector(budget.spec?.selector, metadata.labels));
    if (pods.length === 0) this.#events.normal(budget, 'NoPods', 'No matching pods found');
    try {
      await this.#report(budget, pods);
    } catch (error) {
      const text = serverMessage(error);
      if (!text.startsWith('found no controller')) throw error;
      const message = `Failed to calculate the number of expected pods: ${text}`;
      this.#events.warning(budget, 'CalculateExpectedPodCountFailed', message);
      await this.#failSafe(budget, text);
    }
  }

  async #report(budget: PodDisruptionBudget, pods: readonly Pod[]): Promise<void> {
    const nowMs = this.#cluster.clock.now();
    const { expected, desired } = expectationOf(budget, pods, () => this.#scaleOf(budget, pods));
    const disrupted = this.#disrupted(budget, pods, nowMs);
    const healthy = pods.filter(
      (pod) =>
        pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name] === undefined && isReady(pod),
    ).length;
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
    const generation = budget.metadata.generation ?? 0;
    const condition = allowed > 0 ? ({ status: 'True', reason: 'SufficientPods' } as const) : insufficientPods;
    await this.#cluster.setStatus(POD_DISRUPTION_BUDGET, budget, {
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
      ...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
      observedGeneration: generation,
      conditions: this.#conditions(budget, { ...condition, message: '', observedGeneration: generation }),
    });
  }

  /** Evictions under way, by the pod's name. */
  #disrupted(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Record<string, string> {
    const result: Record<string, string> = {};
    for (const { metadata } of pods) {
      const at = budget.status?.disruptedPods?.[metadata.name];
      if (at === undefined || metadata.deletionTimestamp !== undefined) continue;
      const leftMs = Date.parse(at) + evictionTimeoutMs - nowMs;
      if (leftMs <= 0) continue;
      result[metadata.name] = at;
      this.#loop.addAfter(keyOf(budget), leftMs);
    }
    return result;
  }

  /** How many pods the controllers of these pods want. */
  #scaleOf(budget: PodDisruptionBudget, pods: readonly Pod[]): number {
    const scales = new Map<string, number>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (reference === undefined) unmanaged.push(pod.metadata.name);
      else if (!scales.has(reference.uid)) scales.set(...this.#scaleOfOwner(pod, reference));
    }
    if (unmanaged.length > 0) this.#tellOfUnmanaged(budget);
    return [...scales.values()].reduce((sum, scale) => sum + scale, 0);
  }

  #scaleOfOwner(pod: Pod, { kind, name, uid }: { kind: string; name: string; uid: string }): [string, number] {
    const { namespace } = pod.metadata;
    if (kind === 'StatefulSet') {
      const set = this.#cluster.informer(STATEFUL_SET).get({ namespace, name });
      if (set?.metadata.uid === uid) return [uid, set.spec.replicas ?? 1];
    }
    const set = kind === 'ReplicaSet' ? this.#cluster.informer(REPLICA_SET).get({ namespace, name }) : undefined;
    if (set?.metadata.uid !== uid) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
    const owner = controllerOf(set);
    if (owner?.kind !== 'Deployment') return [uid, set.spec.replicas ?? 1];
    const deployment = this.#cluster.informer(DEPLOYMENT).get({ namespace, name: owner.name });
    // The scale is the Deployment's, once for all of its ReplicaSets.
    return deployment === undefined ? [uid, 0] : [owner.uid, deployment.spec.replicas ?? 1];
  }

  #tellOfUnmanaged(budget: PodDisruptionBudget): void {
    this.#events.warning(
      budget,
      'UnmanagedPods',
      'Pods selected by this PodDisruptionBudget were found to be unmanaged. As a result, the status of the PDB cannot be ' +
        'calculated correctly, which may result in undefined behavior. To account for these pods please set ' +
        '".spec.minAvailable" field of the PDB to an integer value.',
    );
  }

  #conditions(budget: PodDisruptionBudget, next: Omit<WorkloadCondition, 'type'>): WorkloadCondition[] {
    const type = 'DisruptionAllowed';
    const conditions = budget.status?.conditions ?? [];
    const before = conditions.find((condition) => condition.type === type);
    const same = before?.status === next.status;
    const lastTransitionTime = (same ? before?.lastTransitionTime : undefined) ?? this.#cluster.now();
    const condition: WorkloadCondition = { ...next, type, lastTransitionTime };
    return before === undefined
      ? [...conditions, condition]
      : conditions.map((each) => (each === before ? condition : each));
  }

  async #failSafe(budget: PodDisruptionBudget, message: string): Promise<void> {
    const observedGeneration = budget.status?.observedGeneration ?? 0;
    const status: Status = {
      ...budget.status,
      currentHealthy: budget.status?.currentHealthy ?? 0,
      desiredHealthy: budget.status?.desiredHealthy ?? 0,
      expectedPods: budget.status?.expectedPods ?? 0,
      disruptionsAllowed: 0,
      conditions: this.#conditions(budget, {
        status: 'False',
        reason: 'SyncFailed',
        message,
        ...(observedGeneration > 0 && { observedGeneration }),
      }),
    };
    await this.#cluster.setStatus(POD_DISRUPTION_BUDGET, budget, status);
  }
}

const insufficientPods = { status: 'False', reason: 'InsufficientPods' } as const;
