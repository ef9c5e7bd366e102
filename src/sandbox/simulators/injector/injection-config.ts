import { parse } from 'yaml';
import type { ConfigMap } from '../../../kube/types.js';

/** What a proxy is started with, as in `ProxyConfig` of istio/api; only what is read here is named. */
export interface ProxyConfig {
  interceptionMode?: string;
  holdApplicationUntilProxyStarts?: boolean;
  statusPort?: number;
  image?: { imageType?: string };
  proxyMetadata?: Record<string, string>;
  [field: string]: unknown;
}

/** `mesh` of ConfigMap `istio`. */
export interface MeshConfig {
  rootNamespace: string;
  trustDomain: string;
  enablePrometheusMerge: boolean;
  defaultConfig: ProxyConfig;
}

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** Values of the istiod chart that templates read (`values` of ConfigMap `istio-sidecar-injector`). */
export interface Values {
  revision?: string;
  gateways?: { securityContext?: object; seccompProfile?: object };
  global: {
    hub: string;
    tag: string | number;
    variant?: string;
    imagePullPolicy?: string;
    imagePullSecrets?: string[];
    istioNamespace: string;
    caAddress?: string;
    pilotCertProvider: string;
    network?: string;
    meshID?: string;
    multiCluster?: { clusterName?: string };
    logging: { level: string };
    logAsJson?: boolean;
    sds: { token: { aud: string } };
    proxy: {
      image: string;
      clusterDomain: string;
      logLevel: string;
      componentLogLevel: string;
      privileged: boolean;
      includeIPRanges: string;
      excludeIPRanges: string;
      includeInboundPorts: string;
      excludeInboundPorts: string;
      includeOutboundPorts?: string;
      excludeOutboundPorts?: string;
      holdApplicationUntilProxyStarts?: boolean;
      statusPort: number;
      readinessInitialDelaySeconds: number;
      readinessPeriodSeconds: number;
      readinessFailureThreshold: number;
      startupProbe: { enabled: boolean; failureThreshold: number };
      resources: Resources;
    };
    proxy_init: { image: string };
    waypoint: {
      resources?: Resources;
      affinity?: object;
      topologySpreadConstraints?: object[];
      nodeSelector?: object;
      tolerations?: object[];
    };
  };
  sidecarInjectorWebhook: { rewriteAppHTTPProbe: boolean };
}

/** What injection and the deployment of gateways are configured by. */
export interface InjectionConfig {
  mesh: MeshConfig;
  values: Values;
}

/**
 * Reads the configuration as istiod does from its two ConfigMaps; what they leave out has the default of istiod.
 *
 * @param istio  ConfigMap `istio`
 * @param injector  ConfigMap `istio-sidecar-injector`
 * @see istio/istio pkg/config/mesh/mesh.go, DefaultMeshConfig
 */
export function injectionConfig(istio: ConfigMap, injector: ConfigMap): InjectionConfig {
  const mesh = parse(istio.data?.mesh ?? '') as Partial<MeshConfig> | null;
  return {
    mesh: {
      rootNamespace: mesh?.rootNamespace ?? 'istio-system',
      trustDomain: mesh?.trustDomain ?? 'cluster.local',
      enablePrometheusMerge: mesh?.enablePrometheusMerge ?? true,
      defaultConfig: mesh?.defaultConfig ?? {},
    },
    values: JSON.parse(injector.data?.values ?? '{}') as Values,
  };
}
