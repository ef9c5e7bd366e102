import type { PictureObjects, PictureSettings } from '../../src/mesh/picture.js';
import type { PolicyObject } from '../../src/mesh/policy-object.js';

/** How a pod of a small mesh takes part in it. */
export type SmallMode = 'ambient' | 'sidecar' | 'sidecar without HBONE' | 'none';

export type SmallPod = PictureObjects['pods'][number];

/** A Service of namespace `shop`. */
export interface SmallService {
  readonly name: string;
  readonly selector: Record<string, string>;
  /** (http) */
  readonly portName?: string;
  readonly isHeadless?: boolean;
}

/** A mesh of a few pods; waypoint `waypoint` of `shop` is there, and used if `isBound`. */
export interface SmallMesh {
  readonly pods: readonly SmallPod[];
  readonly services: readonly SmallService[];
  readonly policies: readonly PolicyObject[];
  readonly isBound?: boolean;
}

export const smallSettings: PictureSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  enableAutoMtls: true,
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

/** A pod of the account of its own name, labelled `app: <name>`. */
export function smallPod(
  name: string,
  mode: SmallMode,
  { namespace = 'shop', ip, labels = {} }: { namespace?: string; ip: string; labels?: Record<string, string> },
): SmallPod {
  const isSidecar = mode.startsWith('sidecar');
  return {
    metadata: {
      name,
      namespace,
      labels: { app: name, ...labels, ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }) },
      annotations: {
        ...(isSidecar && { 'sidecar.istio.io/status': '{}' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
    },
    spec: {
      serviceAccountName: name,
      containers: [{ name: 'app' }, ...(isSidecar ? [{ name: 'istio-proxy' }] : [])],
    },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
}

/** The objects of a small mesh. Port 80 of its Services leads to 8080. */
export function smallObjects({ pods, services, policies, isBound = false }: SmallMesh): PictureObjects {
  const of = (kind: string): PolicyObject[] => policies.filter((policy) => policy.kind === kind);
  const bound = { 'istio.io/use-waypoint': 'waypoint', 'istio.io/ingress-use-waypoint': 'true' };
  const namespaces = [...new Set(['shop', ...pods.map(({ metadata }) => metadata.namespace ?? '')])];
  return {
    namespaces: namespaces.map((name) => ({
      metadata: { name, labels: name === 'shop' && isBound ? bound : {} },
    })),
    nodes: [],
    pods,
    services: services.map(({ name, selector, portName = 'http', isHeadless = false }, index) => ({
      metadata: { name, namespace: 'shop' },
      spec: {
        clusterIP: isHeadless ? 'None' : `10.96.0.${index + 1}`,
        selector,
        ports: [{ name: portName, port: 80, targetPort: 8080 }],
      },
    })),
    endpointSlices: [],
    serviceEntries: [],
    workloadEntries: [],
    gateways: [
      {
        metadata: { name: 'waypoint', namespace: 'shop' },
        spec: { gatewayClassName: 'istio-waypoint', listeners: [{ port: 15008, protocol: 'HBONE' }] },
        status: { addresses: [{ type: 'Hostname', value: 'waypoint.shop.svc.cluster.local' }] },
      },
    ],
    gatewayClasses: [],
    authorizationPolicies: of('AuthorizationPolicy'),
    requestAuthentications: of('RequestAuthentication'),
    peerAuthentications: of('PeerAuthentication'),
  };
}
