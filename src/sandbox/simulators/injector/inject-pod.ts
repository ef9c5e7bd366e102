import type { Container, Pod } from '../../../kube/types.js';
import { findContainer, findProxy, movedFirst, movedLast } from './containers.js';
import { wrongAnnotations } from './injection-annotations.js';
import type { InjectionConfig } from './injection-config.js';
import { initContainer, istioInit } from './istio-init.js';
import { mergeMetrics } from './metrics-merge.js';
import { applicationProbes, rewriteProbes } from './probe-rewrite.js';
import { holdsApplication, sidecarContainer } from './sidecar-container.js';
import { sidecarMetadata } from './sidecar-metadata.js';
import { sidecarVolumes } from './sidecar-volumes.js';
import { strategicMerge } from './strategic-merge.js';
import { proxyContainer, templateInput, type TemplateInput } from './template-input.js';

/** Templates that istiod has, in the order in which it does not promise to list them. */
const templates = ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent', 'waypoint', 'kube-gateway'];

/** A pod could not be injected; the message is istiod's. */
export class InjectionError extends Error {
  override readonly name = 'InjectionError';
}

/** What a pod is injected by. */
export interface InjectionRequest {
  pod: Pod;
  namespace: string;
  /** Whether every kubelet is new enough for native sidecars (1.33). */
  nativeSidecars: boolean;
}

/** A part of a pod: what the sidecar template makes. */
interface SidecarPart {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: { containers: Container[]; initContainers: Container[]; volumes: { name: string }[] };
}

/**
 * The pod with a sidecar, as istiod 1.32 with profile `ambient` makes it.
 *
 * Only the template `sidecar` is there; injected gateways are not. A pod that has been injected before is taken for a
 * new one.
 *
 * @throws {InjectionError} an annotation is invalid, or a template is named that is not there
 * @see istio/istio pkg/kube/inject/webhook.go, injectPod
 */
export function injectPod(config: InjectionConfig, { pod, namespace, nativeSidecars }: InjectionRequest): Pod {
  const wrong = wrongAnnotations(pod.metadata.annotations ?? {});
  if (wrong !== undefined) throw new InjectionError(`failed to run injection template: ${wrong}`);
  checkTemplates(pod);
  const input = templateInput(config, pod, namespace, nativeSidecars);
  const part = sidecarPart(input);
  const merged = strategicMerge(input.nativeSidecar ? withProxyAsInit(pod) : pod, part);
  const injected = structuredClone(withOverrides(merged, pod, part, input));
  return finish(injected, part, input);
}

function checkTemplates(pod: Pod): void {
  const names = pod.metadata.annotations?.['inject.istio.io/templates']?.split(',').map((name) => name.trim());
  const missing = names?.find((name) => name !== 'sidecar');
  if (missing === undefined) return;
  throw new InjectionError(
    `failed to run injection template: requested template "${missing}" not found; have ${templates.join(', ')}`,
  );
}

function sidecarPart(input: TemplateInput): SidecarPart {
  const init = input.interceptionMode === 'NONE' ? [] : [istioInit(input)];
  const proxy = sidecarContainer(input);
  return {
    metadata: sidecarMetadata(input),
    spec: {
      containers: input.nativeSidecar ? [] : [proxy],
      initContainers: input.nativeSidecar ? [...init, proxy] : init,
      volumes: sidecarVolumes(input),
    },
  };
}

/** A container `istio-proxy` by which a user adjusts the proxy goes where the proxy will be. */
function withProxyAsInit(pod: Pod): Pod {
  const own = pod.spec.containers.find(({ name }) => name === proxyContainer);
  if (own === undefined) return pod;
  const containers = pod.spec.containers.filter((container) => container !== own);
  return { ...pod, spec: { ...pod.spec, containers, initContainers: [...(pod.spec.initContainers ?? []), own] } };
}

/** What the user wrote into containers of the template's names wins; it is remembered in an annotation. */
function withOverrides(merged: Pod, original: Pod, part: SidecarPart, input: TemplateInput): Pod {
  const overrides: Partial<Record<'containers' | 'initContainers', Container[]>> = {};
  let result = merged;
  for (const list of ['containers', 'initContainers'] as const) {
    for (const { name } of part.spec[list]) {
      const own = findContainer(original, name);
      if (own === undefined) continue;
      const { image, ...rest } = own;
      const override: Container = { ...rest, ...(image !== undefined && image !== 'auto' && { image }) };
      (overrides[list] ??= []).push(override);
      result = strategicMerge(result, { spec: { [list]: [override] } });
    }
  }
  if (Object.keys(overrides).length === 0) return result;
  const annotations = { 'proxy.istio.io/overrides': JSON.stringify(overrides) };
  return withUserOfProxy(strategicMerge(result, { metadata: { annotations } }), original, input);
}

/**
 * The traffic of the proxy's user is not intercepted; that user may be the user's choice, but with TPROXY the proxy itself
 * runs as root all the same.
 *
 * @see istio/istio pkg/kube/inject/webhook.go, adjustInitContainerUser
 */
function withUserOfProxy(pod: Pod, original: Pod, { interceptionMode }: TemplateInput): Pod {
  const user = findProxy(original)?.securityContext?.runAsUser;
  const init = findContainer(pod, initContainer);
  if (typeof user !== 'number' || init?.args === undefined) return pod;
  const list = pod.spec.containers.some(({ name }) => name === proxyContainer) ? 'containers' : 'initContainers';
  const asRoot = { name: proxyContainer, securityContext: { runAsUser: 0 } };
  const adjusted = interceptionMode === 'TPROXY' ? strategicMerge(pod, { spec: { [list]: [asRoot] } }) : pod;
  if (user === 0) return adjusted;
  const args = init.args.with(init.args.indexOf('-u') + 1, String(user));
  return strategicMerge(adjusted, { spec: { initContainers: [{ name: initContainer, args }] } });
}

/** What no template can say. Changes the pod. */
function finish(pod: Pod, part: SidecarPart, input: TemplateInput): Pod {
  setNetwork(pod);
  mergeMetrics(pod, input.config.mesh);
  if (rewritesProbes(pod, input.config)) {
    const probes = applicationProbes(pod);
    if (probes !== undefined) findProxy(pod)?.env?.push({ name: 'ISTIO_KUBE_APP_PROBERS', value: probes });
    rewriteProbes(pod);
  }
  pod.metadata.annotations = { ...pod.metadata.annotations, 'sidecar.istio.io/status': status(part, input) };
  order(pod, input);
  return pod;
}

function setNetwork(pod: Pod): void {
  const network = pod.metadata.labels?.['topology.istio.io/network'];
  const proxy = findProxy(pod);
  if (network === undefined || proxy === undefined) return;
  const name = 'ISTIO_META_NETWORK';
  proxy.env = [...(proxy.env ?? []).filter((variable) => variable.name !== name), { name, value: network }];
}

function rewritesProbes(pod: Pod, { values }: InjectionConfig): boolean {
  const annotated = pod.metadata.annotations?.['sidecar.istio.io/rewriteAppHTTPProbers'];
  return annotated === undefined ? values.sidecarInjectorWebhook.rewriteAppHTTPProbe : annotated === 'true';
}

/** The annotation by which everybody knows that there is a sidecar, and what belongs to it. */
function status({ spec }: SidecarPart, { config }: TemplateInput): string {
  const names = (list: readonly { name: string }[]): string[] | null =>
    list.length === 0 ? null : list.map(({ name }) => name);
  return JSON.stringify({
    initContainers: names(spec.initContainers),
    containers: names(spec.containers),
    volumes: names(spec.volumes),
    imagePullSecrets: null,
    revision: config.values.revision || 'default',
  });
}

/** A native sidecar starts before everything else; another comes last, unless the application has to wait for it. */
function order({ spec }: Pod, input: TemplateInput): void {
  const init = spec.initContainers ?? [];
  spec.containers = holdsApplication(input)
    ? movedFirst(spec.containers, proxyContainer)
    : movedLast(spec.containers, proxyContainer);
  if (init.length === 0) return;
  const isNative = init.some(({ name }) => name === proxyContainer);
  spec.initContainers = isNative ? movedFirst(init, initContainer, proxyContainer) : movedLast(init, initContainer);
}
