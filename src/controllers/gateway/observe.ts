import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { SERVING } from '../../api/serving.js';
import { findCondition } from '../../kube/conditions.js';
import { NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { accountTaken } from '../../mesh/waypoint-binding.js';
import { namesOurParameters, servingOf } from '../../mesh/waypoint-gateway.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { keyOf, type Request, requestOf } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import type { MeshLocation } from '../istio-configuration.js';
import { isHeld } from './decision.js';
import { classDefaults } from '../class-parameters.js';
import { DEPLOYED_KINDS, isDeployed, isOurs, isOwnedBy } from './deployed-kinds.js';
import { namedParameters, sizingConfigMap } from './observe-parameters.js';
import { meshOf, ofGateway } from './observe-mesh.js';
import { othersInTurn } from './observe-turns.js';
import { usersOf } from './observe-users.js';
import type { Observed } from './observed.js';
import { BOUND_INDEX, namesOf } from './watches.js';

/**
 * What there is of a Gateway and around it; undefined if it is gone, or none that we may serve or have served, or its Namespace has not
 * been seen yet: that wakes us, and its labels decide which revision of istiod counts.
 *
 * @throws {ApiError} a ConfigMap of the Gateway's namespace cannot be read
 */
export async function observe(
  request: Request,
  context: ReconcileContext,
  location: MeshLocation,
): Promise<Observed | undefined> {
  const { stores, clock } = context;
  const gateway = stores.of(GATEWAY).get(request);
  if (!gateway || !isConcerned(gateway)) return undefined;
  const namespace = stores.of(NAMESPACE).get({ name: gateway.metadata.namespace ?? '' });
  if (!namespace) return undefined;
  const own = await namedParameters(gateway, context);
  const defaults = classDefaults(stores, location);
  const mesh = meshOf(gateway, defaults, stores, location);
  const hashOf = (other: Gateway): string | undefined => {
    const found = meshOf(other, defaults, stores, location);
    return 'found' in found ? found.found.hash : undefined;
  };
  const live = liveObjects(gateway, stores);
  return {
    gateway,
    namespace,
    inputs:
      'problem' in own ? own : 'problem' in mesh ? mesh : { found: ofGateway(mesh.found.inputs, gateway, stores) },
    meshHash: 'found' in mesh ? mesh.found.hash : '',
    others: othersInTurn(gateway, stores, hashOf),
    defaults,
    parameters: 'found' in own ? own.found : [],
    sizes: await sizingConfigMap(gateway, context),
    live,
    bound: stores
      .of(SERVICE)
      .byIndex(BOUND_INDEX, keyOf(requestOf(gateway)))
      .map(({ metadata: { namespace, name } }) =>
        namespace === gateway.metadata.namespace ? name : `${namespace}/${name}`,
      ),
    ...usersOf(gateway, isDeployed({ gateway, live }), stores),
    taken: accountTaken(
      gateway,
      stores.of(SERVICE_ACCOUNT).list(gateway.metadata.namespace),
      stores.of(GATEWAY).list(gateway.metadata.namespace),
    ),
    nowMs: clock.now(),
  };
}

/** Whether we serve the Gateway, or have left something behind that says that we did. */
function isConcerned(gateway: Gateway): boolean {
  const isMarked = isHeld(gateway) || namesOurParameters(gateway);
  return (
    isMarked || servingOf(gateway) !== undefined || findCondition(gateway.status?.conditions, SERVING) !== undefined
  );
}

function liveObjects(gateway: Gateway, stores: Stores): Observed['live'] {
  const names = namesOf(gateway);
  return DEPLOYED_KINDS.flatMap((type) =>
    stores
      .of(type)
      .list(gateway.metadata.namespace)
      .filter((object) => names.has(object.metadata.name) || isOwnedBy(object, gateway) || isOurs(object, gateway))
      .map((object) => ({ type, object })),
  );
}
