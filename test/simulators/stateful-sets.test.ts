import { statefulSet } from './objects.js';
import { recordOf } from './rollout-record.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const all = ['StatefulSet', 'ControllerRevision', 'Pod'];

const complete = (replicas: number): object => ({
  replicas,
  readyReplicas: replicas,
  availableReplicas: replicas,
  updatedReplicas: replicas,
});

/** Creates a StatefulSet and waits until all its pods are ready. */
async function start(stage: Stage, options: Parameters<typeof statefulSet>[0] = {}): Promise<void> {
  await stage.create(statefulSet({ replicas: 3, ...options }));
  await stage.untilStatus('StatefulSet', 'db', complete(options.replicas ?? 3));
}

scenarios('stateful sets', (scenario) => {
  scenario('pods come in their order', async (stage) => {
    const { watch } = await stage.watch('Pod');
    await start(stage, { annotations: { team: 'shop' } });
    const { created } = recordOf(watch, 3);
    return { created, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('the next pod waits for the one before', async (stage) => {
    await stage.create(statefulSet({ replicas: 3, behaviour: 'never-ready' }));
    await stage.untilStatus('StatefulSet', 'db', { replicas: 1 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('Parallel waits for nobody', async (stage) => {
    await stage.create(
      statefulSet({ replicas: 3, behaviour: 'never-ready', spec: { podManagementPolicy: 'Parallel' } }),
    );
    await stage.untilStatus('StatefulSet', 'db', { replicas: 3 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('an update goes from the highest ordinal down', async (stage) => {
    await start(stage);
    const { watch, before } = await stage.watch('Pod');
    await stage.setImage('StatefulSet', 'db', 'app:v2');
    await stage.untilStatus('StatefulSet', 'db', complete(3));
    const { deleted, created, fewestReady, mostPods } = recordOf(watch, 3, before);
    return { deleted, created, fewestReady, mostPods, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('an update of a Parallel set goes one by one, too', async (stage) => {
    await start(stage, { spec: { podManagementPolicy: 'Parallel' } });
    const { watch, before } = await stage.watch('Pod');
    await stage.setImage('StatefulSet', 'db', 'app:v2');
    await stage.untilStatus('StatefulSet', 'db', complete(3));
    const { deleted, fewestReady } = recordOf(watch, 3, before);
    return { deleted, fewestReady, ...(await stage.outcome({ kinds: all })) };
  });

  scenario('pods below the partition keep their revision', async (stage) => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    await start(stage, { replicas: 3, spec: { updateStrategy } });
    await stage.setImage('StatefulSet', 'db', 'app:v2');
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 1, readyReplicas: 3 });
    await stage.delete('Pod', 'db-0');
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 1, readyReplicas: 3, replicas: 3 });
    return stage.outcome({ kinds: all });
  });

  scenario('lowering the partition goes on', async (stage) => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    await start(stage, { replicas: 3, spec: { updateStrategy } });
    await stage.setImage('StatefulSet', 'db', 'app:v2');
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 1, readyReplicas: 3 });
    await stage.patch('StatefulSet', 'db', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
    await stage.untilStatus('StatefulSet', 'db', complete(3));
    return stage.outcome({ kinds: all });
  });

  scenario('OnDelete updates what somebody deletes', async (stage) => {
    await start(stage, { replicas: 2, spec: { updateStrategy: { type: 'OnDelete' } } });
    await stage.setImage('StatefulSet', 'db', 'app:v2');
    await stage.delete('Pod', 'db-0');
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 1, readyReplicas: 2 });
    return stage.outcome({ kinds: all, events: true });
  });

  scenario('a broken revision blocks, also after the template is fixed', async (stage) => {
    await start(stage);
    await stage.setTemplate('StatefulSet', 'db', {
      metadata: { annotations: { 'sidestep.dev/test': 'crash-loop' } },
      spec: { containers: [{ name: 'app', image: 'app:v2' }] },
    });
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 1, readyReplicas: 2 });
    await stage.setTemplate('StatefulSet', 'db', {
      metadata: { annotations: { 'sidestep.dev/test': null } },
      spec: { containers: [{ name: 'app', image: 'app:v1' }] },
    });
    await stage.untilStatus('StatefulSet', 'db', { updatedReplicas: 2, readyReplicas: 2 });
    const stuck = await stage.outcome({ kinds: all });
    await stage.delete('Pod', 'db-2');
    await stage.untilStatus('StatefulSet', 'db', complete(3));
    return { stuck, freed: await stage.outcome({ kinds: all }) };
  });

  scenario('scaling down goes from the highest ordinal', async (stage) => {
    await start(stage);
    const { watch, before } = await stage.watch('Pod');
    await stage.scale('StatefulSet', 'db', 1);
    await stage.untilStatus('StatefulSet', 'db', complete(1));
    const { deleted } = recordOf(watch, 3, before);
    return { deleted, ...(await stage.outcome({ kinds: all, events: true })) };
  });

  scenario('ordinals may begin elsewhere', async (stage) => {
    await stage.create(statefulSet({ replicas: 2, spec: { ordinals: { start: 5 } } }));
    await stage.untilStatus('StatefulSet', 'db', complete(2));
    return stage.outcome({ kinds: all });
  });

  scenario('claims are made for each pod and stay', async (stage) => {
    const volumeClaimTemplates = [
      {
        metadata: { name: 'data', labels: { tier: 'gold' } },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ];
    // Nothing here provides volumes, so pods are not waited for.
    await stage.create(statefulSet({ replicas: 2, spec: { podManagementPolicy: 'Parallel', volumeClaimTemplates } }));
    await stage.until('two claims', async () => (await stage.list('PersistentVolumeClaim')).length === 2);
    const pods = await stage.list('Pod');
    const volumes = pods.map(({ spec }) => spec.volumes.filter((volume: object) => 'persistentVolumeClaim' in volume));
    await stage.scale('StatefulSet', 'db', 0);
    await stage.untilStatus('StatefulSet', 'db', { replicas: 0 });
    return {
      volumes,
      ...(await stage.outcome({ kinds: ['StatefulSet', 'Pod', 'PersistentVolumeClaim'], events: true })),
    };
  });

  scenario('minReadySeconds holds the next pod back', async (stage) => {
    await stage.create(statefulSet({ replicas: 2, spec: { minReadySeconds: 8 } }));
    await stage.untilStatus('StatefulSet', 'db', { replicas: 1, readyReplicas: 1, availableReplicas: 0 });
    const waiting = await stage.outcome({ kinds: all });
    await stage.untilStatus('StatefulSet', 'db', complete(2));
    return { waiting, then: await stage.outcome({ kinds: all }) };
  });

  scenario('old revisions beyond the limit go', async (stage) => {
    await start(stage, { replicas: 1, spec: { revisionHistoryLimit: 1 } });
    for (const image of ['app:v2', 'app:v3', 'app:v4']) {
      await stage.setImage('StatefulSet', 'db', image);
      await stage.untilStatus('StatefulSet', 'db', complete(1));
    }
    await stage.until('two revisions', async () => (await stage.list('ControllerRevision')).length === 2);
    return stage.outcome({ kinds: all });
  });
});
