/** Type of the condition on a Gateway that says whether Sidestep deploys or sizes its waypoint, and if not, why. */
export const SERVING = 'sidestep.dev/Serving';

/** Finalizer of the Gateways whose waypoint Sidestep deploys: it waits for whatever depends on the waypoint. */
export const WAYPOINT_FINALIZER = 'sidestep.dev/waypoint';

/**
 * Reasons of that condition, each with the sentence that the documentation prints. Names are a promise to users, as those of an
 * AmbientMigration's conditions are.
 */
export const SERVING_REASONS = {
  Serving: 'The waypoint runs, and istiod sends traffic to it.',
  AwaitingTurn:
    "The waypoint runs as before: a change of the mesh's configuration reaches one waypoint after the other.",
  Sized: 'istiod deploys the waypoint, with at least the replicas that its sizing asks for.',
  Sizing: 'istiod deploys the waypoint, and has not as many replicas ready as its sizing asks for.',
  Deploying: 'No pod of the waypoint is ready yet, or istiod has not found its Service.',
  Deleting: 'The Gateway waits until the Services that are bound to it are let go.',
  PoliciesDepend: 'The waypoint is to go, and stays because policies depend on it.',
  StillNamed: 'The waypoint is to go, and stays because labels still name it.',
  WriteFailed: 'The API server refused a write, and the message says why; it is tried again.',
  SizingInvalid: 'The annotation sidestep.dev/sizing cannot be read.',
  ParametersTaken: 'spec.infrastructure.parametersRef names a ConfigMap of somebody else, who sizes the waypoint.',
  NameTaken: "An object of the Gateway's name belongs to somebody else.",
  MeshConfigurationInvalid: "istiod's ConfigMaps for the Gateway's revision are missing, or lack a value.",
  UnknownTemplate: 'This version of Sidestep does not know what waypoints of this Istio look like.',
  ParametersInvalid: 'The ConfigMap of spec.infrastructure.parametersRef, or of the class, cannot be applied.',
  OptedOut: 'The annotation sidestep.dev/serve is "false".',
  AddressTaken: 'spec.addresses names something else.',
  UnsupportedName:
    'An annotation of Istio gives what is deployed another name, or no Service can have the name of the Gateway.',
  UnsupportedListener: 'The listener has TLS settings, or is none of a waypoint.',
  UnsupportedNetwork: 'The Gateway is labelled as one for other networks.',
  NotServable: 'Sidestep has deployed the waypoint of this Gateway, which is something else now.',
} as const satisfies Record<string, string>;

/** A reason that the condition gives. */
export type ServingReason = keyof typeof SERVING_REASONS;

/** Reasons of a waypoint that istiod deploys and Sidestep sizes. */
export const SIZING_REASONS = [
  'Sized',
  'Sizing',
  'SizingInvalid',
  'ParametersTaken',
] as const satisfies readonly ServingReason[];

/** Reasons for which Sidestep deploys nothing, and takes away what it has deployed. */
export const DECLINE_REASONS = [
  'OptedOut',
  'AddressTaken',
  'UnsupportedName',
  'UnsupportedListener',
  'UnsupportedNetwork',
  'NotServable',
] as const satisfies readonly ServingReason[];

/** One of {@link DECLINE_REASONS}. */
export type DeclineReason = (typeof DECLINE_REASONS)[number];

/** Reasons for which Services that Sidestep has bound to a waypoint are let go, and none is bound anew. */
export const LEAVING_REASONS: readonly ServingReason[] = [...DECLINE_REASONS, 'Deleting', 'StillNamed'];
