import { type PolicyScope, policyFindings } from '../../src/mesh/policies.js';
import type { PolicyObject } from '../../src/mesh/policy-object.js';

/** Builders of what policy analysis looks at. Tests override what they are about. */

/** Namespace `shop` with pods `app: web`, in a mesh with Istio's defaults. */
export function policyScope(overrides: Partial<PolicyScope> = {}): PolicyScope {
  return {
    namespace: 'shop',
    rootNamespace: 'istio-system',
    workloadLabels: [{ app: 'web' }],
    probes: [],
    mesh: {
      trustDomain: 'cluster.local',
      trustDomainAliases: [],
      outboundTrafficPolicy: 'ALLOW_ANY',
      enableAutoMtls: true,
      object: 'ConfigMap/istio-system/istio',
    },
    ...overrides,
  };
}

/** The waypoint that a migration of `shop` creates by default. */
export const WAYPOINT = { name: 'waypoint', namespace: 'shop', account: 'waypoint' };

/** An object `x` of namespace `shop`. */
export function policyObject(
  kind: string,
  spec: object = {},
  metadata: Partial<PolicyObject['metadata']> = {},
): PolicyObject {
  return { kind, metadata: { name: 'x', namespace: 'shop', ...metadata }, spec };
}

/** `CODE field PATHS` of each finding, or `CODE` where the message names no field. */
export function foundIn(given: PolicyObject | readonly PolicyObject[], scope: PolicyScope = policyScope()): string[] {
  return policyFindings(Array.isArray(given) ? (given as PolicyObject[]) : [given as PolicyObject], scope).map(
    ({ code, message }) => [code, /fields? (.*?):/.exec(message)?.[1]].filter(Boolean).join(' '),
  );
}
