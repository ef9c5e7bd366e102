import { gatewayClass as rendered } from '../../../cdk8s/gateway-class.js';
import { FIELD_MANAGER, STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { applyIfChanged } from '../../kube/apply.js';
import { type Condition, mergeConditions } from '../../kube/conditions.js';
import { applyConditions } from '../../kube/status.js';
import { SIDESTEP_CLASS, SIDESTEP_CONTROLLER } from '../../mesh/waypoint-gateway.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange } from '../../runtime/result.js';
import { watch } from '../../runtime/watch.js';

const SELF: readonly Request[] = [{ name: SIDESTEP_CLASS }];

/**
 * Keeps and accepts the GatewayClass of our own, which is no part of the install manifests: they are applied to clusters that have no
 * Gateway API yet. It is made as soon as there is any GatewayClass (istiod makes some), or a Gateway that asks for ours.
 */
export const gatewayClass: ControllerSpec = {
  name: 'gateway-class',
  primary: watch({ type: GATEWAY_CLASS, map: () => SELF }),
  watches: [watch({ type: GATEWAY, map: ({ spec }) => (spec.gatewayClassName === SIDESTEP_CLASS ? SELF : []) })],
  reconcile,
};

/** @throws {ApiError} a write failed; the queue retries the pass */
async function reconcile({ name }: Request, { client, stores, clock, signal, log }: ReconcileContext): Promise<Result> {
  const store = stores.of(GATEWAY_CLASS);
  const live = store.get({ name });
  if (live && live.spec.controllerName !== SIDESTEP_CONTROLLER) {
    log.error({ controllerName: live.spec.controllerName }, 'the GatewayClass is of another controller');
    return awaitChange();
  }
  const options = { fieldManager: FIELD_MANAGER, hashAnnotation: OWN_ANNOTATION.contentHash, signal };
  const { object } = await applyIfChanged(client, GATEWAY_CLASS, rendered(), live, options);
  store.record(object);
  const accepted = {
    type: 'Accepted',
    status: 'True' as const,
    reason: 'Accepted',
    message: 'Sidestep deploys Gateways of this class',
    observedGeneration: object.metadata.generation ?? 0,
  };
  const conditions = mergeConditions((object.status?.conditions ?? []) as Condition[], [accepted], clock.now());
  const reported = await applyConditions(client, GATEWAY_CLASS, object, conditions, {
    fieldManager: STATUS_FIELD_MANAGER,
    signal,
  });
  store.record(reported.object);
  return awaitChange();
}
