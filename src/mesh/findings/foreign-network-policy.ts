import type { Finding } from '../findings.js';
import type { PolicyObject } from '../policy-object.js';
import { HBONE_PORT, PROBE_ADDRESSES } from './network-rules.js';
import { finding, isOwn, type PolicyScope } from './scope.js';

/** Kinds of network policies that are of the whole cluster. */
export const CLUSTER_NETWORK_POLICIES: readonly string[] = [
  'CiliumClusterwideNetworkPolicy',
  'GlobalNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
];

/** Kinds of network policies that are not those of Kubernetes; what has the name of another kind is named with its API group. */
export const FOREIGN_NETWORK_POLICIES: readonly string[] = [
  'CiliumNetworkPolicy',
  'NetworkPolicy.projectcalico.org',
  'NetworkPolicy.crd.projectcalico.org',
  'NetworkPolicy.crd.antrea.io',
  ...CLUSTER_NETWORK_POLICIES,
];

/** That nobody has looked into a network policy of somebody's own kind: what it stops is stopped outside the pod. */
export function foreignNetworkFindings(object: PolicyObject, scope: PolicyScope): Finding[] {
  if (!isOwn(object, scope) && !CLUSTER_NETWORK_POLICIES.includes(object.kind)) return [];
  const text =
    `may apply to this namespace and is not yet understood; it must admit TCP ${HBONE_PORT}, where mesh traffic arrives and goes ` +
    `in ambient mode, and probes from ${Object.values(PROBE_ADDRESSES).join(' or ')}`;
  return [finding('SST2001', object, 'kind', text, scope)];
}
