import { GATEWAY } from '../../src/api/gateway-api.js';
import { AUTHORIZATION_POLICY, REQUEST_AUTHENTICATION } from '../../src/api/istio.js';
import type { Client } from '../../src/kube/client.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import { NAMESPACE, POD, SERVICE } from '../../src/kube/types.js';
import type { HttpRequest } from '../../src/mesh/enforcement/request.js';
import { type Trace, trace } from '../../src/mesh/enforcement/trace.js';
import { type MeshPicture, meshPicture, type PictureObjects } from '../../src/mesh/picture.js';
import { indexSettings } from '../../src/mesh/ztunnel-view.js';
import type { AuditEntry } from './audit.js';

/** Resources that decide who enforces what, and where the picture of a mesh has them. */
const PLACES = {
  namespaces: 'namespaces',
  pods: 'pods',
  services: 'services',
  gateways: 'gateways',
  authorizationpolicies: 'authorizationPolicies',
  requestauthentications: 'requestAuthentications',
} as const satisfies Record<string, keyof PictureObjects>;

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

/** A mesh right after a write. */
export interface ReplayedMoment {
  /** Verb, resource and name of the write. */
  readonly after: string;
  readonly picture: MeshPicture;
}

/**
 * Every mesh that there was in some namespaces, one after the other: after each write of anything that decides who enforces what.
 * A pod that is being deleted takes no new calls, and is not in it.
 *
 * @param entries  of the audit log, from the first object of the namespaces on
 */
export function* replayedMesh(
  entries: readonly AuditEntry[],
  namespaces: ReadonlySet<string>,
): Generator<ReplayedMoment> {
  const objects = new Map<string, { readonly place: keyof PictureObjects; readonly object: KubeObject }>();
  for (const { verb, objectRef, responseObject, requestURI } of entries) {
    const { resource = '', namespace, name = '' } = objectRef ?? {};
    const place = PLACES[resource as keyof typeof PLACES];
    if (!place || !WRITES.has(verb) || requestURI.includes('dryRun=')) continue;
    if (!namespaces.has(resource === 'namespaces' ? name : (namespace ?? ''))) continue;
    const object = responseObject as KubeObject | undefined;
    const isObject = object?.metadata?.resourceVersion !== undefined;
    const key = `${resource} ${namespace ?? ''}/${isObject ? object.metadata.name : name}`;
    const isGone = verb === 'delete' || object?.metadata?.deletionTimestamp !== undefined;
    if (isGone) objects.delete(key);
    else if (isObject && isNewer(object, objects.get(key)?.object)) objects.set(key, { place, object });
    yield { after: `${verb} ${key}`, picture: draw([...objects.values()]) };
  }
}

function isNewer(object: KubeObject, known: KubeObject | undefined): boolean {
  return Number(object.metadata.resourceVersion) >= Number(known?.metadata.resourceVersion ?? 0);
}

function draw(given: readonly { readonly place: keyof PictureObjects; readonly object: KubeObject }[]): MeshPicture {
  const of = (place: keyof PictureObjects): KubeObject[] =>
    given.filter((one) => one.place === place).map(({ object }) => object);
  return pictureOf(of);
}

/** The mesh as it is now in some namespaces. */
export async function liveMesh(client: Client, namespaces: readonly string[]): Promise<MeshPicture> {
  const found = new Map<keyof PictureObjects, readonly KubeObject[]>();
  for (const [type, place] of LISTED) {
    const lists = await Promise.all(namespaces.map((namespace) => client.list<KubeObject>(type, { namespace })));
    const items = lists.flatMap((list) => list.items).map((item) => ({ ...item, kind: type.kind }));
    found.set(
      place,
      items.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    );
  }
  found.set('namespaces', await Promise.all(namespaces.map((name) => client.get(NAMESPACE, { name }))));
  return pictureOf((place) => found.get(place) ?? []);
}

const LISTED: readonly (readonly [ResourceType, keyof PictureObjects])[] = [
  [POD, 'pods'],
  [SERVICE, 'services'],
  [GATEWAY, 'gateways'],
  [AUTHORIZATION_POLICY, 'authorizationPolicies'],
  [REQUEST_AUTHENTICATION, 'requestAuthentications'],
];

function pictureOf(of: (place: keyof PictureObjects) => readonly KubeObject[]): MeshPicture {
  const objects = {
    namespaces: of('namespaces'),
    nodes: [],
    pods: of('pods'),
    services: of('services'),
    endpointSlices: [],
    serviceEntries: [],
    workloadEntries: [],
    gateways: of('gateways'),
    gatewayClasses: [],
    authorizationPolicies: of('authorizationPolicies'),
    requestAuthentications: of('requestAuthentications'),
    peerAuthentications: [],
  } as unknown as PictureObjects;
  const settings = indexSettings({ mesh: {}, values: {} }, 'istio-system');
  return meshPicture(objects, { ...settings, trustDomainAliases: [], enableAutoMtls: true });
}

/** Every answer to a request to a port of a Service, from each pod of an account; none while either is not there. */
export function answers(
  picture: MeshPicture,
  { from, to, port }: { readonly from: string; readonly to: string; readonly port: number },
  http: HttpRequest,
): Trace[] {
  const callers = picture.workloads.filter((one) => `${one.namespace}/${one.account}` === from);
  const called = picture.services.find((one) => `${one.namespace}/${one.name}` === to);
  if (!called) return [];
  return callers
    .flatMap((caller) => trace({ from: caller, to: { service: called, port }, http }, picture))
    .filter(({ hops }) => hops.at(-1)?.hop !== 'Nobody' || hops.at(-1)?.allowed === true);
}
