import { type Condition, findCondition } from '../../../src/kube/conditions.js';
import type { LocalConfig, LocalService } from '../../../src/mesh/ztunnel-config.js';
import { eventually, Server } from '../../conformance/server.js';
import type { Json } from '../../simulators/istiod-objects.js';
import { readAmbientz } from '../ambient/ambientz.js';
import { collectionOf, create, type MeshObject } from '../ambient/objects.js';
import type { ControlPlane } from '../control-plane.js';
import { ConnectedProxy, type ProxyIdentity } from './connected-proxy.js';

/** Group and version, kind, name. */
type Which = readonly [apiVersion: string, kind: string, name: string];

/** Where facts are asked: each in namespaces of its own. */
export class Stage {
  readonly server: Server;
  readonly #proxies: ConnectedProxy[] = [];

  constructor(readonly controlPlane: ControlPlane) {
    this.server = new Server(controlPlane.kubeconfig);
  }

  /** Creates objects in a new namespace; returns its name. */
  async open(labels: Record<string, string>, ...objects: Json[]): Promise<string> {
    const namespace = await this.server.namespace(labels);
    await this.add(namespace, ...objects);
    return namespace;
  }

  add(namespace: string, ...objects: Json[]): Promise<void> {
    const placed = objects.map(({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, namespace } }));
    return create(this.server, placed as MeshObject[]);
  }

  async list(namespace: string, apiVersion: string, kind: string): Promise<Json[]> {
    const { body } = await this.server.get(collectionOf({ apiVersion, kind, metadata: { name: '', namespace } }));
    return body.items as Json[];
  }

  /** Names of the objects of a kind. */
  async names(namespace: string, apiVersion: string, kind: string): Promise<string[]> {
    return (await this.list(namespace, apiVersion, kind)).map(({ metadata }) => metadata.name as string);
  }

  /** The object, once it is there as wanted. */
  found(
    namespace: string,
    [apiVersion, kind, name]: Which,
    isWanted: (object: Json) => boolean = () => true,
  ): Promise<Json> {
    return eventually(`${kind} ${name}`, async () => {
      const objects = await this.list(namespace, apiVersion, kind);
      return objects.find((object) => object.metadata.name === name && isWanted(object));
    });
  }

  /** The Deployment, once it has such an image. */
  deployment(namespace: string, name: string, image = ''): Promise<Json> {
    return this.found(namespace, ['apps/v1', 'Deployment', name], ({ spec }) =>
      spec.template.spec.containers[0].image.includes(image),
    );
  }

  /** A Service, once istiod says that it is bound to its waypoint. */
  boundService(namespace: string, name: string): Promise<Json> {
    return this.found(namespace, ['v1', 'Service', name], (object) => isTrue(object, 'istio.io/WaypointBound'));
  }

  ambientIndex(): Promise<LocalConfig> {
    return readAmbientz(this.controlPlane.istiodUrl);
  }

  /** What ztunnels are told of a Service, once they are told. */
  ambientService(namespace: string, name: string): Promise<LocalService> {
    return eventually(`Service ${name} in the ambient index`, async () =>
      (await this.ambientIndex()).services.find((each) => each.namespace === namespace && each.name === name),
    );
  }

  /** Waits until ztunnels are told that a pod without a sidecar is captured. */
  captured(namespace: string, pod: string): Promise<true> {
    return eventually(`${pod} to be captured`, async () => {
      const { workloads } = await this.ambientIndex();
      const found = workloads.find((each) => each.namespace === namespace && each.name === pod);
      return (found?.protocol === 'HBONE' && !found.nativeTunnel) || undefined;
    });
  }

  /** What istiod tells the proxy of a pod, once that is ready; until {@link hangUp}. */
  async proxy(type: ProxyIdentity['type'], namespace: string, pod: string): Promise<ConnectedProxy> {
    const { status } = await this.found(namespace, ['v1', 'Pod', pod], (object) => isTrue(object, 'Ready'));
    const { istiodXdsUrl: xdsUrl, istiodUrl: debugUrl } = this.controlPlane;
    const proxy = new ConnectedProxy({ xdsUrl, debugUrl }, { type, namespace, pod, ip: status.podIP as string });
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Ends the proxies' connections. */
  hangUp(): void {
    for (const proxy of this.#proxies.splice(0)) proxy.close();
  }

  close(): void {
    this.hangUp();
    this.server.close();
  }
}

/** Whether a part of a proxy's configuration has a rule of an AuthorizationPolicy. */
export function enforces(config: Json, policy: string): boolean {
  return JSON.stringify(config).includes(`-policy[${policy}]-rule[`);
}

function isTrue(object: Json, type: string): boolean {
  return findCondition<Condition>(object.status?.conditions, type)?.status === 'True';
}
