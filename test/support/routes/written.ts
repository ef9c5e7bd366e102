import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import {
  type RouteTranslation,
  virtualServiceRoutes,
} from '../../../src/mesh/translation/routes/virtual-service-routes.js';
import { OTHER, SHOP } from './mesh.js';

/** An object, as the tests of routes write it. */
export const object = (
  kind: string,
  name: string,
  spec: object,
  namespace = SHOP,
  marks: object = {},
): PolicyObject => ({
  kind,
  metadata: { name, namespace, ...marks },
  spec,
});

/** A Service on port 80. */
export const service = (name: string, spec: object = {}, namespace = SHOP, marks: object = {}): PolicyObject =>
  object('Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80 }], ...spec }, namespace, marks);

/** A DestinationRule with the subset `v1` of a Service. */
export const subsets = (name: string, spec: object = {}): PolicyObject =>
  object('DestinationRule', name, { host: name, subsets: [{ name: 'v1', labels: { version: 'v1' } }], ...spec });

/** A Service with several ports. */
export const severalPorts = {
  ports: [
    { name: 'http', port: 80, targetPort: 8080, nodePort: 30_080 },
    { name: 'http-admin', port: 90 },
    { name: 'tcp-db', port: 5432 },
  ],
};

const WORLD: readonly PolicyObject[] = [
  service('web'),
  service('api', severalPorts),
  service('quiet', { clusterIP: 'None' }),
  service('cart', {}, OTHER),
  subsets('web'),
];

/** What becomes of a VirtualService `web` of the host `web`, unless it says otherwise. */
export function translated(spec: object, objects: readonly PolicyObject[] = WORLD, namespace = SHOP): RouteTranslation {
  const virtualService = object('VirtualService', 'web', { hosts: ['web'], ...spec }, namespace);
  return virtualServiceRoutes(virtualService, { namespace: SHOP, objects: [virtualService, ...objects] });
}

/** Destinations of a rule. */
export const web = { destination: { host: 'web' } };
export const elsewhere = { destination: { host: 'api', port: { number: 80 } } };
export const v1 = { destination: { host: 'web', subset: 'v1' } };

/** VirtualServices of one rule. */
export const rule = (fields: object): object => ({ http: [{ route: [web], ...fields }] });
export const match = (fields: object): object => rule({ match: [fields] });
export const to = (...route: object[]): object => rule({ route });

/** One with two rules that send requests to different places. */
export const two = (first: object, second: object): object => ({
  http: [
    { match: [first], route: [web] },
    { match: [second], route: [elsewhere] },
  ],
});

export const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** What is refused of a VirtualService: the path that is named, the VirtualService, and what is there if that matters. */
export type Refused = readonly [at: string, spec: object, ...objects: PolicyObject[]];
