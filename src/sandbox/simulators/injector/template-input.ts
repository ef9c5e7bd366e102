import type { Pod } from '../../../kube/types.js';
import type { InjectionConfig, ProxyConfig } from './injection-config.js';
import { interceptionModeOf, proxyConfigOf } from './proxy-config.js';
import { workloadOfPod, type WorkloadOfPod } from './workload-of-pod.js';

/** The name of the proxy's container, in every pod that has one. */
export const proxyContainer = 'istio-proxy';

/** What the sidecar template is rendered with. */
export interface TemplateInput {
  config: InjectionConfig;
  pod: Pod;
  namespace: string;
  workload: WorkloadOfPod;
  proxyConfig: ProxyConfig;
  /** The proxy is an init container that keeps running. */
  nativeSidecar: boolean;
  /** How traffic is intercepted: `REDIRECT`, `TPROXY`, or `NONE`. */
  interceptionMode: string;
  /** Names of the application's containers. */
  applications: string[];
  /** The value of an annotation of the pod, or else of the chart. */
  readonly annotation: (name: string, otherwise: unknown) => string;
  /** Whether the pod has an annotation. */
  readonly has: (annotation: string) => boolean;
}

/**
 * Collects what the template needs.
 *
 * @param nativeSidecars  whether all kubelets support native sidecars; the pod's annotation beats it
 */
export function templateInput(
  config: InjectionConfig,
  pod: Pod,
  namespace: string,
  nativeSidecars: boolean,
): TemplateInput {
  const annotations = pod.metadata.annotations ?? {};
  const proxyConfig = proxyConfigOf(config.mesh, annotations);
  return {
    config,
    pod,
    namespace,
    workload: workloadOfPod(pod),
    proxyConfig,
    nativeSidecar: (annotations['sidecar.istio.io/nativeSidecar'] || String(nativeSidecars)) !== 'false',
    interceptionMode: annotations['sidecar.istio.io/interceptionMode'] ?? interceptionModeOf(proxyConfig),
    applications: pod.spec.containers.map(({ name }) => name).filter((name) => name !== proxyContainer),
    annotation: (name, otherwise) => annotations[name] ?? String(otherwise),
    has: (name) => name in annotations,
  };
}
