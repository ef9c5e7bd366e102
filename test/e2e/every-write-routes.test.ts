import { describe } from 'vitest';
import { campaignOf, type Plot } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';
import { rollBackAtEveryWrite } from './roll-back-at-every-write.js';

/** A namespace with a VirtualService that names a subset, which has a traffic policy. */
const plot: Plot = {
  objects: (namespace) => {
    const of = (kind: string, name: string, spec: object): object => ({
      apiVersion: kind === 'Service' ? 'v1' : 'networking.istio.io/v1',
      kind,
      metadata: { name, namespace },
      spec,
    });
    const trafficPolicy = { connectionPool: { tcp: { maxConnections: 100 } } };
    return [
      of('Service', 'web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] }),
      of('DestinationRule', 'web', { host: 'web', trafficPolicy, subsets: [{ name: 'all' }] }),
      of('VirtualService', 'web', {
        hosts: ['web'],
        http: [{ route: [{ destination: { host: 'web', subset: 'all' } }], timeout: '3s' }],
      }),
    ];
  },
  spec: {
    waypoint: { replicas: { min: 1, max: 1 } },
    // Those of other runs.
    acknowledge: ['SST3004', 'SST3008'].map((code) => ({ code, reason: 'nobody calls them' })),
  },
  pods: { there: 3, back: 2 },
  disturbed: ['httproutes', 'services', 'destinationrules'],
};

describe('a crash after each write of routes', () =>
  crashAtEveryWrite(campaignOf(plot), { moment: 'after', atLeast: 4 }));

describe('a rollback asked for at every write of routes', () => rollBackAtEveryWrite(campaignOf(plot), 'after', 3));
