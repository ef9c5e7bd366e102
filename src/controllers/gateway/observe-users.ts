import type { Gateway } from '../../api/gateway-api.js';
import { SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { NAMESPACE, POD, SERVICE } from '../../kube/types.js';
import { isLive } from '../../mesh/dataplane.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { refKey } from '../../mesh/use-waypoint.js';
import { isChosen } from '../../mesh/waypoint-binding.js';
import { servingOf } from '../../mesh/waypoint-gateway.js';
import { dependentPolicies, namedBy } from '../../mesh/waypoint-users.js';
import type { Stores } from '../../runtime/stores.js';
import { NAMED_INDEX, TARGETING_KINDS } from '../use-waypoint.js';
import { isHeld } from './decision.js';
import type { Observed } from './observed.js';

/**
 * Whether what Sidestep has deployed for the Gateway is to go.
 *
 * @param isDeployed  it is still there, as far as that is known
 */
export function isLeaving(gateway: Gateway, isDeployed = isHeld(gateway)): boolean {
  const isDeleted = gateway.metadata.deletionTimestamp !== undefined;
  return isDeployed && (isDeleted || servingOf(gateway)?.kind !== 'deployed');
}

/**
 * Who needs a waypoint that is to go. Nobody who goes, too.
 *
 * @param isDeployed  it is still there
 */
export function usersOf(gateway: Gateway, isDeployed: boolean, stores: Stores): Pick<Observed, 'dependents' | 'users'> {
  if (!isLeaving(gateway, isDeployed)) return { dependents: [], users: [] };
  const { namespace = '', name } = gateway.metadata;
  const going = new Set(
    stores
      .of(NAMESPACE)
      .list()
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => metadata.name),
  );
  const all = <T extends KubeObject>(type: ResourceType<T>): T[] =>
    stores
      .of(type)
      .list()
      .filter(({ metadata }) => !going.has(type.namespaced ? (metadata.namespace ?? '') : metadata.name));
  const [namespaces, services, serviceEntries] = [all(NAMESPACE), all(SERVICE), all(SERVICE_ENTRY as ResourceType)];
  const policies = TARGETING_KINDS.flatMap((type) => all(type)) as PolicyObject[];
  const pods = stores
    .of(POD)
    .byIndex(NAMED_INDEX, refKey({ namespace, name }))
    .filter((pod) => isLive(pod) && !going.has(pod.metadata.namespace ?? ''));
  // What we have bound is let go by us.
  const chosen = services.filter(isChosen);
  return {
    dependents: dependentPolicies({ namespace, name }, { policies, namespaces, services, serviceEntries }),
    users: namedBy({ namespace, name }, [
      ...namespaces,
      ...chosen,
      ...serviceEntries,
      ...all(WORKLOAD_ENTRY as ResourceType),
      ...pods,
    ]),
  };
}
