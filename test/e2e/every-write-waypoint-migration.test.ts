import { describe } from 'vitest';
import { campaignOf, type Plot } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';
import { rollBackAtEveryWrite } from './roll-back-at-every-write.js';

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
  spec: waypointOf('Namespace'),
  pods: { there: 3, back: 2 },
  // Other campaigns see to status, Events, snapshots and restarts.
  disturbed: ['gateways', 'namespaces', 'services', 'serviceaccounts'],
};

function waypointOf(scope: string): object {
  return { waypoint: { scope, replicas: { min: 1, max: 1 } } };
}

describe('a crash after each write for the waypoint of a migration', () =>
  crashAtEveryWrite(campaignOf(plot), { moment: 'after', atLeast: 4 }));

describe('a rollback asked for at every write for the waypoint of accounts', () =>
  rollBackAtEveryWrite(campaignOf({ ...plot, spec: waypointOf('ServiceAccount') }), 'after', 4));

describe('an old view of the cluster after a crash at every write for the waypoint of Services', () =>
  crashAtEveryWrite(campaignOf({ ...plot, spec: waypointOf('Service') }), {
    moment: 'after',
    view: 'of before the first write',
    atLeast: 4,
  }));
