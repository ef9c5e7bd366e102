import { ANNOTATION, LABEL } from '../api/labels.js';
import { hasSidecar, PROXY_CONTAINER } from './dataplane.js';
import {
  type MeshPicture,
  meshPicture,
  type PictureObjects,
  type PictureSettings,
  type PictureWorkload,
} from './picture.js';
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
  /** What is written beside its policies. (nothing) */
  readonly written?: readonly PolicyObject[] | undefined;
  /** Labels of pods of workloads that are restarted after all that may call them; undefined: workloads have no order. */
  readonly closed?: ((labels: Labels) => boolean) | undefined;
}

type Pod = PictureObjects['pods'][number];

/**
 * The moments of a migration. While workloads are restarted any of their pods may have a sidecar, or none: a request meets one of each
 * kind, so it is enough to look at callers and at all the rest in both. Where workloads have an order there are two moments of that step.
 *
 * @param objects  as they are before
 */
export function moments(
  objects: PictureObjects,
  settings: PictureSettings,
  { namespace, waypoint, written = [], closed }: Move,
): Moment[] {
  const changing = (change: (pod: Pod) => Pod, from: PictureObjects): PictureObjects => ({
    ...from,
    pods: from.pods.map((pod) => (pod.metadata.namespace === namespace && hasSidecar(pod) ? change(pod) : pod)),
  });
  const draw = (of: PictureObjects): MeshPicture => meshPicture(of, settings);
  const tunnelled = changing(withTunnel, objects);
  const translated = withPolicies(tunnelled, written);
  const bound = waypoint ? withWaypoint(translated, namespace, waypoint) : translated;
  const isOpen = (pod: Pod): boolean => closed?.(pod.metadata.labels ?? {}) !== true;
  // Guards choose the pods of templates that have been enrolled by themselves.
  const enrol = (pod: Pod): Pod => (closed ? labelled(withoutSidecar(pod)) : withoutSidecar(pod));
  const callersFirst = changing((pod) => (isOpen(pod) ? enrol(pod) : pod), bound);
  const [before, tunnel, policies, bind, first, after] = [
    objects,
    tunnelled,
    translated,
    bound,
    callersFirst,
    changing(enrol, bound),
  ].map(draw) as [MeshPicture, MeshPicture, MeshPicture, MeshPicture, MeshPicture, MeshPicture];
  const settled = (step: MomentName, picture: MeshPicture): Moment => ({ step, callers: [picture], rest: [picture] });
  return [
    settled('Before', before),
    settled('Tunnel', tunnel),
    settled('Policies', policies),
    settled('Bind', bind),
    // Only labels change: a pod with a sidecar is never enrolled.
    settled('Enrol', bind),
    // Whoever takes calls of the waypoint only has its sidecar as long as a caller has one.
    { step: 'Workloads', callers: [bind, first], rest: [bind, first] },
    ...(closed ? [{ step: 'Workloads' as const, callers: [after], rest: [first, after] }] : []),
    settled('After', after),
  ];
}

/** A workload as it is in another picture. */
export function counterpart({ namespace, name }: PictureWorkload, picture: MeshPicture): PictureWorkload | undefined {
  return picture.workloads.find((one) => one.namespace === namespace && one.name === name);
}

function withPolicies(objects: PictureObjects, written: readonly PolicyObject[]): PictureObjects {
  const of = (kind: string): PolicyObject[] => written.filter((one) => one.kind === kind);
  return {
    ...objects,
    authorizationPolicies: [...objects.authorizationPolicies, ...of('AuthorizationPolicy')],
    requestAuthentications: [...objects.requestAuthentications, ...of('RequestAuthentication')],
  };
}

function labelled(pod: Pod): Pod {
  const labels = { ...pod.metadata.labels, [LABEL.dataplaneMode]: 'ambient' };
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

function withTunnel(pod: Pod): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [LABEL.tunnel]: 'http' } } };
}

function withoutSidecar({ metadata, spec, ...pod }: Pod): Pod {
  const { [LABEL.tunnel]: _tunnel, [LABEL.tlsMode]: _mode, ...labels } = metadata.labels ?? {};
  const { [ANNOTATION.sidecarStatus]: _status, ...annotations } = metadata.annotations ?? {};
  const isProxy = ({ name }: { readonly name?: string | undefined }): boolean => name === PROXY_CONTAINER;
  return {
    ...pod,
    metadata: { ...metadata, labels, annotations: { ...annotations, [ANNOTATION.redirection]: 'enabled' } },
    spec: {
      ...spec,
      containers: (spec?.containers ?? []).filter((one) => !isProxy(one)),
      initContainers: (spec?.initContainers ?? []).filter((one) => !isProxy(one)),
    },
  };
}

/** The namespace names the waypoint, which is there, and its Services want ingress traffic to go through it too. */
function withWaypoint(objects: PictureObjects, namespace: string, waypoint: WaypointRef): PictureObjects {
  const isThere = objects.gateways.some(
    ({ metadata }) => metadata.name === waypoint.name && metadata.namespace === waypoint.namespace,
  );
  const value = `${waypoint.name}.${waypoint.namespace}.svc.cluster.local`;
  const gateway: PictureObjects['gateways'][number] = {
    metadata: { name: waypoint.name, namespace: waypoint.namespace },
    spec: { gatewayClassName: 'istio-waypoint', listeners: [{ port: 15008, protocol: 'HBONE' }] },
    status: { addresses: [{ type: 'Hostname', value }] },
  };
  const labels = {
    [LABEL.useWaypoint]: waypoint.name,
    ...(waypoint.namespace !== namespace && { [LABEL.useWaypointNamespace]: waypoint.namespace }),
    [LABEL.ingressUseWaypoint]: 'true',
  };
  return {
    ...objects,
    gateways: isThere ? objects.gateways : [...objects.gateways, gateway],
    namespaces: objects.namespaces.map((one) =>
      one.metadata.name === namespace
        ? { ...one, metadata: { ...one.metadata, labels: { ...one.metadata.labels, ...labels } } }
        : one,
    ),
  };
}
