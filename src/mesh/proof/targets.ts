import { type Destination, type Endpoint, endpointsOf } from '../enforcement/checkpoint.js';
import type { MeshPicture, PictureWorkload } from '../picture.js';
import { asRecord, asRecords, asStrings } from '../policy-object.js';

/** What may be called. */
export interface Target {
  /** `service.namespace:port` or `Pod/namespace/name:port` */
  readonly name: string;
  /** As it is in a picture. */
  readonly in: (picture: MeshPicture) => Destination;
  /** One pod of each kind behind it, by the pictures that it is in. */
  readonly backends: readonly ReadonlyMap<MeshPicture, Endpoint>[];
}

/** What tells the pods of a picture apart: what is the same for two of them is enforced alike. */
export type KindOfPod = (endpoint: Endpoint, picture: MeshPicture) => string;

/** From here on ports are tried that nothing names. */
const FIRST_PORT = 8080;

/** Every port of every Service of a namespace, then of one pod of each kind; in pieces of one of them each. */
export function* targetsOf(
  pictures: readonly MeshPicture[],
  namespace: string,
  kindOf: KindOfPod,
): Generator<undefined, Target[]> {
  const [before] = pictures as [MeshPicture];
  const finders = new Map(pictures.map((picture) => [picture, finderOf(picture)]));
  const services = before.services.filter((service) => service.namespace === namespace);
  const ofServices: Target[] = [];
  for (const service of services) {
    for (const port of Object.keys(service.local.ports)) {
      yield;
      const at = (picture: MeshPicture): Destination => {
        return { service: finders.get(picture)!.service(service.key), port: Number(port) };
      };
      ofServices.push(targetOf(`${service.name}.${namespace}:${port}`, pictures, kindOf, at));
    }
  }
  const all = before.workloads.filter((workload) => workload.namespace === namespace && !workload.gateway);
  const pods = distinctPods(all, (pod) =>
    pictures.map((picture) => {
      const workload = finders.get(picture)!.workload(namespace, pod.name);
      return kindOf({ workload, port: 0 }, picture);
    }),
  );
  const named = portsNamed(pictures, namespace);
  const ofPods: Target[] = [];
  for (const pod of pods) {
    for (const port of portsOf(pod, named)) {
      yield;
      const at = (picture: MeshPicture): Destination => {
        return { workload: finders.get(picture)!.workload(namespace, pod.name), port };
      };
      ofPods.push(targetOf(`Pod/${namespace}/${pod.name}:${port}`, pictures, kindOf, at));
    }
  }
  return [...ofServices, ...distinctTargets(ofPods, kindOf)];
}

function targetOf(
  name: string,
  pictures: readonly MeshPicture[],
  kindOf: KindOfPod,
  at: (picture: MeshPicture) => Destination,
): Target {
  const destinations = new Map(pictures.map((picture) => [picture, at(picture)]));
  const byPod = new Map<string, Map<MeshPicture, Endpoint>>();
  for (const [picture, destination] of destinations) {
    for (const endpoint of endpointsOf(destination, picture)) {
      const { namespace, name: pod } = endpoint.workload;
      const key = `${namespace}/${pod}`;
      byPod.set(key, (byPod.get(key) ?? new Map<MeshPicture, Endpoint>()).set(picture, endpoint));
    }
  }
  const byKind = new Map([...byPod.values()].reverse().map((backend) => [kindIn(backend, kindOf), backend]));
  return { name, in: (picture) => destinations.get(picture)!, backends: [...byKind.values()] };
}

const kindIn = (backend: ReadonlyMap<MeshPicture, Endpoint>, kindOf: KindOfPod): string =>
  [...backend].map(([picture, endpoint]) => kindOf(endpoint, picture)).join(' | ');

function distinctTargets(targets: readonly Target[], kindOf: KindOfPod): Target[] {
  const kind = ({ backends }: Target): string => backends.map((one) => kindIn(one, kindOf)).join();
  return [...new Map([...targets].reverse().map((target) => [kind(target), target])).values()].reverse();
}

/** One of those that have the same labels and ports, and whose addresses no policy tells apart. */
function distinctPods(
  pods: readonly PictureWorkload[],
  kindsOf: (pod: PictureWorkload) => string[],
): PictureWorkload[] {
  const kind = (pod: PictureWorkload): string =>
    JSON.stringify([Object.entries(pod.labels).sort(), pod.local.services, kindsOf(pod)]);
  return [...new Map([...pods].reverse().map((pod) => [kind(pod), pod])).values()].reverse();
}

function finderOf({ services, workloads }: MeshPicture): {
  service: (key: string) => MeshPicture['services'][number];
  workload: (namespace: string, name: string) => PictureWorkload;
} {
  const byKey = new Map(services.map((service) => [service.key, service]));
  const byName = new Map(workloads.map((one) => [`${one.namespace}/${one.name}`, one]));
  return { service: (key) => byKey.get(key)!, workload: (namespace, name) => byName.get(`${namespace}/${name}`)! };
}

/** Those that Services lead to, and those that policies name, with one besides; else any. */
function portsOf({ local }: PictureWorkload, named: readonly number[]): number[] {
  const served = Object.values(local.services).flatMap((service) => Object.values(service));
  const known = new Set([...served, ...named]);
  let other = FIRST_PORT;
  while (known.has(other)) other += 1;
  return [...known, ...(served.length === 0 || named.length > 0 ? [other] : [])];
}

function portsNamed(pictures: readonly MeshPicture[], namespace: string): number[] {
  const policies = pictures.flatMap(({ authorizationPolicies, peerAuthentications, settings }) =>
    [...authorizationPolicies, ...peerAuthentications].filter(({ metadata }) =>
      [namespace, settings.rootNamespace].includes(metadata.namespace ?? ''),
    ),
  );
  const texts = policies.flatMap(({ spec }) => [
    ...Object.keys(asRecord(asRecord(spec)['portLevelMtls'])),
    ...asRecords(asRecord(spec)['rules']).flatMap((rule) => [
      ...asRecords(rule['to']).flatMap(({ operation }) => {
        const { ports, notPorts } = asRecord(operation);
        return [...asStrings(ports), ...asStrings(notPorts)];
      }),
      ...asRecords(rule['when']).flatMap(({ key, values, notValues }) =>
        key === 'destination.port' ? [...asStrings(values), ...asStrings(notValues)] : [],
      ),
    ]),
  ]);
  return [...new Set(texts.map(Number))].filter((port) => port >= 1 && port <= 65_535);
}
