import type { Pod } from '../../../kube/types.js';

/** A pod as ztunnel gets it; fields with their default value are left out. */
export interface AmbientWorkload {
  uid: string;
  name: string;
  namespace: string;
  serviceAccount: string;
  node?: string;
  status?: 'Unhealthy';
  tunnelProtocol?: 'HBONE';
  /** The pod speaks HBONE itself. */
  nativeTunnel?: boolean;
  networkMode?: 'HOST_NETWORK';
}

/**
 * istiod's view of a pod, as `/debug/ambientz` shows it; undefined for pods that are no workloads: without an address,
 * or finished. Only what says how the pod is reached is told.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/workloads.go, podWorkloadBuilder
 */
export function ambientWorkload({ metadata, spec, status }: Pod): AmbientWorkload | undefined {
  const isFinished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (status?.podIP === undefined || isFinished) return undefined;
  const { name, namespace = '', labels, annotations } = metadata;
  const speaksHbone = labels?.['networking.istio.io/tunnel'] === 'http';
  const isCaptured = annotations?.['ambient.istio.io/redirection'] === 'enabled';
  const isReady = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return {
    uid: `Kubernetes//Pod/${namespace}/${name}`,
    name,
    namespace,
    serviceAccount: spec.serviceAccountName ?? 'default',
    ...(spec.nodeName !== undefined && { node: spec.nodeName }),
    ...(!isReady && { status: 'Unhealthy' }),
    ...((speaksHbone || isCaptured) && { tunnelProtocol: 'HBONE' }),
    ...(speaksHbone && { nativeTunnel: true }),
    ...(spec.hostNetwork === true && { networkMode: 'HOST_NETWORK' as const }),
  };
}
