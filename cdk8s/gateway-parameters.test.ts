import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Gateway } from '../src/api/gateway-api.js';
import { gatewayParameters } from './gateway-parameters.js';
import { sizingPatches } from './waypoint-sizing.js';

const gateway: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'w', namespace: 'app', uid: 'u' },
  spec: { gatewayClassName: 'istio-waypoint', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
};
const asked = { replicas: { min: 3, max: 4 }, resources: { requests: { cpu: '1' } } };

it("says a Gateway's size to istiod in YAML, and goes with the Gateway", () => {
  const { metadata, data } = gatewayParameters(gateway, sizingPatches({ gateway: 'w', asked })) as unknown as {
    metadata: object;
    data: Record<string, string>;
  };
  expect(metadata).toMatchObject({ name: 'w-sidestep', namespace: 'app', ownerReferences: [{ name: 'w', uid: 'u' }] });
  const patches = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, parse(text) as unknown]));
  expect(patches).toMatchObject({
    deployment: {
      spec: { template: { spec: { containers: [{ name: 'istio-proxy', resources: { requests: { cpu: '1' } } }] } } },
    },
    horizontalPodAutoscaler: { spec: { minReplicas: 3, maxReplicas: 4 } },
    podDisruptionBudget: { spec: { maxUnavailable: 1 } },
  });
});
