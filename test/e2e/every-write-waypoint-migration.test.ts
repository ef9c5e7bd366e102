import { describe } from 'vitest';
import type { Plot } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';

/** A namespace that needs a waypoint for the route of its Service. */
const plot: Plot = {
  objects: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'web', namespace },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }],
        rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
      },
    },
  ],
  spec: { waypoint: { replicas: { min: 1, max: 1 } } },
  pods: { there: 3, back: 2 },
  // Other campaigns see to status, Events, snapshots and restarts.
  disturbed: ['gateways', 'namespaces', 'services'],
};

describe('a crash after each write for the waypoint of a migration', () => crashAtEveryWrite('after', plot));
