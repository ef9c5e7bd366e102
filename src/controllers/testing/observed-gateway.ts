import type { Gateway } from '../../api/gateway-api.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Namespace } from '../../kube/types.js';
import { waypointInputs } from '../../mesh/waypoint-inputs.js';
import type { Action } from '../gateway/decision.js';
import type { Observed } from '../gateway/observed.js';

/** DNS name of the Service of {@link gateway}. */
export const HOST = 'wp.shop.svc.cluster.local';

const inputs = waypointInputs(
  {},
  {
    global: {
      hub: 'example.com',
      tag: '1',
      istioNamespace: 'istio-system',
      pilotCertProvider: 'istiod',
      logging: { level: 'default:info' },
      proxy: { image: 'proxyv2', clusterDomain: 'cluster.local', logLevel: 'warning' },
    },
  },
);

/**
 * The Gateway `wp` of class `istio`, generation 2.
 *
 * @param seen  the generation that istiod has called programmed
 */
export const gateway = (
  spec: Partial<Gateway['spec']> = {},
  metadata: Partial<Gateway['metadata']> = {},
  seen = 1,
): Gateway => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'wp', namespace: 'shop', uid: 'u1', generation: 2, ...metadata },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }], ...spec },
  status: { conditions: [{ type: 'Programmed', status: 'True', reason: '', message: '', observedGeneration: seen }] },
});

/** An object that belongs to that Gateway. */
export const owned = (name: string, labels: Record<string, string>, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'any',
  metadata: {
    name,
    namespace: 'shop',
    labels,
    ownerReferences: [{ apiVersion: '', kind: 'Gateway', name: 'wp', uid: 'u1' }],
  },
  ...more,
});

/** Its Namespace. */
export const namespace = (metadata: Partial<Namespace['metadata']> = {}): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', uid: 'n1', ...metadata },
});

/** That Gateway, of which there is nothing yet. */
export const observed = (of: Partial<Observed> = {}): Observed => ({
  gateway: gateway(),
  namespace: namespace(),
  inputs: { found: inputs },
  meshHash: 'mesh',
  others: [],
  defaults: [],
  parameters: [],
  sizes: undefined,
  live: [],
  bound: [],
  dependents: [],
  users: [],
  taken: undefined,
  nowMs: 0,
  ...of,
});

/** What is done, in words. */
export const told = (actions: readonly Action[]): string[] =>
  actions.map((action) => {
    if (action.type === 'apply') return `apply ${action.kind.kind}`;
    if (action.type === 'delete') return `delete ${action.target.object.metadata.name}`;
    return action.type === 'scale' ? `scale to ${action.replicas}` : action.type;
  });
