import { meshPicture, type MeshPicture, type PictureObjects, type PictureSettings } from '../../../src/mesh/picture.js';
import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import type { FormsScope } from '../../../src/mesh/translation/ambient-forms.js';
import type { TargetService } from '../../../src/mesh/translation/selection.js';
import type { AccountedPods } from '../../../src/mesh/translation/ways-around.js';
import { policyScope } from '../policies.js';

/* A mesh of three workloads in a namespace `shop` with a waypoint, and one elsewhere that calls: for tests about forms of policies. */

/** The issuer whose tokens a sidecar takes. */
export const ISSUER = 'https://issuer.example';
const names = ['web', 'api', 'db'] as const;

/** Workloads of the namespace, each with an account of its name. */
export const groups: readonly AccountedPods[] = names.map((name) => ({
  name: `Deployment/${name}`,
  labels: { app: name },
  account: name,
  ports: [{ containerPort: 80 }],
}));

/** A Service of the namespace; its pods are those of a workload. */
export const service = (name: string, spec: object = {}): TargetService => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 8000, targetPort: 80 }], ...spec },
});

/** What forms are made for: all Services have a waypoint but that of `db`, which has no Service. */
export const scope: FormsScope = {
  namespace: 'shop',
  rootNamespace: 'istio-system',
  waypoint: { name: 'waypoint', namespace: 'shop', account: 'waypoint' },
  services: [service('web'), service('api')],
  pods: groups,
  mesh: policyScope().mesh,
};

/** A policy of the namespace. */
export function policy(spec: object, kind = 'AuthorizationPolicy', name = 'p', namespace = 'shop'): PolicyObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { name, namespace }, spec };
}

/** The part of a policy that chooses the workload which is called. */
export const ofApi = { selector: { matchLabels: { app: 'api' } } };
/** A part of a rule: who calls. */
export const from = (source: object): object => ({ from: [{ source }] });
/** A part of a rule: what is asked for. */
export const to = (operation: object): object => ({ to: [{ operation }] });
/** A caller in the namespace. */
export const web = 'cluster.local/ns/shop/sa/web';
/** The waypoint of the namespace, as a caller. */
export const waypoint = 'cluster.local/ns/shop/sa/waypoint';
/** A part of a rule that only a proxy for HTTP understands. */
export const gets = to({ methods: ['GET'] });
/** Sidecars look at tokens. */
export const tokens = policy({ ...ofApi, jwtRules: [{ issuer: ISSUER }] }, 'RequestAuthentication');

/** How pods stand in the mesh. */
export type Mode = 'sidecar' | 'ambient' | 'none';

/** Whose pods stand how, and what is there beside the policies. */
export interface Plot {
  readonly policies: readonly PolicyObject[];
  readonly caller: Mode;
  readonly server: Mode;
  readonly bound: boolean;
  /** The server's pods come without the label of their template. */
  readonly unlabelled?: boolean;
}

function pod(
  name: string,
  namespace: string,
  mode: Mode,
  address: number,
  isLabelled: boolean,
): PictureObjects['pods'][number] {
  const isSidecar = mode === 'sidecar';
  return {
    metadata: {
      name,
      namespace,
      labels: {
        app: name,
        ...(isSidecar && { 'networking.istio.io/tunnel': 'http' }),
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
export function draw({ policies, caller, server, bound, unlabelled = false }: Plot, calls: string): MeshPicture {
  return meshPicture(...drawn(policies, calls, caller, server, bound, unlabelled));
}

/** The objects and settings of such a mesh. */
export function drawn(
  policies: readonly PolicyObject[],
  calls: string,
  caller: Mode,
  server: Mode,
  bound = false,
  unlabelled = false,
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
    },
  ];
}
