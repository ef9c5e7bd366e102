import type { PolicyObject } from '../../../src/mesh/policy-object.js';

/** The namespace of generated VirtualServices, and another one. */
export const SHOP = 'shop';
export const OTHER = 'other';

/** An object of either namespace. */
export function objectOf(apiVersion: string, kind: string, name: string, spec: object, namespace = SHOP): PolicyObject {
  return { apiVersion, kind, metadata: { name, namespace }, spec };
}

const service = (name: string, ports: object[], namespace = SHOP): PolicyObject =>
  objectOf('v1', 'Service', name, { selector: { app: name }, ports }, namespace);

const http = { name: 'http', port: 80, targetPort: 8080 };
const admin = { name: 'http-admin', port: 8081, targetPort: 8081 };
const labelled = (name: string): object => ({ name, labels: { version: name } });

/** Services that generated VirtualServices name, and the subsets of two of them. */
export const MESH: readonly PolicyObject[] = [
  service('web', [http]),
  service('api', [http, admin, { name: 'tcp-db', port: 5432 }]),
  service('cart', [http], OTHER),
  objectOf('networking.istio.io/v1', 'DestinationRule', 'web', {
    host: 'web',
    subsets: [labelled('v1'), labelled('v2')],
  }),
  objectOf('networking.istio.io/v1', 'DestinationRule', 'api', {
    host: 'api.shop.svc.cluster.local',
    trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } },
    subsets: [{ ...labelled('v1'), trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }],
  }),
];

/** A request, as routes look at it. */
export interface RoutedRequest {
  readonly port: number;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}
