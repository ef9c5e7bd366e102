import equal from 'fast-deep-equal';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Pod } from '../../kube/types.js';
import {
  PROXY_CONTAINER,
  type PodMode,
  counts,
  dataplaneModeOf,
  drainsUntil,
  hasSidecar,
  isGateway,
  isLive,
  podMode,
  speaksHbone,
} from '../../mesh/dataplane.js';
import type { Requests } from '../../mesh/findings/savings.js';
import { perVersion } from '../../runtime/per-version.js';
import type { Change } from '../../runtime/store.js';

/** A pod as the migration sees it: plain data, computed once per pass. */
export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** ServiceAccount that it runs under. */
  readonly account: string;
  readonly nodeName: string | undefined;
  /** The kubelet probes it by IPv6: its first address is one. */
  readonly isIpv6: boolean;
  /** `Kind` and name of the controller that owns the pod directly; undefined for a bare pod. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
  readonly mode: PodMode;
  /** What its sidecar requests; undefined without one. */
  readonly sidecarRequests: Requests | undefined;
  /** A sidecar that speaks HBONE. */
  readonly hbone: boolean;
  readonly gateway: boolean;
  readonly live: boolean;
  /** The end of its grace period, of a pod that is being deleted and goes on until then; undefined: it stays. Milliseconds since the epoch. */
  readonly drainsUntilMs: number | undefined;
  /** Counts as a pod to migrate (design 5.1). */
  readonly counts: boolean;
  readonly ready: boolean;
  /** `ambient`, `none`, or undefined where neither pod nor template says anything. */
  readonly dataplaneMode: string | undefined;
  /** Our mark of the restart that made this pod; undefined for a pod of before. */
  readonly restartMark: string | undefined;
  /** Milliseconds since the epoch, in whole seconds. */
  readonly createdAtMs: number;
  /** When the pod last moved: created, or turned Ready. Milliseconds since the epoch. */
  readonly progressAtMs: number;
  /** Why the pod is not ready, in the kubelet's or the scheduler's words. */
  readonly problem: string | undefined;
}

/** Computes the view of a pod; pure. */
export function podView(pod: Pod): PodView {
  const controller = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const readyCondition = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  const ready = readyCondition?.status === 'True';
  const createdAtMs = timeOf(pod.metadata.creationTimestamp);
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    labels: pod.metadata.labels ?? {},
    account: pod.spec?.serviceAccountName ?? 'default',
    nodeName: pod.spec?.nodeName,
    isIpv6: pod.status?.podIPs?.[0]?.ip.includes(':') === true,
    owner: controller && { kind: controller.kind, name: controller.name },
    mode: podMode(pod),
    sidecarRequests: hasSidecar(pod) ? sidecarRequests(pod) : undefined,
    hbone: speaksHbone(pod),
    gateway: isGateway(pod),
    live: isLive(pod),
    drainsUntilMs: timeOf(drainsUntil(pod)) || undefined,
    counts: counts(pod),
    ready,
    dataplaneMode: dataplaneModeOf(pod),
    restartMark: pod.metadata.annotations?.[OWN_ANNOTATION.restart],
    createdAtMs,
    progressAtMs: Math.max(createdAtMs, timeOf(readyCondition?.lastTransitionTime)),
    problem: ready ? undefined : problemOf(pod),
  };
}

/** {@link podView} of a pod in a store: a pass looks at all of them, and an event changes one. */
export const storedPodView = perVersion(podView);

/** Predicate: a migration sees the pod in another way than before. Much of what a kubelet reports is nothing to it. */
export function podViewChanged({ old, new: now }: Change<Pod>): boolean {
  return !old || !now || !equal(storedPodView(old), storedPodView(now));
}

function sidecarRequests({ spec: { containers, initContainers = [] } }: Pod): Requests {
  const sidecar = [...containers, ...initContainers].find(({ name }) => name === PROXY_CONTAINER);
  const { cpu, memory } = sidecar?.resources?.requests ?? {};
  return { cpu, memory };
}

function problemOf(pod: Pod): string | undefined {
  const waiting = pod.status?.containerStatuses?.find((container) => container.state?.waiting)?.state?.waiting;
  if (waiting) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const unready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status !== 'True');
  const condition = unscheduled ?? unready;
  return condition && [condition.reason, condition.message].filter(Boolean).join(': ');
}

/** A time as the API has it, in milliseconds since the epoch; 0 for none. */
export function timeOf(timestamp: string | null | undefined): number {
  return Date.parse(timestamp ?? '') || 0;
}
