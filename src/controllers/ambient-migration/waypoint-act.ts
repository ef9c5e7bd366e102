import { LABEL } from '../../api/labels.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY } from '../../api/gateway-api.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import type { ResourceType } from '../../kube/resource.js';
import { NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { holdersView } from '../../mesh/waypoint-holders.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { isDeclaredByOthers } from '../managed-fields.js';
import { type BoundKind, fieldChanges, withoutDeclared } from './binding.js';
import type { Observed } from './observed.js';
import { patchGuarded } from './patch-guarded.js';
import type { Action } from './verdict.js';

/** The actions about waypoints. */
export type WaypointAction = Extract<Action, { readonly note: string; readonly type: `${string}-gateway` | 'bind' }>;

/** The API of each kind that names a waypoint. */
export const BOUND_TYPES: Readonly<Record<BoundKind, ResourceType>> = {
  Namespace: NAMESPACE,
  Service: SERVICE,
  ServiceAccount: SERVICE_ACCOUNT,
};

/**
 * Carries out an action about a waypoint.
 *
 * @returns whether it wrote something; false if somebody was faster
 * @throws {ApiError} an answer that a later pass may cure
 */
export async function actOnWaypoint(
  action: WaypointAction,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const { client, signal, stores } = context;
  const namespace = observed.namespace.metadata.name;
  const options = { fieldManager: FIELD_MANAGER, signal };
  switch (action.type) {
    case 'create-gateway':
      // Not an apply: a Gateway that somebody else has made meanwhile must not be taken for ours.
      return unlessFaster(async () => {
        stores.of(GATEWAY).record(await client.create(GATEWAY, action.manifest, options));
      });
    case 'apply-gateway':
      stores.of(GATEWAY).record(await client.apply(GATEWAY, action.manifest, { ...options, force: true }));
      return true;
    case 'delete-gateway':
      return unlessFaster(() => client.delete(GATEWAY, { namespace, name: action.name }, { uid: action.uid, signal }));
    case 'size-gateway': {
      const gateway = stores.of(GATEWAY).get({ namespace, name: action.name });
      return gateway !== undefined && patchGuarded(GATEWAY, gateway, action.changes, context);
    }
    case 'bind':
      return bind(action, context);
  }
}

async function bind(
  { kind, object, change }: Extract<Action, { type: 'bind' }>,
  context: ReconcileContext,
): Promise<boolean> {
  const { client, signal } = context;
  const type = BOUND_TYPES[kind];
  const options = { signal, managedFields: true };
  const { namespace, name } = object.metadata;
  try {
    const fresh = await client.get(type, { ...(namespace !== undefined && { namespace }), name }, options);
    // What is to be set was decided on what the cache showed: if it has moved since, the next pass looks again.
    if (holdersView(fresh) !== holdersView(object)) return false;
    // The two labels name one waypoint: the name without its namespace would be another.
    const isDeclared = (label: string): boolean =>
      isDeclaredByOthers(fresh, label === LABEL.useWaypointNamespace ? LABEL.useWaypoint : label);
    const changes = fieldChanges(withoutDeclared(change, isDeclared));
    return await patchGuarded(type, fresh, changes, context);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return false;
  }
}

async function unlessFaster(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}
