import { meshPicture, type MeshPicture, type PictureObjects, type PictureSettings } from '../../../src/mesh/picture.js';
import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import { scope } from '../forms.js';

/* A mesh of three workloads in a namespace `shop` with a waypoint, and one elsewhere that calls: for tests about forms of policies. */

/** How pods stand in the mesh; `old` is a sidecar that does not speak HBONE. */
export type Mode = 'sidecar' | 'old' | 'ambient' | 'none';

/** External authorizers that there are; they let in what they are asked about. */
export type Providers = NonNullable<PictureSettings['authorizationProviders']>;

/** Whose pods stand how, and what is there beside the policies. */
export interface Plot {
  readonly policies: readonly PolicyObject[];
  readonly caller: Mode;
  readonly server: Mode;
  readonly bound: boolean;
  /** The server's pods come without the label of their template. */
  readonly unlabelled?: boolean;
  /** (none: what is asked of one is refused) */
  readonly providers?: Providers;
}

function pod(
  name: string,
  namespace: string,
  mode: Mode,
  address: number,
  isLabelled: boolean,
): PictureObjects['pods'][number] {
  const isSidecar = mode === 'sidecar' || mode === 'old';
  return {
    metadata: {
      name,
      namespace,
      labels: {
        app: name,
        ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }),
        ...(mode === 'ambient' && isLabelled && { 'istio.io/dataplane-mode': 'ambient' }),
      },
      annotations: {
        ...(isSidecar && { 'sidecar.istio.io/status': '{}' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
    },
    spec: { serviceAccountName: name, containers: [{ name: 'app' }, ...(isSidecar ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${address}` }] },
  };
}

/** The mesh at one moment, with a caller by its name. */
export function draw(plot: Plot, calls: string): MeshPicture {
  return meshPicture(...drawn(plot, calls));
}

/** The objects and settings of such a mesh. */
export function drawn(
  { policies, caller, server, bound, unlabelled = false, providers = {} }: Plot,
  calls: string,
): [PictureObjects, PictureSettings] {
  const of = (kind: string): PolicyObject[] => policies.filter((one) => one.kind === kind);
  const mesh = scope.mesh;
  return [
    {
      namespaces: [
        { metadata: { name: 'shop', labels: bound ? { 'istio.io/use-waypoint': 'waypoint' } : {} } },
        { metadata: { name: 'other' } },
      ],
      nodes: [],
      pods: [
        pod('api', 'shop', server, 1, !unlabelled),
        pod(calls, calls === 'sleep' ? 'other' : 'shop', caller, 2, true),
      ],
      services: [
        {
          metadata: { name: 'api', namespace: 'shop' },
          spec: {
            clusterIP: '10.96.0.1',
            selector: { app: 'api' },
            ports: [{ name: 'http', port: 8000, targetPort: 80 }],
          },
        },
      ],
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
      peerAuthentications: [],
    },
    {
      ...mesh,
      clusterId: 'Kubernetes',
      clusterDomain: 'cluster.local',
      rootNamespace: 'istio-system',
      systemNamespace: 'istio-system',
      revision: 'default',
      authorizationProviders: providers,
    },
  ];
}
