import type { Any } from './any-object.js';
import { daemonSet, pod } from './objects.js';
import { recordOf } from './rollout-record.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const all = ['DaemonSet', 'ControllerRevision', 'Pod'];

const complete = (nodes: number): object => ({
  desiredNumberScheduled: nodes,
  currentNumberScheduled: nodes,
  updatedNumberScheduled: nodes,
  numberAvailable: nodes,
});

/** Creates a DaemonSet on nodes of its own and waits until it is everywhere. Returns the nodes' names. */
async function start(stage: Stage, options: Parameters<typeof daemonSet>[1] = {}): Promise<string[]> {
  const nodes = await stage.addNodes(2);
  await stage.create(daemonSet(stage.namespace, options));
  await stage.untilStatus('DaemonSet', 'agent', complete(2));
  return nodes;
}

scenarios(
  'daemon sets',
  (scenario) => {
    scenario('every node that fits gets a pod', async (stage) => {
      const nodes = await start(stage, { annotations: { team: 'mesh' } });
      return stage.outcome({ kinds: all, events: true, nodes });
    });

    scenario('a node that comes to fit gets a pod, one that fits no more loses it', async (stage) => {
      const nodes = await start(stage);
      await stage.patch('Node', nodes[0]!, { metadata: { labels: { pool: 'none' } } });
      await stage.untilStatus('DaemonSet', 'agent', { desiredNumberScheduled: 1, currentNumberScheduled: 1 });
      await stage.until('one pod', async () => (await stage.list('Pod')).length === 1);
      const fewer = await stage.outcome({ kinds: all, nodes });
      await stage.patch('Node', nodes[0]!, { metadata: { labels: { pool: stage.namespace } } });
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      return { fewer, then: await stage.outcome({ kinds: all, nodes }) };
    });

    scenario('a cordoned node keeps its daemon', async (stage) => {
      const nodes = await start(stage);
      await stage.patch('Node', nodes[0]!, { spec: { unschedulable: true } });
      await stage.until('the taint', async () => (await stage.get('Node', nodes[0]!)).spec.taints.length === 2);
      const [first] = await stage.list('Pod');
      await stage.delete('Pod', first.metadata.name);
      await stage.until('another pod', async () => {
        const pods = await stage.list('Pod');
        return pods.length === 2 && pods.every(({ metadata }) => metadata.uid !== first.metadata.uid);
      });
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      return stage.outcome({ kinds: all, nodes });
    });

    scenario('a rolling update replaces one pod at a time', async (stage) => {
      const nodes = await start(stage);
      const { watch, before } = await stage.watch('Pod');
      await stage.setImage('DaemonSet', 'agent', 'app:v2');
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      const { mostPods, fewestReady } = recordOf(watch, 2, before);
      return { mostPods, fewestReady, ...(await stage.outcome({ kinds: all, events: true, nodes })) };
    });

    scenario('a rolling update with surge starts the new pod first', async (stage) => {
      const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 };
      const nodes = await start(stage, { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate } } });
      const { watch, before } = await stage.watch('Pod');
      await stage.setImage('DaemonSet', 'agent', 'app:v2');
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      const { fewestReady } = recordOf(watch, 2, before);
      return { fewestReady, ...(await stage.outcome({ kinds: all, events: true, nodes })) };
    });

    scenario('OnDelete updates what somebody deletes', async (stage) => {
      const nodes = await start(stage, { spec: { updateStrategy: { type: 'OnDelete' } } });
      await stage.setImage('DaemonSet', 'agent', 'app:v2');
      const [first] = (await stage.list('Pod')).sort((a, b) => (a.spec.nodeName < b.spec.nodeName ? -1 : 1));
      await stage.delete('Pod', first.metadata.name);
      await stage.untilStatus('DaemonSet', 'agent', { updatedNumberScheduled: 1, numberAvailable: 2 });
      return stage.outcome({ kinds: all, nodes });
    });

    scenario('a broken update stops at the first pod', async (stage) => {
      const nodes = await start(stage);
      await stage.setTemplate('DaemonSet', 'agent', {
        metadata: { annotations: { 'sidestep.dev/test': 'crash-loop' } },
        spec: { containers: [{ name: 'app', image: 'app:v2' }] },
      });
      await stage.untilStatus('DaemonSet', 'agent', { updatedNumberScheduled: 1, numberUnavailable: 1 });
      const { Pod: _, ...stuck } = (await stage.outcome({ kinds: all, nodes })) as { Pod: unknown };
      // Chance decides which of them comes first.
      const isNew = ({ metadata }: Any): boolean => metadata.labels['pod-template-generation'] === '2';
      const { nodeName } = (await stage.list('Pod')).find(isNew)!.spec;
      nodes.sort((a) => (a === nodeName ? -1 : 1));
      await stage.setTemplate('DaemonSet', 'agent', {
        metadata: { annotations: { 'sidestep.dev/test': null } },
        spec: { containers: [{ name: 'app', image: 'app:v1' }] },
      });
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      return { stuck, fixed: await stage.outcome({ kinds: all, nodes }) };
    });

    scenario('a failed pod is replaced', async (stage) => {
      const nodes = await start(stage);
      const [first] = (await stage.list('Pod')).sort((a, b) => (a.spec.nodeName < b.spec.nodeName ? -1 : 1));
      await stage.patch('Pod', first.metadata.name, { status: { phase: 'Failed' } }, 'status');
      await stage.until('another pod', async () => {
        const pods = await stage.list('Pod');
        return pods.length === 2 && pods.every(({ metadata }) => metadata.uid !== first.metadata.uid);
      });
      await stage.untilStatus('DaemonSet', 'agent', complete(2));
      return stage.outcome({ kinds: all, events: true, nodes });
    });

    scenario('a pod that matches is adopted, one too many goes', async (stage) => {
      const nodes = await stage.addNodes(1);
      const tolerations = [{ operator: 'Exists' }];
      await stage.create(pod('early', { name: 'agent', pod: { nodeName: nodes[0], tolerations } }));
      await stage.until('the pod to run', async () => (await stage.get('Pod', 'early')).status.phase === 'Running');
      await stage.create(daemonSet(stage.namespace, { spec: { updateStrategy: { type: 'OnDelete' } } }));
      await stage.untilStatus('DaemonSet', 'agent', { currentNumberScheduled: 1, numberAvailable: 1 });
      return stage.outcome({ kinds: ['DaemonSet', 'Pod'], events: true, nodes });
    });
  },
  { concurrent: false },
);
