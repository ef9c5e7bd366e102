import type { Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { JOB, type Job } from '../kinds.js';
import { finishedCondition } from './plan.js';

/** Deletes Jobs some time after they have ended, if they ask for it. Rules: kubernetes/pkg/controller/ttlafterfinished. */
export class JobTtlController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const jobs = cluster.informer(JOB);
    this.#loop = new ControlLoop({ cluster, log }, 'job-ttl', [jobs], (key) => this.#sync(key));
    this.loops = [this.#loop];
    jobs.onChange(({ object, gone }) => {
      if (!gone && expiresAt(object) !== undefined) this.#loop.add(keyOf(object));
    });
  }

  async #sync(key: string): Promise<void> {
    const job = this.#cluster.informer(JOB).get(refOf(key));
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const at = expiresAt(job);
    if (at === undefined) return;
    const waitMs = at - this.#cluster.clock.now();
    if (waitMs > 0) this.#loop.addAfter(key, waitMs);
    else await this.#cluster.delete(JOB, job, 'Foreground');
  }
}

/** Milliseconds since the epoch. */
function expiresAt(job: Job): number | undefined {
  const finished = finishedCondition(job)?.lastTransitionTime;
  const { ttlSecondsAfterFinished } = job.spec;
  if (finished === undefined || ttlSecondsAfterFinished === undefined) return undefined;
  return Date.parse(finished) + ttlSecondsAfterFinished * 1000;
}
