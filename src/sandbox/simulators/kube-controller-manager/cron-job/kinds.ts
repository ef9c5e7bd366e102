import { namespaced } from '../../../../kube/resource.js';
import type * as kube from '../../../../kube/types.js';
import type { Job } from '../kinds.js';

/** `batch/v1` CronJob. */
export interface CronJob extends Omit<kube.CronJob, 'spec' | 'status'> {
  spec: {
    schedule: string;
    timeZone?: string;
    suspend?: boolean;
    concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
    startingDeadlineSeconds?: number;
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: {
      metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: Job['spec'];
    };
  };
  status?: {
    active?: (kube.ObjectReference & { resourceVersion?: string })[];
    lastScheduleTime?: string;
    lastSuccessfulTime?: string;
  };
}

export const CRON_JOB = namespaced<CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
