import { FIELD_MANAGER, SCALE_FIELD_MANAGER } from '../../api/field-managers.js';
import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { WAYPOINT_FINALIZER } from '../../api/serving.js';
import { applyIfChanged } from '../../kube/apply.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import { apiVersionOf, type KubeObject } from '../../kube/resource.js';
import { DEPLOYMENT } from '../../kube/types.js';
import { namesOurParameters } from '../../mesh/waypoint-gateway.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Action } from './decision.js';
import { DEPLOYED_KINDS } from './deployed-kinds.js';
import type { LiveObject, Observed } from './observed.js';

type Act<T extends Action['type']> = Extract<Action, { type: T }>;

/**
 * Carries out the actions in order.
 *
 * @returns how many of them wrote something
 * @throws {ApiError} an answer that a later pass may cure; what was written so far stays, and is seen by that pass
 */
export async function act(actions: readonly Action[], observed: Observed, context: ReconcileContext): Promise<number> {
  let written = 0;
  for (const action of actions) {
    if (await carryOut(action, observed, context)) written += 1;
  }
  return written;
}

function carryOut(action: Action, observed: Observed, context: ReconcileContext): Promise<boolean> {
  switch (action.type) {
    case 'hold':
    case 'release':
      return hold(action.type === 'hold', observed, context);
    case 'apply':
      return apply(action, context);
    case 'scale':
      return scale(action, context);
    case 'set-address':
      return setAddress(action, observed, context);
    case 'set-parameters':
      return setParameters(action, observed, context);
    case 'delete':
      return remove(action.target, observed, context);
  }
}

/** The Gateway as the last write of this pass has left it, or a newer one. */
const latest = ({ gateway }: Observed, { stores }: ReconcileContext): Gateway =>
  stores.of(GATEWAY).get(gateway.metadata) ?? gateway;

/** Changes fields of the Gateway, which is somebody else's. */
function change(gateway: Gateway, changes: FieldChange[], context: ReconcileContext): Promise<boolean> {
  const { client, stores, signal } = context;
  const operations = guardedPatch(gateway, changes);
  if (operations.length === 0) return Promise.resolve(false);
  const { namespace, name } = gateway.metadata;
  const patch = client.jsonPatch(GATEWAY, { namespace, name }, operations, { fieldManager: FIELD_MANAGER, signal });
  return changed(
    gateway,
    patch.then((object) => {
      stores.of(GATEWAY).record(object);
      return object;
    }),
  );
}

/** Sets the finalizer, or takes it away. */
function hold(isHeld: boolean, observed: Observed, context: ReconcileContext): Promise<boolean> {
  const gateway = latest(observed, context);
  const others = (gateway.metadata.finalizers ?? []).filter((finalizer) => finalizer !== WAYPOINT_FINALIZER);
  const value = isHeld ? [...others, WAYPOINT_FINALIZER] : others;
  return change(gateway, [{ path: ['metadata', 'finalizers'], value }], context);
}

/** A ConfigMap that somebody has named meanwhile stays. */
function setParameters(
  { name }: Act<'set-parameters'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const gateway = latest(observed, context);
  const { infrastructure } = gateway.spec;
  if (infrastructure?.parametersRef && !namesOurParameters(gateway)) return Promise.resolve(false);
  const path = ['spec', 'infrastructure'];
  if (name !== undefined) {
    const value = { group: '', kind: 'ConfigMap', name };
    return change(gateway, [{ path: [...path, 'parametersRef'], value }], context);
  }
  const isAlone = Object.keys(infrastructure ?? {}).length === 1;
  return change(gateway, [{ path: isAlone ? path : [...path, 'parametersRef'], value: undefined }], context);
}

async function apply(
  { kind, manifest, live }: Act<'apply'>,
  { client, stores, signal }: ReconcileContext,
): Promise<boolean> {
  const options = { fieldManager: FIELD_MANAGER, hashAnnotation: OWN_ANNOTATION.contentHash, signal };
  const applied = await applyIfChanged(client, kind, manifest, live, options);
  // Of ConfigMaps there is no store but that of Istio's namespace.
  if (DEPLOYED_KINDS.includes(kind)) stores.of(kind).record(applied.object);
  return applied.outcome !== 'unchanged';
}

/** By the subresource, as an autoscaler does: an apply would own the number, and giving it up would set it to 1. */
async function scale({ deployment, replicas }: Act<'scale'>, { client, signal }: ReconcileContext): Promise<boolean> {
  const { namespace, name } = deployment.metadata;
  // Not tied to the version, which moves with every pod: who has scaled it meanwhile knows better.
  const { replicas: before = 1 } = deployment.spec;
  const operations = [
    // A scale of nothing has no number that could be tested.
    ...(before > 0 ? [{ op: 'test', path: '/spec/replicas', value: before } as const] : []),
    { op: 'add', path: '/spec/replicas', value: replicas } as const,
  ];
  const options = { fieldManager: SCALE_FIELD_MANAGER, subresource: 'scale', signal };
  return changed(deployment, client.jsonPatch(DEPLOYMENT, { namespace, name }, operations, options));
}

/**
 * Without force: an address that somebody else has set meanwhile stays. In a Gateway that we have created it is patched, for an apply
 * would give up the rest of it.
 */
async function setAddress(
  { host }: Act<'set-address'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const { client, stores, signal } = context;
  const gateway = latest(observed, context);
  const addresses = host === undefined ? undefined : [{ type: 'Hostname', value: host }];
  if (gateway.metadata.labels?.[LABEL.managedBy] === 'sidestep') {
    return change(gateway, [{ path: ['spec', 'addresses'], value: addresses }], context);
  }
  const { namespace, name, uid } = gateway.metadata;
  const spec = addresses ? { spec: { addresses } } : {};
  const body = { apiVersion: apiVersionOf(GATEWAY), kind: GATEWAY.kind, metadata: { namespace, name, uid }, ...spec };
  const applied = client.apply(GATEWAY, body as KubeObject, { fieldManager: FIELD_MANAGER, signal });
  return changed(
    gateway,
    applied.then((object) => {
      stores.of(GATEWAY).record(object);
      return object;
    }),
  );
}

async function remove(
  { type, object }: LiveObject,
  { gateway }: Observed,
  { client, events, signal }: ReconcileContext,
): Promise<boolean> {
  const { namespace, name, uid, deletionTimestamp } = object.metadata;
  // It goes as soon as its own finalizers let it: a load balancer takes minutes.
  if (deletionTimestamp !== undefined) return false;
  const deleted = await written(client.delete(type, { namespace, name }, { ...(uid && { uid }), signal }));
  // A Gateway that goes takes along what it has, as ever.
  if (deleted && gateway.metadata.deletionTimestamp === undefined) {
    events.emit({
      regarding: referenceTo(gateway),
      type: 'Normal',
      reason: 'Removed',
      note: `deleted ${type.kind} ${name}: it was made for this Gateway, and is not part of its waypoint now`,
      action: 'Serve',
    });
  }
  return deleted;
}

/** False, too, if admission has undone it all: another pass at once would only write the same again. */
async function changed({ metadata }: KubeObject, write: Promise<KubeObject>): Promise<boolean> {
  let isNew = false;
  const wrote = await written(
    write.then((object) => {
      isNew = object.metadata.resourceVersion !== metadata.resourceVersion;
    }),
  );
  return wrote && isNew;
}

/** False if somebody was faster: the next pass looks at what is there then. */
async function written(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}
