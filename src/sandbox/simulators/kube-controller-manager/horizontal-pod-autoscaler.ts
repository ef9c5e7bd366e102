import { isNotFound } from '../../../kube/errors.js';
import { apiVersionOf, namespaced, pathOf, type KubeObject, type ResourceType } from '../../../kube/resource.js';
import { fieldManager, type Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import { DEPLOYMENT, REPLICA_SET, STATEFUL_SET, type WorkloadCondition } from './kinds.js';
import { ObjectEvents } from './object-events.js';

interface HorizontalPodAutoscaler extends KubeObject {
  spec: {
    minReplicas?: number;
    maxReplicas: number;
    scaleTargetRef: { apiVersion: string; kind: string; name: string };
    metrics?: unknown[];
  };
  status?: {
    currentReplicas?: number;
    desiredReplicas?: number;
    lastScaleTime?: string;
    currentMetrics?: unknown;
    conditions?: WorkloadCondition[];
  };
}

const HORIZONTAL_POD_AUTOSCALER = namespaced<HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);

/**
 * How often each autoscaler looks; it first does so this long after its creation.
 *
 * @see kubernetes/pkg/controller/podautoscaler/horizontal.go, enqueueHPA
 */
const periodMs = 15_000;

/** What can be scaled. */
const targets: readonly ResourceType[] = [DEPLOYMENT, REPLICA_SET, STATEFUL_SET];

/** What to do about the size of a target. */
type Decision =
  { replicas: number; reason: string } | { replicas: undefined; because: 'target is at 0' | 'there are no metrics' };

/**
 * The size that the limits ask for. There is nothing here that measures, so between the limits nothing changes.
 *
 * Rules: `reconcileAutoscaler` in kubernetes/pkg/controller/podautoscaler/horizontal.go.
 */
function decide({ spec }: HorizontalPodAutoscaler, current: number): Decision {
  const minReplicas = spec.minReplicas ?? 1;
  if (current === 0 && minReplicas !== 0) return { replicas: undefined, because: 'target is at 0' };
  if (current > spec.maxReplicas) {
    return { replicas: spec.maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' };
  }
  if (current < minReplicas) {
    return { replicas: minReplicas, reason: 'Current number of replicas below Spec.MinReplicas' };
  }
  return { replicas: undefined, because: 'there are no metrics' };
}

/** Keeps the size of workloads within the limits of their autoscalers. No metrics are collected. */
export class HorizontalPodAutoscalerController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'horizontal-pod-autoscaler');
    const autoscalers = cluster.informer(HORIZONTAL_POD_AUTOSCALER);
    this.#loop = new ControlLoop({ cluster, log }, 'horizontal-pod-autoscaler', [autoscalers], (key) =>
      this.#sync(key),
    );
    this.loops = [this.#loop];
    autoscalers.onChange(({ object, before, gone }) => {
      const changed = before?.metadata.generation !== object.metadata.generation;
      if (!gone && (before === undefined || changed)) this.#loop.addAfter(keyOf(object), periodMs);
    });
  }

  async #sync(key: string): Promise<void> {
    const autoscaler = this.#cluster.informer(HORIZONTAL_POD_AUTOSCALER).get(refOf(key));
    if (autoscaler === undefined) return;
    this.#loop.addAfter(key, periodMs);
    const { apiVersion, kind, name } = autoscaler.spec.scaleTargetRef;
    const type = targets.find((target) => target.kind === kind && apiVersionOf(target) === apiVersion);
    const { namespace = '' } = autoscaler.metadata;
    const current = type && (await this.#scaleOf(type, { namespace, name }));
    if (type === undefined || current === undefined) return this.#noTarget(autoscaler);
    const decision = decide(autoscaler, current);
    if (decision.replicas !== undefined) {
      await this.#scale(type, { namespace, name }, decision.replicas);
      this.#events.normal(
        autoscaler,
        'SuccessfulRescale',
        `New size: ${decision.replicas}; reason: ${decision.reason}`,
      );
    }
    await this.#report(autoscaler, current, decision);
  }

  /** How many pods the target wants; undefined if there is no such target. */
  async #scaleOf(type: ResourceType, ref: { namespace: string; name: string }): Promise<number | undefined> {
    try {
      const path = pathOf(type, { ...ref, subresource: 'scale' });
      const scale = (await this.#cluster.client.getJson(path)) as { spec?: { replicas?: number } };
      return scale.spec?.replicas ?? 0;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #scale(type: ResourceType, ref: { namespace: string; name: string }, replicas: number): Promise<void> {
    const operations = [{ op: 'add', path: '/spec/replicas', value: replicas } as const];
    await this.#cluster.client.jsonPatch(type, ref, operations, { fieldManager, subresource: 'scale' });
  }

  async #report(autoscaler: HorizontalPodAutoscaler, current: number, decision: Decision): Promise<void> {
    const before = autoscaler.status;
    const scaled = decision.replicas !== undefined;
    const able = scaled
      ? this.#condition('AbleToScale', 'True', 'SucceededRescale', rescaledTo(decision.replicas))
      : this.#condition('AbleToScale', 'True', 'SucceededGetScale', gotScale);
    const zero = !scaled && decision.because === 'target is at 0';
    const active = zero ? [this.#condition('ScalingActive', 'False', 'ScalingDisabled', disabled)] : [];
    await this.#cluster.setStatus(HORIZONTAL_POD_AUTOSCALER, autoscaler, {
      ...before,
      currentReplicas: current,
      desiredReplicas: decision.replicas ?? current,
      currentMetrics: before?.currentMetrics ?? null,
      ...(scaled && { lastScaleTime: this.#cluster.now() }),
      conditions: merged(before?.conditions ?? [], [able, ...active]),
    });
  }

  async #noTarget(autoscaler: HorizontalPodAutoscaler): Promise<void> {
    const { kind, name, apiVersion } = autoscaler.spec.scaleTargetRef;
    const plural = targets.find((target) => target.kind === kind)?.plural ?? kind.toLowerCase();
    const [group = ''] = apiVersion.split('/');
    const why = `${plural}.${group} "${name}" not found`;
    this.#events.warning(autoscaler, 'FailedGetScale', why);
    const message = `the HPA controller was unable to get the target's current scale: ${why}`;
    const condition = this.#condition('AbleToScale', 'False', 'FailedGetScale', message);
    await this.#cluster.setStatus(HORIZONTAL_POD_AUTOSCALER, autoscaler, {
      ...autoscaler.status,
      conditions: merged(autoscaler.status?.conditions ?? [], [condition]),
    });
  }

  #condition(type: string, status: 'True' | 'False', reason: string, message: string): WorkloadCondition {
    return { type, status, lastTransitionTime: this.#cluster.now(), reason, message };
  }
}

const gotScale = "the HPA controller was able to get the target's current scale";
const disabled = 'scaling is disabled since the replica count of the target is zero';
const rescaledTo = (replicas: number): string =>
  `the HPA controller was able to update the target scale to ${replicas}`;

/** Conditions with the new ones in place of those of the same type; the time stays while the status does. */
function merged(before: readonly WorkloadCondition[], next: readonly WorkloadCondition[]): WorkloadCondition[] {
  const result = [...before];
  for (const condition of next) {
    const index = result.findIndex(({ type }) => type === condition.type);
    const old = result[index];
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    const kept = since === undefined ? condition : { ...condition, lastTransitionTime: since };
    if (index < 0) result.push(kept);
    else result[index] = kept;
  }
  return result;
}
