import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { namespace } from '../support/fixtures.js';

/** Kinds of what a Gateway is deployed with. */
export const DEPLOYED: readonly ResourceType[] = [
  SERVICE_ACCOUNT,
  SERVICE,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  POD_DISRUPTION_BUDGET,
];

/** Name of the article's Gateway. */
export const NAME = 'httpbin-ambient-waypoint';

/** The Gateway of the older articles: class `istio`, one HBONE listener. */
export const gateway = (namespace: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'Gateway',
  metadata: { name: NAME, namespace, ...metadata },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }], ...spec },
});

/** A namespace in ambient mode. */
export const ambient = (name: string): object => namespace(name, { 'istio.io/dataplane-mode': 'ambient' });

/** A Deployment whose pods carry `app` and `mesh: yes`. */
export const deployment = (namespace: string, app: string, { account }: { account?: string }): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app, namespace },
  spec: {
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app, mesh: 'yes' } },
      spec: {
        ...(account !== undefined && { serviceAccountName: account }),
        containers: [{ name: 'app', image: 'example.com/app' }],
      },
    },
  },
});

/** A Service of the pods with label `app`. */
export const service = (
  namespace: string,
  name: string,
  selector: object = { app: name },
  labels: object = {},
): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels },
  spec: { selector, ports: [{ name: 'http', port: 80 }] },
});

/** A namespace with one account, its Service, and the Gateway that serves it. */
export const article = (name: string, spec: object = {}): object[] => [
  ambient(name),
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'httpbin-ambient', namespace: name } },
  deployment(name, 'web', { account: 'httpbin-ambient' }),
  service(name, 'web'),
  gateway(name, spec),
];

/** The label `istio.io/use-waypoint` of the Services of a namespace, that of the waypoint left out. */
export async function waypointsOf(cluster: Cluster, namespace: string): Promise<Record<string, string | undefined>> {
  const { items } = await cluster.client.list(SERVICE, { namespace });
  const others = items.filter(({ metadata }) => !metadata.name.startsWith(NAME));
  return Object.fromEntries(others.map(({ metadata: { name, labels } }) => [name, labels?.['istio.io/use-waypoint']]));
}

/** `Kind/name` of everything that is deployed for the Gateway. */
export async function deployed(cluster: Cluster, namespace: string): Promise<string[]> {
  const lists = await Promise.all(
    DEPLOYED.map(async (type) => {
      const { items } = await cluster.client.list<KubeObject>(type, { namespace });
      return items.map(({ metadata }) => `${type.kind}/${metadata.name}`);
    }),
  );
  return lists
    .flat()
    .filter((object) => object.includes(NAME))
    .sort();
}

/** What a Gateway is deployed with: by us, and by istiod for class `istio-waypoint` and class `istio`. */
export const OURS = DEPLOYED.map(({ kind }) => `${kind}/${NAME}`);
export const WAYPOINT_OF_ISTIOD = ['Deployment', 'Service', 'ServiceAccount'].map((kind) => `${kind}/${NAME}`);
export const INGRESS_OF_ISTIOD = WAYPOINT_OF_ISTIOD.map((object) => `${object}-istio`);

/** Looks at the Gateway {@link NAME} of a namespace. */
export class GatewayWatcher {
  constructor(readonly cluster: () => Cluster) {}

  read(namespace: string): Promise<Gateway> {
    return this.cluster().client.get<Gateway>(GATEWAY, { namespace, name: NAME });
  }

  /** Resolves when Sidestep says this of the Gateway as it is. */
  serving(namespace: string, status: string, reason: string): Promise<Gateway> {
    return this.cluster().until(
      `Gateway of ${namespace} with Serving=${status}, ${reason}`,
      async () => {
        const object = await this.read(namespace);
        const found = findCondition(object.status?.conditions, 'sidestep.dev/Serving');
        const isIt = found?.status === status && found.reason === reason;
        if (isIt && found.observedGeneration === object.metadata.generation) return object;
        throw new Error(JSON.stringify(object.status?.conditions));
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Resolves when exactly these objects are there for the Gateway. */
  deployed(namespace: string, ...expected: string[]): Promise<boolean> {
    return this.cluster().until(`${expected.join(', ') || 'nothing'} in ${namespace}`, async () => {
      const found = await deployed(this.cluster(), namespace);
      if (found.join() === [...expected].sort().join()) return true;
      throw new Error(found.join());
    });
  }
}
