import { isReady, type Any } from './any-object.js';
import { budget, deployment, pod, service, statefulSet } from './objects.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const kinds = ['Service', 'Endpoints', 'EndpointSlice'];

async function whenReady(stage: Stage, ...names: string[]): Promise<void> {
  for (const name of names) await stage.until(`${name} to be ready`, async () => isReady(await stage.get('Pod', name)));
}

/** Waits until the Service's EndpointSlices have so many endpoints. */
const whenListed = (stage: Stage, count: number): Promise<void> =>
  stage.until(`${count} endpoints`, async () => {
    const slices = await stage.list('EndpointSlice');
    return slices.length > 0 && slices.flatMap(({ endpoints }) => endpoints ?? []).length === count;
  });

scenarios('endpoints', (scenario) => {
  scenario('pods of a Service are listed, ready or not', async (stage) => {
    await stage.create(
      service({ labels: { team: 'shop' } }),
      pod('a'),
      pod('b', { behaviour: 'never-ready' }),
      pod('other', { name: 'other' }),
    );
    await whenReady(stage, 'a', 'other');
    await whenListed(stage, 2);
    return stage.outcome({ kinds });
  });

  scenario('a Service without pods has an empty slice', async (stage) => {
    await stage.create(service());
    await whenListed(stage, 0);
    const empty = await stage.outcome({ kinds });
    await stage.create(pod('a'));
    await whenReady(stage, 'a');
    await whenListed(stage, 1);
    const one = await stage.outcome({ kinds });
    await stage.delete('Pod', 'a');
    await whenListed(stage, 0);
    return { empty, one, again: await stage.outcome({ kinds }) };
  });

  scenario('named ports lead to what each pod calls so', async (stage) => {
    const serving = (containerPort: number): object => ({
      containers: [{ name: 'app', image: 'app:v1', ports: [{ name: 'http', containerPort }] }],
    });
    const ports = [
      { name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' },
      { name: 'metrics', port: 9090 },
    ];
    await stage.create(
      service({ spec: { ports } }),
      pod('a', { pod: serving(8080) }),
      pod('b', { pod: serving(9000) }),
    );
    await whenReady(stage, 'a', 'b');
    await whenListed(stage, 2);
    return stage.outcome({ kinds });
  });

  scenario('a headless Service names the pods of its StatefulSet', async (stage) => {
    await stage.create(service({ name: 'db', spec: { clusterIP: 'None' } }), statefulSet({ replicas: 2 }));
    await stage.untilStatus('StatefulSet', 'db', { availableReplicas: 2 });
    await whenListed(stage, 2);
    return stage.outcome({ kinds });
  });

  scenario('pods that are not ready may be published', async (stage) => {
    await stage.create(service({ spec: { publishNotReadyAddresses: true } }), pod('a', { behaviour: 'never-ready' }));
    await whenListed(stage, 1);
    return stage.outcome({ kinds });
  });

  scenario('a changed selector changes the list', async (stage) => {
    await stage.create(service(), pod('a'), pod('b', { labels: { app: 'new' } }));
    await whenReady(stage, 'a', 'b');
    await whenListed(stage, 1);
    await stage.patch('Service', 'web', { spec: { selector: { app: 'new' } } });
    await stage.until('the other pod', async () => {
      const [slice] = await stage.list('EndpointSlice');
      return slice.endpoints?.[0]?.targetRef.name === 'b';
    });
    return stage.outcome({ kinds });
  });

  scenario('a Service without selector or with a name elsewhere has none of ours', async (stage) => {
    await stage.create(
      service({ name: 'manual', spec: { selector: undefined } }),
      service({
        name: 'far',
        spec: { selector: undefined, type: 'ExternalName', externalName: 'example.com', ports: [] },
      }),
    );
    return stage.outcome({ kinds });
  });

  scenario('with the Service its endpoints go', async (stage) => {
    await stage.create(service(), pod('a'));
    await whenReady(stage, 'a');
    await whenListed(stage, 1);
    await stage.delete('Service', 'web');
    await stage.until('no slices', async () => (await stage.list('EndpointSlice')).length === 0);
    await stage.until('no endpoints', async () => (await stage.list('Endpoints')).length === 0);
    return stage.outcome({ kinds });
  });
});

scenarios('disruption budgets', (scenario) => {
  const shown = ['PodDisruptionBudget'];

  async function start(stage: Stage, budgetSpec: object, replicas = 3): Promise<void> {
    await stage.create(budget(budgetSpec), deployment({ replicas }));
    await stage.untilStatus('Deployment', 'web', { availableReplicas: replicas });
    await stage.untilStatus('PodDisruptionBudget', 'web', { currentHealthy: replicas });
  }

  scenario('minAvailable as a number', async (stage) => {
    await start(stage, { minAvailable: 2 });
    return stage.outcome({ kinds: shown });
  });

  scenario('minAvailable as a percentage', async (stage) => {
    await start(stage, { minAvailable: '50%' });
    return stage.outcome({ kinds: shown });
  });

  scenario('maxUnavailable as a number', async (stage) => {
    await start(stage, { maxUnavailable: 1 });
    return stage.outcome({ kinds: shown });
  });

  scenario('maxUnavailable as a percentage counts what the controller wants', async (stage) => {
    await start(stage, { maxUnavailable: '30%' });
    await stage.scale('Deployment', 'web', 5);
    await stage.untilStatus('PodDisruptionBudget', 'web', { currentHealthy: 5, expectedPods: 5 });
    return stage.outcome({ kinds: shown });
  });

  scenario('nothing to spare', async (stage) => {
    await start(stage, { minAvailable: 1 }, 1);
    return stage.outcome({ kinds: shown });
  });

  scenario('pods that are not ready are not healthy', async (stage) => {
    await stage.create(budget({ minAvailable: 1 }), deployment({ replicas: 2, behaviour: 'never-ready' }));
    await stage.untilStatus('PodDisruptionBudget', 'web', { expectedPods: 2 });
    return stage.outcome({ kinds: shown });
  });

  scenario('a budget of nothing', async (stage) => {
    await stage.create(budget({ minAvailable: 1 }));
    await stage.untilEvent('NoPods');
    return stage.outcome({ kinds: shown, events: true });
  });

  scenario('an eviction uses the budget up until the pod is replaced', async (stage) => {
    await start(stage, { minAvailable: 2 });
    const [first] = await stage.list('Pod');
    const { name } = first.metadata;
    const path = `/api/v1/namespaces/${stage.namespace}/pods/${name}/eviction`;
    const { status } = await stage.server.post(path, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
    await stage.until('another pod', async () => {
      const pods: Any[] = await stage.list('Pod');
      return pods.length === 3 && pods.every(({ metadata }) => metadata.uid !== first.metadata.uid);
    });
    await stage.untilStatus('PodDisruptionBudget', 'web', { currentHealthy: 3, disruptionsAllowed: 1 });
    return { status, ...(await stage.outcome({ kinds: shown })) };
  });
});

scenarios('autoscalers', (scenario) => {
  const autoscaler = (minReplicas: number, maxReplicas: number, target = 'web'): Any => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: {
      minReplicas,
      maxReplicas,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  });
  const shown = ['HorizontalPodAutoscaler', 'Deployment'];

  scenario('fewer than the least are brought up to it', async (stage) => {
    await stage.create(deployment({ replicas: 1 }), autoscaler(3, 5));
    await stage.untilStatus('Deployment', 'web', { availableReplicas: 3 });
    await stage.untilCondition('HorizontalPodAutoscaler', 'web', 'AbleToScale', 'SucceededRescale');
    return stage.outcome({ kinds: shown, events: { without: ['ScalingReplicaSet', 'SuccessfulCreate'] } });
  });

  scenario('more than the most are brought down to it', async (stage) => {
    await stage.create(deployment({ replicas: 4 }), autoscaler(1, 2));
    await stage.untilStatus('Deployment', 'web', { availableReplicas: 2, replicas: 2 });
    await stage.untilCondition('HorizontalPodAutoscaler', 'web', 'AbleToScale', 'SucceededRescale');
    return stage.outcome({ kinds: ['HorizontalPodAutoscaler'] });
  });

  scenario('a target at nothing is left alone', async (stage) => {
    await stage.create(deployment({ replicas: 0 }), autoscaler(1, 2));
    await stage.untilCondition('HorizontalPodAutoscaler', 'web', 'ScalingActive', 'ScalingDisabled');
    return stage.outcome({ kinds: ['HorizontalPodAutoscaler'] });
  });

  scenario('a target that is not there', async (stage) => {
    await stage.create(autoscaler(1, 2, 'nobody'));
    await stage.untilCondition('HorizontalPodAutoscaler', 'web', 'AbleToScale', 'FailedGetScale');
    return stage.outcome({ kinds: ['HorizontalPodAutoscaler'], events: true });
  });
});
