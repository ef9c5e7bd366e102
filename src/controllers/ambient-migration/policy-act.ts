import { renderPolicy } from '../../../cdk8s/policies.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import {
  AUTHORIZATION_POLICY,
  DESTINATION_RULE,
  REQUEST_AUTHENTICATION,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  WASM_PLUGIN,
} from '../../api/istio.js';
import { HTTP_ROUTE } from '../../api/gateway-api.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import type { ResourceType } from '../../kube/resource.js';
import { SERVICE } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Action } from './verdict.js';

const TYPES: Readonly<Record<string, ResourceType>> = {
  AuthorizationPolicy: AUTHORIZATION_POLICY,
  RequestAuthentication: REQUEST_AUTHENTICATION,
  WasmPlugin: WASM_PLUGIN,
  TrafficExtension: TRAFFIC_EXTENSION,
  Telemetry: TELEMETRY,
  HTTPRoute: HTTP_ROUTE,
  DestinationRule: DESTINATION_RULE,
  Service: SERVICE,
};

/** Kinds in whose lists the API server fills in defaults. */
const DEFAULTED = new Set(['HTTPRoute', 'Service']);

/** Whether a field more in an element of a list is a change that somebody has made. */
export const hasOwnLists = (kind: string): boolean => !DEFAULTED.has(kind);

/** The type of a kind of policy or route that Sidestep writes, or of what a route names. */
export function policyType(kind: string): ResourceType {
  const type = TYPES[kind];
  if (!type) throw new Error(`${kind} is no policy that Sidestep writes`);
  return type;
}

/**
 * Writes or deletes a policy of ours.
 *
 * @returns whether it wrote something; false if somebody was faster
 * @throws {ApiError} an answer that a later pass may cure
 */
export async function actOnPolicy(
  action: Extract<Action, { type: 'apply-policy' | 'delete-policy' }>,
  { client, signal, stores }: ReconcileContext,
): Promise<boolean> {
  const { kind } = action.type === 'apply-policy' ? action.manifest : action.object;
  const type = policyType(kind);
  if (action.type === 'apply-policy') {
    const options = { fieldManager: FIELD_MANAGER, signal, force: true };
    stores.of(type).record(await client.apply(type, renderPolicy(action.manifest), options));
    return true;
  }
  const { name, namespace, uid } = action.object.metadata;
  try {
    await client.delete(
      type,
      { name, ...(namespace !== undefined && { namespace }) },
      { ...(uid !== undefined && { uid }), signal },
    );
    return true;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}
