import { parse, YAMLParseError } from 'yaml';
import { gatewayParameters } from '../../../cdk8s/gateway-parameters.js';
import { sizingPatches, TOPOLOGY_KEYS } from '../../../cdk8s/waypoint-sizing.js';
import type { Gateway } from '../../api/gateway-api.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { parseSizing, type WaypointSizing } from '../../api/sizing.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import {
  CONFIG_MAP,
  type ConfigMap,
  type Deployment,
  DEPLOYMENT,
  type HorizontalPodAutoscaler,
  HORIZONTAL_POD_AUTOSCALER,
} from '../../kube/types.js';
import { namesOurParameters, parametersName } from '../../mesh/waypoint-gateway.js';
import type { WaypointInputs } from '../../mesh/waypoint-inputs.js';
import { type Action, type Decision, refused, remove, type ServingCondition } from './decision.js';
import { isOurs, isOwnedBy } from './deployed-kinds.js';
import type { Observed, Problem } from './observed.js';

/** How large a waypoint is to be: what the annotation of its Gateway says, or undefined if there is none. */
export function requestedSizing({
  metadata,
}: Gateway): { readonly found: WaypointSizing | undefined } | { readonly problem: Problem } {
  const value = metadata.annotations?.[OWN_ANNOTATION.sizing];
  if (value === undefined) return { found: undefined };
  const parsed = parseSizing(value);
  if ('found' in parsed) return parsed;
  const message = `the annotation ${OWN_ANNOTATION.sizing}: ${parsed.problem}`;
  return { problem: { reason: 'SizingInvalid', message } };
}

/**
 * Sizes a waypoint that istiod deploys, by the parameters that it takes. Its objects stay istiod's: the HorizontalPodAutoscaler that it
 * renders brings the Deployment to `min`.
 */
export function size(observed: Observed): Decision {
  const { gateway, sizes } = observed;
  const ref = gateway.spec.infrastructure?.parametersRef;
  if (ref && !namesOurParameters(gateway)) {
    const message =
      `spec.infrastructure.parametersRef names ${ref.kind} ${ref.name}, and what it says counts: ` +
      'remove the field to let Sidestep size the waypoint';
    return { actions: withoutParameters(observed), serving: refused({ reason: 'ParametersTaken', message }) };
  }
  const requested = requestedSizing(gateway);
  if ('problem' in requested) return { actions: [], serving: refused(requested.problem) };
  if (sizes && !isOurs(sizes, gateway)) {
    const message = `ConfigMap ${sizes.metadata.name} is somebody else's: rename it, or rename the Gateway`;
    return { actions: [], serving: refused({ reason: 'NameTaken', message }) };
  }
  const patches = sizingPatches({
    gateway: gateway.metadata.name,
    asked: requested.found,
    inputs: 'found' in observed.inputs ? observed.inputs.found : sizes && spreadBefore(sizes),
    defaults: observed.defaults,
  });
  const manifest = gatewayParameters(gateway, patches);
  const reference: Action = { type: 'set-parameters', name: manifest.metadata.name };
  const actions: Action[] = [{ type: 'apply', kind: CONFIG_MAP, manifest, live: sizes }, ...(ref ? [] : [reference])];
  return { actions, serving: progress(observed, patches.horizontalPodAutoscaler?.spec.minReplicas) };
}

/**
 * What the mesh says about how pods are spread, as far as the ConfigMap that was made by it tells: while istiod's configuration cannot be
 * read, it stays as it is, or the waypoint would be rolled out for it there and back.
 */
function spreadBefore({ data = {} }: ConfigMap): Pick<WaypointInputs, 'topologySpreadConstraints'> | undefined {
  try {
    const patch = parse(data['deployment'] ?? '') as PodPatch | null;
    const ours = patch?.spec?.template?.spec?.topologySpreadConstraints ?? [];
    const theirs = TOPOLOGY_KEYS.filter((key) => !ours.some(({ topologyKey }) => topologyKey === key));
    return { topologySpreadConstraints: theirs.map((topologyKey) => ({ topologyKey })) };
  } catch (error) {
    // A hand has been there: it is written anew.
    if (error instanceof YAMLParseError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How our patch of a Deployment says how pods are spread. */
interface PodPatch {
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly topologySpreadConstraints?: readonly { readonly topologyKey?: string }[] };
    };
  };
}

/** Our ConfigMap, and the reference to it, go where we do not size. */
export function withoutParameters({ gateway, sizes }: Observed): Action[] {
  const reference: Action = { type: 'set-parameters', name: undefined };
  return [
    // First: istiod renders nothing while it misses the ConfigMap.
    ...(namesOurParameters(gateway) ? [reference] : []),
    ...(sizes && isOurs(sizes, gateway) ? [remove({ type: CONFIG_MAP, object: sizes })] : []),
  ];
}

/** @param min  replicas that we ask for; undefined: what the class asks for */
function progress(observed: Observed, min: number | undefined): ServingCondition {
  const autoscaler = deployedOf<HorizontalPodAutoscaler>(observed, HORIZONTAL_POD_AUTOSCALER);
  const deployment = deployedOf<Deployment>(observed, DEPLOYMENT);
  const { minReplicas = 1 } = autoscaler?.spec ?? {};
  if (!deployment || (min !== undefined && (!autoscaler || minReplicas !== min))) {
    const message = `istiod has not deployed the waypoint with ConfigMap ${parametersName(observed.gateway)} yet`;
    return refused({ reason: 'Sizing', message });
  }
  // In a rollout more are ready for a moment.
  const ready = Math.min(deployment.status?.readyReplicas ?? 0, deployment.spec.replicas ?? 1);
  const { name } = deployment.metadata;
  if (ready < minReplicas) {
    const message = `Deployment ${name} has ${ready} of ${minReplicas} replicas ready`;
    return refused({ reason: 'Sizing', message });
  }
  const message = `istiod deploys this waypoint, and Deployment ${name} has at least ${minReplicas} replicas ready`;
  return { status: 'True', reason: 'Sized', message };
}

function deployedOf<T extends KubeObject>({ live, gateway }: Observed, type: ResourceType<T>): T | undefined {
  return live.find((each) => each.type === type && isOwnedBy(each.object, gateway))?.object as T | undefined;
}
