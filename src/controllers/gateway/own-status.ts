import { isIP } from 'node:net';
import type { Gateway, GatewayListener, GatewayListenerStatus } from '../../api/gateway-api.js';
import { ANNOTATION } from '../../api/labels.js';
import { SERVING, type ServingReason } from '../../api/serving.js';
import { type Condition, mergeConditions } from '../../kube/conditions.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { DEPLOYMENT, SERVICE } from '../../kube/types.js';
import { HBONE_PORT, isWaypoint, serviceHost } from '../../mesh/waypoint-gateway.js';
import { isHeld, type ServingCondition } from './decision.js';
import { isOurs } from './deployed-kinds.js';
import type { Observed } from './observed.js';

/** Reasons for which a Gateway is not accepted, in the words of the Gateway API. */
const NOT_ACCEPTED: Partial<Record<ServingReason, string>> = {
  OptedOut: 'Invalid',
  UnsupportedName: 'Invalid',
  UnsupportedNetwork: 'Invalid',
  UnsupportedListener: 'ListenersNotValid',
  AddressTaken: 'UnsupportedAddress',
  ParametersInvalid: 'InvalidParameters',
  SizingInvalid: 'InvalidParameters',
};

type Wanted = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/** The status of a Gateway of our own class. */
export interface OwnStatus {
  readonly conditions: readonly Condition[];
  readonly addresses: readonly { readonly type: string; readonly value: string }[];
  readonly listeners: readonly GatewayListenerStatus[];
}

/**
 * Everything that istiod says of a Gateway of class `istio-waypoint`, said by us for our own class. Addresses are what makes istiod
 * take it for a waypoint; as with istiod they stay when pods or objects go, for without them traffic goes past it. They go when Sidestep
 * lets go of the Gateway.
 *
 * @param gateway  as it is now; what it says is looked at for times only
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, reportGatewayStatus
 */
export function ownStatus(observed: Observed, serving: ServingCondition, gateway: Gateway): OwnStatus {
  const { nowMs } = observed;
  const before = gateway.status;
  const addresses = isHeld(gateway) ? addressesOf(observed) : [];
  const programmed = programmedOf(observed, serving, addresses);
  const observedGeneration = gateway.metadata.generation ?? 0;
  const dated = (conditions: readonly Wanted[], old: readonly object[] = []): Condition[] =>
    mergeConditions(
      old as Condition[],
      conditions.map((condition) => ({ ...condition, observedGeneration })),
      nowMs,
    );
  return {
    conditions: dated(
      [
        acceptedOf(serving),
        programmed,
        judged('ResolvedRefs', 'ResolvedRefs', 'All references resolved'),
        { type: SERVING, ...serving },
      ],
      before?.conditions,
    ),
    addresses: addresses.map((value) => ({ type: isIP(value) === 0 ? 'Hostname' : 'IPAddress', value })),
    listeners: gateway.spec.listeners.map((listener) => ({
      name: listener.name,
      attachedRoutes: 0,
      supportedKinds: [],
      conditions: dated(
        listenerConditions(listener, gateway, programmed),
        before?.listeners?.find(({ name }) => name === listener.name)?.conditions,
      ),
    })),
  };
}

function acceptedOf({ reason, message }: ServingCondition): Wanted {
  const problem = NOT_ACCEPTED[reason];
  return problem === undefined
    ? judged('Accepted', 'Accepted', 'Resource accepted')
    : { type: 'Accepted', status: 'False', reason: problem, message };
}

function programmedOf(observed: Observed, serving: ServingCondition, addresses: readonly string[]): Wanted {
  const deployment = ours(observed, DEPLOYMENT);
  const isReady = (deployment?.status?.readyReplicas ?? 0) > 0;
  if (isReady && addresses.length > 0) {
    const service = `${observed.gateway.metadata.name}.${observed.gateway.metadata.namespace ?? ''}`;
    return judged('Programmed', 'Programmed', `Resource programmed, assigned to Service ${service}:${HBONE_PORT}`);
  }
  const reason = serving.reason in NOT_ACCEPTED ? 'Invalid' : 'AddressNotAssigned';
  return { type: 'Programmed', status: 'False', reason, message: serving.message };
}

/** None before a pod has been ready; then those of the Service, as the annotation `networking.istio.io/address-type` chooses. */
function addressesOf(observed: Observed): string[] {
  const { gateway, inputs } = observed;
  const deployment = ours(observed, DEPLOYMENT);
  const service = ours(observed, SERVICE);
  const had = gateway.status?.addresses?.map(({ value }) => value) ?? [];
  if (!deployment || !service || 'problem' in inputs) return had;
  if ((deployment.status?.readyReplicas ?? 0) === 0 && had.length === 0) return [];
  const type = gateway.metadata.annotations?.[ANNOTATION.addressType];
  const ips = (service.spec.clusterIPs ?? []).filter((ip) => ip !== 'None');
  return [
    ...(type === 'Hostname' ? [] : ips),
    ...(type === 'IPAddress' ? [] : [serviceHost(gateway, inputs.found.clusterDomain)]),
  ];
}

function listenerConditions(listener: GatewayListener, gateway: Gateway, programmed: Wanted): Wanted[] {
  const fine = 'No errors found';
  const kinds = listener.allowedRoutes?.kinds ?? [];
  return [
    isWaypoint(gateway)
      ? judged('Accepted', 'Accepted', fine)
      : {
          type: 'Accepted',
          status: 'False',
          reason: 'UnsupportedProtocol',
          message: 'Expected a single listener on port 15008 with protocol "HBONE"',
        },
    { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: fine },
    programmed,
    kinds.length === 0
      ? judged('ResolvedRefs', 'ResolvedRefs', fine)
      : { type: 'ResolvedRefs', status: 'False', reason: 'InvalidRouteKinds', message: 'Invalid route kinds' },
  ];
}

const judged = (type: string, reason: string, message: string): Wanted => ({ type, status: 'True', reason, message });

function ours<T extends KubeObject>({ live, gateway }: Observed, type: ResourceType<T>): T | undefined {
  return live.find((each) => each.type === type && isOurs(each.object, gateway))?.object as T | undefined;
}
