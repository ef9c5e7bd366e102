import { LABEL } from '../api/labels.js';
import { effectiveProxyConfig, mergedProxyConfig, type ProxyConfig, type ProxyConfigObject } from './proxy-config.js';
import type { ProxyImage } from './proxy-image.js';

/** Plain JSON or YAML, already parsed. */
type Json = Readonly<Record<string, unknown>>;

/**
 * What istiod's template `waypoint` reads besides the Gateway. `mesh.…` is a field of ConfigMap `istio[-REV]`, key `mesh`;
 * `values.…` of ConfigMap `istio-sidecar-injector[-REV]`, key `values`. Where a text is empty or a field undefined, the
 * template leaves out what it fills.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export interface WaypointInputs {
  /** Revision of istiod, `default` if it has none. `values.revision` */
  readonly revision: string;
  readonly image: ProxyImage;
  /** `values.global.imagePullPolicy` */
  readonly imagePullPolicy: string;
  /** Names of Secrets. `values.global.imagePullSecrets` */
  readonly imagePullSecrets: readonly string[];
  /** `values.global.waypoint.affinity` */
  readonly affinity: Json | undefined;
  /** `values.global.waypoint.topologySpreadConstraints` */
  readonly topologySpreadConstraints: readonly unknown[] | undefined;
  /** `values.global.waypoint.nodeSelector` */
  readonly nodeSelector: Json | undefined;
  /** `values.global.waypoint.tolerations` */
  readonly tolerations: readonly unknown[] | undefined;
  /** `values.global.waypoint.resources`, without nulls */
  readonly resources: Json | undefined;
  /** `values.global.proxy.clusterDomain` */
  readonly clusterDomain: string;
  /** Of Envoy. `values.global.proxy.logLevel` */
  readonly logLevel: string;
  /** Of parts of Envoy. `values.global.proxy.componentLogLevel` */
  readonly componentLogLevel: string;
  /** Of the agent. `values.global.logging.level` */
  readonly agentLogLevel: string;
  /** `values.global.logAsJson` */
  readonly logAsJson: boolean;
  /** `values.global.proxy.outlierLogPath` */
  readonly outlierLogPath: string;
  /** `values.global.pilotCertProvider` */
  readonly certProvider: string;
  /** `host:port`. `values.global.caAddress`, else istiod of this revision in `values.global.istioNamespace` */
  readonly caAddress: string;
  /** `values.global.multiCluster.clusterName`, else `Kubernetes` */
  readonly clusterId: string;
  /** `values.global.network` */
  readonly network: string;
  /** `values.global.meshID`, else the trust domain */
  readonly meshId: string;
  /** `mesh.trustDomain` (`cluster.local` if it is not said), else `values.global.trustDomain` */
  readonly trustDomain: string;
  /** Whether user and group 1337 are set; OpenShift chooses its own. `values.global.platform` */
  readonly setsUser: boolean;
  /** `values.gateways.seccompProfile` */
  readonly seccompProfile: Json | undefined;
  /** Where istiod's root certificate is. `values.pilot.env.ENABLE_CLUSTER_TRUST_BUNDLE_API`, `values.global.trustBundleName` */
  readonly rootCertificate: { readonly kind: 'ConfigMap' | 'ClusterTrustBundle'; readonly name: string };
  /** `mesh.defaultConfig`; see {@link withProxyConfigs} for the objects that change it. */
  readonly proxyConfig: ProxyConfig;
  /** `mesh.rootNamespace` (`istio-system`): of class defaults and of ProxyConfigs for the whole mesh */
  readonly rootNamespace: string;
}

/** The mesh configuration lacks something that every installation of Istio has; the message says what, and where. */
export class MeshConfigurationError extends Error {
  override readonly name = 'MeshConfigurationError';
}

/** Names of the ConfigMaps that a revision of istiod is configured by, in its namespace. */
export function configMapsOf(revision: string): { mesh: string; injector: string } {
  const suffix = revision === '' || revision === 'default' ? '' : `-${revision}`;
  return { mesh: `istio${suffix}`, injector: `istio-sidecar-injector${suffix}` };
}

/**
 * Reads what waypoints are rendered from.
 *
 * @param mesh    parsed key `mesh` of ConfigMap `istio[-REV]`
 * @param values  parsed key `values` of ConfigMap `istio-sidecar-injector[-REV]`
 * @throws {MeshConfigurationError} naming the first value that is missing
 * @see istio/istio pkg/config/mesh/mesh.go, DefaultMeshConfig
 */
export function waypointInputs(mesh: Json, values: Json): WaypointInputs {
  const at = (path: string): unknown => path.split('.').reduce<unknown>((value, key) => fieldOf(value, key), values);
  const text = (path: string): string => printed(at(path));
  const required = (path: string): string => {
    if (text(path) !== '') return text(path);
    const where = `ConfigMap ${configMapsOf(text('revision')).injector}, key values`;
    throw new MeshConfigurationError(
      `values.${path} is missing in ${where}: install istiod with Istio's chart, or set it`,
    );
  };
  const object = (path: string): Json | undefined => filled(withoutNulls(at(path))) as Json | undefined;
  const list = (path: string): unknown[] | undefined => filled(at(path)) as unknown[] | undefined;
  const revision = text('revision');
  const trustDomain = trustDomainOf(mesh) || text('global.trustDomain');
  const caAddress = (): string =>
    `istiod${revision === '' ? '' : `-${revision}`}.${required('global.istioNamespace')}.svc:15012`;
  const usesBundle = text('pilot.env.ENABLE_CLUSTER_TRUST_BUNDLE_API') === 'true';
  const bundle = text('global.trustBundleName');
  return {
    revision: revision || 'default',
    image: {
      hub: required('global.hub'),
      name: text('global.proxy.image'),
      tag: required('global.tag'),
      variant: text('global.variant'),
    },
    imagePullPolicy: text('global.imagePullPolicy'),
    imagePullSecrets: (list('global.imagePullSecrets') ?? []).map(printed),
    affinity: object('global.waypoint.affinity'),
    topologySpreadConstraints: list('global.waypoint.topologySpreadConstraints'),
    nodeSelector: object('global.waypoint.nodeSelector'),
    tolerations: list('global.waypoint.tolerations'),
    resources: object('global.waypoint.resources'),
    clusterDomain: required('global.proxy.clusterDomain'),
    logLevel: required('global.proxy.logLevel'),
    componentLogLevel: text('global.proxy.componentLogLevel'),
    agentLogLevel: required('global.logging.level'),
    logAsJson: at('global.logAsJson') === true,
    outlierLogPath: text('global.proxy.outlierLogPath'),
    certProvider: required('global.pilotCertProvider'),
    caAddress: text('global.caAddress') || caAddress(),
    clusterId: text('global.multiCluster.clusterName') || 'Kubernetes',
    network: text('global.network'),
    meshId: text('global.meshID') || trustDomain,
    trustDomain,
    setsUser: text('global.platform') !== 'openshift',
    seccompProfile: object('gateways.seccompProfile'),
    rootCertificate: usesBundle
      ? { kind: 'ClusterTrustBundle', name: `istio.io:istiod-ca:${bundle || 'root-cert'}` }
      : { kind: 'ConfigMap', name: bundle || 'istio-ca-root-cert' },
    proxyConfig: mergedProxyConfig({}, (mesh.defaultConfig ?? {}) as ProxyConfig),
    rootNamespace: printed(mesh.rootNamespace) || 'istio-system',
  };
}

/**
 * The inputs for one Gateway: with the ProxyConfigs (networking.istio.io) that concern it.
 *
 * @param objects  of the root namespace and of the Gateway's; others are passed over
 */
export function withProxyConfigs(
  inputs: WaypointInputs,
  objects: readonly ProxyConfigObject[],
  gateway: { readonly name: string; readonly namespace: string },
): WaypointInputs {
  const { rootNamespace, proxyConfig } = inputs;
  const labels = { [LABEL.gatewayName]: gateway.name };
  const proxy = { namespace: gateway.namespace, rootNamespace, labels };
  return { ...inputs, proxyConfig: effectiveProxyConfig(proxyConfig, objects, proxy) };
}

/** Only a trust domain that is not said is `cluster.local`; an empty one is empty. */
function trustDomainOf(mesh: Json): string {
  const given = mesh.trustDomain ?? mesh.trust_domain;
  return given === undefined || given === null ? 'cluster.local' : printed(given);
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[key] : undefined;
}

/** As a template prints it: a tag may be a number. */
function printed(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? `${value}` : '';
}

/** A map or list if a template's `if` takes it for true: if something is in it. */
function filled(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? value : undefined;
}

/** Helm's way to unset a default is null. @see istio/istio pkg/kube/inject/template.go, omitNil */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? undefined;
  const entries = Object.entries(value).map(([key, child]) => [key, withoutNulls(child)] as const);
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
}
