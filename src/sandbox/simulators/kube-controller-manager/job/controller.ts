import { isNotFound } from '../../../../kube/errors.js';
import { matchesSelector } from '../../../../kube/selectors.js';
import { POD, type Pod } from '../../../../kube/types.js';
import { statesOf } from '../../informers.js';
import type { Cluster, Draft } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { JOB, type Job } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { claim, controllerOf } from '../ownership.js';
import { PodControl } from '../pod-control.js';
import { podFromTemplate } from '../pods.js';
import { backoffMs, recordAfter, type FailureRecord } from './backoff.js';
import { indexKey } from './indexes.js';
import {
  census,
  deadlineInMs,
  finishedCondition,
  isComplete,
  isTracked,
  plan,
  trackingFinalizer,
  verdictOf,
  type Census,
  type Verdict,
} from './plan.js';
import { asWritten, condition, countable, countReleased, noteEnded, withCondition } from './tracking.js';

type Status = NonNullable<Job['status']>;

/** Not more pods than this are created or deleted at a time. */
const burst = 500;

const completed: Verdict = {
  success: true,
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};

/** Runs pods until enough have succeeded. Rules: kubernetes/pkg/controller/job. */
export class JobController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #orphans: ControlLoop;
  readonly #events: ObjectEvents;
  readonly #podControl: PodControl;
  readonly #failures = new Map<string, FailureRecord>();

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'job-controller');
    this.#podControl = new PodControl(cluster, this.#events);
    const jobs = cluster.informer(JOB);
    const pods = cluster.informer(POD);
    const sources = [jobs, pods];
    this.#loop = new ControlLoop({ cluster, log }, 'job', sources, (key) => this.#sync(key));
    this.#orphans = new ControlLoop({ cluster, log }, 'job-orphans', sources, (key) => this.#releaseOrphan(key));
    this.loops = [this.#loop, this.#orphans];
    jobs.onChange(({ object, gone }) => {
      this.#loop.add(keyOf(object));
      if (gone) for (const pod of pods.list(object.metadata.namespace)) this.#orphans.add(keyOf(pod));
    });
    pods.onChange((change) => statesOf(change).forEach((pod) => this.#addOwner(pod)));
  }

  #addOwner(pod: Pod): void {
    const controller = controllerOf(pod);
    if (controller?.kind === 'Job') this.#loop.add(`${pod.metadata.namespace}/${controller.name}`);
    if (isTracked(pod)) this.#orphans.add(keyOf(pod));
  }

  /** A pod whose Job is gone is not counted by anybody. */
  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#cluster.informer(POD).get(refOf(key));
    if (pod === undefined || !isTracked(pod)) return;
    const owner = controllerOf(pod);
    const { namespace } = pod.metadata;
    const job = owner && this.#cluster.informer(JOB).get({ namespace, name: owner.name });
    const isOwned = owner?.kind === 'Job' && job?.metadata.uid === owner.uid && finishedCondition(job) === undefined;
    if (!isOwned) await this.#release(pod);
  }

  async #sync(key: string): Promise<void> {
    const job = this.#cluster.informer(JOB).get(refOf(key));
    if (job === undefined || finishedCondition(job) !== undefined) {
      this.#failures.delete(key);
      return;
    }
    const pods = await this.#pods(job);
    const nowMs = this.#cluster.clock.now();
    const counted = census(job, pods);
    const record = recordAfter(this.#failures.get(key), counted.newSucceeded, counted.newFailed);
    const decided = verdictOf(job, pods, counted, nowMs);
    const failure = await (decided === undefined
      ? this.#manage(job, pods, counted, record)
      : this.#stopAll(job, counted.active));
    const remaining = await this.#pods(job);
    const after = census(job, remaining);
    const verdict = decided ?? (isComplete(job, after, after.active.length) ? completed : undefined);
    if (record !== undefined) this.#failures.set(key, record);
    else this.#failures.delete(key);
    await this.#track(job, remaining, after, verdict);
    this.#awaitDeadline(key, job, nowMs);
    if (failure !== undefined) throw failure;
  }

  #awaitDeadline(key: string, job: Job, nowMs: number): void {
    const running = this.#cluster.informer(JOB).get(job.metadata) ?? job;
    const waitMs = deadlineInMs(running, nowMs);
    if (waitMs !== undefined && waitMs > 0) this.#loop.addAfter(key, waitMs);
  }

  #pods(job: Job): Promise<Pod[]> {
    return claim({
      cluster: this.#cluster,
      ownerType: JOB,
      owner: job,
      type: POD,
      candidates: this.#cluster.informer(POD).list(job.metadata.namespace),
      matches: ({ metadata }) => matchesSelector(job.spec.selector, metadata.labels),
    });
  }

  async #stopAll(job: Job, active: readonly Pod[]): Promise<Error | undefined> {
    try {
      for (const pod of active) await this.#podControl.delete(job, pod);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** Creates or deletes pods; returns what it failed with. */
  async #manage(
    job: Job,
    pods: readonly Pod[],
    counted: Census,
    record: FailureRecord | undefined,
  ): Promise<Error | undefined> {
    if (job.metadata.deletionTimestamp !== undefined) return undefined;
    const nowMs = this.#cluster.clock.now();
    const todo = plan(job, pods, counted, nowMs);
    try {
      for (const pod of todo.delete.slice(0, burst)) {
        await this.#release(pod);
        await this.#podControl.delete(job, pod);
      }
      const waitMs = todo.create.length > 0 ? backoffMs(record, nowMs) : 0;
      if (waitMs > 0) this.#loop.addAfter(keyOf(job), waitMs);
      else for (const index of todo.create.slice(0, burst)) await this.#podControl.create(job, draft(job, index));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** Notes pods that have ended in the status, lets go of them, counts them, and ends the Job if it is over. */
  async #track(job: Job, pods: readonly Pod[], after: Census, verdict: Verdict | undefined): Promise<void> {
    const now = this.#cluster.now();
    const noted: Status = {
      ...job.status,
      ...this.#startOf(job, now),
      active: after.active.length,
      ready: after.ready,
      terminating: after.terminating,
      ...noteEnded(job, pods, after, verdict),
      conditions: this.#conditions(job, verdict, now),
    };
    const written = await this.#cluster.setStatus(JOB, job, withoutEmpty(asWritten(noted)));
    for (const pod of countable(job, pods, verdict)) await this.#release(pod);
    const held = new Set(this.#cluster.informer(POD).list(job.metadata.namespace).filter(isTracked).map(uidOf));
    const released = countReleased(written.status ?? {}, held);
    await this.#finish(written, released, verdict);
  }

  async #finish(job: Job, status: Status, verdict: Verdict | undefined): Promise<void> {
    const now = this.#cluster.now();
    const uncounted = Object.keys(status.uncountedTerminatedPods ?? {}).length > 0;
    const over = verdict !== undefined && !uncounted && (status.terminating ?? 0) === 0;
    const type = verdict?.success ? 'Complete' : 'Failed';
    const conditions = over
      ? withCondition(status.conditions ?? [], condition(type, 'True', verdict.reason, verdict.message, now))
      : status.conditions;
    const ended = {
      ...status,
      ...(conditions && { conditions }),
      ...(over && verdict.success && { completionTime: now }),
    };
    await this.#cluster.setStatus(JOB, job, withoutEmpty(asWritten(ended)));
    if (!over) return;
    if (verdict.success) this.#events.normal(job, 'Completed', 'Job completed');
    else this.#events.warning(job, verdict.reason, verdict.message);
  }

  #startOf({ spec, status }: Job, now: string): { startTime?: string } {
    if (spec.suspend) return {};
    const suspended = status?.conditions?.some((each) => each.type === 'Suspended' && each.status === 'True');
    return status?.startTime === undefined || suspended ? { startTime: now } : {};
  }

  #conditions(job: Job, verdict: Verdict | undefined, now: string): NonNullable<Status['conditions']> {
    const before = job.status?.conditions ?? [];
    if (verdict !== undefined) {
      const type = verdict.success ? 'SuccessCriteriaMet' : 'FailureTarget';
      return before.some((each) => each.type === type)
        ? before
        : [...before, condition(type, 'True', verdict.reason, verdict.message, now)];
    }
    const suspension = job.spec.suspend
      ? condition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)
      : condition('Suspended', 'False', 'JobResumed', 'Job resumed', now);
    const conditions = withCondition(before, suspension);
    const changed = conditions.find(({ type }) => type === 'Suspended') === suspension;
    if (changed) this.#events.normal(job, job.spec.suspend ? 'Suspended' : 'Resumed', suspension.message ?? '');
    return conditions;
  }

  /** Takes our finalizer off the pod. */
  async #release(pod: Pod): Promise<void> {
    const current = this.#cluster.informer(POD).get(pod.metadata);
    if (current === undefined || current.metadata.uid !== pod.metadata.uid || !isTracked(current)) return;
    const value = current.metadata.finalizers?.filter((finalizer) => finalizer !== trackingFinalizer);
    try {
      await this.#cluster.change(POD, current, [
        { path: ['metadata', 'finalizers'], value: value?.length === 0 ? undefined : value },
      ]);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? '';

function withoutEmpty(status: Status): Status {
  const { conditions, ...others } = status;
  return conditions === undefined || conditions.length === 0 ? others : { ...others, conditions };
}

/** The pod that a Job creates, for one of its indexes if it has them. */
function draft(job: Job, index: number | undefined): Draft {
  const pod = podFromTemplate(job.spec.template, job);
  const finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const { metadata } = pod;
  const mark = { [indexKey]: String(index) };
  const fieldRef = { fieldPath: `metadata.labels['${indexKey}']` };
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } };
  const { containers, initContainers } = job.spec.template.spec;
  const knowing = containers.map((container) => ({ ...container, env: [...(container.env ?? []), variable] }));
  const knowingFirst = initContainers?.map((container) => ({
    ...container,
    env: [...(container.env ?? []), variable],
  }));
  return {
    metadata: {
      ...metadata,
      generateName: `${job.metadata.name}-${index}-`,
      labels: { ...metadata.labels, ...mark },
      annotations: { ...metadata.annotations, ...mark },
      finalizers,
    },
    spec: {
      ...job.spec.template.spec,
      containers: knowing,
      ...(knowingFirst && { initContainers: knowingFirst }),
      hostname: `${job.metadata.name}-${index}`,
    },
  };
}
