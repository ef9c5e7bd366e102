import { describe } from 'vitest';
import { campaignOf, type Plot } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';
import { rollBackAtEveryWrite } from './roll-back-at-every-write.js';

/** A namespace whose Deployment only a waypoint can protect; its StatefulSet may call it. */
const plot: Plot = {
  objects: (namespace) => {
    const of = (kind: string, name: string, spec: object): object => ({
      apiVersion: 'security.istio.io/v1',
      kind,
      metadata: { name, namespace },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    });
    const principals = [`cluster.local/ns/${namespace}/sa/default`];
    return [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace },
        spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
      },
      of('AuthorizationPolicy', 'only-get', {
        rules: [{ from: [{ source: { principals } }], to: [{ operation: { methods: ['GET'] } }] }],
      }),
      of('RequestAuthentication', 'tokens', { jwtRules: [{ issuer: 'https://issuer.example', jwks: '{"keys":[]}' }] }),
    ];
  },
  spec: { waypoint: { replicas: { min: 1, max: 1 } } },
  pods: { there: 3, back: 2 },
  // Other campaigns see to status, Events, snapshots and the waypoint.
  disturbed: ['authorizationpolicies', 'requestauthentications', 'deployments', 'statefulsets', 'namespaces'],
};

describe('a crash after each write for policies that only a waypoint can enforce', () =>
  crashAtEveryWrite(campaignOf({ ...plot, disturbed: ['authorizationpolicies', 'requestauthentications'] }), {
    moment: 'after',
    atLeast: 4,
  }));

describe('a rollback asked for at every write for such policies', () =>
  rollBackAtEveryWrite(campaignOf(plot), 'after', 8));

describe('an old view of the cluster after a crash at every write for such policies', () =>
  crashAtEveryWrite(campaignOf(plot), { moment: 'after', view: 'of before the first write', atLeast: 8 }));
