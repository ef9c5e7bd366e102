import type { LocalConfig, LocalPolicy, LocalService, LocalWorkload } from '../../../../src/mesh/ztunnel-config.js';
import type { Marks, MeshObject } from '../objects.js';

/** A namespace, and what ztunnel is told of it. */
export interface AmbientCase {
  title: string;
  /** Labels and annotations of the namespace. */
  marks?: Marks;
  objects: (namespace: string) => MeshObject[];
  /** Objects of the root namespace; nothing else is looked at while they are there. */
  root?: MeshObject[];
  /** What of the configuration is the point of the case. */
  look: (config: LocalConfig) => unknown;
  is: (namespace: string) => unknown;
}

export const policyIn =
  (name: string) =>
  ({ policies }: LocalConfig): LocalPolicy | undefined =>
    policies.find((policy) => policy.name === name);
export const workloadIn =
  (name: string) =>
  ({ workloads }: LocalConfig): LocalWorkload | undefined =>
    workloads.find((workload) => workload.name === name);
export const serviceIn =
  (name: string) =>
  ({ services }: LocalConfig): LocalService | undefined =>
    services.find((service) => service.name === name);
export const rulesOf = (name: string) => (config: LocalConfig) => policyIn(name)(config)?.rules;
export const attachedTo = (name: string) => (config: LocalConfig) => workloadIn(name)(config)?.authorizationPolicies;

export const port80 = [{ name: 'http', port: 80, targetPort: 8080 }];
export const app = (name: string): Marks => ({ labels: { app: name } });
export const toService = (name: string, namespace: string): object => ({
  destination: `${namespace}/${name}.${namespace}.svc.cluster.local`,
  hboneMtlsPort: 15008,
});
export const noPrincipal = { notPrincipals: [{ Presence: [] }] };
export const uses = (waypoint: string, more: Record<string, string> = {}): Record<string, string> => ({
  'istio.io/use-waypoint': waypoint,
  ...more,
});
