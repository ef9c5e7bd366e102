import type { MeshObjects } from '../../../src/mesh/ambient-index.js';
import type { Server } from '../../conformance/server.js';

/** Where the objects are that the ambient index is computed from. */
const lists: Record<keyof MeshObjects, string> = {
  namespaces: '/api/v1/namespaces',
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  services: '/api/v1/services',
  endpointSlices: '/apis/discovery.k8s.io/v1/endpointslices',
  serviceEntries: '/apis/networking.istio.io/v1/serviceentries',
  workloadEntries: '/apis/networking.istio.io/v1/workloadentries',
  gateways: '/apis/gateway.networking.k8s.io/v1/gateways',
  gatewayClasses: '/apis/gateway.networking.k8s.io/v1/gatewayclasses',
  authorizationPolicies: '/apis/security.istio.io/v1/authorizationpolicies',
  peerAuthentications: '/apis/security.istio.io/v1/peerauthentications',
};

/** Lists all of them. */
export async function listMesh(server: Server): Promise<MeshObjects> {
  const entries = Object.entries(lists).map(async ([name, path]) => {
    const answer = await server.get(path);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.text}`);
    return [name, answer.body.items] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as MeshObjects;
}
