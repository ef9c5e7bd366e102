import type { Manifest } from '../../../cdk8s/objects.js';
import { waypoint } from '../../../cdk8s/waypoint.js';
import { type Parameters, requestedReplicas } from '../../../cdk8s/waypoint-parameters.js';
import { sizingParameters } from '../../../cdk8s/waypoint-sizing.js';
import type { Gateway } from '../../api/gateway-api.js';
import type { ServingReason } from '../../api/serving.js';
import { DEFAULT_SIZING } from '../../api/sizing.js';
import { findCondition } from '../../kube/conditions.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import {
  type Deployment,
  DEPLOYMENT,
  type HorizontalPodAutoscaler,
  HORIZONTAL_POD_AUTOSCALER,
} from '../../kube/types.js';
import { isAddressed, isServable, serviceHost, servingOf } from '../../mesh/waypoint-gateway.js';
import type { WaypointInputs } from '../../mesh/waypoint-inputs.js';
import { DEPLOYED_KINDS, isIngressGateway, isOurs, isOwnedBy, mayTake } from './deployed-kinds.js';
import type { Problem, LiveObject, Observed } from './observed.js';

/** One write, or nothing if it is so already. */
export type Action =
  /** The finalizer that keeps a Gateway until nothing is bound to it any more. */
  | { readonly type: 'hold' | 'release' }
  /** An object of ours, by server-side apply. */
  | {
      readonly type: 'apply';
      readonly kind: ResourceType;
      readonly manifest: Manifest;
      readonly live: KubeObject | undefined;
    }
  /** More replicas at once, before an autoscaler looks at the Deployment. */
  | { readonly type: 'scale'; readonly deployment: Deployment; readonly replicas: number }
  /** `spec.addresses` of the Gateway names our Service, so that istiod deploys nothing; undefined gives the field up. */
  | { readonly type: 'set-address'; readonly host: string | undefined }
  /** An object that does not belong to the waypoint. */
  | { readonly type: 'delete'; readonly target: LiveObject };

/** What the condition `sidestep.dev/Serving` says. */
export interface ServingCondition {
  readonly status: 'True' | 'False';
  readonly reason: ServingReason;
  readonly message: string;
}

/** What a pass comes to. */
export interface Decision {
  readonly actions: readonly Action[];
  /** Undefined: nothing is said about the Gateway. */
  readonly serving: ServingCondition | undefined;
}

/** Finalizer of the Gateways that Sidestep serves. */
export const FINALIZER = 'sidestep.dev/waypoint';

/** A Gateway that we have served, and that is none of ours any more. */
const NOT_SERVABLE = {
  kind: 'declined',
  reason: 'NotServable',
  message: 'Sidestep serves class istio with one HBONE listener on 15008; what it deployed for this Gateway goes',
} as const;

/** Decides what is to be done for a Gateway that we may serve, or have served. Pure. */
export function decide(observed: Observed): Decision {
  const { gateway, inputs, parameters } = observed;
  if (gateway.metadata.deletionTimestamp !== undefined) return farewell(observed);
  const serving = isServable(gateway) ? servingOf(gateway) : NOT_SERVABLE;
  if (serving.kind === 'declined') return { actions: withdrawal(observed), serving: refused(serving) };
  if ('problem' in inputs) return { actions: [], serving: refused(inputs.problem) };
  const host = serviceHost(gateway, inputs.found.clusterDomain);
  const rendered = render(gateway, inputs.found, parameters);
  if ('problem' in rendered) return { actions: [], serving: refused(rendered.problem) };
  const wanted = rendered.manifests.map((manifest) => wantedObject(manifest, observed));
  const foreign = wanted.find(({ live }) => live && !mayTake(live, gateway));
  if (foreign) return { actions: [], serving: refused(nameTaken(foreign, gateway)) };
  return { actions: deployment(observed, wanted, host), serving: progress(observed, wanted, host) };
}

/** An object that should be there, and the one that is. */
interface Wanted {
  readonly kind: ResourceType;
  readonly manifest: Manifest;
  readonly live: KubeObject | undefined;
}

function render(
  gateway: Gateway,
  inputs: WaypointInputs,
  parameters: readonly Parameters[],
): { manifests: Manifest[] } | { problem: Problem } {
  try {
    return {
      manifests: waypoint({ gateway, inputs, parameters: [sizing(gateway, parameters), ...parameters] }),
    };
  } catch (error) {
    return {
      problem: { reason: 'ParametersInvalid', message: error instanceof Error ? error.message : String(error) },
    };
  }
}

/** A number of replicas that somebody asks for is the least that there shall be. */
function sizing({ metadata }: Gateway, parameters: readonly Parameters[]): Parameters {
  const { replicas, resources } = DEFAULT_SIZING;
  const min = requestedReplicas(parameters) ?? replicas.min;
  return sizingParameters(metadata.name, { replicas: { min, max: Math.max(min, replicas.max) }, resources });
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

const refused = ({ reason, message }: Problem): ServingCondition => ({
  status: 'False',
  reason,
  message,
});

function nameTaken({ kind, manifest, live }: Wanted, gateway: Gateway): Problem {
  const object = `${kind.kind} ${manifest.metadata.name}`;
  const message =
    live && isOwnedBy(live, gateway)
      ? `${object} was deployed by istiod for this Gateway: delete it, and Sidestep deploys its own`
      : `${object} is somebody else's: rename it, or rename the Gateway`;
  return { reason: 'NameTaken', message };
}

const remove = (target: LiveObject): Action => ({ type: 'delete', target });

/** Whether Sidestep serves the Gateway, or has served it. */
export const isHeld = ({ metadata }: Gateway): boolean => metadata.finalizers?.includes(FINALIZER) ?? false;

/** What is bound to a waypoint that goes must be let go first: a missing waypoint fails open. Objects follow their owner. */
function farewell({ gateway, bound }: Observed): Decision {
  if (!isHeld(gateway)) return { actions: [], serving: undefined };
  if (bound.length === 0) return { actions: [{ type: 'release' }], serving: undefined };
  return {
    actions: [],
    serving: refused({ reason: 'Deleting', message: `still bound: Services ${bound.join(', ')}` }),
  };
}

/** What we deployed goes once nothing is bound to it, and istiod may deploy again. */
function withdrawal({ gateway, live, bound }: Observed): Action[] {
  if (bound.length > 0) return [];
  const address: Action = { type: 'set-address', host: undefined };
  return [
    ...(isAddressed(gateway) ? [address] : []),
    ...live.filter(({ object }) => isOurs(object, gateway)).map(remove),
    ...(isHeld(gateway) ? [{ type: 'release' } as const] : []),
  ];
}

function deployment(observed: Observed, wanted: readonly Wanted[], host: string): Action[] {
  const { gateway, live } = observed;
  const isWanted = ({ object }: LiveObject): boolean => wanted.some((each) => each.live === object);
  const superfluous = live.filter((each) => isOurs(each.object, gateway) && !isWanted(each));
  const address: Action = { type: 'set-address', host };
  // istiod deploys again what is deleted before it has seen the address.
  const isOver = isAddressed(gateway) && isSeenByIstiod(gateway);
  return [
    ...(isHeld(gateway) ? [] : [{ type: 'hold' } as const]),
    ...wanted.map((each) => ({ type: 'apply', ...each }) as const),
    ...superfluous.map(remove),
    ...missingReplicas(wanted),
    ...(isAddressed(gateway) ? [] : [address]),
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
  const isRunning = (deployment?.status?.readyReplicas ?? 0) > 0;
  const isProgrammed = findCondition(gateway.status?.conditions, 'Programmed')?.status === 'True';
  if (!isRunning || !isSeenByIstiod(gateway) || !isProgrammed) {
    const failure = findCondition(deployment?.status?.conditions, 'ReplicaFailure')?.message;
    const message =
      `a pod of Deployment ${gateway.metadata.name} must be ready, and istiod must have found Service ${host} ` +
      `(condition Programmed)${failure ? `: ${failure}` : ''}`;
    return refused({ reason: 'Deploying', message });
  }
  const message =
    `Sidestep deploys this waypoint, behind Service ${host}. istiod calls the Gateway not accepted, because class istio is ` +
    `for ingress gateways: that is expected, and does no harm.${
      taken ? ` ServiceAccount ${taken.account} is served by Gateway ${taken.by}: delete one of the two.` : ''
    }`;
  return { status: 'True', reason: 'Serving', message };
}
