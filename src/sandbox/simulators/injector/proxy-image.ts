import type { ProxyConfig, Values } from './injection-config.js';

const knownTypes = ['distroless', 'debug'];

/**
 * URL of the proxy's image: hub, name and tag of the chart, with the type of image as the tag's ending.
 *
 * @param config  of the proxy; its type of image beats the variant of the chart, the annotation beats both
 * @see istio/istio pkg/kube/inject/inject.go, ProxyImage
 */
export function proxyImage(
  values: Values,
  name: string,
  annotations: Record<string, string>,
  config?: ProxyConfig,
): string {
  const type =
    annotations['sidecar.istio.io/proxyImageType'] ?? (config?.image?.imageType || (values.global.variant ?? ''));
  return `${values.global.hub}/${name}:${withType(String(values.global.tag), type)}`;
}

function withType(tag: string, type: string): string {
  if (type === '') return tag;
  const known = knownTypes.find((ending) => tag.endsWith(`-${ending}`));
  const plain = known === undefined ? tag : tag.slice(0, -known.length - 1);
  return type === 'default' ? plain : `${plain}-${type}`;
}
