import { describe } from 'vitest';
import type { Plot } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';

/** A namespace that needs a waypoint, with a Service of its own that is bound to it. */
const plot: Plot = {
  objects: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
    },
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'only-get', namespace },
      spec: {
        targetRefs: [{ kind: 'Service', group: '', name: 'web' }],
        rules: [{ to: [{ operation: { methods: ['GET'] } }] }],
      },
    },
  ],
  spec: { waypoint: { replicas: { min: 1, max: 1 } } },
  pods: { there: 3, back: 2 },
};

describe('a crash after each write of a migration with a waypoint', () => crashAtEveryWrite('after', plot));
