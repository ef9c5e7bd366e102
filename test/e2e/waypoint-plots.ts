import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { OWN_ANNOTATION } from '../../src/api/own-labels.js';
import { SERVING } from '../../src/api/serving.js';
import type { JsonPatchOperation } from '../../src/kube/client.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import {
  CONFIG_MAP,
  type Deployment,
  DEPLOYMENT,
  type HorizontalPodAutoscaler,
  HORIZONTAL_POD_AUTOSCALER,
} from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import type { Request } from './interruption.js';
import { ambient, article, deployed, gateway, NAME, waypointsOf } from './waypoint-gateways.js';

/** How many objects a waypoint consists of. */
const OBJECTS = 5;

/** What is asked of the operator for one Gateway, one after the other. */
export interface WaypointPlot {
  readonly title: string;
  /** Plurals of what is disturbed when it is written; everything, if it says nothing. */
  readonly disturbed?: readonly string[];
  /** Writes of each request that are disturbed. */
  readonly atLeast: number;
  readonly requests: (cluster: () => Cluster) => readonly Request[];
}

/** A Gateway whose waypoint Sidestep deploys, with a Service that it binds; it comes, and goes. */
const deployedFor = (
  gatewayClassName: string,
  disturbance: Pick<WaypointPlot, 'disturbed' | 'atLeast'>,
): WaypointPlot => ({
  title: `of class ${gatewayClassName}`,
  ...disturbance,
  requests: (cluster) => [
    {
      ask: (name) => cluster().apply(yaml(...article(name).slice(0, -1), gateway(name, { gatewayClassName }))),
      isOver: async (name) => {
        const isBound = (await waypointsOf(cluster(), name))['web'] === NAME;
        // What istiod has deployed by mistake may show in an old view late, and goes then.
        return isBound && (await isServing(cluster(), name)) && (await deployed(cluster(), name)).length === OBJECTS;
      },
    },
    {
      ask: (namespace) => cluster().client.delete(GATEWAY, { namespace, name: NAME }),
      isOver: async (name) =>
        (await findGateway(cluster(), name)) === undefined && (await deployed(cluster(), name)).length === 0,
    },
  ],
});

/** A Gateway whose waypoint istiod deploys: it comes with a size, gets another, and none at last. */
const sized: WaypointPlot = {
  title: 'of class istio-waypoint, sized',
  atLeast: 1,
  requests: (cluster) => {
    const size = (min: number): string => `{"replicas":{"min":${min},"max":4}}`;
    const annotations = { [OWN_ANNOTATION.sizing]: size(2) };
    const sizedGateway = (name: string): object =>
      gateway(name, { gatewayClassName: 'istio-waypoint' }, { annotations });
    const change = (namespace: string, operation: object): Promise<unknown> => {
      const operations = [{ path: '/metadata/annotations/sidestep.dev~1sizing', ...operation } as JsonPatchOperation];
      return cluster().client.jsonPatch(GATEWAY, { namespace, name: NAME }, operations, { fieldManager: 'test' });
    };
    return [
      {
        ask: (name) => cluster().apply(yaml(ambient(name), sizedGateway(name))),
        isOver: (name) => isSized(cluster(), name, 2),
      },
      {
        ask: (name) => change(name, { op: 'replace', value: size(3) }),
        isOver: (name) => isSized(cluster(), name, 3),
      },
      { ask: (name) => change(name, { op: 'remove' }), isOver: (name) => isUnsized(cluster(), name) },
    ];
  },
};

/** A plot for each form of Gateway that is written in another way. */
export const WAYPOINT_PLOTS: readonly WaypointPlot[] = [
  deployedFor('istio', { atLeast: 3 }),
  // Its objects are written as those of class istio.
  deployedFor('sidestep-waypoint', { atLeast: 1, disturbed: ['gateways'] }),
  sized,
];

/** What there is of the Gateway, and its parameters; times and hashes left out. */
export async function gatewayState(cluster: Cluster, namespace: string): Promise<unknown> {
  const found = await findGateway(cluster, namespace);
  const { items } = await cluster.client.list(CONFIG_MAP, { namespace });
  const { labels, annotations, finalizers, generation } = found?.metadata ?? {};
  const withoutTimes = (conditions: readonly object[] = []): object[] =>
    conditions
      .map((condition) => ({ ...condition, lastTransitionTime: undefined }))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    metadata: { labels, annotations, finalizers, generation },
    spec: found?.spec,
    addresses: found?.status?.addresses,
    conditions: withoutTimes(found?.status?.conditions),
    listeners: found?.status?.listeners?.map((listener) => ({
      ...listener,
      conditions: withoutTimes(listener.conditions),
    })),
    parameters: items.map((configMap) => ({ name: configMap.metadata.name, data: configMap.data })),
  };
}

function findGateway({ client }: Cluster, namespace: string): Promise<Gateway | undefined> {
  return client.get<Gateway>(GATEWAY, { namespace, name: NAME }).catch(orUndefined);
}

function orUndefined(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

async function isServing(cluster: Cluster, namespace: string): Promise<boolean> {
  const found = await findGateway(cluster, namespace);
  const serving = findCondition(found?.status?.conditions, SERVING);
  return serving?.status === 'True' && serving.observedGeneration === found?.metadata.generation;
}

async function isSized(cluster: Cluster, namespace: string, min: number): Promise<boolean> {
  const ref = { namespace, name: NAME };
  const autoscaler = await cluster.client
    .get<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALER, ref)
    .catch(orUndefined);
  const deployment = await cluster.client.get<Deployment>(DEPLOYMENT, ref).catch(orUndefined);
  // The autoscaler acts a moment later: without it, the end would depend on who is faster.
  const isScaled = autoscaler?.spec.minReplicas === min && deployment?.status?.readyReplicas === min;
  return isScaled && (await isServing(cluster, namespace));
}

async function isUnsized(cluster: Cluster, namespace: string): Promise<boolean> {
  const { spec, status } = (await findGateway(cluster, namespace)) ?? {};
  const { items } = await cluster.client.list(CONFIG_MAP, { namespace });
  const isLeft = items.some(({ metadata }) => metadata.name === `${NAME}-sidestep`);
  return spec?.infrastructure === undefined && findCondition(status?.conditions, SERVING) === undefined && !isLeft;
}
