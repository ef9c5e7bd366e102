import type { Any } from './any-object.js';
import { job, template } from './objects.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const all = ['Job', 'Pod'];

/** Lets the running pods of a Job fail. */
async function failAll(stage: Stage): Promise<void> {
  for (const { metadata, status } of await stage.list('Pod')) {
    if (status.phase === 'Running') await stage.patch('Pod', metadata.name, { status: { phase: 'Failed' } }, 'status');
  }
}

const whenRunning = (stage: Stage, count: number): Promise<void> =>
  stage.until(`${count} running pods`, async () => {
    const pods = await stage.list('Pod');
    return pods.filter(({ status }) => status.phase === 'Running').length === count;
  });

scenarios('jobs', (scenario) => {
  scenario('a Job runs its pods to the end', async (stage) => {
    await stage.create(job({ spec: { completions: 3, parallelism: 2 } }));
    await stage.untilCondition('Job', 'task', 'Complete', 'CompletionsReached');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('without completions the first success is enough', async (stage) => {
    await stage.create(job({ spec: { parallelism: 1 } }));
    await stage.untilCondition('Job', 'task', 'Complete', 'CompletionsReached');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('while it runs', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { completions: 2, parallelism: 2 } }));
    await stage.untilStatus('Job', 'task', { active: 2, ready: 2 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a Job that takes too long is stopped', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { activeDeadlineSeconds: 2 } }));
    await stage.untilCondition('Job', 'task', 'Failed', 'DeadlineExceeded');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a Job whose pods fail too often is given up', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { backoffLimit: 0 } }));
    await whenRunning(stage, 1);
    await failAll(stage);
    await stage.untilCondition('Job', 'task', 'Failed', 'BackoffLimitExceeded');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a failed pod is replaced, but not at once', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { backoffLimit: 3 } }));
    await whenRunning(stage, 1);
    await failAll(stage);
    await stage.untilStatus('Job', 'task', { failed: 1, active: 0 });
    const waiting = await stage.outcome({ kinds: all });
    await stage.untilStatus('Job', 'task', { failed: 1, active: 1, ready: 1 });
    return { waiting, then: await stage.outcome({ kinds: all, events: true }) };
  });

  scenario('a suspended Job has no pods until it is resumed', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { suspend: true } }));
    await stage.untilCondition('Job', 'task', 'Suspended', 'JobSuspended');
    const suspended = await stage.outcome({ kinds: all });
    await stage.patch('Job', 'task', { spec: { suspend: false } });
    await stage.untilStatus('Job', 'task', { active: 1, ready: 1 });
    const resumed = await stage.outcome({ kinds: all });
    await stage.patch('Job', 'task', { spec: { suspend: true } });
    await stage.until('no pods', async () => (await stage.list('Pod')).length === 0);
    await stage.untilStatus('Job', 'task', { active: 0, terminating: 0 });
    return { suspended, resumed, again: await stage.outcome({ kinds: all, events: true }) };
  });

  scenario('parallelism can be lowered', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { completions: 3, parallelism: 3 } }));
    await stage.untilStatus('Job', 'task', { active: 3, ready: 3 });
    await stage.patch('Job', 'task', { spec: { parallelism: 1 } });
    await stage.untilStatus('Job', 'task', { active: 1, ready: 1, terminating: 0 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('an Indexed Job numbers its pods', async (stage) => {
    await stage.create(job({ spec: { completions: 4, parallelism: 2, completionMode: 'Indexed' } }));
    await stage.untilCondition('Job', 'task', 'Complete', 'CompletionsReached');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('an Indexed Job starts a failed index again', async (stage) => {
    const spec = { completions: 2, parallelism: 2, completionMode: 'Indexed', backoffLimit: 0 };
    await stage.create(job({ behaviour: 'keep-running', spec }));
    await whenRunning(stage, 2);
    await stage.until('pod of index 1 to have failed', async () => {
      const pods = await stage.list('Pod');
      const second = pods.find(({ metadata }) => metadata.labels['batch.kubernetes.io/job-completion-index'] === '1');
      await stage.patch('Pod', second.metadata.name, { status: { phase: 'Failed' } }, 'status');
      return true;
    });
    await stage.untilCondition('Job', 'task', 'Failed', 'BackoffLimitExceeded');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a Job that has ended goes after its time', async (stage) => {
    await stage.create(job({ spec: { ttlSecondsAfterFinished: 1 } }));
    await stage.until('no Job', async () => (await stage.get('Job', 'task')) === undefined);
    await stage.until('no pods', async () => (await stage.list('Pod')).length === 0);
    return stage.outcome({ kinds: all });
  });

  scenario('a deleted Job takes its pods along', async (stage) => {
    await stage.create(job({ behaviour: 'keep-running', spec: { parallelism: 2, completions: 2 } }));
    await stage.untilStatus('Job', 'task', { active: 2, ready: 2 });
    await stage.delete('Job', 'task', 'Background');
    await stage.until('no pods', async () => (await stage.list('Pod')).length === 0);
    return stage.outcome({ kinds: all });
  });
});

/** A CronJob that has last run some minutes ago, so that it is due at once. */
async function startDue(stage: Stage, spec: object, behaviour?: string): Promise<void> {
  const pod = template({ name: 'cron', ...(behaviour !== undefined && { behaviour }) });
  const jobSpec = { template: { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } } };
  await stage.create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'cron' },
    // Every half hour is due, whatever the time; nothing else comes due while the scenario runs.
    spec: {
      schedule: '0 0 1 1 *',
      suspend: true,
      jobTemplate: { metadata: { labels: { run: 'yes' } }, spec: jobSpec },
      ...spec,
    },
  });
  await becomeDue(stage);
  await stage.patch('CronJob', 'cron', { spec: { suspend: false } });
}

/** Sets the last run so far back that another one is due. */
async function becomeDue(stage: Stage, years = 1): Promise<void> {
  const lastScheduleTime = `${new Date().getFullYear() - years}-12-31T12:00:00Z`;
  await stage.patch('CronJob', 'cron', { status: { lastScheduleTime } }, 'status');
}

const jobsOf = (stage: Stage): Promise<Any[]> => stage.list('Job');

scenarios('cron jobs', (scenario) => {
  const kinds = ['CronJob', 'Job'];

  scenario('a run that is due is started', async (stage) => {
    await startDue(stage, {});
    await stage.until('success', async () => (await stage.get('CronJob', 'cron')).status.lastSuccessfulTime);
    return stage.outcome({ kinds: [...kinds, 'Pod'], events: true });
  });

  scenario('a run under way is listed', async (stage) => {
    await startDue(stage, {}, 'keep-running');
    await stage.until('an active Job', async () => (await stage.get('CronJob', 'cron')).status.active?.length === 1);
    await stage.until('a running pod', async () => (await jobsOf(stage))[0]?.status.ready === 1);
    return stage.outcome({ kinds, events: true });
  });

  scenario('Forbid starts no second run', async (stage) => {
    await startDue(stage, { concurrencyPolicy: 'Forbid' }, 'keep-running');
    await stage.until('an active Job', async () => (await stage.get('CronJob', 'cron')).status.active?.length === 1);
    await stage.patch('CronJob', 'cron', { spec: { schedule: '0 0 2 1 *' } });
    await becomeDue(stage);
    await stage.untilEvent('JobAlreadyActive');
    await stage.until('a running pod', async () => (await jobsOf(stage))[0]?.status.ready === 1);
    return stage.outcome({ kinds, events: true });
  });

  scenario('a run that is too late is given up', async (stage) => {
    await startDue(stage, { startingDeadlineSeconds: 30 });
    return stage.outcome({ kinds, events: true });
  });

  scenario('a suspended CronJob starts nothing', async (stage) => {
    await startDue(stage, {});
    await stage.until('success', async () => (await stage.get('CronJob', 'cron')).status.lastSuccessfulTime);
    await stage.patch('CronJob', 'cron', { spec: { suspend: true } });
    await becomeDue(stage);
    return stage.outcome({ kinds });
  });

  scenario('old runs beyond the limit go', async (stage) => {
    await startDue(stage, { successfulJobsHistoryLimit: 0 });
    await stage.until('success', async () => (await stage.get('CronJob', 'cron')).status.lastSuccessfulTime);
    await stage.until('no Jobs', async () => (await jobsOf(stage)).length === 0);
    return stage.outcome({ kinds, events: true });
  });

  scenario('a deleted CronJob takes its runs along', async (stage) => {
    await startDue(stage, {}, 'keep-running');
    await stage.until('an active Job', async () => (await stage.get('CronJob', 'cron')).status.active?.length === 1);
    await stage.delete('CronJob', 'cron');
    await stage.until('no Jobs', async () => (await jobsOf(stage)).length === 0);
    await stage.until('no pods', async () => (await stage.list('Pod')).length === 0);
    return stage.outcome({ kinds: [...kinds, 'Pod'] });
  });
});
