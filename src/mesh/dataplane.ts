import { ANNOTATION, LABEL } from '../api/labels.js';

/** The fields of a pod, or of a pod template, that decide its data plane. A `Pod` of the API server fits. */
export interface MeshPod {
  metadata: {
    labels?: Readonly<Record<string, string>> | undefined;
    annotations?: Readonly<Record<string, string>> | undefined;
    deletionTimestamp?: string | undefined;
  };
  spec?:
    | {
        hostNetwork?: boolean | undefined;
        containers?: readonly { name?: string | undefined }[] | undefined;
        initContainers?: readonly { name?: string | undefined }[] | undefined;
      }
    | undefined;
  status?: { phase?: string | undefined } | undefined;
}

/** Name of the sidecar's container, and of that of every proxy. */
export const PROXY_CONTAINER = 'istio-proxy';

/** Injection templates of Istio that make a pod a gateway, not a workload with a sidecar. */
export const GATEWAY_TEMPLATES: ReadonlySet<string> = new Set(['gateway', 'kube-gateway', 'waypoint', 'grpc-agent']);

/**
 * Whether the pod runs an Istio sidecar: annotated `sidecar.istio.io/status`, with a container `istio-proxy`
 * (a native sidecar is an init container), and neither an injected gateway nor the proxy of a Gateway.
 *
 * @see design 5.1; istio/istio `cni/pkg/util/podutil.go`: the annotation alone keeps a pod out of ambient mode
 */
export function hasSidecar(pod: MeshPod): boolean {
  return pod.metadata.annotations?.[ANNOTATION.sidecarStatus] !== undefined && runsProxy(pod) && !isGateway(pod);
}

/**
 * Whether the pod is a gateway: injected with a gateway template, or deployed for a Gateway of the Gateway API.
 *
 * @see design 5.1 (a waypoint's container is called `istio-proxy` too)
 */
export function isGateway(pod: MeshPod): boolean {
  return (
    injectionTemplates(pod.metadata.annotations).some((name) => GATEWAY_TEMPLATES.has(name)) ||
    pod.metadata.labels?.[LABEL.gatewayName] !== undefined
  );
}

/** The injection templates that a pod, or its template, names; empty: those of the mesh. */
export function injectionTemplates(annotations: Readonly<Record<string, string>> | undefined): string[] {
  const names = annotations?.[ANNOTATION.injectTemplates]?.split(',') ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

/**
 * Whether the CNI agent has captured the pod for ztunnel, and no sidecar is in the way. The annotation is the only
 * proof that a pod gives: protocol HBONE in ztunnel's view shows HBONE-capable sidecars too.
 *
 * @see istio-ambient facts 0.10; istio/istio `cni/pkg/nodeagent`
 */
export function isEnrolled(pod: MeshPod): boolean {
  return pod.metadata.annotations?.[ANNOTATION.redirection] === 'enabled' && !runsProxy(pod);
}

/** How a pod takes part in the mesh; `none`: neither by a sidecar nor by ztunnel. */
export type PodMode = 'sidecar' | 'ambient' | 'none';

/** The mode of a pod. */
export function podMode(pod: MeshPod): PodMode {
  if (hasSidecar(pod)) return 'sidecar';
  return isEnrolled(pod) ? 'ambient' : 'none';
}

/** Whether a sidecar pod speaks HBONE, so that ambient pods can reach it with mTLS (the injector sets the label). */
export function speaksHbone(pod: MeshPod): boolean {
  return pod.metadata.labels?.[LABEL.tunnel] === 'http';
}

/** What a pod, or its template, says about `istio.io/dataplane-mode`; it beats the namespace both ways. */
export function dataplaneModeOf(pod: MeshPod): string | undefined {
  return pod.metadata.labels?.[LABEL.dataplaneMode];
}

/**
 * Whether the pod counts as one to migrate: alive, not on the host's network (never injected, never enrolled), and
 * not opted out of ambient mode by a label.
 */
export function counts(pod: MeshPod): boolean {
  return isLive(pod) && pod.spec?.hostNetwork !== true && dataplaneModeOf(pod) !== 'none';
}

/** Neither finished (Succeeded, Failed) nor being deleted. */
export function isLive(pod: MeshPod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/**
 * Until when a pod that is being deleted may go on with what it does: its containers have not ended, and may take as long as the
 * grace period. As the API has it; undefined for any other pod.
 *
 * @see Kubernetes docs, Pod Lifecycle, "Termination of Pods"; `metadata.deletionTimestamp` is the end of the grace period
 */
export function drainsUntil(pod: MeshPod): string | undefined {
  return isFinished(pod) ? undefined : pod.metadata.deletionTimestamp;
}

function isFinished({ status }: MeshPod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function runsProxy(pod: MeshPod): boolean {
  const isProxy = (container: { name?: string | undefined }): boolean => container.name === PROXY_CONTAINER;
  return (pod.spec?.containers ?? []).some(isProxy) || (pod.spec?.initContainers ?? []).some(isProxy);
}
