import equal from 'fast-deep-equal';
import { STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { SERVING } from '../../api/serving.js';
import { type Condition, findCondition, mergeConditions } from '../../kube/conditions.js';
import { isNotFound } from '../../kube/errors.js';
import { applyConditions, applyStatus } from '../../kube/status.js';
import { SIDESTEP_CLASS } from '../../mesh/waypoint-gateway.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { ServingCondition } from './decision.js';
import type { Observed } from './observed.js';
import { ownStatus, type OwnStatus } from './own-status.js';

/**
 * Says how the Gateway is served; undefined takes back what has been said. Of our own class the whole status is ours, of others one
 * condition.
 *
 * @throws {ApiError} the status cannot be written
 */
export async function report(
  observed: Observed,
  serving: ServingCondition | undefined,
  context: ReconcileContext,
): Promise<void> {
  const { metadata, spec } = observed.gateway;
  // The pass itself may have written the address.
  const gateway = context.stores.of(GATEWAY).get(metadata) ?? observed.gateway;
  const isSaid = findCondition(gateway.status?.conditions, SERVING) !== undefined;
  // On its way out, the Gateway takes along what is said of it.
  if (!serving && (!isSaid || metadata.deletionTimestamp !== undefined)) return;
  try {
    const isOwn = spec.gatewayClassName === SIDESTEP_CLASS;
    const { object, written } =
      serving && isOwn
        ? await reportOwn(ownStatus(observed, serving, gateway), gateway, context)
        : await reportServing(serving, gateway, observed.nowMs, context);
    if (written) context.stores.of(GATEWAY).record(object);
  } catch (error) {
    // It was deleted while the pass ran.
    if (!isNotFound(error)) throw error;
  }
}

interface Reported {
  readonly object: Gateway;
  readonly written: boolean;
}

function reportServing(
  serving: ServingCondition | undefined,
  gateway: Gateway,
  nowMs: number,
  { client, signal }: ReconcileContext,
): Promise<Reported> {
  const observedGeneration = gateway.metadata.generation ?? 0;
  const wanted = serving ? [{ type: SERVING, ...serving, observedGeneration }] : [];
  const conditions = mergeConditions((gateway.status?.conditions ?? []) as Condition[], wanted, nowMs);
  const options = { fieldManager: STATUS_FIELD_MANAGER, signal, owned: [SERVING] };
  return applyConditions(client, GATEWAY, gateway, conditions, options);
}

function reportOwn(wanted: OwnStatus, gateway: Gateway, { client, signal }: ReconcileContext): Promise<Reported> {
  const { conditions = [], addresses = [], listeners = [] } = gateway.status ?? {};
  const isThere = (condition: Condition): boolean =>
    equal(
      condition,
      conditions.find(({ type }) => type === condition.type),
    );
  const isSaid =
    wanted.conditions.every(isThere) && equal(addresses, wanted.addresses) && equal(listeners, wanted.listeners);
  if (isSaid) return Promise.resolve({ object: gateway, written: false });
  // Conditions of others stay: these are a map by type, and only ours are applied.
  const status = { ...wanted, addresses: wanted.addresses.length > 0 ? wanted.addresses : undefined };
  return applyStatus(client, GATEWAY, gateway, status, { fieldManager: STATUS_FIELD_MANAGER, signal });
}
