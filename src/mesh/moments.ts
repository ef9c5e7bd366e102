import { ANNOTATION, LABEL } from '../api/labels.js';
import { counts, hasSidecar, isGateway, podMode, PROXY_CONTAINER } from './dataplane.js';
import {
  type MeshPicture,
  meshPicture,
  type PictureObjects,
  type PictureSettings,
  type PictureWorkload,
} from './picture.js';
import { resultOf } from './pieces.js';
import type { Labels, PolicyObject } from './policy-object.js';
import type { WaypointRef } from './use-waypoint.js';

/** A moment of a migration: what a request may meet while a step is under way, or once it is done. */
export interface Moment {
  /** Name of the step, `Before` for the time before the first. */
  readonly step: MomentName;
  /** A caller is as in any of these. */
  readonly callers: readonly MeshPicture[];
  /** And everything else is as in any of these. */
  readonly rest: readonly MeshPicture[];
}

/** `After`: the last workload has been restarted. */
export type MomentName = 'Before' | 'Tunnel' | 'Policies' | 'Bind' | 'Enrol' | 'Workloads' | 'After';

/** All of them, in order. */
export const MOMENTS = [
  'Before',
  'Tunnel',
  'Policies',
  'Bind',
  'Enrol',
  'Workloads',
  'After',
] as const satisfies MomentName[];

/** What is going to be migrated. */
export interface Move {
  readonly namespace: string;
  /** What its Services will go through; undefined if nothing is bound. */
  readonly waypoint: WaypointRef | undefined;
  /** What is written beside its policies; of those of the same name, in place of them. (nothing) */
  readonly written?: readonly PolicyObject[] | undefined;
  /** What it writes on objects of the namespace that are to use the waypoint. (the namespace names it, for ingress traffic, too) */
  readonly bound?: readonly BoundObject[] | undefined;
  /** Workloads are enrolled one by one, by labels of their templates. (if some of them are closed) */
  readonly isPerWorkload?: boolean | undefined;
  /** Labels of pods of workloads that are restarted after all that may call them; undefined: workloads have no order. */
  readonly closed?: ((labels: Labels) => boolean) | undefined;
}

/** An object, and the labels that it gets so that it uses a waypoint. */
export interface BoundObject {
  readonly kind: 'Namespace' | 'Service';
  readonly name: string;
  readonly labels: Labels;
}

type Pod = PictureObjects['pods'][number];

/**
 * The moments of a migration. While workloads are restarted any of their pods may have a sidecar, or none: a request meets one of each
 * kind, so it is enough to look at callers and at all the rest in both. Where workloads have an order there are two moments of that step.
 *
 * A pod without sidecar is captured as soon as the namespace is enrolled, if nothing keeps it out: before all restarts, or, where
 * workloads are enrolled one by one, after them.
 *
 * @param objects  as they are before
 */
export function moments(objects: PictureObjects, settings: PictureSettings, move: Move): Moment[] {
  return resultOf(momentWork(objects, settings, move));
}

/** {@link moments}, a picture at a time. */
export function* momentWork(
  objects: PictureObjects,
  settings: PictureSettings,
  { namespace, waypoint, written = [], bound: binding, closed, isPerWorkload = closed !== undefined }: Move,
): Generator<undefined, Moment[]> {
  const changing = (change: (pod: Pod) => Pod, from: PictureObjects): PictureObjects => ({
    ...from,
    pods: from.pods.map((pod) => (pod.metadata.namespace === namespace && hasSidecar(pod) ? change(pod) : pod)),
  });
  const isSilent = (pod: Pod): boolean => pod.metadata.namespace === namespace && isCapturedAtOnce(pod);
  const capturing = (from: PictureObjects): PictureObjects =>
    from.pods.some(isSilent) ? { ...from, pods: from.pods.map((pod) => (isSilent(pod) ? captured(pod) : pod)) } : from;
  const tunnelled = changing(withTunnel, objects);
  const translated = withPolicies(tunnelled, written);
  const bound = waypoint ? withWaypoint(translated, namespace, waypoint, binding) : translated;
  const enrolled = isPerWorkload ? bound : capturing(bound);
  const isOpen = (pod: Pod): boolean => closed?.(pod.metadata.labels ?? {}) !== true;
  // Guards choose the pods of templates that have been enrolled by themselves.
  const enrol = (pod: Pod): Pod => (isPerWorkload ? labelled(withoutSidecar(pod)) : withoutSidecar(pod));
  const callersFirst = changing((pod) => (isOpen(pod) ? enrol(pod) : pod), enrolled);
  const restarted = changing(enrol, enrolled);
  const last = capturing(restarted);
  const pictures = new Map<PictureObjects, MeshPicture>();
  for (const state of [objects, tunnelled, translated, bound, enrolled, callersFirst, restarted, last]) {
    if (pictures.has(state)) continue;
    yield;
    pictures.set(state, meshPicture(state, settings));
  }
  const drawn = (states: readonly PictureObjects[]): MeshPicture[] =>
    [...new Set(states)].map((state) => pictures.get(state)!);
  const moment = (step: MomentName, callers: readonly PictureObjects[], rest = callers): Moment => ({
    step,
    callers: drawn(callers),
    rest: drawn(rest),
  });
  return [
    moment('Before', [objects]),
    moment('Tunnel', [tunnelled]),
    moment('Policies', [translated]),
    moment('Bind', [bound]),
    // A pod with a sidecar is never captured.
    moment('Enrol', [bound, enrolled]),
    // Whoever takes calls of the waypoint only has its sidecar as long as a caller has one.
    moment('Workloads', [enrolled, callersFirst]),
    // Who may not call whom is closed need not be before him.
    ...(closed ? [moment('Workloads', [restarted], [enrolled, callersFirst, restarted])] : []),
    moment('After', [restarted, last]),
  ];
}

/** A workload as it is in another picture. */
export function counterpart({ namespace, name }: PictureWorkload, picture: MeshPicture): PictureWorkload | undefined {
  return picture.workloads.find((one) => one.namespace === namespace && one.name === name);
}

function withPolicies(objects: PictureObjects, written: readonly PolicyObject[]): PictureObjects {
  const names = new Set(written.map(nameOf));
  const inPlace = (there: readonly PolicyObject[], kind: string): PolicyObject[] => [
    ...there.filter((one) => !names.has(nameOf({ ...one, kind }))),
    ...written.filter((one) => one.kind === kind),
  ];
  return {
    ...objects,
    authorizationPolicies: inPlace(objects.authorizationPolicies, 'AuthorizationPolicy'),
    requestAuthentications: inPlace(objects.requestAuthentications, 'RequestAuthentication'),
  };
}

const nameOf = ({ kind, metadata }: PolicyObject): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;

function labelled(pod: Pod): Pod {
  const labels = { ...pod.metadata.labels, [LABEL.dataplaneMode]: 'ambient' };
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

function withTunnel(pod: Pod): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [LABEL.tunnel]: 'http' } } };
}

/** Whether the label of the namespace is enough: no sidecar is in the way, and no label of its own (SST4002). */
function isCapturedAtOnce(pod: Pod): boolean {
  const isAnnotated = pod.metadata.annotations?.[ANNOTATION.sidecarStatus] !== undefined;
  return podMode(pod) === 'none' && counts(pod) && !isGateway(pod) && !isAnnotated;
}

function captured(pod: Pod): Pod {
  const annotations = { ...pod.metadata.annotations, [ANNOTATION.redirection]: 'enabled' };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

function withoutSidecar({ metadata, spec, ...pod }: Pod): Pod {
  const { [LABEL.tunnel]: _tunnel, [LABEL.tlsMode]: _mode, ...labels } = metadata.labels ?? {};
  const { [ANNOTATION.sidecarStatus]: _status, ...annotations } = metadata.annotations ?? {};
  const isProxy = ({ name }: { readonly name?: string | undefined }): boolean => name === PROXY_CONTAINER;
  return captured({
    ...pod,
    metadata: { ...metadata, labels, annotations },
    spec: {
      ...spec,
      containers: (spec?.containers ?? []).filter((one) => !isProxy(one)),
      initContainers: (spec?.initContainers ?? []).filter((one) => !isProxy(one)),
    },
  });
}

/** Objects use the waypoint, which takes traffic. */
function withWaypoint(
  objects: PictureObjects,
  namespace: string,
  waypoint: WaypointRef,
  bound: readonly BoundObject[] = [bindingOf(namespace, waypoint)],
): PictureObjects {
  const labelling =
    (kind: BoundObject['kind']) =>
    <T extends { readonly metadata: { readonly name: string; readonly labels?: Labels | undefined } }>(one: T): T => {
      const found = bound.filter((target) => target.kind === kind && target.name === one.metadata.name);
      if (found.length === 0) return one;
      const labels = Object.fromEntries(found.flatMap((target) => Object.entries(target.labels)));
      return { ...one, metadata: { ...one.metadata, labels: { ...one.metadata.labels, ...labels } } };
    };
  const [ofNamespace, ofService] = [labelling('Namespace'), labelling('Service')];
  return {
    ...objects,
    gateways: withAddress(objects.gateways, waypoint),
    namespaces: objects.namespaces.map(ofNamespace),
    services: objects.services.map((one) => (one.metadata.namespace === namespace ? ofService(one) : one)),
  };
}

/** Of the whole namespace: its Services want ingress traffic to go through the waypoint, too. */
function bindingOf(namespace: string, waypoint: WaypointRef): BoundObject {
  const labels = {
    [LABEL.useWaypoint]: waypoint.name,
    ...(waypoint.namespace !== namespace && { [LABEL.useWaypointNamespace]: waypoint.namespace }),
    [LABEL.ingressUseWaypoint]: 'true',
  };
  return { kind: 'Namespace', name: namespace, labels };
}

/** Nothing is bound to a waypoint before that has an address. */
function withAddress(gateways: PictureObjects['gateways'], waypoint: WaypointRef): PictureObjects['gateways'] {
  const { name, namespace } = waypoint;
  const isIt = ({ metadata }: PictureObjects['gateways'][number]): boolean =>
    metadata.name === name && metadata.namespace === namespace;
  const status = { addresses: [{ type: 'Hostname', value: `${name}.${namespace}.svc.cluster.local` }] };
  const spec = { gatewayClassName: 'istio-waypoint', listeners: [{ port: 15008, protocol: 'HBONE' }] };
  if (!gateways.some(isIt)) return [...gateways, { metadata: { name, namespace }, spec, status }];
  return gateways.map((one) => (isIt(one) && (one.status?.addresses ?? []).length === 0 ? { ...one, status } : one));
}
