import type { IndexSettings, MeshObjects } from '../../src/mesh/ambient-index.js';

/** What ztunnel is told of a mesh with Istio's defaults. */
export const settings: IndexSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

/** A mesh of nothing. */
export const nothing: MeshObjects = {
  namespaces: [],
  nodes: [],
  pods: [],
  services: [],
  endpointSlices: [],
  serviceEntries: [],
  workloadEntries: [],
  gateways: [],
  gatewayClasses: [],
  authorizationPolicies: [],
  peerAuthentications: [],
};
