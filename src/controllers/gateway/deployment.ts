import type { Manifest } from '../../../cdk8s/objects.js';
import { waypoint } from '../../../cdk8s/waypoint.js';
import { askedSizing, sizedParameters } from '../../../cdk8s/waypoint-sizing.js';
import type { Gateway } from '../../api/gateway-api.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { findCondition } from '../../kube/conditions.js';
import { apiVersionOf } from '../../kube/resource.js';
import {
  type Deployment,
  DEPLOYMENT,
  type HorizontalPodAutoscaler,
  HORIZONTAL_POD_AUTOSCALER,
  type Namespace,
  NAMESPACE,
  POD_DISRUPTION_BUDGET,
} from '../../kube/types.js';
import { isAddressed, isProgrammed, ISTIO_CLASS, serviceHost, SIDESTEP_CLASS } from '../../mesh/waypoint-gateway.js';
import type { WaypointInputs } from '../../mesh/waypoint-inputs.js';
import { keyOf } from '../../runtime/request.js';
import { ingressRemovals, isSeenByIstiod, keptAddress } from './address.js';
import { type Action, type Decision, isHeld, refused, remove, type ServingCondition, type Wanted } from './decision.js';
import { DEPLOYED_KINDS, isOurs, isOwnedBy, mayTake } from './deployed-kinds.js';
import type { LiveObject, Observed, Problem } from './observed.js';
import { gatewayHash, hasServed, isGivenUp, isRolling, predecessor } from './rollout-order.js';
import { requestedSizing, withoutParameters } from './sizing.js';

/** Deploys the waypoint of a Gateway as istiod would for class `istio-waypoint`, and sees to it that istiod does not. */
export function deploy(observed: Observed): Decision {
  const { gateway, inputs } = observed;
  if ('problem' in inputs) return stuck(observed, inputs.problem);
  const host = serviceHost(gateway, inputs.found.clusterDomain);
  const rendered = render(observed, inputs.found);
  if ('problem' in rendered) return stuck(observed, rendered.problem);
  const wanted = rendered.manifests
    .map((manifest) => hashed(manifest, rendered.asked, observed.meshHash))
    .map((manifest) => keptBy(observed.namespace, manifest))
    .map((manifest) => wantedObject(manifest, observed));
  const foreign = wanted.find(({ live }) => live && !mayTake(live, gateway));
  if (foreign) return stuck(observed, nameTaken(foreign, gateway));
  const awaits = turnOf(observed, deploymentOf(wanted), rendered.asked);
  const applied = awaits === undefined ? wanted : wanted.filter(({ kind }) => kind !== DEPLOYMENT);
  const serving = progress(observed, wanted, host);
  const actions = writes(observed, { wanted, applied, host });
  return { actions, serving: awaits === undefined ? serving : waiting(serving, awaits), awaits };
}

/**
 * What runs stays as it is. It is held and has its address all the same, also if a hand has replaced the Gateway: without the finalizer
 * nobody would take it away.
 */
function stuck(observed: Observed, problem: Problem): Decision {
  const { gateway, live } = observed;
  const isDeployed = live.some(({ object }) => isOurs(object, gateway));
  const hold: Action[] = isDeployed && !isHeld(gateway) ? [{ type: 'hold' }] : [];
  return { actions: [...hold, ...keptAddress(observed)], serving: refused(problem) };
}

/** The Gateway that comes first, if only the configuration of the mesh has changed: everything else is done at once. */
function turnOf(
  { gateway, meshHash, others }: Observed,
  live: Deployment | undefined,
  asked: string,
): string | undefined {
  const { [OWN_ANNOTATION.meshHash]: mesh, [OWN_ANNOTATION.gatewayHash]: before } = live?.metadata.annotations ?? {};
  if (!live || mesh === undefined || mesh === meshHash || before !== asked || !hasServed(live)) return undefined;
  return predecessor({ key: keyOf(gateway.metadata), isRolling: isRolling(live), isOutdated: true }, others);
}

/** It runs on as it is. */
function waiting({ status, reason, message }: ServingCondition, awaits: string): ServingCondition {
  const note = `The mesh's configuration has changed: this waypoint waits for Gateway ${awaits}.`;
  return { status, reason: status === 'True' ? 'AwaitingTurn' : reason, message: `${message} ${note}` };
}

function hashed(manifest: Manifest, asked: string, mesh: string): Manifest {
  if (manifest.kind !== DEPLOYMENT.kind) return manifest;
  const hashes = { [OWN_ANNOTATION.meshHash]: mesh, [OWN_ANNOTATION.gatewayHash]: asked };
  return {
    ...manifest,
    metadata: { ...manifest.metadata, annotations: { ...manifest.metadata.annotations, ...hashes } },
  };
}

/**
 * The Namespace owns it, too. Else a foreground deletion of the Gateway (`kubectl delete --cascade=foreground`, Argo CD) would delete what
 * runs the waypoint at once, whatever finalizer the Gateway has: the garbage collector looks for an owner that does not wait.
 *
 * @see kubernetes/kubernetes pkg/controller/garbagecollector/garbagecollector.go, attemptToDeleteItem
 */
function keptBy({ metadata: { name, uid = '' } }: Namespace, { metadata, ...rest }: Manifest): Manifest {
  const owner = { apiVersion: apiVersionOf(NAMESPACE), kind: NAMESPACE.kind, name, uid };
  return { ...rest, metadata: { ...metadata, ownerReferences: [...(metadata.ownerReferences ?? []), owner] } };
}

function render(
  { gateway, defaults, parameters: own }: Observed,
  inputs: WaypointInputs,
): { manifests: Manifest[]; asked: string } | { problem: Problem } {
  const requested = requestedSizing(gateway);
  if ('problem' in requested) return requested;
  const sizing = { gateway: gateway.metadata.name, asked: requested.found, inputs, defaults, own };
  try {
    const manifests = waypoint({ gateway, inputs, parameters: sizedParameters(sizing) });
    return { manifests, asked: gatewayHash(gateway, [askedSizing(sizing), ...own]) };
  } catch (error) {
    return {
      problem: { reason: 'ParametersInvalid', message: error instanceof Error ? error.message : String(error) },
    };
  }
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

/** @param applied  those of the wanted objects that are applied now */
function writes(
  observed: Observed,
  { wanted, applied, host }: { wanted: readonly Wanted[]; applied: readonly Wanted[]; host: string },
): Action[] {
  const { gateway, live } = observed;
  const isWanted = ({ object }: LiveObject): boolean => wanted.some((each) => each.live === object);
  const superfluous = live.filter((each) => isOurs(each.object, gateway) && !isWanted(each));
  const address: Action = { type: 'set-address', host };
  const isIstiods = gateway.spec.gatewayClassName === ISTIO_CLASS;
  return [
    ...(isHeld(gateway) ? [] : [{ type: 'hold' } as const]),
    ...withoutParameters(observed),
    ...applied.filter((each) => !isOptional(each)).map(apply),
    ...superfluous.map(remove),
    ...missingReplicas(wanted),
    ...(isIstiods && !isAddressed(gateway) ? [address] : []),
    ...ingressRemovals(observed),
    // Last: one that the API server refuses must not keep istiod's load balancer.
    ...applied.filter(isOptional).map(apply),
  ];
}

const apply = (object: Wanted): Action => ({ type: 'apply', ...object });

/** Whether a waypoint serves without it. */
const isOptional = ({ kind }: Wanted): boolean => kind === HORIZONTAL_POD_AUTOSCALER || kind === POD_DISRUPTION_BUDGET;

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

/** How far the waypoint is. Pods and istiod are awaited in one state: told apart, each would be one more write on the way. */
function progress({ gateway, taken }: Observed, wanted: readonly Wanted[], host: string): ServingCondition {
  const deployment = deploymentOf(wanted);
  const { gatewayClassName } = gateway.spec;
  const isRunning = (deployment?.status?.readyReplicas ?? 0) > 0;
  const isFound = gatewayClassName === SIDESTEP_CLASS || (isSeenByIstiod(gateway) && isProgrammed(gateway));
  if (!isRunning || !isFound) {
    const failure = findCondition(deployment?.status?.conditions, 'ReplicaFailure')?.message;
    const message =
      `a pod of Deployment ${gateway.metadata.name} must be ready, and istiod must have found Service ${host} ` +
      `(condition Programmed)${failure ? `: ${failure}` : ''}${deployment && isGivenUp(deployment) ? GIVEN_UP : ''}`;
    return refused({ reason: 'Deploying', message });
  }
  const notes = [
    `Sidestep deploys this waypoint, behind Service ${host}.`,
    ...(gatewayClassName === ISTIO_CLASS ? [NOT_ACCEPTED] : []),
    ...(deployment?.spec.paused === true ? [PAUSED] : []),
    ...(taken ? [`ServiceAccount ${taken.account} is served by Gateway ${taken.by}: delete one of the two.`] : []),
  ];
  return { status: 'True', reason: 'Serving', message: notes.join(' ') };
}

/** Of a rollout that others do not wait for. */
const GIVEN_UP =
  '; its rollout has not come further for the progressDeadlineSeconds of the Deployment, and other waypoints do not wait for it any more';

/** Of one that nobody waits for, either. */
const PAUSED = 'Its Deployment is paused: until somebody resumes it, no change reaches its pods.';

/** What people who look at the conditions of class `istio` wonder about. */
const NOT_ACCEPTED =
  'istiod calls the Gateway not accepted, because class istio is for ingress gateways: that is expected, and does no harm.';
