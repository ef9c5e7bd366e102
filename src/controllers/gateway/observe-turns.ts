import { waypoint } from '../../../cdk8s/waypoint.js';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { SERVING, type ServingReason } from '../../api/serving.js';
import { contentHash } from '../../kube/apply.js';
import { findCondition } from '../../kube/conditions.js';
import { type Deployment, DEPLOYMENT } from '../../kube/types.js';
import { type ProxyConfigObject, wideProxyConfig } from '../../mesh/proxy-config.js';
import { servingOf } from '../../mesh/waypoint-gateway.js';
import { type WaypointInputs, withProxyConfigs } from '../../mesh/waypoint-inputs.js';
import { keyOf } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { isOurs } from './deployed-kinds.js';
import { hasServed, isRolling, type Turn } from './rollout-order.js';

/** A Gateway that asks for nothing: what is rendered for it comes from the mesh, and from this version of Sidestep. */
const REFERENCE: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'any', namespace: 'any', uid: 'any' },
  spec: { gatewayClassName: 'any', listeners: [] },
};

/** Reasons of waypoints that take over a new configuration when it is their turn; for all others nobody waits. */
const MOVING: readonly ServingReason[] = ['Serving', 'AwaitingTurn', 'Deploying'];

/**
 * Hash of the Deployment that the mesh gives to every waypoint.
 *
 * @param inputs        before any ProxyConfig
 * @param proxyConfigs  of which the one for the whole mesh counts
 * @param defaults      of the class
 */
export function meshHash(
  inputs: WaypointInputs,
  proxyConfigs: readonly ProxyConfigObject[],
  defaults: readonly Parameters[],
): string {
  const wide = wideProxyConfig(proxyConfigs, inputs.rootNamespace);
  const { name, namespace = '' } = REFERENCE.metadata;
  const ofMesh = wide ? withProxyConfigs(inputs, [wide], { name, namespace }) : inputs;
  try {
    const objects = waypoint({ gateway: REFERENCE, inputs: ofMesh, parameters: defaults });
    return contentHash(objects.find(({ kind }) => kind === 'Deployment'));
  } catch {
    // Parameters that cannot be applied: every Gateway says so, and none is rendered.
    return '';
  }
}

/** The Deployment that we have made for the Gateway. */
function deploymentOf(gateway: Gateway, stores: Stores): Deployment | undefined {
  const live = stores.of(DEPLOYMENT).get(gateway.metadata);
  return live && isOurs(live, gateway) ? live : undefined;
}

/**
 * The other waypoints that we deploy, if this one's was rendered from another configuration of the mesh. Those that have never had a pod
 * are nobody's predecessor.
 *
 * @param hashOf  what {@link meshHash} says of the configuration that a Gateway has now; undefined if there is none
 */
export function othersInTurn(
  gateway: Gateway,
  stores: Stores,
  hashOf: (gateway: Gateway) => string | undefined,
): readonly Turn[] {
  const live = deploymentOf(gateway, stores);
  if (!live || !isOutdated(gateway, live, hashOf)) return [];
  return stores
    .of(GATEWAY)
    .list()
    .filter((other) => other.metadata.uid !== gateway.metadata.uid && servingOf(other)?.kind === 'deployed')
    .flatMap((other) => {
      const deployment = deploymentOf(other, stores);
      if (!deployment || !hasServed(deployment)) return [];
      const reason = findCondition(other.status?.conditions, SERVING)?.reason;
      const isMoving = MOVING.some((each) => each === reason) && other.metadata.deletionTimestamp === undefined;
      return {
        key: keyOf(other.metadata),
        isRolling: isMoving && isRolling(deployment),
        isOutdated: isMoving && isOutdated(other, deployment, hashOf),
      };
    });
}

function isOutdated(
  gateway: Gateway,
  { metadata }: Deployment,
  hashOf: (gateway: Gateway) => string | undefined,
): boolean {
  const had = metadata.annotations?.[OWN_ANNOTATION.meshHash];
  const now = hashOf(gateway);
  return had !== undefined && now !== undefined && had !== now;
}
