import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Campaign, forEachWrite, type Plot } from './campaign.js';
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
  spec: waypointOf('Namespace'),
  pods: { there: 3, back: 2 },
  // Other campaigns see to status, Events, snapshots and restarts.
  disturbed: ['gateways', 'namespaces', 'services', 'serviceaccounts'],
};

function waypointOf(scope: string): object {
  return { waypoint: { scope, replicas: { min: 1, max: 1 } } };
}

const campaignOf = (scope: string): (() => Campaign) => {
  let campaign: Campaign;
  beforeAll(async () => {
    campaign = await Campaign.start({ ...plot, spec: waypointOf(scope) });
  });
  afterAll(async () => {
    await campaign?.stop();
  });
  return () => campaign;
};

describe('a crash after each write for the waypoint of a migration', () => crashAtEveryWrite('after', plot));

describe('a rollback asked for at every write for the waypoint of accounts', () => {
  const campaign = campaignOf('ServiceAccount');

  it('brings the state before back', async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign().trial(`turn-${nth}`);
      const reached = await campaign().turnRoundAt(nth, 'after', trial);
      if (reached) {
        expect(await campaign().state(trial), `end of ${trial.name}`).toEqual(trial.before);
        campaign().expectNoBreach(trial);
        await campaign().expectQuiet(trial);
      }
      await campaign().end(trial);
      return reached;
    }, 4);
  });
});

describe('an old view of the cluster after a crash at every write for the waypoint of Services', () => {
  const campaign = campaignOf('Service');

  it('ends as if nothing had happened', async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign().trial(`old-${nth}`);
      let reached = false;
      for (const way of ['there', 'back'] as const) {
        const old = await campaign().revision();
        if (!(await campaign().crashAt(nth, 'after', trial, way))) continue;
        reached = true;
        await campaign().restartWithOldView(old);
        await campaign().arrived(trial, way);
        await campaign().expectSameEnd(trial, way);
      }
      await campaign().end(trial);
      return reached;
    }, 4);
  });
});
