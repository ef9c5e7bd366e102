import { isReady, type Any } from './any-object.js';

/** Where a scenario takes place. */
export interface Place {
  readonly namespace: string;
  /** All objects of a kind there. */
  list(kind: string): Promise<Any[]>;
}

/** What belongs to an outcome. */
export interface OutcomeOptions {
  /** Kinds of which all objects of the namespace are shown. */
  kinds: string[];
  /** Whether Events are shown; reasons to leave out where what happens depends on who is faster. */
  events?: boolean | { without: string[] };
  /** The scenario's own nodes; their names are replaced by their numbers. */
  nodes?: string[];
}

/** What is in the namespace now, without what differs from run to run: uids, times, addresses, generated parts of names. */
export async function outcomeOf(place: Place, { kinds, events = false, nodes = [] }: OutcomeOptions): Promise<object> {
  const lists = await Promise.all(
    kinds.map(async (kind) => [kind, (await place.list(kind)).filter(isOfArea)] as const),
  );
  const all = lists.flatMap(([, objects]) => objects);
  const revisions = await Promise.all(['ReplicaSet', 'ControllerRevision'].map((kind) => place.list(kind)));
  const words = replacements(place, [...all, ...revisions.flat()], nodes);
  const outcome: Record<string, unknown> = {};
  for (const [kind, objects] of lists) outcome[kind] = grouped(objects.map((object) => replaced(shown(object), words)));
  if (events === false) return outcome;
  const left = events === true ? [] : events.without;
  const told = (await place.list('Event')).filter(
    (event) => isOurs(event.source) && !isByChance(event) && !left.includes(event.reason),
  );
  return { ...outcome, events: [...new Set(told.map((event) => String(replaced(eventLine(event), words))))].sort() };
}

/** Not what istiod puts into every namespace. */
const isOfArea = ({ metadata }: Any): boolean => !/^istio-ca-/.test(metadata.name);

/** Only what controllers tell: not the scheduler, not istiod. */
const isOurs = ({ component = '' }: Any): boolean =>
  component !== 'persistentvolume-controller' && /-controller$|^controllermanager$|autoscaler$/.test(component);

/** A controller whose view was old for a moment says so; whether it was depends on who is faster. */
const isByChance = ({ type, message }: Any): boolean =>
  type === 'Warning' && /pods "[^"]+" (not found|already exists)$|the object has been modified/.test(message);

const eventLine = ({ involvedObject, type, reason, message, source }: Any): string =>
  `${source.component} ${involvedObject.kind}/${involvedObject.name} ${type} ${reason}: ${message}`;

/** Equal objects once, with their number. */
function grouped(objects: unknown[]): unknown[] {
  const counts = new Map<string, number>();
  for (const text of objects.map((object) => JSON.stringify(object)).sort())
    counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? JSON.parse(text) : { count, each: JSON.parse(text) }));
}

function shown(object: Any): object {
  const { metadata, spec, status, kind } = object;
  const base = { name: metadata.name, ...metadataOf(metadata) };
  switch (kind) {
    case 'Pod':
      return { ...base, spec: podSpec(spec), phase: status.phase, ready: isReady(object) };
    case 'Service':
    case 'ConfigMap':
    case 'ServiceAccount':
      return base;
    case 'ControllerRevision':
      return { ...base, revision: object.revision, image: imageOf(object.data.spec.template) };
    case 'Endpoints':
      return { ...base, subsets: subsetsOf(object) };
    case 'EndpointSlice': {
      const { addressType, endpoints, ports } = object;
      return { ...base, addressType, ...sorted({ endpoints: endpoints && [...endpoints].sort(byTargetName), ports }) };
    }
    case 'PersistentVolumeClaim':
      return { ...base, storage: spec.resources.requests.storage };
    default:
      return { ...base, spec: workloadSpec(spec), status: workloadStatus(status, metadata) };
  }
}

const byTargetName = (a: Any, b: Any): number => (a.targetRef.name < b.targetRef.name ? -1 : 1);

/** Their order depends on hashes and addresses. */
function subsetsOf({ subsets = [] }: Any): object[] {
  const byTarget = (addresses: Any[] = []): Any[] =>
    addresses.map(({ ip: _, ...address }) => sorted(address)).sort(byTargetName);
  return subsets
    .map(({ addresses, notReadyAddresses, ports }: Any) =>
      sorted({ addresses: byTarget(addresses), notReadyAddresses: byTarget(notReadyAddresses), ports }),
    )
    .sort((a: Any, b: Any) => (JSON.stringify(a.ports) < JSON.stringify(b.ports) ? -1 : 1));
}

const ignoredAnnotations = new Set(['endpoints.kubernetes.io/last-change-trigger-time']);

function metadataOf({ labels, annotations, ownerReferences, finalizers, deletionTimestamp }: Any): object {
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !ignoredAnnotations.has(key));
  return {
    ...(labels && { labels: sorted(labels) }),
    ...(kept.length > 0 && { annotations: sorted(Object.fromEntries(kept)) }),
    ...(ownerReferences && { owners: ownerReferences.map(ownerLine).sort() }),
    ...(finalizers && { finalizers }),
    ...(deletionTimestamp && { deleting: true }),
  };
}

const ownerLine = ({ kind, name, controller, blockOwnerDeletion }: Any): string =>
  `${kind}/${name}${controller ? ' controls' : ''}${blockOwnerDeletion ? ' waits' : ''}`;

/** With keys in order, at every depth: servers do not agree on it. */
function sorted(value: Any): Any {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

const imageOf = (template: Any): string => template.spec.containers[0].image;

/** What controllers add to pods; the rest is the template's and the API server's. */
function podSpec({ containers, hostname, subdomain, affinity, tolerations, volumes = [] }: Any): object {
  const claims = volumes.filter((volume: Any) => volume.persistentVolumeClaim);
  const daemon = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return sorted({
    image: containers[0].image,
    ...(containers[0].env && { env: containers[0].env }),
    ...(hostname && { hostname }),
    ...(subdomain && { subdomain }),
    ...(claims.length > 0 && { volumes: claims }),
    ...(daemon && { affinity, tolerations }),
  });
}

function workloadSpec({ replicas, selector, template, suspend, minReadySeconds }: Any): object {
  return {
    ...(replicas !== undefined && { replicas }),
    ...(minReadySeconds !== undefined && { minReadySeconds }),
    ...(suspend !== undefined && { suspend }),
    ...(selector && { selector: JSON.stringify(selector.matchLabels ?? selector) }),
    ...(template && { template: { labels: sorted(template.metadata.labels), image: imageOf(template) } }),
  };
}

/** Generations depend on how many steps a rollout took; what counts is that the last one was seen. */
function workloadStatus(status: Any, { generation }: Any): object {
  const { observedGeneration, conditions, active, ...others } = status ?? {};
  return sorted({
    ...others,
    ...(observedGeneration !== undefined && { observed: observedGeneration === generation }),
    ...(active !== undefined && { active: Array.isArray(active) ? active.map(({ name }) => name) : active }),
    ...(conditions && { conditions: conditions.map(conditionLine).sort() }),
  });
}

const conditionLine = ({ type, status, reason, message }: Any): string =>
  `${type}=${status} ${reason ?? ''}: ${message ?? ''}`.replace(/ : $/, '');

type Words = (readonly [RegExp | string, string])[];

function replacements(place: Place, objects: Any[], nodes: string[]): Words {
  const words: [RegExp | string, string][] = [];
  for (const { kind, metadata, spec, data } of objects) {
    if (kind === 'ReplicaSet' || kind === 'ControllerRevision') {
      const image = imageOf(kind === 'ReplicaSet' ? spec.template : data.spec.template);
      const hash =
        metadata.labels?.['pod-template-hash'] ??
        metadata.labels?.['controller.kubernetes.io/hash'] ??
        metadata.labels?.['controller-revision-hash'];
      if (hash !== undefined) words.push([hash, `<hash of ${image}>`]);
    }
    const podHash = kind === 'Pod' ? metadata.labels?.['pod-template-hash'] : undefined;
    if (podHash !== undefined) words.push([podHash, `<hash of ${imageOf({ spec })}>`]);
    words.push([metadata.uid, `<uid of ${kind}>`]);
  }
  return [
    ...words,
    ...nodes.map((node, index) => [node, `<node ${index + 1}>`] as const),
    [place.namespace, '<namespace>'],
    // Generated names end in five of these letters after a hash, a Job's name or a Service's.
    [/((?:^|[ /"-])[a-z0-9-]*(?:<[^>]+>)?[a-z0-9-]*-)[bcdfghjklmnpqrstvwxz2456789]{5}(?=$|["\s,:])/g, '$1<random>'],
    [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
    [/\b10\.\d+\.\d+\.\d+\b/g, '<ip>'],
    [/\bnode-\d+\b/g, '<node>'],
    [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
    // CronJobs name their Jobs by the minute.
    [/-\d{8}\b/g, '-<minute>'],
  ];
}

function replaced(value: unknown, words: Words): unknown {
  if (typeof value === 'string') {
    return words.reduce((text, [from, to]) => text.replaceAll(from, to), value);
  }
  if (Array.isArray(value)) return value.map((each) => replaced(each, words));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [replaced(key, words), replaced(each, words)]));
}
