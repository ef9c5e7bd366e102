import { formatTime } from '../../../../kube/conditions.js';
import { isAlreadyExists, isNotFound } from '../../../../kube/errors.js';
import { statesOf } from '../../informers.js';
import { isNamespaceTerminating, serverMessage, type Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { finishedCondition } from '../job/plan.js';
import { JOB, type Job } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { controllerOf, controllerReference, isControlledBy } from '../ownership.js';
import { CRON_JOB, type CronJob } from './kinds.js';
import { lastMissed, nextDueInMs, scheduleOf, type Schedule } from './schedule.js';

type Status = NonNullable<CronJob['status']>;

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** Starts Jobs when they are due. Rules: kubernetes/pkg/controller/cronjob/cronjob_controllerv2.go. */
export class CronJobController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'cronjob-controller');
    const cronJobs = cluster.informer(CRON_JOB);
    const jobs = cluster.informer(JOB);
    this.#loop = new ControlLoop({ cluster, log }, 'cron-job', [cronJobs, jobs], (key) => this.#sync(key));
    this.loops = [this.#loop];
    cronJobs.onChange(({ object }) => this.#loop.add(keyOf(object)));
    jobs.onChange((change) => statesOf(change).forEach((job) => this.#addOwner(job)));
  }

  #addOwner(job: Job): void {
    const controller = controllerOf(job);
    if (controller?.kind === 'CronJob') this.#loop.add(`${job.metadata.namespace}/${controller.name}`);
  }

  async #sync(key: string): Promise<void> {
    const cronJob = this.#cluster.informer(CRON_JOB).get(refOf(key));
    if (cronJob === undefined) return;
    const jobs = this.#cluster
      .informer(JOB)
      .list(cronJob.metadata.namespace)
      .filter((job) => isControlledBy(job, cronJob));
    const status: Status = { ...cronJob.status };
    await this.#removeOldJobs(cronJob, jobs, status);
    this.#takeStock(cronJob, jobs, status);
    try {
      if (cronJob.metadata.deletionTimestamp === undefined) await this.#schedule(cronJob, status);
    } finally {
      const { active = [], ...others } = status;
      await this.#cluster.setStatus(CRON_JOB, cronJob, { ...others, ...(active.length > 0 && { active }) });
    }
  }

  /** Updates the list of active Jobs and the time of the last success. */
  #takeStock(cronJob: CronJob, jobs: readonly Job[], status: Status): void {
    for (const job of jobs) {
      const listed = status.active?.some(({ uid }) => uid === job.metadata.uid) ?? false;
      const finished = finishedCondition(job);
      const { name, deletionTimestamp } = job.metadata;
      if (finished === undefined) {
        if (!listed && deletionTimestamp === undefined) {
          const message = `Saw a job that the controller did not create or forgot: ${name}`;
          this.#events.warning(cronJob, 'UnexpectedJob', message);
        }
        continue;
      }
      if (listed) {
        removeActive(status, job.metadata.uid);
        const message = `Saw completed job: ${name}, condition: ${finished.type}`;
        this.#events.normal(cronJob, 'SawCompletedJob', message);
      }
      const succeededAt = finished.type === 'Complete' ? job.status?.completionTime : undefined;
      if (succeededAt !== undefined && succeededAt > (status.lastSuccessfulTime ?? '')) {
        status.lastSuccessfulTime = succeededAt;
      }
    }
    const uids = new Set(jobs.map(({ metadata }) => metadata.uid));
    for (const { uid, name } of status.active?.filter((active) => !uids.has(active.uid)) ?? []) {
      this.#events.normal(cronJob, 'MissingJob', `Active job went missing: ${name}`);
      removeActive(status, uid);
    }
  }

  async #schedule(cronJob: CronJob, status: Status): Promise<void> {
    const { spec } = cronJob;
    if (spec.suspend) return;
    let next: Schedule;
    try {
      next = scheduleOf(cronJob);
    } catch (error) {
      const message = `unparseable schedule: "${spec.schedule}" : ${serverMessage(error)}`;
      return this.#events.warning(cronJob, 'UnparseableSchedule', message);
    }
    const nowMs = this.#cluster.clock.now();
    const { dueMs, tooMany } = lastMissed(cronJob, next, nowMs, { withDeadline: true });
    if (dueMs !== undefined && tooMany) {
      const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      this.#events.warning(cronJob, 'TooManyMissedTimes', `too many missed start times. ${advice}`);
    }
    if (dueMs !== undefined) await this.#startIfAllowed(cronJob, dueMs, status);
    this.#loop.addAfter(keyOf(cronJob), nextDueInMs({ ...cronJob, status }, next, nowMs));
  }

  async #startIfAllowed(cronJob: CronJob, dueMs: number, status: Status): Promise<void> {
    const name = jobName(cronJob, dueMs);
    const active = status.active ?? [];
    if (active.some((job) => job.name === name) || status.lastScheduleTime === formatTime(dueMs)) return;
    if (cronJob.spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      return this.#events.normal(cronJob, 'JobAlreadyActive', why);
    }
    if (cronJob.spec.concurrencyPolicy === 'Replace') await this.#deleteActive(cronJob, status);
    await this.#start(cronJob, name, dueMs, status);
  }

  async #deleteActive(cronJob: CronJob, status: Status): Promise<void> {
    for (const { name, uid } of status.active ?? []) {
      const { namespace = '' } = cronJob.metadata;
      const job = this.#cluster.informer(JOB).get({ namespace, name });
      if (job === undefined || job.metadata.uid !== uid) throw new Error(`could not replace job ${namespace}/${name}`);
      await this.#delete(cronJob, job, status);
    }
  }

  async #start(cronJob: CronJob, name: string, dueMs: number, status: Status): Promise<void> {
    const { jobTemplate } = cronJob.spec;
    const { namespace = '' } = cronJob.metadata;
    const { labels, annotations } = jobTemplate.metadata ?? {};
    try {
      const job = await this.#cluster.create(JOB, {
        metadata: {
          name,
          namespace,
          ...(labels && { labels }),
          annotations: { ...annotations, [scheduledAnnotation]: formatTime(dueMs) },
          ownerReferences: [controllerReference(cronJob)],
        },
        spec: jobTemplate.spec,
      });
      this.#events.normal(cronJob, 'SuccessfulCreate', `Created job ${name}`);
      this.#list(job, dueMs, status);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!isAlreadyExists(error)) {
        this.#events.warning(cronJob, 'FailedCreate', `Error creating job: ${serverMessage(error)}`);
        throw error;
      }
      const existing = await this.#cluster.client.get<Job>(JOB, { namespace, name });
      if (isControlledBy(existing, cronJob)) this.#list(existing, dueMs, status);
    }
  }

  #list(job: Job, dueMs: number, status: Status): void {
    const { apiVersion, kind, metadata } = job;
    const { name, namespace = '', uid = '', resourceVersion = '' } = metadata;
    status.active = [...(status.active ?? []), { apiVersion, kind, name, namespace, uid, resourceVersion }];
    status.lastScheduleTime = formatTime(dueMs);
  }

  async #removeOldJobs(cronJob: CronJob, jobs: readonly Job[], status: Status): Promise<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
    for (const [type, limit] of [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const) {
      if (limit === undefined) continue;
      const finished = jobs.filter((job) => finishedCondition(job)?.type === type && isAlive(job)).sort(byStartTime);
      for (const job of finished.slice(0, Math.max(0, finished.length - limit))) {
        await this.#delete(cronJob, job, status);
      }
    }
  }

  async #delete(cronJob: CronJob, job: Job, status: Status): Promise<void> {
    const { name, uid } = job.metadata;
    try {
      await this.#cluster.delete(JOB, job, 'Background');
    } catch (error) {
      if (isNotFound(error)) return;
      this.#events.warning(cronJob, 'FailedDelete', `Deleted job: ${serverMessage(error)}`);
      throw error;
    }
    removeActive(status, uid);
    this.#events.normal(cronJob, 'SuccessfulDelete', `Deleted job ${name}`);
  }
}

const isAlive = ({ metadata }: Job): boolean => metadata.deletionTimestamp === undefined;

/** The same run always has the same name, so it is never started twice. */
const jobName = ({ metadata }: CronJob, dueMs: number): string => `${metadata.name}-${Math.floor(dueMs / 60_000)}`;

function byStartTime(a: Job, b: Job): number {
  const [startA = '~', startB = '~'] = [a.status?.startTime, b.status?.startTime];
  if (startA !== startB) return startA < startB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function removeActive(status: Status, uid: string | undefined): void {
  status.active = status.active?.filter((job) => job.uid !== uid) ?? [];
}
