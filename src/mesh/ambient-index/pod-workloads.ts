import { LABEL } from '../../api/labels.js';
import type { Labels } from '../policy-object.js';
import type { LocalWorkload, Locality } from '../ztunnel-config.js';
import { canonicalAddresses } from './ip-address.js';
import { networkGatewayOf } from './network-gateways.js';
import { namespaceOf } from './namespaces.js';
import type { IndexedContainer, IndexedMetadata, IndexedPod, MeshObjects } from './objects.js';
import type { ServiceInfo } from './services.js';
import { slicesByPod } from './slice-workloads.js';
import { identityOf, type WorkloadSources } from './workload-sources.js';

/** The workloads of pods that have an address and have not ended. */
export function podWorkloads(objects: MeshObjects, sources: WorkloadSources): LocalWorkload[] {
  const nodes = new Map(objects.nodes.map(({ metadata }) => [metadata.name, localityOf(metadata)]));
  const slices = slicesByPod(objects.endpointSlices, sources);
  return objects.pods.flatMap((pod) => {
    const found = podWorkload(pod, sources, slices(pod));
    const locality = nodes.get(pod.spec?.nodeName ?? '');
    return found ? [{ ...found, ...(locality && { locality }) }] : [];
  });
}

function podWorkload(
  pod: IndexedPod,
  { namespaces, waypoints, servicesSelecting, policiesOf, networkGateways }: WorkloadSources,
  bySlices: readonly ServiceInfo[],
): LocalWorkload | undefined {
  const { metadata, spec = {}, status = {} } = pod;
  const { labels = {}, annotations = {} } = metadata;
  const { clusterId, trustDomain } = namespaces.settings;
  const namespace = namespaceOf(pod);
  const workloadIps = canonicalAddresses(status.podIPs?.map(({ ip }) => ip) ?? [status.podIP ?? '']);
  if (workloadIps.length === 0 || status.phase === 'Failed' || status.phase === 'Succeeded') return undefined;
  const selecting = servicesSelecting(namespace, labels);
  const known = new Set(selecting.map(({ service }) => service.hostname));
  const services = [...selecting, ...bySlices.filter(({ service }) => !known.has(service.hostname))];
  const isReady = status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const networkGateway = networkGatewayOf(namespaces.network, networkGateways);
  const authorizationPolicies = policiesOf(namespace, metadata.labels);
  return {
    uid: `${clusterId}//Pod/${namespace}/${metadata.name}`,
    name: metadata.name,
    namespace,
    workloadIps,
    trustDomain,
    serviceAccount: spec.serviceAccountName ?? 'default',
    ...(namespaces.network !== '' && { network: namespaces.network }),
    ...(networkGateway && { networkGateway }),
    ...(spec.nodeName !== undefined && { node: spec.nodeName }),
    clusterId,
    ...(spec.hostNetwork === true && { networkMode: 'HostNetwork' }),
    ...identityOf(labels, annotations, workloadNameOf(pod)),
    ...waypoints.ofWorkload(metadata),
    ...(authorizationPolicies.length > 0 && { authorizationPolicies }),
    ...((!isReady || metadata.deletionTimestamp !== undefined) && { status: 'Unhealthy' }),
    services: Object.fromEntries(services.map((info) => [info.key, podPorts(pod, info)])),
  };
}

/** By port of the service the port of the pod. A port whose name the pod does not have is left out. */
function podPorts(pod: IndexedPod, { ports, kind }: ServiceInfo): Record<string, number> {
  return Object.fromEntries(
    ports.flatMap(({ number, name, target, targetName }) => {
      if (targetName !== '') {
        const found = namedPort(pod, targetName);
        return found === undefined ? [] : [[number, found]];
      }
      // A ServiceEntry has no names of target ports: its own name is looked for.
      const byName = kind === 'ServiceEntry' && name !== '' ? namedPort(pod, name) : undefined;
      return [[number, byName ?? target]];
    }),
  );
}

function namedPort({ spec = {} }: IndexedPod, wanted: string): number | undefined {
  const isSidecar = ({ restartPolicy }: IndexedContainer): boolean => restartPolicy === 'Always';
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []).filter(isSidecar)]
    .flatMap(({ ports }) => ports ?? [])
    .find(({ name, protocol = 'TCP' }) => name === wanted && protocol === 'TCP')?.containerPort;
}

/**
 * The name of what a pod belongs to: of a Deployment rather than of its ReplicaSet, of a CronJob rather than of its Job.
 *
 * @see istio/istio pkg/kube/util.go, GetWorkloadMetaFromPod
 */
function workloadNameOf({ metadata }: IndexedPod): string {
  const { labels = {}, generateName = '', ownerReferences = [] } = metadata;
  const owner = generateName === '' ? undefined : ownerReferences.find(({ controller }) => controller === true);
  return (labels[LABEL.workloadName] ?? (owner ? ownerName(owner, labels) : '')) || metadata.name;
}

function ownerName({ kind, name }: { readonly kind: string; readonly name: string }, labels: Labels): string {
  switch (kind) {
    case 'ReplicaSet': {
      const hashes = [labels['pod-template-hash'] ?? '', labels['rollouts-pod-template-hash'] ?? ''];
      const hash = hashes.find((some) => some !== '' && name.endsWith(some));
      return hash !== undefined && name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name;
    }
    case 'ReplicationController':
      return labels['deploymentconfig'] || name;
    case 'Job':
      return /^(.+)-[0-9]{8,10}$/.exec(name)?.[1] ?? name;
    default:
      return name;
  }
}

function localityOf({ labels = {} }: IndexedMetadata): Locality | undefined {
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  const subzone = labels['topology.istio.io/subzone'] ?? '';
  return region + zone + subzone === '' ? undefined : { region, zone, subzone };
}
