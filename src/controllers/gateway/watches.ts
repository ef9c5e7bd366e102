import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { PROXY_CONFIG, SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import { ANNOTATION } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { SERVING } from '../../api/serving.js';
import { findCondition } from '../../kube/conditions.js';
import type { KubeObject } from '../../kube/resource.js';
import { type Deployment, DEPLOYMENT, NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { boundGateway } from '../../mesh/waypoint-binding.js';
import { servingOf } from '../../mesh/waypoint-gateway.js';
import { keyOf, type Request, requestOf } from '../../runtime/request.js';
import type { Change } from '../../runtime/store.js';
import type { Stores } from '../../runtime/stores.js';
import { type WatchSpec, generationOrMetadataChanged, watch } from '../../runtime/watch.js';
import { type MeshLocation, watchConfiguration, watchRevisions } from '../istio-configuration.js';
import { trimPod } from '../stored-pod.js';
import { NAMED_INDEX, namedBy, TARGETING_KINDS } from '../use-waypoint.js';
import { DEPLOYED_KINDS, forsakenBy } from './deployed-kinds.js';
import { isRolling, nextInTurn } from './rollout-order.js';
import { isLeaving } from './observe-users.js';

/** Name of the store index that finds the Services that we have bound to a Gateway, by `namespace/name`. */
export const BOUND_INDEX = 'bound-waypoint';

/** Everything that a Gateway depends on, besides itself. */
export function watches(location: MeshLocation): readonly WatchSpec[] {
  const all = (_: KubeObject, stores: Stores): readonly Request[] => served(stores);
  const neighbours = ({ metadata }: KubeObject, stores: Stores): readonly Request[] =>
    served(stores, metadata.namespace);
  return [
    ...DEPLOYED_KINDS.map((type) => watch({ type, map: concerned })),
    watch({ type: SERVICE, map: boundTo, indexes: { [BOUND_INDEX]: (service) => boundTo(service).map(keyOf) } }),
    // Whose turn it is to be rolled out.
    watch({ type: DEPLOYMENT, map: (_, stores) => awaitingTurn(stores), predicate: turnChanged }),
    watch({ type: GATEWAY, map: (_, stores) => awaitingTurn(stores), predicate: servingChanged }),
    // Who depends on a waypoint that is to go.
    watch({
      type: POD,
      map: (pod, stores) => namedBy(pod).flatMap((key) => leaving(stores, key)),
      transform: trimPod,
      indexes: { [NAMED_INDEX]: namedBy },
    }),
    ...[SERVICE, SERVICE_ENTRY, WORKLOAD_ENTRY, ...TARGETING_KINDS].map((type) =>
      watch({
        type,
        map: (_, stores) => leaving(stores),
        predicate: generationOrMetadataChanged,
      }),
    ),
    // Who serves which account.
    watch({ type: GATEWAY, map: neighbours, predicate: generationOrMetadataChanged }),
    watch({ type: SERVICE_ACCOUNT, map: neighbours, predicate: generationOrMetadataChanged }),
    watchConfiguration(location, all),
    // Which revision a label means.
    ...watchRevisions(location, all),
    watch({ type: PROXY_CONFIG, map: all, predicate: generationOrMetadataChanged }),
    watch({
      type: NAMESPACE,
      map: ({ metadata }, stores) => [...served(stores, metadata.name), ...leaving(stores)],
      predicate: generationOrMetadataChanged,
    }),
  ];
}

/** The waypoint that we have bound a Service to, in whichever namespace. */
function boundTo(service: KubeObject): readonly Request[] {
  return [boundGateway(service) ?? []].flat();
}

/** The owner, a Gateway that would give an object this name, and one that has gone without it. */
function concerned(object: KubeObject, stores: Stores): readonly Request[] {
  const { namespace, name, ownerReferences } = object.metadata;
  const owners = new Set(ownerReferences?.map(({ uid }) => uid));
  const gateways = stores
    .of(GATEWAY)
    .list(namespace)
    .filter((gateway) => owners.has(gateway.metadata.uid ?? '') || namesOf(gateway).has(name))
    .map(requestOf);
  const forsaken = forsakenBy(object);
  return forsaken === undefined ? gateways : [...gateways, { namespace, name: forsaken }];
}

/** Names that objects deployed for a Gateway may have. */
export function namesOf({ metadata }: Gateway): ReadonlySet<string> {
  return new Set([metadata.name, metadata.annotations?.[ANNOTATION.gatewayServiceAccount] ?? '']);
}

function served(stores: Stores, namespace?: string): readonly Request[] {
  return stores
    .of(GATEWAY)
    .list(namespace)
    .filter((gateway) => servingOf(gateway) !== undefined)
    .map(requestOf);
}

/** @param key  `namespace/name` of the one that is meant, if it is one */
function leaving(stores: Stores, key?: string): readonly Request[] {
  return stores
    .of(GATEWAY)
    .list()
    .filter((gateway) => isLeaving(gateway) && (key === undefined || keyOf(gateway.metadata) === key))
    .map(requestOf);
}

const reasonOf = (gateway: Gateway | undefined): string | undefined =>
  findCondition(gateway?.status?.conditions, SERVING)?.reason;

/** Whose turn it may be. */
function awaitingTurn(stores: Stores): readonly Request[] {
  const waiting = stores
    .of(GATEWAY)
    .list()
    .filter((gateway) => reasonOf(gateway) === 'AwaitingTurn')
    .map((gateway) => {
      const deployment = stores.of(DEPLOYMENT).get(gateway.metadata);
      return { gateway, key: keyOf(gateway.metadata), isRolling: deployment !== undefined && isRolling(deployment) };
    });
  return nextInTurn(waiting).map(({ gateway }) => requestOf(gateway));
}

/** A rollout of ours has begun or ended. */
function turnChanged({ old, new: now }: Change<Deployment>): boolean {
  const stateOf = (deployment: Deployment | undefined): string | undefined => {
    const hash = deployment?.metadata.annotations?.[OWN_ANNOTATION.meshHash];
    return deployment && hash !== undefined ? `${hash} ${isRolling(deployment)}` : undefined;
  };
  return stateOf(old) !== stateOf(now);
}

function servingChanged({ old, new: now }: Change<Gateway>): boolean {
  return reasonOf(old) !== reasonOf(now);
}
