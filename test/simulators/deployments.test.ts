import { deployment, pod, replicaSet, rolling } from './objects.js';
import { mostWanted, recordOf } from './rollout-record.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const all = ['Deployment', 'ReplicaSet', 'Pod'];

const complete = (replicas: number): object => ({
  replicas,
  updatedReplicas: replicas,
  availableReplicas: replicas,
  unavailableReplicas: 0,
});

/** Creates a Deployment and waits until it is complete. */
async function start(stage: Stage, options: Parameters<typeof deployment>[0] = {}): Promise<void> {
  await stage.create(deployment({ replicas: 3, ...options }));
  await stage.untilStatus('Deployment', 'web', complete(options.replicas ?? 3));
}

/** Watches what a rollout does from now on; what is returned tells what has been seen. */
async function watchRollout(
  stage: Stage,
): Promise<(replicas: number) => { mostWanted: number; mostPods: number; fewestReady: number }> {
  const sets = await stage.watch('ReplicaSet');
  const pods = await stage.watch('Pod');
  return (replicas) => ({
    mostWanted: mostWanted(sets.watch, sets.before),
    ...recordOf(pods.watch, replicas, pods.before),
  });
}

scenarios('deployments', (scenario) => {
  scenario('a new Deployment gets its pods', async (stage) => {
    await start(stage, { annotations: { team: 'shop' } });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a rollout with one pod more goes pod by pod', async (stage) => {
    await start(stage, { spec: rolling(1, 0) });
    const watched = await watchRollout(stage);
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.untilStatus('Deployment', 'web', complete(3));
    const { mostWanted, fewestReady } = watched(3);
    return { mostWanted, fewestReady, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('a rollout with one pod less goes pod by pod', async (stage) => {
    await start(stage, { spec: rolling(0, 1) });
    const watched = await watchRollout(stage);
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.untilStatus('Deployment', 'web', complete(3));
    const { mostWanted, fewestReady } = watched(3);
    return { mostWanted, fewestReady, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('percentages round surge up and unavailable down', async (stage) => {
    await start(stage, { replicas: 5, spec: rolling('25%', '25%') });
    const watched = await watchRollout(stage);
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.untilStatus('Deployment', 'web', complete(5));
    const { mostWanted, fewestReady } = watched(5);
    const kept = { mostWanted, notFewerThan4Ready: fewestReady >= 4 };
    return { ...kept, ...(await stage.outcome({ kinds: all })) };
  });

  scenario('neither surge nor unavailable means one unavailable', async (stage) => {
    await start(stage, { replicas: 2, spec: rolling(0, '10%') });
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.untilStatus('Deployment', 'web', complete(2));
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('Recreate removes all old pods first', async (stage) => {
    await start(stage, { spec: { strategy: { type: 'Recreate' } } });
    const watched = await watchRollout(stage);
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.untilStatus('Deployment', 'web', complete(3));
    const { mostPods } = watched(3);
    return { mostPods, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('a paused Deployment keeps its pods but can be scaled', async (stage) => {
    await start(stage);
    await stage.patch('Deployment', 'web', { spec: { paused: true } });
    await stage.untilCondition('Deployment', 'web', 'Progressing', 'DeploymentPaused');
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.scale('Deployment', 'web', 4);
    await stage.untilStatus('Deployment', 'web', { replicas: 4, availableReplicas: 4, updatedReplicas: 0 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a resumed Deployment rolls out what was changed meanwhile', async (stage) => {
    await start(stage, { spec: rolling(1, 0) });
    await stage.patch('Deployment', 'web', { spec: { paused: true } });
    await stage.untilCondition('Deployment', 'web', 'Progressing', 'DeploymentPaused');
    await stage.setImage('Deployment', 'web', 'app:v2');
    await stage.patch('Deployment', 'web', { spec: { paused: false } });
    await stage.untilStatus('Deployment', 'web', complete(3));
    return stage.outcome({ kinds: all });
  });

  scenario('scaling in the middle of a rollout shares out', async (stage) => {
    await start(stage, { replicas: 10, spec: rolling(3, 2) });
    await stage.setTemplate('Deployment', 'web', {
      metadata: { annotations: { 'sidestep.dev/test': 'never-ready' } },
      spec: { containers: [{ name: 'app', image: 'app:v2' }] },
    });
    await stage.untilStatus('Deployment', 'web', { replicas: 13, updatedReplicas: 5, availableReplicas: 8 });
    await stage.scale('Deployment', 'web', 15);
    await stage.untilStatus('Deployment', 'web', { replicas: 18, availableReplicas: 11 });
    return stage.outcome({ kinds: all });
  });

  scenario('a rollout that makes no progress exceeds its deadline', async (stage) => {
    await start(stage, { replicas: 2, spec: { ...rolling(1, 0), progressDeadlineSeconds: 3 } });
    await stage.setTemplate('Deployment', 'web', {
      metadata: { annotations: { 'sidestep.dev/test': 'never-ready' } },
      spec: { containers: [{ name: 'app', image: 'app:v2' }] },
    });
    await stage.untilCondition('Deployment', 'web', 'Progressing', 'ProgressDeadlineExceeded');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a fixed template ends a rollout that was stuck', async (stage) => {
    await start(stage, { replicas: 2, spec: { ...rolling(1, 0), progressDeadlineSeconds: 3 } });
    await stage.setTemplate('Deployment', 'web', {
      metadata: { annotations: { 'sidestep.dev/test': 'image-pull' } },
      spec: { containers: [{ name: 'app', image: 'app:v2' }] },
    });
    await stage.untilCondition('Deployment', 'web', 'Progressing', 'ProgressDeadlineExceeded');
    await stage.setTemplate('Deployment', 'web', {
      metadata: { annotations: { 'sidestep.dev/test': null } },
      spec: { containers: [{ name: 'app', image: 'app:v3' }] },
    });
    await stage.untilStatus('Deployment', 'web', complete(2));
    return stage.outcome({ kinds: all });
  });

  scenario('a new Deployment whose pods never become ready', async (stage) => {
    await stage.create(deployment({ replicas: 2, behaviour: 'crash-loop', spec: { progressDeadlineSeconds: 2 } }));
    await stage.untilCondition('Deployment', 'web', 'Progressing', 'ProgressDeadlineExceeded');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('minReadySeconds delays availability', async (stage) => {
    await stage.create(deployment({ replicas: 2, spec: { minReadySeconds: 10 } }));
    await stage.untilStatus('Deployment', 'web', { readyReplicas: 2, availableReplicas: 0 });
    const waiting = await stage.outcome({ kinds: ['Deployment', 'ReplicaSet'] });
    await stage.untilStatus('Deployment', 'web', complete(2));
    return { waiting, then: await stage.outcome({ kinds: ['Deployment', 'ReplicaSet'] }) };
  });

  scenario('going back to an older template takes its ReplicaSet again', async (stage) => {
    await start(stage, { spec: rolling(1, 0) });
    for (const image of ['app:v2', 'app:v1', 'app:v2']) {
      await stage.setImage('Deployment', 'web', image);
      await stage.untilStatus('Deployment', 'web', complete(3));
    }
    return stage.outcome({ kinds: all });
  });

  scenario('old ReplicaSets beyond the limit go', async (stage) => {
    await start(stage, { replicas: 1, spec: { revisionHistoryLimit: 1 } });
    for (const image of ['app:v2', 'app:v3', 'app:v4']) {
      await stage.setImage('Deployment', 'web', image);
      await stage.untilStatus('Deployment', 'web', complete(1));
    }
    await stage.until('two ReplicaSets', async () => (await stage.list('ReplicaSet')).length === 2);
    return stage.outcome({ kinds: all });
  });

  scenario('scaled to nothing and back', async (stage) => {
    await start(stage);
    await stage.scale('Deployment', 'web', 0);
    await stage.untilStatus('Deployment', 'web', complete(0));
    const empty = await stage.outcome({ kinds: all });
    await stage.scale('Deployment', 'web', 2);
    await stage.untilStatus('Deployment', 'web', complete(2));
    return { empty, then: await stage.outcome({ kinds: all, events: true }) };
  });

  scenario('pods that the server refuses are told of', async (stage) => {
    await stage.create(deployment({ replicas: 1, pod: { serviceAccountName: 'nobody' } }));
    await stage.untilCondition('Deployment', 'web', 'ReplicaFailure', 'FailedCreate');
    await stage.untilEvent('FailedCreate');
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('orphans are adopted again', async (stage) => {
    await start(stage, { replicas: 2 });
    await stage.delete('Deployment', 'web', 'Orphan');
    await stage.until('no Deployment', async () => (await stage.get('Deployment', 'web')) === undefined);
    const orphaned = await stage.outcome({ kinds: all });
    await start(stage, { replicas: 2 });
    return { orphaned, adopted: await stage.outcome({ kinds: all }) };
  });
});

scenarios('replica sets', (scenario) => {
  const ready = (replicas: number): object => ({ replicas, readyReplicas: replicas, availableReplicas: replicas });

  scenario('a deleted pod is replaced', async (stage) => {
    await stage.create(replicaSet({ replicas: 2 }));
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    const [first] = await stage.list('Pod');
    await stage.delete('Pod', first.metadata.name);
    await stage.until('another pod', async () => {
      const pods = await stage.list('Pod');
      return pods.length === 2 && pods.every(({ metadata }) => metadata.uid !== first.metadata.uid);
    });
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    return stage.outcome({ kinds: ['ReplicaSet', 'Pod'], events: true });
  });

  scenario('a pod that matches no more is released and replaced', async (stage) => {
    await stage.create(replicaSet({ replicas: 2 }));
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    const [first] = await stage.list('Pod');
    await stage.patch('Pod', first.metadata.name, { metadata: { labels: { app: 'debug' } } });
    await stage.until('three pods', async () => (await stage.list('Pod')).length === 3);
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    return stage.outcome({ kinds: ['ReplicaSet', 'Pod'], events: true });
  });

  scenario('a pod of nobody that matches is adopted', async (stage) => {
    await stage.create(pod('lonely'));
    await stage.until('the pod to be ready', async () => (await stage.get('Pod', 'lonely')).status.phase === 'Running');
    await stage.create(replicaSet({ replicas: 2 }));
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    return stage.outcome({ kinds: ['ReplicaSet', 'Pod'], events: true });
  });

  scenario('the cheapest pods go first', async (stage) => {
    await stage.create(replicaSet({ replicas: 4 }));
    await stage.untilStatus('ReplicaSet', 'web', ready(4));
    const pods = await stage.list('Pod');
    const cost = 'controller.kubernetes.io/pod-deletion-cost';
    for (const [index, { metadata }] of pods.entries()) {
      const annotations = { [cost]: String([5, -10, 100, 0][index]) };
      await stage.patch('Pod', metadata.name, { metadata: { annotations } });
    }
    await stage.lookAround();
    await stage.scale('ReplicaSet', 'web', 2);
    await stage.untilStatus('ReplicaSet', 'web', ready(2));
    return stage.outcome({ kinds: ['ReplicaSet', 'Pod'] });
  });
});
