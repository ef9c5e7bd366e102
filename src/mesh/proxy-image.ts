import { ANNOTATION } from '../api/labels.js';
import type { ProxyConfig } from './proxy-config.js';

/** Parts of the URL of a proxy's image. */
export interface ProxyImage {
  /** Registry and path. `values.global.hub` */
  readonly hub: string;
  /** `values.global.proxy.image` (`proxyv2`); with a slash in it, it is the whole URL. */
  readonly name: string;
  /** `values.global.tag` */
  readonly tag: string;
  /** Ending of the tag, unless something nearer says otherwise; empty for none. `values.global.variant` */
  readonly variant: string;
}

/** @see istio/istio pkg/kube/inject/inject.go, KnownImageTypes */
const KNOWN_TYPES = ['distroless', 'debug'];

/**
 * URL of the image of a Gateway's proxy. Its variant is what the annotation says, else the proxy's configuration, else the
 * mesh's.
 *
 * @param annotations  the Gateway's own
 * @see istio/istio pkg/kube/inject/inject.go, ProxyImage; manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export function proxyImageUrl(
  image: ProxyImage,
  config: ProxyConfig,
  annotations: Readonly<Record<string, string>>,
): string {
  const whole = annotations[ANNOTATION.proxyImage] ?? image.name;
  // A bare name in the annotation means nothing to the template.
  if (whole.includes('/')) return whole;
  const { imageType } = (config.image ?? {}) as { imageType?: string };
  const type = annotations[ANNOTATION.proxyImageType] ?? (imageType || image.variant);
  return `${image.hub}/${image.name || 'proxyv2'}:${tagOf(image.tag, type)}`;
}

function tagOf(tag: string, type: string): string {
  if (type === '') return tag;
  const known = KNOWN_TYPES.find((ending) => tag.endsWith(`-${ending}`));
  const plain = known === undefined ? tag : tag.slice(0, -known.length - 1);
  return type === 'default' ? plain : `${plain}-${type}`;
}
