import { isAlreadyExists } from '../../../kube/errors.js';
import { POD, type Pod } from '../../../kube/types.js';
import { isNamespaceTerminating, type Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import {
  ENDPOINTS,
  SERVICE,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  type Service,
} from './endpoint-kinds.js';
import {
  addressOf,
  commonLabels,
  endpointPorts,
  hasManagedEndpoints,
  isHeadless,
  podTarget,
  selectedPods,
} from './endpoint-targets.js';
import { isReady } from './pods.js';
import { addServicesOf } from './service-pods.js';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const managedBy = 'endpoint-controller';

/** Lists the pods of each Service in an Endpoints object. Rules: kubernetes/pkg/controller/endpoint. */
export class EndpointsController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const services = cluster.informer(SERVICE);
    const endpoints = cluster.informer(ENDPOINTS);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'endpoints', [services, endpoints, pods], (key) => this.#sync(key));
    this.loops = [this.#loop];
    services.onChange(({ object }) => this.#loop.add(keyOf(object)));
    addServicesOf(cluster, this.#loop);
    endpoints.onChange(({ object, gone }) => {
      if (gone) this.#loop.add(keyOf(object));
    });
  }

  async #sync(key: string): Promise<void> {
    const ref = refOf(key);
    const existing = this.#cluster.informer(ENDPOINTS).get(ref);
    const service = this.#cluster.informer(SERVICE).get(ref);
    if (service === undefined) {
      if (existing !== undefined) await this.#cluster.delete(ENDPOINTS, existing);
      return;
    }
    if (!hasManagedEndpoints(service)) return;
    const { name, namespace = '' } = service.metadata;
    const pods = this.#cluster.informer(POD).list(namespace);
    const subsets = subsetsOf(service, selectedPods(service, pods));
    const labels = { ...commonLabels(service), [managedByLabel]: managedBy };
    const value = subsets.length === 0 ? undefined : subsets;
    if (existing !== undefined) {
      await this.#cluster.change(ENDPOINTS, existing, [
        { path: ['metadata', 'labels'], value: labels },
        { path: ['subsets'], value },
      ]);
      return;
    }
    try {
      await this.#cluster.create(ENDPOINTS, {
        metadata: { name, namespace, labels },
        ...(value && { subsets: value }),
      });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  }
}

/** The addresses of one port. */
interface PortAddresses {
  /** Undefined for a headless Service without ports. */
  port: EndpointPort | undefined;
  ready: EndpointAddress[];
  notReady: EndpointAddress[];
}

/**
 * Ports that the same addresses serve together, with those that are not ready apart.
 *
 * Rules: `RepackSubsets` in kubernetes/pkg/api/v1/endpoints/util.go; the order there depends on hashes, here on the ports.
 */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, PortAddresses[]>();
  for (const served of addressesByPort(service, pods)) {
    const key = JSON.stringify([served.ready, served.notReady]);
    groups.set(key, [...(groups.get(key) ?? []), served]);
  }
  return [...groups.values()].map((group) => {
    const { ready = [], notReady = [] } = group[0] ?? {};
    const ports = group.flatMap(({ port }) => port ?? []);
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(ports.length > 0 && { ports }),
    };
  });
}

function addressesByPort(service: Service, pods: readonly Pod[]): PortAddresses[] {
  const all = service.spec.publishNotReadyAddresses === true;
  const family = service.spec.ipFamilies?.[0] ?? 'IPv4';
  const found = new Map<string, PortAddresses>();
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    if (ip === undefined || (!all && pod.metadata.deletionTimestamp !== undefined)) continue;
    const address = { ip, ...podTarget(service, pod) };
    for (const port of portsOf(service, pod)) {
      const key = JSON.stringify(port ?? null);
      const served = found.get(key) ?? { port, ready: [], notReady: [] };
      found.set(key, served);
      (all || isReady(pod) ? served.ready : served.notReady).push(address);
    }
  }
  return [...found.keys()].sort().flatMap((key) => {
    const { port, ready, notReady } = found.get(key) ?? { port: undefined, ready: [], notReady: [] };
    return [{ port, ready: ready.sort(byAddress), notReady: notReady.sort(byAddress) }];
  });
}

/** Only a headless Service may have no ports; and here, unlike in EndpointSlices, an empty name is left out. */
function portsOf(service: Service, pod: Pod): (EndpointPort | undefined)[] {
  if ((service.spec.ports ?? []).length === 0) return isHeadless(service) ? [undefined] : [];
  return endpointPorts(service, pod).map(({ name, ...port }) => (name ? { name, ...port } : port));
}

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : 1);
