import { parse } from 'yaml';
import type { PictureObjects, PictureSettings } from '../mesh/picture.js';
import { type MeshSettings, meshSettings } from '../mesh/mesh-settings.js';
import { pictureSettings } from '../mesh/picture-settings.js';
import { type PolicyObject, asRecord } from '../mesh/policy-object.js';
import { standInPods } from '../mesh/stand-in-pods.js';
import { InputError } from './failures.js';
import { isOfCluster, knownKind } from './manifest-kinds.js';
import type { Manifest } from './manifests.js';

/** A mesh as manifests declare it. */
export interface DeclaredMesh {
  readonly objects: PictureObjects;
  readonly settings: PictureSettings;
  /** What of it findings depend on. */
  readonly meshSettings: MeshSettings;
  /** All of them, with their namespaces. Kinds of other API groups than those that are read are named in full. */
  readonly manifests: readonly PolicyObject[];
  /** The same with the addresses that Services and Gateways would have in a cluster, and the ports that Services do not say. */
  readonly applied: readonly PolicyObject[];
}

/** Where the mesh's configuration is looked for. */
export const SYSTEM_NAMESPACE = 'istio-system';

/**
 * The mesh that manifests declare, as it would be once they are applied: each workload has a pod, each Service an address, and each Gateway
 * for HBONE one that others reach it by. MeshConfig is that of ConfigMap `istio` in `istio-system`, if there is one.
 *
 * @param namespace  of objects that name none
 * @throws {InputError} that ConfigMap holds no YAML
 */
export function declaredMesh(manifests: readonly Manifest[], namespace: string): DeclaredMesh {
  const placed = manifests.map((manifest) => placedIn(manifest, namespace));
  const of = <T>(kind: string): T[] => placed.filter((object) => object.kind === kind) as T[];
  const namespaces = of<PictureObjects['namespaces'][number]>('Namespace');
  const labels = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const pods = of<PictureObjects['pods'][number]>('Pod');
  const services = of<PictureObjects['services'][number]>('Service').map(withDefaults);
  const gateways = of<PictureObjects['gateways'][number]>('Gateway').flatMap((gateway) => withHostname(gateway));
  const others = placed.filter(({ kind }) => kind !== 'Service' && kind !== 'Gateway');
  const mesh = meshConfig(of<PolicyObject & { readonly data?: Readonly<Record<string, string>> }>('ConfigMap'));
  return {
    objects: {
      namespaces,
      nodes: of('Node'),
      pods: [...pods, ...standInPods(placed, (name) => labels.get(name) ?? {})],
      services,
      endpointSlices: of('EndpointSlice'),
      serviceEntries: of('ServiceEntry'),
      workloadEntries: of('WorkloadEntry'),
      gateways,
      gatewayClasses: of('GatewayClass'),
      authorizationPolicies: of('AuthorizationPolicy'),
      requestAuthentications: of('RequestAuthentication'),
      peerAuthentications: of('PeerAuthentication'),
    },
    settings: pictureSettings({ mesh, values: {} }, SYSTEM_NAMESPACE),
    meshSettings: meshSettings(mesh, `ConfigMap/${SYSTEM_NAMESPACE}/istio`),
    manifests: placed,
    applied: [...others, ...([...services, ...gateways] as unknown as PolicyObject[])],
  };
}

/** By the kind and in the namespace that it is known by. */
function placedIn(manifest: Manifest, namespace: string): PolicyObject {
  const kind = knownKind(manifest);
  const isPlaced = isOfCluster(kind) || manifest.metadata.namespace !== undefined;
  return { ...manifest, kind, metadata: isPlaced ? manifest.metadata : { ...manifest.metadata, namespace } };
}

/**
 * As the API server would keep it: with the port of pods where only that of the Service is said, and with an address, if it has one in a
 * cluster.
 */
function withDefaults(service: PictureObjects['services'][number], index: number): PictureObjects['services'][number] {
  const { clusterIP = '', type, ports } = service.spec ?? {};
  const isPlaced = clusterIP !== '' || type === 'ExternalName';
  const spec = {
    ...service.spec,
    ...(ports && { ports: ports.map((one) => ({ ...one, targetPort: one.targetPort || one.port })) }),
    ...(!isPlaced && { clusterIP: `241.0.${(index >> 8) & 255}.${index & 255}` }),
  };
  return { ...service, spec };
}

/** What serves HBONE gets an address by its name; a Gateway of Istio's own API is none of these. */
function withHostname(gateway: PictureObjects['gateways'][number]): PictureObjects['gateways'][number][] {
  const { metadata, spec, status } = gateway;
  if (asRecord(spec)['gatewayClassName'] === undefined) return [];
  const serves = (spec.listeners ?? []).some(({ protocol, port }) => protocol === 'HBONE' && port === 15008);
  if (!serves || (status?.addresses ?? []).length > 0) return [gateway];
  const value = `${metadata.name}.${metadata.namespace ?? ''}.svc.cluster.local`;
  return [{ ...gateway, status: { addresses: [{ type: 'Hostname', value }] } }];
}

function meshConfig(
  configMaps: readonly (PolicyObject & { readonly data?: Readonly<Record<string, string>> })[],
): Readonly<Record<string, unknown>> {
  const found = configMaps.find(({ metadata }) => metadata.name === 'istio' && metadata.namespace === SYSTEM_NAMESPACE);
  return asRecord(parsed(found?.data?.['mesh'] ?? ''));
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new InputError(`ConfigMap ${SYSTEM_NAMESPACE}/istio, data.mesh: ${(error as Error).message}`);
  }
}
