import { LABEL } from '../api/labels.js';
import { type MeshObjects, type IndexSettings, ztunnelConfig } from './ambient-index.js';
import { formatAddress, parseBlock } from './ambient-index/ip-address.js';
import { hostnameOf } from './ambient-index/services.js';
import { asRecord, stringAt } from './policy-object.js';
import type { LocalConfig } from './ztunnel-config.js';

/** Kinds of which a mesh has so many objects that only those of the namespaces that matter are read. */
export type NamespaceObjects = Pick<MeshObjects, 'pods' | 'services' | 'endpointSlices'>;

/**
 * Selector of the EndpointSlices that matter: those of Services with a selector say nothing that their pods do not, and are most.
 *
 * @see Kubernetes docs, "EndpointSlices", section "Management"; istio/istio pilot/pkg/serviceregistry/ambient/workloads.go
 */
export const FOREIGN_SLICES = 'endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io';

/** Where the objects of a mesh are found. */
export interface ViewSource {
  /** Of all namespaces. */
  readonly mesh: Omit<MeshObjects, keyof NamespaceObjects>;
  /** Those of one namespace. */
  readonly within: (namespace: string) => Promise<NamespaceObjects>;
}

/** ztunnel's configuration of a namespace, read from as few namespaces as it takes. */
export async function ztunnelView(
  source: ViewSource,
  namespace: string,
  settings: IndexSettings,
): Promise<LocalConfig> {
  const { mesh } = source;
  const own = await source.within(namespace);
  const others = [...placesNamed({ ...mesh, ...own }, namespace)].sort();
  const found = [own, ...(await Promise.all(others.map((place) => source.within(place))))];
  const read: NamespaceObjects = {
    pods: found.flatMap(({ pods }) => pods),
    services: found.flatMap(({ services }) => services),
    endpointSlices: found.flatMap(({ endpointSlices }) => endpointSlices),
  };
  const part = partOf(mesh, read.services, new Set([namespace, ...others]), namespace, settings);
  return ztunnelConfig({ ...part, ...read }, namespace, settings);
}

/**
 * Of the objects of all namespaces those that can matter, for there may be thousands of others: what is in the namespaces that are
 * read, policies for all, and ServiceEntries anywhere with a host of theirs, for of those only one is canonical.
 */
function partOf(
  mesh: ViewSource['mesh'],
  services: NamespaceObjects['services'],
  places: ReadonlySet<string>,
  namespace: string,
  settings: IndexSettings,
): ViewSource['mesh'] {
  const { rootNamespace } = settings;
  const isHere = ({ metadata }: Placed): boolean => places.has(metadata.namespace ?? '');
  // In the root namespace stands what istiod makes of any PeerAuthentication.
  const governs = ({ metadata }: Placed): boolean =>
    isHere({ metadata }) || metadata.namespace === rootNamespace || namespace === rootNamespace;
  const hosts = new Set([
    ...services.map(({ metadata }) => hostnameOf(metadata.name, metadata.namespace ?? '', settings)),
    ...mesh.serviceEntries.filter(isHere).flatMap(({ spec }) => spec?.hosts ?? []),
  ]);
  return {
    ...mesh,
    serviceEntries: mesh.serviceEntries.filter(
      (entry) => isHere(entry) || (entry.spec?.hosts ?? []).some((host) => hosts.has(host)),
    ),
    workloadEntries: mesh.workloadEntries.filter(isHere),
    authorizationPolicies: mesh.authorizationPolicies.filter(governs),
    peerAuthentications: mesh.peerAuthentications.filter(governs),
  };
}

/** An object with its namespace. */
interface Placed {
  readonly metadata: { readonly namespace?: string | undefined };
}

/**
 * Other namespaces that a namespace depends on: those of its waypoints, of Services that bear the name of one of its hosts, and of
 * ServiceEntries that have the address of one of its waypoints.
 */
function placesNamed(objects: MeshObjects, namespace: string): ReadonlySet<string> {
  const isOwn = ({ metadata }: Placed): boolean => metadata.namespace === namespace;
  const serviceEntries = objects.serviceEntries.filter(isOwn);
  const workloadEntries = objects.workloadEntries.filter(isOwn);
  const labels = [
    ...objects.namespaces.filter(({ metadata }) => metadata.name === namespace),
    ...objects.pods,
    ...objects.services,
    ...serviceEntries,
    ...workloadEntries,
  ].map(({ metadata }) => metadata.labels);
  const ofEntries = [
    ...workloadEntries.map(({ spec }) => spec),
    ...serviceEntries.flatMap(({ spec }) => spec?.endpoints ?? []),
  ];
  const waypoints = [...labels, ...ofEntries.map((spec) => spec?.labels)].flatMap((each) => [
    each?.[LABEL.useWaypointNamespace],
    each?.[LABEL.useWaypointCanaryNamespace],
  ]);
  const hosts = serviceEntries.flatMap(({ spec }) => spec?.hosts ?? []);
  const named = new Set([...waypoints, ...hosts.map((host) => serviceOfHost(host)?.namespace)]);
  const addresses = new Set(
    objects.gateways
      .filter((gateway) => isOwn(gateway) || named.has(gateway.metadata.namespace))
      .flatMap(({ status }) => (status?.addresses ?? []).flatMap(({ value }) => canonical(value) ?? [])),
  );
  const standIns = objects.serviceEntries.filter(({ spec, status }) =>
    [...(spec?.addresses ?? []), ...(status?.addresses ?? []).map(({ value }) => value)].some(
      (text) => addresses.size > 0 && addresses.has(canonical(text) ?? ''),
    ),
  );
  const all = [...named, ...standIns.map(({ metadata }) => metadata.namespace)];
  return new Set(all.flatMap((name) => (name === undefined || name === namespace ? [] : [name])));
}

/** The Service whose host name this is; undefined if it has another form. */
export function serviceOfHost(host: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc\./.exec(host) ?? [];
  return name === undefined || namespace === undefined ? undefined : { namespace, name };
}

/** An address, or the only one of a block, in its one form. */
function canonical(text: string): string | undefined {
  const block = parseBlock(text);
  return block && formatAddress(block.address);
}

/** istiod's configuration, as its ConfigMaps have it. */
export interface IstiodConfiguration {
  /** Parsed key `mesh` of ConfigMap `istio[-REV]`. */
  readonly mesh: Readonly<Record<string, unknown>>;
  /** Parsed key `values` of ConfigMap `istio-sidecar-injector[-REV]`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * What of istiod's configuration decides the ambient index; istiod's own defaults for what it does not say.
 *
 * @param systemNamespace  where istiod runs
 * @see istio/istio pkg/config/mesh/mesh.go (DefaultMeshConfig); pilot/pkg/features/ambient.go
 */
export function indexSettings({ mesh, values }: IstiodConfiguration, systemNamespace: string): IndexSettings {
  const global = asRecord(values['global']);
  const clusterName = stringAt(asRecord(global['multiCluster']), 'clusterName');
  const dryRun = asRecord(asRecord(values['pilot'])['env'])['AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY'];
  const visibility = mesh['serviceEntryVisibility'] as IndexSettings['serviceEntryVisibility'];
  return {
    clusterId: clusterName || 'Kubernetes',
    trustDomain: stringAt(mesh, 'trustDomain') || 'cluster.local',
    clusterDomain: stringAt(asRecord(global['proxy']), 'clusterDomain') || 'cluster.local',
    rootNamespace: stringAt(mesh, 'rootNamespace') || systemNamespace,
    systemNamespace,
    revision: stringAt(values, 'revision') || 'default',
    ...(visibility && { serviceEntryVisibility: visibility }),
    ...(String(dryRun) === 'true' && { dryRunPolicies: true }),
  };
}

/** A DaemonSet, as far as it says which ztunnel runs. */
export interface ZtunnelDaemonSet {
  readonly spec: {
    readonly template: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly {
          readonly image?: string;
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
}

/**
 * The revision of the istiod that ztunnel asks; `default` if there is no ztunnel.
 *
 * @see istio/istio manifests/charts/ztunnel/templates/daemonset.yaml, XDS_ADDRESS
 */
export function ztunnelRevision(daemonSets: readonly ZtunnelDaemonSet[]): string {
  const env = containersOf(daemonSets).flatMap((container) => container.env ?? []);
  const address = env.find(({ name }) => name === 'XDS_ADDRESS')?.value ?? '';
  return /^(?:https?:\/\/)?istiod-([^.:/]+)/.exec(address)?.[1] ?? 'default';
}

/** Tags that may say ztunnel's version, such as `1.31.0-distroless`: its image's; istiod's, for they are released together. */
export function ztunnelTags(daemonSets: readonly ZtunnelDaemonSet[], { values }: IstiodConfiguration): string[] {
  const images = containersOf(daemonSets).flatMap(({ image }) => image ?? []);
  // A colon before a slash belongs to the registry's port; a digest is no tag.
  const tags = images.map((image) => /:([^:/@]+)$/.exec(image.replace(/@.*$/, ''))?.[1]);
  const ofIstiod = asRecord(values['global'])['tag'];
  return [...tags, ofIstiod].flatMap((tag) =>
    typeof tag === 'string' || typeof tag === 'number' ? [String(tag)] : [],
  );
}

function containersOf(
  daemonSets: readonly ZtunnelDaemonSet[],
): ZtunnelDaemonSet['spec']['template']['spec']['containers'] {
  const ztunnel = daemonSets.find(({ spec }) => spec.template.metadata?.labels?.['app'] === 'ztunnel');
  return ztunnel?.spec.template.spec.containers ?? [];
}
