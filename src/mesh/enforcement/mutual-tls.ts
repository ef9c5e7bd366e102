import { compareAge } from '../ambient-index/namespaces.js';
import type { MeshPicture, PictureWorkload } from '../picture.js';
import { type PolicyObject, asRecord, selects, stringAt } from '../policy-object.js';

/** What a sidecar accepts on a port. `DISABLE`: nothing but plaintext. */
export type MutualTlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/**
 * Whether a connection shows who the caller is: by HBONE, or by the mutual TLS of sidecars. Only sidecars, and gateways with them, speak the latter:
 * ztunnel and waypoints reach a sidecar without HBONE in plaintext, and so does such a sidecar an ambient pod. Among themselves they
 * speak nothing else: where that is turned off, by the mesh or by the port, they send plaintext, even if both could tunnel.
 *
 * @param mode  what the sidecar that is called accepts on the port; of any other pod it says nothing
 * @see istio-ambient facts 6.1; istio/istio pilot/pkg/xds/endpoints/endpoint_builder.go, buildEnvoyLbEndpoint, and mtls_checker.go
 */
export function isAuthenticated(
  from: Pick<PictureWorkload, 'mode' | 'hbone' | 'gateway'> | 'waypoint',
  to: Pick<PictureWorkload, 'mode' | 'hbone'>,
  mode: MutualTlsMode,
  { settings }: Pick<MeshPicture, 'settings'>,
): boolean {
  if (to.mode === 'none') return false;
  const tunnels =
    from === 'waypoint' || from.gateway || from.mode === 'ambient' || (from.mode === 'sidecar' && from.hbone);
  if (to.mode === 'ambient') return tunnels;
  const isProxy = from !== 'waypoint' && (from.mode === 'sidecar' || from.gateway);
  return isProxy ? settings.enableAutoMtls && mode !== 'DISABLE' : tunnels && to.hbone;
}

/**
 * What the sidecar of a workload accepts on a port of the pod, by the oldest PeerAuthentication each of workload, namespace and mesh:
 * the nearer before the wider. Ports are read of the workload's own only.
 *
 * @see istio/istio pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication
 */
export function sidecarMutualTls(
  { namespace, labels }: Pick<PictureWorkload, 'namespace' | 'labels'>,
  port: number,
  { peerAuthentications, settings: { rootNamespace } }: Pick<MeshPicture, 'peerAuthentications' | 'settings'>,
): MutualTlsMode {
  const byAge = [...peerAuthentications].sort(compareAge);
  const wide = (place: string): PolicyObject | undefined =>
    byAge.find((peer) => peer.metadata.namespace === place && Object.keys(selectorOf(peer)).length === 0);
  const own = byAge.find(
    (peer) =>
      peer.metadata.namespace === namespace &&
      namespace !== rootNamespace &&
      Object.keys(selectorOf(peer)).length > 0 &&
      selects(selectorOf(peer), labels),
  );
  const modes = [
    modeOf(asRecord(asRecord(own?.spec)['portLevelMtls'])[String(port)]),
    ...[own, wide(namespace), wide(rootNamespace)].map((peer) => modeOf(asRecord(peer?.spec)['mtls'])),
  ];
  return modes.find((mode) => mode !== undefined) ?? 'PERMISSIVE';
}

function selectorOf(peer: PolicyObject): Readonly<Record<string, unknown>> {
  return asRecord(asRecord(asRecord(peer.spec)['selector'])['matchLabels']);
}

/** Undefined where the wider one is asked. */
function modeOf(mtls: unknown): MutualTlsMode | undefined {
  const mode = stringAt(asRecord(mtls), 'mode');
  return mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : undefined;
}
