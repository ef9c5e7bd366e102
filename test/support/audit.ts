import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { KubeObject } from '../../src/kube/resource.js';
import type { Pod } from '../../src/kube/types.js';
import { hasSidecar, isEnrolled, isGateway } from '../../src/mesh/dataplane.js';

/** One request in the API server's audit log (audit.k8s.io/v1 Event, the fields we read). */
export interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly stage?: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** User name of the operator's ServiceAccount. */
export const OPERATOR_USER = 'system:serviceaccount:sidestep-system:sidestep';

const WRITE_VERBS = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

const NEWLINE = 0x0a;

/** The audit log in a file that grows. What has been read once is not read again: tests look at it often, and it gets large. */
export class AuditLog {
  readonly #path: string;
  readonly #entries: AuditEntry[] = [];
  #readTo = 0;

  /** @param path  of a file with one entry a line */
  constructor(path: string) {
    this.#path = path;
  }

  /** Every request so far, in the order in which they were answered. A line that is being written is left out. */
  entries(): AuditEntry[] {
    const added = this.#unread();
    const complete = added.subarray(0, added.lastIndexOf(NEWLINE) + 1);
    this.#readTo += complete.length;
    for (const line of complete.toString().split('\n').slice(0, -1)) this.#entries.push(JSON.parse(line) as AuditEntry);
    return [...this.#entries];
  }

  #unread(): Buffer {
    const file = openSync(this.#path, 'r');
    try {
      const buffer = Buffer.alloc(fstatSync(file).size - this.#readTo);
      return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, this.#readTo));
    } finally {
      closeSync(file);
    }
  }
}

/** Whether the request was only tried out. */
export function isDryRun({ requestURI }: Pick<AuditEntry, 'requestURI'>): boolean {
  return requestURI.includes('dryRun=All');
}

/** Requests that changed something, or tried to and were refused; dry runs are none. */
export function writesOf(entries: readonly AuditEntry[], user = OPERATOR_USER): AuditEntry[] {
  return entries.filter((entry) => entry.user.username === user && WRITE_VERBS.has(entry.verb) && !isDryRun(entry));
}

/** The writes of the operator that change something. */
export function changesOf(entries: readonly AuditEntry[]): AuditEntry[] {
  return writesOf(entries).filter(isChange);
}

/**
 * A request for what follows the cluster at its own pace, and has tests of its own: notes on a Namespace about its mode and its
 * waypoint, the view of ztunnel, and the list of findings.
 */
export function isFollowing(entry: Pick<AuditEntry, 'verb' | 'objectRef' | 'requestObject'>): boolean {
  return isNote(entry) || isView(entry) || isFindingList(entry);
}

/** Whether a write is one of {@link changesOf}. */
export function isChange(write: Pick<AuditEntry, 'verb' | 'objectRef' | 'requestObject'>): boolean {
  return !isFollowing(write);
}

function isNote({ verb, objectRef, requestObject }: Pick<AuditEntry, 'verb' | 'objectRef' | 'requestObject'>): boolean {
  if (verb !== 'patch' || objectRef?.resource !== 'namespaces' || !Array.isArray(requestObject)) return false;
  const paths = (requestObject as { op: string; path: string }[]).filter(({ op }) => op !== 'test');
  return paths.every(({ path }) => /^\/metadata\/annotations(\/sidestep\.dev~1(dataplane|waypoint-.*))?$/.test(path));
}

const isView = ({ objectRef }: Pick<AuditEntry, 'objectRef'>): boolean =>
  objectRef?.resource === 'configmaps' && (objectRef.name?.startsWith('sidestep-ztunnel') ?? false);

/** Whether a request is for the ConfigMap that lists findings. */
export const isFindingList = ({ objectRef }: Pick<AuditEntry, 'objectRef'>): boolean =>
  objectRef?.resource === 'configmaps' && objectRef.name === 'sidestep-findings';

/** The writes to namespaces whose names begin like this, and to what is in them. */
export function writesTo(entries: readonly AuditEntry[], prefix: string): AuditEntry[] {
  return writesOf(entries).filter(({ objectRef }) => (objectRef?.namespace ?? objectRef?.name)?.startsWith(prefix));
}

/**
 * The permissions that a request needed, as `verb resource.group[/subresource]`, the form in which RBAC grants. A
 * server-side apply that creates is audited as a patch, and authorised as a patch and a create.
 */
export function permissionsOf(entry: AuditEntry): string[] {
  const created = entry.verb === 'patch' && entry.responseStatus?.code === 201;
  return [permissionOf(entry), ...(created ? [permissionOf({ ...entry, verb: 'create' })] : [])];
}

/** The permission that the verb of a request stands for. */
export function permissionOf({ verb, objectRef }: AuditEntry): string {
  const group = objectRef?.apiGroup ? `.${objectRef.apiGroup}` : '';
  const subresource = objectRef?.subresource ? `/${objectRef.subresource}` : '';
  return `${verb} ${objectRef?.resource ?? '-'}${group}${subresource}`;
}

/**
 * Breaches of the invariant of design 5.2, from the writes of everybody to the pods of a namespace: between our first and
 * our last write there, no pod of a workload becomes Ready with neither sidecar nor enrolment, and none is un-enrolled
 * without a sidecar, not even while it drains.
 */
export function invariantBreaches(entries: readonly AuditEntry[], namespace: string): string[] {
  const ours = changesOf(entries).filter((entry) => isChangeIn(entry, namespace));
  const first = ours[0]?.requestReceivedTimestamp;
  const last = ours.at(-1)?.stageTimestamp;
  if (first === undefined || last === undefined) return [];
  const breaches: string[] = [];
  const known = new Map<string, Pod>();
  for (const pod of podVersions(entries, namespace)) {
    const before = known.get(pod.object.metadata.uid ?? '');
    known.set(pod.object.metadata.uid ?? '', pod.object);
    if (pod.at < first || pod.at > last || !isOfWorkload(pod.object)) continue;
    const outside = !hasSidecar(pod.object) && !isEnrolled(pod.object);
    if (outside && isReady(pod.object) && !isReady(before) && !pod.object.metadata.deletionTimestamp)
      breaches.push(`${pod.object.metadata.name} became Ready outside the mesh at ${pod.at}`);
    if (outside && before && isEnrolled(before))
      breaches.push(`${pod.object.metadata.name} was un-enrolled without a sidecar at ${pod.at}`);
  }
  return breaches;
}

/** Writes to the namespace itself or to objects in it; status and Events do not move pods. */
function isChangeIn({ objectRef }: AuditEntry, namespace: string): boolean {
  if (!objectRef || objectRef.resource === 'events') return false;
  if (objectRef.subresource !== undefined && objectRef.subresource !== 'eviction') return false;
  return objectRef.namespace === namespace || (objectRef.resource === 'namespaces' && objectRef.name === namespace);
}

/** Versions of pods, in the order of their resourceVersions: answers of parallel requests overtake each other in the log. */
function podVersions(entries: readonly AuditEntry[], namespace: string): { at: string; object: Pod }[] {
  return writtenVersions(entries, 'pods', (ref) => ref.namespace === namespace)
    .flatMap(({ at, object }) => (isPod(object) ? [{ at, object }] : []))
    .sort((a, b) => Number(a.object.metadata.resourceVersion) - Number(b.object.metadata.resourceVersion));
}

/** Every version of objects that anybody has written, and the API server has answered with; in the order of the answers. */
export function objectVersions(
  entries: readonly AuditEntry[],
  resource: string,
  isMeant: (ref: NonNullable<AuditEntry['objectRef']>) => boolean,
): KubeObject[] {
  return writtenVersions(entries, resource, isMeant)
    .map(({ object }) => object as KubeObject)
    .filter((object) => object?.metadata?.resourceVersion !== undefined);
}

function writtenVersions(
  entries: readonly AuditEntry[],
  resource: string,
  isMeant: (ref: NonNullable<AuditEntry['objectRef']>) => boolean,
): { at: string; object: unknown }[] {
  return entries
    .filter(
      (entry) =>
        entry.objectRef?.resource === resource &&
        isMeant(entry.objectRef) &&
        WRITE_VERBS.has(entry.verb) &&
        !isDryRun(entry),
    )
    .map((entry) => ({ at: entry.stageTimestamp, object: entry.responseObject }));
}

function isPod(object: unknown): object is Pod {
  return typeof object === 'object' && object !== null && (object as Pod).kind === 'Pod';
}

function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** A proxy at a gateway has its place in the mesh by itself. */
function isOfWorkload(pod: Pod): boolean {
  if (isGateway(pod)) return false;
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller);
  return owner !== undefined && ['ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(owner.kind);
}
