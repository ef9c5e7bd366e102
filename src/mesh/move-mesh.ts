import { ANNOTATION, LABEL } from '../api/labels.js';
import { parseAddress, parseBlock } from './ambient-index/ip-address.js';
import { hasSidecar, isGateway, isLive, podMode, speaksHbone } from './dataplane.js';
import { isInside } from './enforcement/address.js';
import { principalOf } from './enforcement/checkpoint.js';
import type { PictureObjects, PictureSettings } from './picture.js';
import { type Labels, type PolicyObject, asRecord, asRecords } from './policy-object.js';
import { addressWitnesses } from './proof/addresses.js';
import { blocksOf } from './proof/callers.js';
import { ProxyPolicies } from './proof/gates.js';
import { standInPods } from './stand-in-pods.js';
import { namedWaypoints, type WaypointRef } from './use-waypoint.js';

type Pod = PictureObjects['pods'][number];

/** What of a mesh is looked at. */
export interface MoveScope {
  /** The namespace that is migrated. */
  readonly namespace: string;
  readonly waypoint: WaypointRef | undefined;
  readonly settings: PictureSettings;
  /** Addresses of live pods that were left out; asked for where policies name blocks. (none) */
  readonly addresses?: () => readonly string[];
}

/**
 * The part of a mesh that decides who may call pods of a namespace, before, while and after it is migrated. It is the same however many
 * pods there are: each workload has one, made from its template, and so has each kind of callers elsewhere that policies can tell apart. Live pods are asked for what no template
 * tells: their addresses, and whether some are unlike what their template says, or have none.
 *
 * What it does not say of an object decides nothing.
 *
 * @param mesh  objects of any kind, in any order; of live pods elsewhere it may leave out those that are like others but for their address
 */
export function moveMesh(mesh: readonly PolicyObject[], scope: MoveScope): PictureObjects {
  const { namespace, settings, addresses = () => [] } = scope;
  const { rootNamespace } = settings;
  const objects = mesh.filter(isMade);
  const labels = new Map(
    objects.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' ? [[metadata.name, metadata.labels ?? {}] as const] : [],
    ),
  );
  const isHere = ({ metadata }: PolicyObject): boolean => metadata.namespace === namespace;
  const own = objects.filter(isHere).sort(byName);
  const places = new Set([namespace, ...placesOf([...own, ...namespaceIn(objects, namespace)], scope)]);
  const near = objects.filter(({ metadata }) => places.has(metadata.namespace ?? ''));
  const of = <T>(kind: string, from: readonly PolicyObject[] = near): T[] =>
    from
      .filter((object) => object.kind === kind)
      .sort(byName)
      .map(essence) as T[];
  const policies = (kind: string): PolicyObject[] =>
    of(
      kind,
      objects.filter(({ metadata }) => places.has(metadata.namespace ?? '') || metadata.namespace === rootNamespace),
    );
  const authorizationPolicies = policies('AuthorizationPolicy');

  const isOfWaypoint = ofWaypoints(objects);
  const labelsOf = (name: string): Labels => labels.get(name) ?? {};
  const live = objects.filter(({ kind }) => kind === 'Pod') as Pod[];
  const livePods = live.filter((pod) => pod.metadata.namespace === namespace).sort(byName);
  const elsewhere = objects.filter((object) => !isHere(object));
  const calling = [
    ...elsewhere.flatMap((object) => standInOf(object, labelsOf) ?? []),
    ...live.filter((pod) => pod.metadata.namespace !== namespace),
  ];
  const proxy = new ProxyPolicies('', authorizationPolicies, settings, { hop: 'Sidecar', readsHttp: true });
  const pods = [
    ...ownPods(standInPods(own, labelsOf), livePods),
    ...callers(calling, (pod) => {
      const { namespace: place = '' } = pod.metadata;
      // The account of a waypoint is that of its pods.
      if (places.has(place)) return callerKind(pod);
      // It begins no calls.
      if (isOfWaypoint(pod)) return undefined;
      const account = pod.spec?.serviceAccountName ?? 'default';
      return `${proxy.sourceKind(principalOf({ namespace: place, account }, { settings }), '')} ${planeOf(pod)}`;
    }),
  ];
  return {
    namespaces: objects
      .filter(
        ({ kind, metadata }) => kind === 'Namespace' && (places.has(metadata.name) || metadata.name === rootNamespace),
      )
      .sort(byName)
      .map(essence),
    nodes: [],
    pods: named(placed(pods, () => [...addressesOf(live), ...addresses()], blocksOf(authorizationPolicies))),
    services: of('Service'),
    endpointSlices: [],
    serviceEntries: of('ServiceEntry'),
    workloadEntries: of('WorkloadEntry'),
    gateways: of<PictureObjects['gateways'][number]>('Gateway').filter(
      // One of Istio's own API has no class.
      ({ spec }) => asRecord(spec)['gatewayClassName'] !== undefined,
    ),
    gatewayClasses: of('GatewayClass', objects),
    authorizationPolicies,
    requestAuthentications: policies('RequestAuthentication'),
    peerAuthentications: policies('PeerAuthentication'),
  };
}

/** A Rollout of Argo may take its template from a Deployment, which is there itself. */
const isMade = ({ kind, spec }: PolicyObject): boolean =>
  kind !== 'Rollout' || asRecord(spec)['template'] !== undefined;

const namespaceIn = (objects: readonly PolicyObject[], name: string): PolicyObject[] =>
  objects.filter(({ kind, metadata }) => kind === 'Namespace' && metadata.name === name);

/** Namespaces of the waypoints that objects name. */
function placesOf(objects: readonly PolicyObject[], { namespace, waypoint }: MoveScope): string[] {
  const named = objects.flatMap(({ metadata }) => namedWaypoints(metadata.labels, namespace));
  return [...named.map((key) => key.split('/')[0]!), ...(waypoint ? [waypoint.namespace] : [])];
}

/** Whether pods are those of a waypoint. */
function ofWaypoints(objects: readonly PolicyObject[]): (pod: Pod) => boolean {
  const isWaypoint = ({ kind, spec }: PolicyObject): boolean =>
    kind === 'Gateway' && asRecords(asRecord(spec)['listeners']).some(({ protocol }) => protocol === 'HBONE');
  const names = new Set(
    objects.filter(isWaypoint).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
  );
  return ({ metadata: { namespace = '', labels = {} } }) =>
    names.has(`${namespace}/${labels[LABEL.gatewayName] ?? ''}`);
}

/** What of an object may decide something. */
function essence<T extends PolicyObject>(object: T): T {
  const { name, namespace, labels, annotations = {}, creationTimestamp } = object.metadata;
  const said = Object.entries(annotations).filter(([key]) => !/^(sidestep\.dev|kubectl\.kubernetes\.io)\//.test(key));
  const { status } = object as { readonly status?: { readonly addresses?: unknown } };
  return {
    kind: object.kind,
    metadata: { name, namespace, labels, annotations: Object.fromEntries(said), creationTimestamp },
    spec: object.spec,
    ...(status?.addresses !== undefined && { status: { addresses: status.addresses } }),
  } as unknown as T;
}

/** Those of templates, and one for each kind of live pods that is not among them. */
function ownPods(standIns: readonly Pod[], live: readonly Pod[]): Pod[] {
  const kinds = new Map(standIns.map((pod) => [ownKind(pod), pod]));
  const others = live.filter(hasMode).flatMap((pod) => {
    const kind = ownKind(pod);
    if (kinds.has(kind)) return [];
    kinds.set(kind, pod);
    return [{ ...pod, metadata: { ...pod.metadata, labels: templateLabels(pod) } }];
  });
  return [...standIns, ...others].map(trimmed);
}

/** One of each kind, of templates first: in other namespaces nobody is called. */
function callers(pods: readonly Pod[], kindOf: (pod: Pod) => string | undefined): Pod[] {
  const kinds = new Map<string, Pod>();
  for (const pod of pods) {
    const kind = hasMode(pod) ? kindOf(pod) : undefined;
    if (kind === undefined) continue;
    const known = kinds.get(kind);
    if (!known || (isLivePod(known) === isLivePod(pod) && byName(pod, known) < 0)) kinds.set(kind, pod);
  }
  return [...kinds.values()].sort(byName).map((pod) => {
    const kept = [LABEL.tunnel, LABEL.gatewayName].flatMap((key) => {
      const value = pod.metadata.labels?.[key];
      return value === undefined ? [] : [[key, value] as const];
    });
    return trimmed({ ...pod, metadata: { ...pod.metadata, labels: Object.fromEntries(kept) } });
  });
}

/** Objects say of which kind they are, and stand-ins do not. */
const isLivePod = (pod: Pod): boolean => 'kind' in pod;

/** By object: objects do not change, and there are many. */
const standIns = new WeakMap<PolicyObject, { readonly place: Labels; readonly pod: Pod | undefined }>();

/** The pod that stands for a workload; undefined if the object is none. */
function standInOf(object: PolicyObject, labelsOf: (namespace: string) => Labels): Pod | undefined {
  const place = labelsOf(object.metadata.namespace ?? '');
  const known = standIns.get(object);
  if (known?.place === place) return known.pod;
  const [pod] = standInPods([object], () => place);
  standIns.set(object, { place, pod });
  return pod;
}

/** What tells pods of a mesh apart that only call: the account, and the data plane. */
export function callerKind(pod: Pod): string {
  return `${pod.metadata.namespace ?? ''}/${pod.spec?.serviceAccountName ?? 'default'} ${planeOf(pod)}`;
}

function planeOf(pod: Pod): string {
  const gateway = pod.metadata.labels?.[LABEL.gatewayName] ?? isGateway(pod);
  return `${podMode(pod)} ${hasSidecar(pod) && speaksHbone(pod)} ${gateway}`;
}

/** Whether one can tell in which mode it is to stay: whom the CNI agent is about to capture is not ready. */
export function hasMode(pod: Pod): boolean {
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return isLive(pod) && (podMode(pod) !== 'none' || isReady);
}

function ownKind(pod: Pod): string {
  const labels = Object.entries(templateLabels(pod)).filter(([key]) => !OF_INJECTOR.test(key));
  return JSON.stringify([callerKind(pod), labels.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Labels that controllers and the injector set on each pod, and no template has. */
const OF_CONTROLLERS =
  /^(batch\.kubernetes\.io\/.*|(rollouts-)?pod-template-(hash|generation)|controller-(uid|revision-hash)|job-name|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index)$/;
const OF_INJECTOR =
  /^(service\.istio\.io\/.*|security\.istio\.io\/tlsMode|networking\.istio\.io\/tunnel|istio\.io\/rev)$/;

const templateLabels = ({ metadata: { labels = {} } }: Pod): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => !OF_CONTROLLERS.test(key)));

const KEPT = [ANNOTATION.sidecarStatus, ANNOTATION.redirection, ANNOTATION.injectTemplates];

/** A pod that does not change with its life, named after what makes it. */
function trimmed({ metadata, spec }: Pod): Pod {
  const { name, namespace, labels, annotations = {}, ownerReferences = [] } = metadata;
  const kept = KEPT.flatMap((key) => (annotations[key] === undefined ? [] : [[key, annotations[key]] as const]));
  return {
    metadata: { name: ownerReferences[0]?.name ?? name, namespace, labels, annotations: Object.fromEntries(kept) },
    spec: {
      ...(spec?.serviceAccountName !== undefined && { serviceAccountName: spec.serviceAccountName }),
      ...(spec?.hostNetwork !== undefined && { hostNetwork: spec.hostNetwork }),
      containers: (spec?.containers ?? []).map(essenceOf),
      initContainers: (spec?.initContainers ?? []).map(essenceOf),
    },
  };
}

const essenceOf = ({ name, ports, restartPolicy }: Container): Container => ({ name, ports, restartPolicy });

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

/**
 * Pods with addresses: one for each way in which those of live pods lie in the blocks that policies name; any pod may get any of these.
 * The others are of the block 240.0.0.0/4, which nobody uses.
 */
function placed(pods: readonly Pod[], addresses: () => readonly string[], blocks: readonly string[]): Pod[] {
  const parsed = blocks.map(parseBlock);
  const wayOf = (text: string): string => parsed.map((block) => isInside(parseAddress(text), block)).join();
  const plain = wayOf('240.0.0.1');
  const seen = new Set(blocks.length === 0 ? [] : addresses().map(wayOf));
  const witnesses = addressWitnesses(blocks).filter((address) => seen.has(wayOf(address)) && wayOf(address) !== plain);
  const ways = [...new Map(witnesses.map((address) => [wayOf(address), address])).values()];
  const isPlain = seen.size === 0 || seen.has(plain);
  return pods.flatMap((pod, index) => {
    const own = [240, ((index + 1) >> 16) & 255, ((index + 1) >> 8) & 255, (index + 1) & 255].join('.');
    return [...(isPlain ? [own] : []), ...ways].map((ip) => ({
      ...pod,
      status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
    }));
  });
}

/** The addresses of pods, those left out that have their node's. */
export function addressesOf(pods: readonly PodWithAddress[]): string[] {
  return pods.flatMap(({ spec, status }) => (spec?.hostNetwork === true ? [] : (status?.podIPs?.[0]?.ip ?? [])));
}

/** A pod, as far as it has an address. */
interface PodWithAddress {
  readonly spec?: { readonly hostNetwork?: boolean | undefined } | undefined;
  readonly status?: { readonly podIPs?: readonly { readonly ip: string }[] | undefined } | undefined;
}

/** Pods are told apart by their names. */
function named(pods: readonly Pod[]): Pod[] {
  const counts = new Map<string, number>();
  return pods.map((pod) => {
    const { namespace = '', name } = pod.metadata;
    const count = (counts.get(`${namespace}/${name}`) ?? 0) + 1;
    counts.set(`${namespace}/${name}`, count);
    return count === 1 ? pod : { ...pod, metadata: { ...pod.metadata, name: `${name}-${count}` } };
  });
}

type Named = { readonly kind?: string; readonly metadata: Pick<PolicyObject['metadata'], 'name' | 'namespace'> };

function byName(a: Named, b: Named): number {
  const [one, other] = [a, b].map(({ kind = '', metadata }) => `${metadata.namespace ?? ''}/${metadata.name}/${kind}`);
  return one! < other! ? -1 : one! > other! ? 1 : 0;
}
