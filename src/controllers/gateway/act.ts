import { FIELD_MANAGER, SCALE_FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY } from '../../api/gateway-api.js';
import { ANNOTATION } from '../../api/labels.js';
import { applyIfChanged } from '../../kube/apply.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import { guardedPatch } from '../../kube/patch.js';
import { apiVersionOf, type KubeObject } from '../../kube/resource.js';
import { DEPLOYMENT } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { type Action, FINALIZER } from './decide.js';
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
    case 'delete':
      return remove(action.target, observed, context);
  }
}

/** Sets the finalizer, or takes it away. */
async function hold(
  isHeld: boolean,
  { gateway }: Observed,
  { client, stores, signal }: ReconcileContext,
): Promise<boolean> {
  const { namespace, name, finalizers = [] } = gateway.metadata;
  const others = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  const value = isHeld ? [...others, FINALIZER] : others;
  const operations = guardedPatch(gateway, [{ path: ['metadata', 'finalizers'], value }]);
  const patch = client.jsonPatch(GATEWAY, { namespace, name }, operations, { fieldManager: FIELD_MANAGER, signal });
  return written(patch.then((object) => stores.of(GATEWAY).record(object)));
}

async function apply(
  { kind, manifest, live }: Act<'apply'>,
  { client, stores, signal }: ReconcileContext,
): Promise<boolean> {
  const options = { fieldManager: FIELD_MANAGER, hashAnnotation: ANNOTATION.contentHash, signal };
  const applied = await applyIfChanged(client, kind, manifest, live, options);
  stores.of(kind).record(applied.object);
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
  return written(client.jsonPatch(DEPLOYMENT, { namespace, name }, operations, options));
}

/** Without force: an address that somebody else has set meanwhile stays. */
async function setAddress(
  { host }: Act<'set-address'>,
  { gateway }: Observed,
  { client, stores, signal }: ReconcileContext,
): Promise<boolean> {
  const { namespace, name, uid } = gateway.metadata;
  const spec = host === undefined ? {} : { spec: { addresses: [{ type: 'Hostname', value: host }] } };
  const body = { apiVersion: apiVersionOf(GATEWAY), kind: GATEWAY.kind, metadata: { namespace, name, uid }, ...spec };
  return written(
    client
      .apply(GATEWAY, body as KubeObject, { fieldManager: FIELD_MANAGER, signal })
      .then((object) => stores.of(GATEWAY).record(object)),
  );
}

async function remove(
  { type, object }: LiveObject,
  { gateway }: Observed,
  { client, events, signal }: ReconcileContext,
): Promise<boolean> {
  const { namespace, name, uid } = object.metadata;
  const deleted = await written(client.delete(type, { namespace, name }, { ...(uid && { uid }), signal }));
  if (deleted) {
    events.emit({
      regarding: referenceTo(gateway),
      type: 'Normal',
      reason: 'Removed',
      note: `${type.kind} ${name} does not belong to the waypoint`,
      action: 'Serve',
    });
  }
  return deleted;
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
