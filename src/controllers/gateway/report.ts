import { STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { SERVING, type ServingReason } from '../../api/serving.js';
import { type Condition, findCondition, mergeConditions } from '../../kube/conditions.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import { applyConditions } from '../../kube/status.js';
import { SIDESTEP_CLASS } from '../../mesh/waypoint-gateway.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { ServingCondition } from './decision.js';
import type { Observed } from './observed.js';
import { ownStatus, type OwnStatus } from './own-status.js';
import { takenBack } from './taken-back.js';

/** Reasons that whoever has deleted a Gateway, and waits, should hear of. */
const WAITS: readonly ServingReason[] = ['PoliciesDepend', 'StillNamed'];

/**
 * Says how the Gateway is served; undefined takes back what has been said, all of it. Of our own class the whole status is ours, of others
 * one condition.
 *
 * @throws {ApiError} the status cannot be written
 */
export async function report(
  observed: Observed,
  serving: ServingCondition | undefined,
  context: ReconcileContext,
): Promise<void> {
  const { metadata } = observed.gateway;
  // The pass itself may have written the address.
  const gateway = context.stores.of(GATEWAY).get(metadata) ?? observed.gateway;
  const isSaid = findCondition(gateway.status?.conditions, SERVING) !== undefined;
  // On its way out, the Gateway takes along what is said of it.
  if (!serving && (!isSaid || metadata.deletionTimestamp !== undefined)) return;
  const written = await reported(observed, serving, gateway, context).catch((error: unknown) => {
    // It was deleted while the pass ran, or changed, and that wakes us again.
    if (isNotFound(error) || isConflict(error)) return undefined;
    throw error;
  });
  if (!written) return;
  context.stores.of(GATEWAY).record(written);
  if (serving && WAITS.includes(serving.reason)) {
    const { reason, message: note } = serving;
    context.events.emit({ regarding: referenceTo(gateway), type: 'Warning', reason, note, action: 'Serve' });
  }
}

/** The Gateway with what was written, if anything was. */
async function reported(
  observed: Observed,
  serving: ServingCondition | undefined,
  gateway: Gateway,
  context: ReconcileContext,
): Promise<Gateway | undefined> {
  const { client, signal } = context;
  if (!serving) {
    const { namespace, name } = gateway.metadata;
    const fresh = await client.get(GATEWAY, { namespace, name }, { managedFields: true, signal });
    return patchStatus(fresh, takenBack(fresh), context);
  }
  const before = (gateway.status?.conditions ?? []) as Condition[];
  if (gateway.spec.gatewayClassName === SIDESTEP_CLASS) {
    return patchStatus(gateway, changesTo(ownStatus(observed, serving, gateway), before), context);
  }
  const observedGeneration = gateway.metadata.generation ?? 0;
  const conditions = mergeConditions(before, [{ type: SERVING, ...serving, observedGeneration }], observed.nowMs);
  const options = { fieldManager: STATUS_FIELD_MANAGER, signal };
  const { object, written } = await applyConditions(client, GATEWAY, gateway, conditions, options);
  return written ? object : undefined;
}

/** Conditions of others stay. */
function changesTo({ conditions, addresses, listeners }: OwnStatus, before: readonly Condition[]): FieldChange[] {
  const others = before.filter(({ type }) => !conditions.some((condition) => condition.type === type));
  return [
    { path: ['status', 'conditions'], value: [...conditions, ...others] },
    { path: ['status', 'addresses'], value: addresses.length > 0 ? addresses : undefined },
    { path: ['status', 'listeners'], value: listeners },
  ];
}

/**
 * Not by an apply: when the class changes, istiod writes over this status and owns only what differs. An apply that gave up the rest
 * would leave conditions and listeners without fields that they must have.
 */
async function patchStatus(
  gateway: Gateway,
  changes: FieldChange[],
  { client, signal }: ReconcileContext,
): Promise<Gateway | undefined> {
  const operations = guardedPatch(gateway, changes);
  if (operations.length === 0) return undefined;
  const { namespace, name } = gateway.metadata;
  const options = { fieldManager: STATUS_FIELD_MANAGER, subresource: 'status', signal } as const;
  return client.jsonPatch(GATEWAY, { namespace, name }, operations, options);
}
