/** Where a host of a VirtualService or DestinationRule is: in the namespace at hand, in another one, or outside the cluster. */
export type HostPlace = 'here' | 'elsewhere' | 'external';

/** The end of host names of Services where nobody has changed it (istiod's `--domain`). */
const CLUSTER_DOMAIN = '.svc.cluster.local';

/**
 * Where a host is. A wildcard that Services of the namespace match is `here`, whatever else matches it.
 *
 * @param host   a name such as `web`, `web.shop.svc.cluster.local` or `*.shop.svc.cluster.local`
 * @param home   namespace of the object that has the host: short names are of that namespace
 * @param namespace  the namespace at hand
 * @see istio/istio pkg/config/resource and pilot/pkg/model ResolveShortnameToFQDN: a name without dots is a Service's
 */
export function placeOf(host: string, home: string, namespace: string): HostPlace {
  if (host.startsWith('*')) return placeOfWildcard(host.slice(1), namespace);
  if (!host.includes('.')) return home === namespace ? 'here' : 'elsewhere';
  const [, found] = /^[^.]+\.([^.]+)\.svc(?:\.|$)/.exec(host) ?? [];
  if (found === undefined) return 'external';
  return found === namespace ? 'here' : 'elsewhere';
}

/** Name of the Service of the namespace that a host is; undefined for a wildcard and for a host elsewhere. */
export function serviceAt(host: string, home: string, namespace: string): string | undefined {
  if (host.startsWith('*') || placeOf(host, home, namespace) !== 'here') return undefined;
  return host.split('.')[0];
}

function placeOfWildcard(suffix: string, namespace: string): HostPlace {
  const [, found] = /\.([^.]+)\.svc(?:\.|$)/.exec(suffix) ?? [];
  if (found !== undefined) return found === namespace ? 'here' : 'elsewhere';
  return suffix.startsWith('.svc.') || CLUSTER_DOMAIN.endsWith(suffix) ? 'here' : 'external';
}
