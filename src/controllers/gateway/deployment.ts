import type { Manifest } from '../../../cdk8s/objects.js';
import { waypoint } from '../../../cdk8s/waypoint.js';
import { requestedReplicas } from '../../../cdk8s/waypoint-parameters.js';
import { sizingParameters } from '../../../cdk8s/waypoint-sizing.js';
import type { Gateway } from '../../api/gateway-api.js';
import { DEFAULT_SIZING, type WaypointSizing } from '../../api/sizing.js';
import { findCondition } from '../../kube/conditions.js';
import {
  type Deployment,
  DEPLOYMENT,
  type HorizontalPodAutoscaler,
  HORIZONTAL_POD_AUTOSCALER,
} from '../../kube/types.js';
import { isAddressed, ISTIO_CLASS, serviceHost, SIDESTEP_CLASS } from '../../mesh/waypoint-gateway.js';
import type { WaypointInputs } from '../../mesh/waypoint-inputs.js';
import { type Action, type Decision, isHeld, refused, remove, type ServingCondition, type Wanted } from './decision.js';
import { DEPLOYED_KINDS, isIngressGateway, isOurs, isOwnedBy, mayTake } from './deployed-kinds.js';
import type { LiveObject, Observed, Problem } from './observed.js';
import { requestedSizing, withoutParameters } from './sizing.js';

/** Deploys the waypoint of a Gateway as istiod would for class `istio-waypoint`, and sees to it that istiod does not. */
export function deploy(observed: Observed): Decision {
  const { gateway, inputs } = observed;
  if ('problem' in inputs) return { actions: [], serving: refused(inputs.problem) };
  const host = serviceHost(gateway, inputs.found.clusterDomain);
  const rendered = render(observed, inputs.found);
  if ('problem' in rendered) return { actions: [], serving: refused(rendered.problem) };
  const wanted = rendered.manifests.map((manifest) => wantedObject(manifest, observed));
  const foreign = wanted.find(({ live }) => live && !mayTake(live, gateway));
  if (foreign) return { actions: [], serving: refused(nameTaken(foreign, gateway)) };
  return { actions: writes(observed, wanted, host), serving: progress(observed, wanted, host) };
}

function render(
  { gateway, defaults, parameters: own }: Observed,
  inputs: WaypointInputs,
): { manifests: Manifest[] } | { problem: Problem } {
  const requested = requestedSizing(gateway);
  if ('problem' in requested) return requested;
  const parameters = [...defaults, ...own];
  const sizing = atLeast(requestedReplicas(parameters), requested.found ?? DEFAULT_SIZING);
  try {
    const all = [sizingParameters(gateway.metadata.name, sizing), ...parameters];
    return { manifests: waypoint({ gateway, inputs, parameters: all }) };
  } catch (error) {
    return {
      problem: { reason: 'ParametersInvalid', message: error instanceof Error ? error.message : String(error) },
    };
  }
}

/** A number of replicas that parameters ask for is the least that there shall be. */
function atLeast(asked: number | undefined, { replicas, resources }: WaypointSizing): WaypointSizing {
  const min = asked ?? replicas.min;
  return { replicas: { min, max: Math.max(min, replicas.max) }, resources };
}

function wantedObject(manifest: Manifest, { live }: Observed): Wanted {
  const kind = DEPLOYED_KINDS.find((each) => each.kind === manifest.kind);
  if (!kind) throw new Error(`a waypoint has no ${manifest.kind}`);
  const { name } = manifest.metadata;
  return {
    kind,
    manifest,
    live: live.find(({ type, object }) => type === kind && object.metadata.name === name)?.object,
  };
}

function nameTaken({ kind, manifest, live }: Wanted, gateway: Gateway): Problem {
  const object = `${kind.kind} ${manifest.metadata.name}`;
  const message =
    live && isOwnedBy(live, gateway)
      ? `${object} was deployed by istiod for this Gateway: delete it, and Sidestep deploys its own`
      : `${object} is somebody else's: rename it, or rename the Gateway`;
  return { reason: 'NameTaken', message };
}

function writes(observed: Observed, wanted: readonly Wanted[], host: string): Action[] {
  const { gateway, live } = observed;
  const isWanted = ({ object }: LiveObject): boolean => wanted.some((each) => each.live === object);
  const superfluous = live.filter((each) => isOurs(each.object, gateway) && !isWanted(each));
  const address: Action = { type: 'set-address', host };
  const isIstiods = gateway.spec.gatewayClassName === ISTIO_CLASS;
  // istiod deploys again what is deleted before it has seen the address.
  const isOver = !isIstiods || (isAddressed(gateway) && isSeenByIstiod(gateway));
  return [
    ...(isHeld(gateway) ? [] : [{ type: 'hold' } as const]),
    ...withoutParameters(observed),
    ...wanted.map((each) => ({ type: 'apply', ...each }) as const),
    ...superfluous.map(remove),
    ...missingReplicas(wanted),
    ...(isIstiods && !isAddressed(gateway) ? [address] : []),
    ...(isOver ? live.filter(({ object }) => isIngressGateway(object, gateway)).map(remove) : []),
  ];
}

const deploymentOf = (wanted: readonly Wanted[]): Deployment | undefined =>
  wanted.find(({ kind }) => kind === DEPLOYMENT)?.live as Deployment | undefined;

/**
 * A Deployment is applied without a number of replicas, so that autoscalers and people may choose it; but a new one has one,
 * and an autoscaler first looks at it after 15 s.
 */
function missingReplicas(wanted: readonly Wanted[]): Action[] {
  const deployment = deploymentOf(wanted);
  const autoscaler = wanted.find(({ kind }) => kind === HORIZONTAL_POD_AUTOSCALER)?.manifest;
  const { minReplicas: replicas = 1 } = (autoscaler?.['spec'] ?? {}) as Partial<HorizontalPodAutoscaler['spec']>;
  return deployment && (deployment.spec.replicas ?? 1) < replicas ? [{ type: 'scale', deployment, replicas }] : [];
}

/** Whether istiod has looked at the Gateway as it is now. */
function isSeenByIstiod({ metadata, status }: Gateway): boolean {
  return findCondition(status?.conditions, 'Programmed')?.observedGeneration === metadata.generation;
}

/** How far the waypoint is. Pods and istiod are awaited in one state: told apart, each would be one more write on the way. */
function progress({ gateway, taken }: Observed, wanted: readonly Wanted[], host: string): ServingCondition {
  const deployment = deploymentOf(wanted);
  const { gatewayClassName } = gateway.spec;
  const isRunning = (deployment?.status?.readyReplicas ?? 0) > 0;
  const isProgrammed = findCondition(gateway.status?.conditions, 'Programmed')?.status === 'True';
  const isFound = gatewayClassName === SIDESTEP_CLASS || (isSeenByIstiod(gateway) && isProgrammed);
  if (!isRunning || !isFound) {
    const failure = findCondition(deployment?.status?.conditions, 'ReplicaFailure')?.message;
    const message =
      `a pod of Deployment ${gateway.metadata.name} must be ready, and istiod must have found Service ${host} ` +
      `(condition Programmed)${failure ? `: ${failure}` : ''}`;
    return refused({ reason: 'Deploying', message });
  }
  const notes = [
    `Sidestep deploys this waypoint, behind Service ${host}.`,
    ...(gatewayClassName === ISTIO_CLASS ? [NOT_ACCEPTED] : []),
    ...(taken ? [`ServiceAccount ${taken.account} is served by Gateway ${taken.by}: delete one of the two.`] : []),
  ];
  return { status: 'True', reason: 'Serving', message: notes.join(' ') };
}

/** What people who look at the conditions of class `istio` wonder about. */
const NOT_ACCEPTED =
  'istiod calls the Gateway not accepted, because class istio is for ingress gateways: that is expected, and does no harm.';
