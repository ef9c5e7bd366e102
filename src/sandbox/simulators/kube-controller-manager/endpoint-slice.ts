import equal from 'fast-deep-equal';

import { POD, type Pod } from '../../../kube/types.js';
import { isNamespaceTerminating, type Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import {
  ENDPOINT_SLICE,
  SERVICE,
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
  type Service,
} from './endpoint-kinds.js';
import {
  addressOf,
  commonLabels,
  endpointPorts,
  hasManagedEndpoints,
  podTarget,
  selectedPods,
} from './endpoint-targets.js';
import { controllerReference, isControlledBy } from './ownership.js';
import { isReady } from './pods.js';
import { addServicesOf } from './service-pods.js';

const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const managedBy = 'endpointslice-controller.k8s.io';

const maxEndpoints = 100;

/** Endpoints that share their ports. */
interface Group {
  ports: EndpointPort[];
  endpoints: Endpoint[];
}

/** Lists the pods of each Service in EndpointSlices. Rules: kubernetes/pkg/controller/endpointslice, k8s.io/endpointslice. */
export class EndpointSliceController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const services = cluster.informer(SERVICE);
    const slices = cluster.informer(ENDPOINT_SLICE);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'endpoint-slice', [services, slices, pods], (key) =>
      this.#sync(key),
    );
    this.loops = [this.#loop];
    services.onChange(({ object }) => this.#loop.add(keyOf(object)));
    addServicesOf(cluster, this.#loop);
    slices.onChange(({ object }) => {
      const { namespace = '', labels = {} } = object.metadata;
      if (labels[managedByLabel] === managedBy) this.#loop.add(`${namespace}/${labels[serviceNameLabel]}`);
    });
  }

  async #sync(key: string): Promise<void> {
    const service = this.#cluster.informer(SERVICE).get(refOf(key));
    if (service === undefined || !hasManagedEndpoints(service)) return;
    if (service.metadata.deletionTimestamp !== undefined) return;
    const { namespace, name } = service.metadata;
    const pods = selectedPods(service, this.#cluster.informer(POD).list(namespace));
    const existing = this.#cluster
      .informer(ENDPOINT_SLICE)
      .list(namespace)
      .filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === name)
      .filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy);
    const families = service.spec.ipFamilies ?? ['IPv4'];
    for (const family of families) {
      const ofFamily = existing.filter(({ addressType }) => addressType === family);
      await this.#reconcile(service, family, groupsOf(service, pods, family), ofFamily);
    }
    for (const slice of existing.filter(({ addressType }) => !families.some((family) => family === addressType))) {
      await this.#cluster.delete(ENDPOINT_SLICE, slice);
    }
  }

  async #reconcile(
    service: Service,
    family: 'IPv4' | 'IPv6',
    groups: readonly Group[],
    existing: readonly EndpointSlice[],
  ): Promise<void> {
    const spare = existing.filter((slice) => isControlledBy(slice, service));
    const foreign = existing.filter((slice) => !isControlledBy(slice, service));
    const wanted = groups.length === 0 ? [{ ports: null, endpoints: null }] : groups.flatMap(chunks);
    // First slices with the same ports, so that endpoints stay where they are; then any.
    const matched = wanted.map((group) => take(spare, (slice) => equal(slice.ports ?? [], group.ports ?? [])));
    for (const [index, group] of wanted.entries()) {
      await this.#write(service, family, group, matched[index] ?? take(spare, () => true));
    }
    for (const slice of [...spare, ...foreign]) await this.#cluster.delete(ENDPOINT_SLICE, slice);
  }

  async #write(
    service: Service,
    addressType: 'IPv4' | 'IPv6',
    { ports, endpoints }: { ports: EndpointPort[] | null; endpoints: Endpoint[] | null },
    slice: EndpointSlice | undefined,
  ): Promise<void> {
    const labels = labelsOf(service);
    const { name, namespace = '' } = service.metadata;
    if (slice !== undefined) {
      const kept = endpoints && inOrderOf(slice.endpoints ?? [], endpoints);
      await this.#cluster.change(ENDPOINT_SLICE, slice, [
        { path: ['metadata', 'labels'], value: labels },
        { path: ['endpoints'], value: kept },
        { path: ['ports'], value: ports },
      ]);
      return;
    }
    const ownerReferences = [controllerReference(service)];
    const metadata = { generateName: `${name}-`, namespace, labels, ownerReferences };
    try {
      await this.#cluster.create(ENDPOINT_SLICE, { metadata, addressType, endpoints, ports });
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }
}

function take<T>(list: T[], is: (element: T) => boolean): T | undefined {
  const index = list.findIndex(is);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

function chunks({ ports, endpoints }: Group): Group[] {
  const count = Math.ceil(endpoints.length / maxEndpoints);
  return Array.from({ length: count }, (_, index) => ({
    ports,
    endpoints: endpoints.slice(index * maxEndpoints, (index + 1) * maxEndpoints),
  }));
}

const uidOf = ({ targetRef }: Endpoint): string => targetRef.uid ?? targetRef.name;

/** What was there before stays in its place; what is new comes after it. */
function inOrderOf(before: readonly Endpoint[], wanted: readonly Endpoint[]): Endpoint[] {
  const rest = [...wanted];
  const kept = before.flatMap((old) => take(rest, (endpoint) => uidOf(endpoint) === uidOf(old)) ?? []);
  return [...kept, ...rest];
}

/** Pods by the ports that they serve: a named port may be another number in another pod. */
function groupsOf(service: Service, pods: readonly Pod[], family: 'IPv4' | 'IPv6'): Group[] {
  const groups: Group[] = [];
  for (const pod of pods) {
    const address = addressOf(pod, family);
    if (address === undefined || !pod.spec.nodeName) continue;
    const ports = endpointPorts(service, pod);
    const endpoint = endpointOf(service, pod, address);
    const group = groups.find((candidate) => equal(candidate.ports, ports));
    if (group) group.endpoints.push(endpoint);
    else groups.push({ ports, endpoints: [endpoint] });
  }
  return groups;
}

function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  return { addresses: [address], conditions: { ready, serving, terminating }, ...podTarget(service, pod) };
}

function labelsOf(service: Service): Record<string, string> {
  return {
    ...commonLabels(service),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}
