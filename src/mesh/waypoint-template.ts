/**
 * The `waypoint` templates whose rendering `cdk8s/waypoint.ts` equals, by hash, with the Istio versions that they belong to.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export const KNOWN_TEMPLATES: Readonly<Record<string, string>> = {
  '78ffc4dabee6ebb2': '1.31 (istio/istio eed52ebb66ad)',
};

/**
 * Whether we render what this template renders. If not, a waypoint of ours could lack what this Istio needs: use class
 * `istio-waypoint`, whose waypoints istiod deploys itself.
 *
 * @param text  `templates.waypoint` of the parsed key `config` of ConfigMap `istio-sidecar-injector[-REV]`
 */
export function isKnownTemplate(text: string): boolean {
  return Object.hasOwn(KNOWN_TEMPLATES, templateHash(text));
}

/**
 * A hash that tells templates apart: FNV-1a of the UTF-16 units with two primes, 32 bits each. Space around the text does not
 * count: charts differ in the newlines at its end.
 */
export function templateHash(text: string): string {
  const trimmed = text.trim();
  return [0x01000193, 0x85ebca6b].map((prime) => fnv1a(trimmed, prime).toString(16).padStart(8, '0')).join('');
}

function fnv1a(text: string, prime: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  return hash >>> 0;
}
