import { waypointGateway } from '../../cdk8s/waypoint-gateway.js';
import { FIELD_MANAGER } from '../api/field-managers.js';
import { type Gateway, GATEWAY } from '../api/gateway-api.js';
import { LABEL } from '../api/labels.js';
import { OWN_ANNOTATION } from '../api/own-labels.js';
import { formatTime } from '../kube/conditions.js';
import { isAlreadyExists, isNotFound } from '../kube/errors.js';
import { referenceTo } from '../kube/events.js';
import { type FieldChange, guardedPatch } from '../kube/patch.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { DEPLOYMENT, NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../kube/types.js';
import {
  type Existing,
  MISSING_MS,
  type Owner,
  type Situation,
  type Step,
  UNUSED_MS,
} from '../mesh/created-waypoint.js';
import { chosenWaypoint } from '../mesh/use-waypoint.js';
import { isServiceName } from '../mesh/waypoint-gateway.js';
import { attemptAll } from '../runtime/attempt-all.js';
import type { ReconcileContext } from '../runtime/controller.js';
import type { Stores } from '../runtime/stores.js';
import { isDeclaredByOthers } from './managed-fields.js';
import { homeOf, isUsed } from './use-waypoint.js';

/*
 * The waypoint that Sidestep makes for a label, as `mesh/created-waypoint` decides it: how that is read and written, for Namespaces and
 * ServiceAccounts alike.
 */

/** Whose label it is. */
export interface OwnerObject {
  readonly type: ResourceType;
  readonly name: string;
  readonly namespace: string;
  /** Undefined if it is gone, and what was made for it is left. */
  readonly object: KubeObject | undefined;
  /** Why no waypoint is made for it, whatever its name; undefined if one is. */
  readonly refusal: string | undefined;
}

/** What is known about the waypoints of an owner. */
export function waypointSituation(owner: OwnerObject, stores: Stores, nowMs: number): Situation {
  const { namespace, object, refusal } = owner;
  const names = object && ownWaypoint(object);
  const gateways = stores.of(GATEWAY).list(namespace);
  return {
    owner: {
      names,
      refusal: names === undefined ? undefined : (refusal ?? problemOf(namespace, names, stores)),
      created: createdFor(object),
      missing: missingSince(object),
    },
    gateways: gateways.map((gateway) => existing(gateway, owner, stores)),
    createdForOthers: ownersIn(namespace, stores)
      .filter((other) => other.metadata.uid !== object?.metadata.uid && ownWaypoint(other) !== undefined)
      .flatMap((other) => createdFor(other).filter((name) => name === ownWaypoint(other))),
    nowMs,
  };
}

/** Whether an object has a label that names a waypoint, or what is left of one. */
export function concernsWaypoint(object: KubeObject): boolean {
  const { labels = {}, annotations = {} } = object.metadata;
  return (
    labels[LABEL.useWaypoint] !== undefined ||
    annotations[OWN_ANNOTATION.waypointCreated] !== undefined ||
    annotations[OWN_ANNOTATION.waypointMissingSince] !== undefined
  );
}

/** Whose label a Gateway was made for, `Kind/name`; undefined if it is not one that Sidestep has made. */
export function markOf({ metadata: { labels, annotations } }: Gateway): string | undefined {
  return labels?.[LABEL.managedBy] === 'sidestep' ? annotations?.[OWN_ANNOTATION.createdFor] : undefined;
}

/** The waypoint of its own namespace that an object names; one of another namespace is only used, never made. */
function ownWaypoint(object: KubeObject): string | undefined {
  const home = homeOf(object);
  const chosen = chosenWaypoint(object.metadata.labels, home);
  return chosen === undefined || chosen === 'none' || chosen.namespace !== home ? undefined : chosen.name;
}

/**
 * Why there can be no waypoint of that name: what is deployed for it has the same. An application's account of that name would even
 * become the waypoint's own.
 */
function problemOf(namespace: string, name: string, stores: Stores): string | undefined {
  if (stores.of(GATEWAY).absent) return 'the API server does not serve Gateways';
  if (!isServiceName(name)) {
    return `a Service cannot have that name: set the label ${LABEL.useWaypoint} to another one`;
  }
  const kinds: readonly ResourceType[] = [SERVICE, SERVICE_ACCOUNT, DEPLOYMENT];
  const inTheWay = kinds.find((type) => {
    const object = stores.of(type).get({ namespace, name });
    return object && object.metadata.labels?.[LABEL.gatewayManaged] === undefined;
  });
  return (
    inTheWay &&
    `${inTheWay.kind} ${name} has the name that the waypoint needs: set the label ${LABEL.useWaypoint} to another one`
  );
}

function createdFor(object: KubeObject | undefined): string[] {
  return object?.metadata.annotations?.[OWN_ANNOTATION.waypointCreated]?.split(',').filter(Boolean) ?? [];
}

function missingSince(object: KubeObject | undefined): Owner['missing'] {
  const [name, time] = object?.metadata.annotations?.[OWN_ANNOTATION.waypointMissingSince]?.split('/') ?? [];
  const sinceMs = Date.parse(time ?? '');
  // What somebody has made of it is no time: it is written anew.
  return name === undefined ? undefined : { name, sinceMs: Number.isNaN(sinceMs) ? Infinity : sinceMs };
}

function ownersIn(namespace: string, stores: Stores): KubeObject[] {
  return [stores.of(NAMESPACE).get({ name: namespace }) ?? [], stores.of(SERVICE_ACCOUNT).list(namespace)].flat();
}

function existing(gateway: Gateway, owner: OwnerObject, stores: Stores): Existing {
  const { name, deletionTimestamp, labels, annotations } = gateway.metadata;
  const isOurs = markOf(gateway) === ownerMark(owner);
  const unusedSince = annotations?.[OWN_ANNOTATION.unusedSince];
  return {
    name,
    isOurs,
    isMade: markOf(gateway) !== undefined,
    isLeaving: deletionTimestamp !== undefined,
    isUsed: !isOurs || isUsed({ namespace: owner.namespace, name }, stores),
    unusedSinceMs: unusedSince === undefined ? undefined : Date.parse(unusedSince) || Infinity,
    isOfOtherRevision: labels?.[LABEL.revision] !== revisionOf(owner.namespace, stores),
  };
}

/** What the Namespace says: without it a Gateway of a cluster with revisions may belong to nobody. */
function revisionOf(namespace: string, stores: Stores): string | undefined {
  return stores.of(NAMESPACE).get({ name: namespace })?.metadata.labels?.[LABEL.revision];
}

function ownerMark({ type, name }: OwnerObject): string {
  return `${type.kind}/${name}`;
}

/**
 * Carries out the steps. What was not made must not be remembered, and what is remembered must not be deleted, so these wait for what
 * comes before them; a step about another Gateway does not.
 *
 * @throws {ApiError} an answer that a later pass may cure; what was written so far stays, and is seen by that pass
 */
export async function carryOut(steps: readonly Step[], owner: OwnerObject, context: ReconcileContext): Promise<void> {
  const perform = (step: Step) => () => take(step, owner, context);
  const memory = steps.filter(({ type }) => type === 'create' || type === 'remember');
  await attemptAll([
    ...steps.filter(({ type }) => type === 'mark-unused' || type === 'follow-revision').map(perform),
    async () => {
      for (const step of memory) if (!(await take(step, owner, context))) return;
      await attemptAll(steps.filter(({ type }) => type === 'delete').map(perform));
    },
  ]);
}

/**
 * False if somebody has made or deleted what it is about: we hear of that, and the next pass looks at what is there then.
 *
 * @throws {ApiError} 409 if somebody has changed it: of what does not concern us (the `secrets` of an account) we hear nothing
 */
async function take(step: Step, owner: OwnerObject, context: ReconcileContext): Promise<boolean> {
  try {
    switch (step.type) {
      case 'create':
        return await create(step.name, owner, context);
      case 'remember':
        await remember(step, owner, context);
        break;
      case 'mark-unused':
        await markUnused(step, owner, context);
        break;
      case 'follow-revision':
        await followRevision(step.name, owner, context);
        break;
      case 'delete':
        await remove(step.name, owner, context);
    }
    return true;
  } catch (error) {
    if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    return false;
  }
}

/** Created, not applied: a Gateway that somebody has made meanwhile must stay as it is. False if the label has moved. */
async function create(name: string, owner: OwnerObject, context: ReconcileContext): Promise<boolean> {
  const { client, stores, signal, log, events } = context;
  const { type, namespace } = owner;
  const fresh = await client.get(type, refOf(owner), { signal });
  // It was decided on what the cache showed: if the label has moved since, the next pass looks again.
  if (JSON.stringify(fresh.metadata.labels) !== JSON.stringify(owner.object?.metadata.labels)) return false;
  const revision = revisionOf(namespace, stores);
  const gateway = waypointGateway({
    name,
    namespace,
    ...(revision !== undefined && { revision }),
    annotations: { [OWN_ANNOTATION.createdFor]: ownerMark(owner) },
  });
  stores.of(GATEWAY).record(await client.create(GATEWAY, gateway, { fieldManager: FIELD_MANAGER, signal }));
  log.info({ waypoint: name }, 'made a waypoint');
  events.emit({
    regarding: { ...referenceTo(fresh), namespace },
    type: 'Normal',
    reason: 'WaypointCreated',
    note: `Gateway ${namespace}/${name} was missing for ${MISSING_MS / 1_000} s, and traffic went around it: Sidestep has made it`,
    action: 'CreateWaypoint',
  });
  return true;
}

/** Both annotations in one patch of the version that was looked at. */
async function remember(
  { created, missing }: Extract<Step, { type: 'remember' }>,
  owner: OwnerObject,
  context: ReconcileContext,
): Promise<void> {
  if (!owner.object) return;
  const since = missing && `${missing.name}/${formatTime(missing.sinceMs)}`;
  await annotate(owner.type, owner.object, context, {
    [OWN_ANNOTATION.waypointCreated]: created.join() || undefined,
    [OWN_ANNOTATION.waypointMissingSince]: since,
  });
}

async function markUnused(
  { name, sinceMs }: Extract<Step, { type: 'mark-unused' }>,
  { namespace }: OwnerObject,
  context: ReconcileContext,
): Promise<void> {
  const gateway = context.stores.of(GATEWAY).get({ namespace, name });
  const value = sinceMs === undefined ? undefined : formatTime(sinceMs);
  if (gateway) await annotate(GATEWAY, gateway, context, { [OWN_ANNOTATION.unusedSince]: value });
}

/** A revision that a person has declared for the Gateway stays. */
async function followRevision(name: string, owner: OwnerObject, context: ReconcileContext): Promise<void> {
  const { client, stores, signal, log } = context;
  const ref = { namespace: owner.namespace, name };
  const fresh = await client.get(GATEWAY, ref, { managedFields: true, signal });
  if (markOf(fresh) !== ownerMark(owner) || isDeclaredByOthers(fresh, LABEL.revision)) return;
  const value = revisionOf(owner.namespace, stores);
  const operations = guardedPatch(fresh, [{ path: ['metadata', 'labels', LABEL.revision], value }]);
  if (operations.length === 0) return;
  stores.of(GATEWAY).record(await client.jsonPatch(GATEWAY, ref, operations, { fieldManager: FIELD_MANAGER, signal }));
  log.info({ waypoint: name, revision: value }, 'gave a waypoint the revision of its namespace');
}

async function remove(name: string, owner: OwnerObject, context: ReconcileContext): Promise<void> {
  const { client, stores, signal, log, events } = context;
  const { namespace } = owner;
  const gateway = stores.of(GATEWAY).get({ namespace, name });
  if (!gateway) return;
  const { uid, resourceVersion } = gateway.metadata;
  await client.delete(
    GATEWAY,
    { namespace, name },
    { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }), signal },
  );
  log.info({ waypoint: name }, 'deleted a waypoint that nothing uses');
  events.emit({
    regarding: { ...referenceTo(owner.object ?? gateway), namespace },
    type: 'Normal',
    reason: 'WaypointRemoved',
    note: `nothing has used Gateway ${namespace}/${name} for ${UNUSED_MS / 60_000} min: Sidestep, which had made it, has deleted it`,
    action: 'RemoveWaypoint',
  });
}

/** Annotations of an object as it was seen; undefined takes one away. */
export async function annotate<T extends KubeObject>(
  type: ResourceType<T>,
  object: T,
  { client, stores, signal }: ReconcileContext,
  annotations: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { namespace, name } = object.metadata;
  const changes: FieldChange[] = Object.entries(annotations).map(([key, value]) => ({
    path: ['metadata', 'annotations', key],
    value,
  }));
  const operations = guardedPatch(object, changes);
  if (operations.length === 0) return;
  const options = { fieldManager: FIELD_MANAGER, signal };
  stores.of(type).record(await client.jsonPatch<T>(type, { namespace, name }, operations, options));
}

function refOf({ type, namespace, name }: OwnerObject): { namespace?: string; name: string } {
  return type.namespaced ? { namespace, name } : { name };
}
