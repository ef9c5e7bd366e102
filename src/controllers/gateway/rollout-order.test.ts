import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../api/gateway-api.js';
import { type Deployment, DEPLOYMENT } from '../../kube/types.js';
import { gateway as gatewayOf, observed, owned, told } from '../testing/observed-gateway.js';
import { decide } from './decide.js';
import type { Decision } from './decision.js';
import { gatewayHash, hasServed, isRolling, nextInTurn, predecessor, type Turn } from './rollout-order.js';
import type { Observed } from './observed.js';

const turn = (key: string, { isRolling = false, isOutdated = true } = {}): Turn => ({ key, isRolling, isOutdated });
const rolling = { isRolling: true, isOutdated: false };

describe('a new configuration of the mesh', () => {
  test.each<[string, Turn, Turn[], string | undefined]>([
    ['nobody else', turn('b/b'), [], undefined],
    [
      'others that have it already, or come later',
      turn('b/b'),
      [turn('a/a', { isOutdated: false }), turn('c/c')],
      undefined,
    ],
    ['the one directly before it', turn('c/c'), [turn('a/a'), turn('b/b'), turn('d/d')], 'b/b'],
    ['one that is being rolled out with it', turn('a/a'), [turn('b/b', rolling)], 'b/b'],
    ['one that is stuck without it', turn('a/a'), [turn('b/b', { isRolling: true })], 'b/b'],
    ['nobody, if it is stuck itself', turn('b/b', { isRolling: true }), [turn('a/a')], undefined],
    ['the first of two that are stuck', turn('b/b', { isRolling: true }), [turn('a/a', { isRolling: true })], 'a/a'],
  ])('waits for %s', (_, self, others, expected) => {
    expect(predecessor(self, others)).toBe(expected);
  });

  test('is taken over by all in the end, one at a time, whoever is stuck', () => {
    let turns = [turn('d'), turn('b', { isRolling: true }), turn('a'), turn('c', { isRolling: true })];
    const order: string[] = [];
    while (turns.some(({ isOutdated }) => isOutdated)) {
      const free = turns.filter(
        (self) =>
          self.isOutdated &&
          predecessor(
            self,
            turns.filter((each) => each !== self),
          ) === undefined,
      );
      expect(free).toHaveLength(1);
      order.push(...free.map(({ key }) => key));
      turns = turns.map((each) => (free.includes(each) ? turn(each.key, { isOutdated: false }) : each));
    }
    expect(order).toEqual(['b', 'c', 'a', 'd']);
  });
});

describe('the end of a rollout', () => {
  test('wakes the one that is next, and those that are stuck, however many wait', () => {
    const many = Array.from({ length: 200 }, (_, index) => turn(`shop/w${String(index).padStart(3, '0')}`)).reverse();
    const stuck = turn('shop/w100-stuck', { isRolling: true });
    const woken = (waiting: Turn[]): string[] => nextInTurn(waiting).map(({ key }) => key);
    expect(woken(many)).toEqual(['shop/w000']);
    expect(woken([...many, stuck])).toEqual(['shop/w100-stuck']);
    // Nobody of whom it is the turn sleeps on.
    const waiting = [...many, stuck, turn('shop/a', { isRolling: true })];
    const free = waiting.filter(
      (self) =>
        predecessor(
          self,
          waiting.filter((each) => each !== self),
        ) === undefined,
    );
    expect(woken(waiting)).toEqual(expect.arrayContaining(free.map(({ key }) => key)));
    expect(nextInTurn([])).toEqual([]);
  });
});

describe('a Deployment', () => {
  const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  const MADE = '2026-11-22T10:00:00Z';
  const deployment = (status: Deployment['status'], revision = '2'): Deployment =>
    ({
      ...owned('wp', {}),
      metadata: {
        name: 'wp',
        generation: 2,
        creationTimestamp: MADE,
        annotations: { 'deployment.kubernetes.io/revision': revision },
      },
      spec: { replicas: 2 } as Deployment['spec'],
      status,
    }) as Deployment;
  const rolls = (status: Deployment['status'], revision?: string): boolean => isRolling(deployment(status, revision));
  const progressing = (reason: string) => ({ type: 'Progressing', status: 'True', reason }) as const;
  const unavailable = (lastTransitionTime: string) =>
    ({ type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', lastTransitionTime }) as const;
  const none = { updatedReplicas: 0, replicas: 0, availableReplicas: 0 };

  test.each([{ observedGeneration: 1 }, { updatedReplicas: 1 }, { replicas: 3 }, { availableReplicas: 1 }])(
    'is being rolled out with %j',
    (status) => {
      expect(rolls({ ...done, ...status })).toBe(true);
      expect(rolls({ ...done, ...status, conditions: [progressing('ReplicaSetUpdated')] })).toBe(true);
      expect(rolls(done)).toBe(false);
    },
  );

  test('that has had all its pods replaces none, whatever it lacks now', () => {
    const conditions = [progressing('NewReplicaSetAvailable')];
    expect(rolls({ ...done, conditions, availableReplicas: 1 })).toBe(false);
    expect(rolls({ ...done, conditions, ...none })).toBe(false);
    expect(rolls({ ...done, conditions, observedGeneration: 1 })).toBe(true);
    // Back to an older revision the reason stays for a while.
    expect(rolls({ ...done, conditions, updatedReplicas: 0 })).toBe(true);
  });

  const given = (status: Deployment['status'], spec: Partial<Deployment['spec']>): boolean => {
    const one = deployment(status);
    return isRolling({ ...one, spec: { ...one.spec, ...spec } });
  };

  test('that has lost all pods before its rollout holds nobody once its controller has given up', () => {
    const late = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' } as const;
    const lost = { ...done, ...none, conditions: [unavailable('2026-11-22T11:00:00Z'), late] };
    expect(
      rolls({ ...lost, conditions: [unavailable('2026-11-22T11:00:00Z'), progressing('ReplicaSetUpdated')] }),
    ).toBe(true);
    expect(rolls(lost)).toBe(false);
    // A pod that is left, or a rollout that may take all: it may be the configuration that is broken.
    expect(rolls({ ...lost, availableReplicas: 1 })).toBe(true);
    expect(given(lost, { strategy: { type: 'Recreate' } })).toBe(true);
    expect(given(lost, { strategy: { rollingUpdate: { maxUnavailable: '100%' } } })).toBe(true);
    expect(rolls({ ...lost, observedGeneration: 1 })).toBe(true);
  });

  test('that somebody has paused replaces none', () => {
    const updating = { ...done, updatedReplicas: 0 };
    expect([given(updating, {}), given(updating, { paused: true })]).toEqual([true, false]);
  });

  test('that cannot start replaces none, also when it is changed', () => {
    const never = { ...done, ...none, conditions: [progressing('ReplicaSetUpdated'), unavailable(MADE)] };
    expect([rolls(never, '1'), rolls({ ...never, availableReplicas: 1 }, '1'), rolls(never)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([hasServed(deployment(never, '1')), hasServed(deployment(never)), hasServed(deployment(done))]).toEqual([
      false,
      false,
      true,
    ]);
    const later = { ...never, conditions: [progressing('ReplicaSetUpdated'), unavailable('2026-11-22T11:00:00Z')] };
    expect([rolls(later), hasServed(deployment(later))]).toEqual([true, true]);
  });
});

describe('a waypoint whose mesh has changed', () => {
  const others = [turn('shop/a')];
  const served = (metadata: Partial<Gateway['metadata']> = {}): Gateway =>
    gatewayOf(
      { addresses: [{ type: 'Hostname', value: 'wp.shop.svc.cluster.local' }] },
      { finalizers: ['sidestep.dev/waypoint'], ...metadata },
      2,
    );

  /** The Deployment as the operator has applied it for `given` with this configuration of the mesh. */
  function deployed(given: Gateway, meshHash: string, available = 2): Observed['live'][number] {
    const { actions } = decide(observed({ gateway: given, meshHash }));
    const apply = actions.find((action) => action.type === 'apply' && action.kind === DEPLOYMENT);
    if (apply?.type !== 'apply') throw new Error('no Deployment is applied');
    const live = {
      ...owned('wp', {}),
      ...apply.manifest,
      status: { readyReplicas: available, replicas: 2, updatedReplicas: 2, availableReplicas: available },
    };
    const spec = { ...(apply.manifest['spec'] as Deployment['spec']), replicas: 2 };
    const annotations = { ...apply.manifest.metadata.annotations, 'deployment.kubernetes.io/revision': '1' };
    const metadata = { ...apply.manifest.metadata, annotations };
    return { type: DEPLOYMENT, object: { ...live, metadata, spec } as Deployment };
  }

  const pass = (of: Partial<Observed>): Decision =>
    decide(observed({ gateway: served(), meshHash: 'new', live: [deployed(served(), 'old')], others, ...of }));

  test('says when others do not wait for it any more', () => {
    const late = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' } as const;
    const live = deployed(served(), 'new', 0);
    const object = { ...live.object, status: { observedGeneration: 0, conditions: [late] } } as Deployment;
    const { serving } = pass({ others: [], live: [{ ...live, object }] });
    expect(serving).toMatchObject({ status: 'False', reason: 'Deploying' });
    expect(serving?.message).toMatch(/other waypoints do not wait for it any more$/);
    const { spec } = live.object as Deployment;
    const paused = { ...deployed(served(), 'new').object, spec: { ...spec, paused: true } } as Deployment;
    expect(pass({ others: [], live: [{ ...live, object: paused }] }).serving?.message).toMatch(/is paused/);
  });

  test('runs on as it is, and says for whom it waits', () => {
    const { actions, serving, awaits } = pass({});
    expect(awaits).toBe('shop/a');
    expect(told(actions)).not.toContain('apply Deployment');
    expect(told(actions)).toContain('apply Service');
    expect(serving).toMatchObject({
      status: 'True',
      reason: 'AwaitingTurn',
      message: expect.stringMatching(/waits for Gateway shop\/a/),
    });
  });

  test.each<[string, Partial<Observed>]>([
    ['it is its turn', { others: [] }],
    ['it is new', { live: [] }],
    ['no pod of it has ever come up', { live: [deployed(served(), 'old', 0)] }],
    ['its Gateway has changed, too', { gateway: served({ labels: { team: 'a' } }) }],
    [
      'its size has changed, too',
      { gateway: served({ annotations: { 'sidestep.dev/sizing': '{"replicas":{"min":3}}' } }) },
    ],
    ['somebody has only changed its Deployment', { live: [deployed(served(), 'new')] }],
  ])('is applied at once if %s', (_, of) => {
    const { actions, awaits } = pass(of);
    expect(awaits).toBeUndefined();
    expect(told(actions)).toContain('apply Deployment');
  });

  test('does not come first because of what is not rendered', () => {
    const annotations = { 'sidestep.dev/force-delete': 'true' };
    expect(pass({ gateway: served({ annotations }) }).awaits).toBe('shop/a');
    expect(gatewayHash(served(), [])).not.toBe(gatewayHash(served({ annotations: { note: 'x' } }), []));
  });
});
