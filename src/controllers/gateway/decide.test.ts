import { describe, expect, test } from 'vitest';
import { WAYPOINT_FINALIZER } from '../../api/serving.js';
import { DEPLOYMENT, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { gateway, HOST, namespace, observed, owned, told } from '../testing/observed-gateway.js';
import { decide } from './decide.js';
import type { LiveObject, Observed } from './observed.js';

const ADDRESSES = [{ type: 'Hostname', value: HOST }];

const ours = (replicas: number, readyReplicas: number): LiveObject => ({
  type: DEPLOYMENT,
  object: owned(
    'wp',
    { 'app.kubernetes.io/managed-by': 'sidestep' },
    { spec: { replicas }, status: { readyReplicas } },
  ),
});
const ingress: LiveObject = {
  type: SERVICE,
  object: owned('wp-istio', { 'gateway.istio.io/managed': 'istio.io-gateway-controller' }),
};

const NEEDED = ['apply ServiceAccount', 'apply Deployment', 'apply Service'];
const OPTIONAL = ['apply HorizontalPodAutoscaler', 'apply PodDisruptionBudget'];
const APPLIED = [...NEEDED, ...OPTIONAL];
const OWNING_NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', name: 'shop', uid: 'n1' };
const held = { finalizers: [WAYPOINT_FINALIZER] };

describe('a Gateway that Sidestep serves', () => {
  test('is held and deployed first, and then gets its address', () => {
    const { actions, serving } = decide(observed({ live: [ingress] }));
    expect(told(actions)).toEqual(['hold', ...NEEDED, 'set-address', ...OPTIONAL]);
    expect(serving).toMatchObject({ status: 'False', reason: 'Deploying' });
  });

  test('loses what istiod has deployed once istiod has seen the address, not before', () => {
    const live = [ours(2, 2), ingress];
    const before = decide(observed({ gateway: gateway({ addresses: ADDRESSES }, held), live }));
    expect(told(before.actions)).toEqual(APPLIED);
    // As before: a status is written twice on the way, not at each step of it.
    expect(before.serving).toEqual(decide(observed({ live: [ingress] })).serving);
    const after = decide(observed({ gateway: gateway({ addresses: ADDRESSES }, held, 2), live }));
    // What the API server may refuse comes last: it must not keep the load balancer.
    expect(told(after.actions)).toEqual([...NEEDED, 'delete wp-istio', ...OPTIONAL]);
    expect(after.serving).toMatchObject({ status: 'True', reason: 'Serving' });
  });

  test('serves while istiod has only missed that pods are back', () => {
    const seen = gateway({ addresses: ADDRESSES }, held, 2);
    const missed = {
      type: 'Programmed',
      status: 'False',
      reason: 'AddressNotAssigned',
      message: '',
      observedGeneration: 2,
    } as const;
    const status = { conditions: [missed], addresses: [{ type: 'Hostname', value: HOST }] };
    const serving = (ready: number): unknown =>
      decide(observed({ gateway: { ...seen, status }, live: [ours(2, ready)] })).serving?.reason;
    expect([serving(2), serving(0)]).toEqual(['Serving', 'Deploying']);
  });

  test('takes its objects back when somebody has taken away their label or their owner', () => {
    const unlabelled: LiveObject = { type: SERVICE, object: owned('wp', {}) };
    const { metadata, ...rest } = ours(2, 2).object;
    const orphan: LiveObject = {
      type: DEPLOYMENT,
      object: { ...rest, metadata: { ...metadata, ownerReferences: [OWNING_NAMESPACE] } },
    };
    expect(told(decide(observed({ live: [unlabelled, orphan] })).actions)).toEqual([
      ...['hold', ...NEEDED, 'set-address'],
      ...OPTIONAL,
    ]);
  });

  test('shares its objects with the Namespace, for which the garbage collector leaves them while it waits', () => {
    const owners = decide(observed()).actions.flatMap((action) =>
      action.type === 'apply' ? [action.manifest.metadata.ownerReferences] : [],
    );
    expect(owners).toHaveLength(APPLIED.length);
    for (const references of owners) expect(references).toMatchObject([{ kind: 'Gateway' }, OWNING_NAMESPACE]);
  });

  test('says when another Gateway serves the account that it asks for', () => {
    const served = gateway({ addresses: ADDRESSES }, held, 2);
    const { serving } = decide(
      observed({ gateway: served, live: [ours(2, 2)], taken: { account: 'web', by: 'other' } }),
    );
    expect(serving?.message).toMatch(/ServiceAccount web is served by Gateway other/);
  });

  test('is scaled up to the least number of replicas, and never down', () => {
    const served = gateway({ addresses: ADDRESSES }, held, 2);
    expect(told(decide(observed({ gateway: served, live: [ours(1, 1)] })).actions)).toContain('scale to 2');
    expect(told(decide(observed({ gateway: served, live: [ours(4, 4)] })).actions)).toEqual(APPLIED);
    const parameters = [{ source: 'a test', data: { deployment: { spec: { replicas: 3 } } } }];
    expect(told(decide(observed({ gateway: served, live: [ours(1, 1)], parameters })).actions)).toContain('scale to 3');
    const annotations = { 'sidestep.dev/sizing': '{"replicas":{"min":4}}' };
    const asking = gateway({ addresses: ADDRESSES }, { ...held, annotations }, 2);
    const byClass = { defaults: parameters, gateway: asking, live: [ours(1, 1)] };
    expect(told(decide(observed(byClass)).actions)).toContain('scale to 4');
  });

  test('is refused with the reason, and nothing is written, where something is in the way', () => {
    const taken: LiveObject = {
      type: SERVICE,
      object: { ...owned('wp', {}), metadata: { name: 'wp', namespace: 'shop' } },
    };
    expect(decide(observed({ live: [taken] }))).toMatchObject({ actions: [], serving: { reason: 'NameTaken' } });
    const istiods: LiveObject = {
      type: SERVICE,
      object: owned('wp', { 'gateway.istio.io/managed': 'istio.io-mesh-controller' }),
    };
    const message = expect.stringMatching(/deployed by istiod .* delete it/) as string;
    expect(decide(observed({ live: [istiods] }))).toMatchObject({
      actions: [],
      serving: { reason: 'NameTaken', message },
    });
    const parameters = [{ source: 'ConfigMap shop/options', data: { ingress: {} } }];
    const { actions, serving } = decide(observed({ parameters }));
    expect(actions).toEqual([]);
    expect(serving).toMatchObject({
      reason: 'ParametersInvalid',
      message: expect.stringMatching(/shop\/options, key ingress/),
    });
    const problem = { reason: 'UnknownTemplate', message: 'x' } as const;
    expect(decide(observed({ inputs: { problem } }))).toMatchObject({ actions: [], serving: problem });
  });

  test('is held again, whatever is in the way, if a hand has taken the finalizer from what runs', () => {
    const inputs = { problem: { reason: 'UnknownTemplate', message: 'x' } } as const;
    expect(told(decide(observed({ inputs, live: [ours(2, 2)] })).actions)).toEqual(['hold']);
    expect(decide(observed({ inputs, live: [ours(2, 2)], gateway: gateway({}, held) })).actions).toEqual([]);
  });
});

describe('an address that somebody drops from a Gateway whose waypoint runs', () => {
  const args = ['proxy', 'waypoint', '--domain', '$(POD_NAMESPACE).svc.corp.example'];
  const template = { spec: { containers: [{ name: 'istio-proxy', args }] } };
  const labels = { 'app.kubernetes.io/managed-by': 'sidestep' };
  const service: LiveObject = { type: SERVICE, object: owned('wp', labels) };
  const live: LiveObject[] = [{ type: DEPLOYMENT, object: owned('wp', labels, { spec: { template } }) }, service];
  const problem = { reason: 'UnknownTemplate', message: 'x' } as const;
  const invalid = [{ source: 'a test', data: { ingress: {} } }];
  const optedOut = gateway({}, { ...held, annotations: { 'sidestep.dev/serve': 'false' } });
  const users = ['Namespace shop'];

  test.each<[string, Partial<Observed>, string]>([
    ['istiod’s template is not known', { inputs: { problem } }, 'wp.shop.svc.corp.example'],
    ['parameters are invalid', { parameters: invalid }, HOST],
    ['it is withdrawn and still named', { gateway: optedOut, users }, HOST],
    [
      'it is deleted as well',
      { gateway: { ...optedOut, metadata: { ...optedOut.metadata, deletionTimestamp: 'now' } }, users },
      HOST,
    ],
  ])('is put back while %s', (_, of, host) => {
    const { actions } = decide(observed({ gateway: gateway({}, held), live, ...of }));
    expect(actions.filter(({ type }) => type === 'set-address')).toEqual([{ type: 'set-address', host }]);
  });

  test('takes away what istiod has deployed meanwhile, once istiod has seen it', () => {
    const done = (seen: number) =>
      told(
        decide(
          observed({
            gateway: gateway({ addresses: ADDRESSES }, held, seen),
            live: [...live, ingress],
            inputs: { problem },
          }),
        ).actions,
      );
    expect([done(1), done(2)]).toEqual([[], ['delete wp-istio']]);
  });

  test('comes back together with the finalizer', () => {
    expect(told(decide(observed({ live, inputs: { problem } })).actions)).toEqual(['hold', 'set-address']);
  });

  test.each<[string, Partial<Observed>]>([
    ['it names another', { gateway: gateway({ addresses: [{ value: '10.0.0.1' }] }, held), users }],
    ['there is no Service of ours', { live: [], inputs: { problem } }],
    [
      'it is of another class',
      { gateway: gateway({ gatewayClassName: 'sidestep-waypoint' }, held), inputs: { problem } },
    ],
    ['its domain is not known', { live: [service], inputs: { problem } }],
  ])('stays away where %s', (_, of) => {
    const { actions } = decide(observed({ gateway: gateway({}, held), live, ...of }));
    expect(told(actions)).not.toContain('set-address');
  });
});

describe('a Gateway that goes', () => {
  const deleted = gateway({ addresses: ADDRESSES }, { ...held, deletionTimestamp: 'now' });
  const declined = gateway({ addresses: ADDRESSES }, { ...held, annotations: { 'sidestep.dev/serve': 'false' } });

  test('waits until nothing is bound to it', () => {
    const bound = ['web'];
    expect(decide(observed({ gateway: deleted, bound })).serving).toMatchObject({ reason: 'Deleting' });
    expect(told(decide(observed({ gateway: declined, bound, live: [ours(2, 2)] })).actions)).toEqual(APPLIED);
  });

  test('is repaired while it waits, unless it is another one now, and keeps an address of somebody else', () => {
    const repaired = (gateway: Observed['gateway'], of: Partial<Observed> = {}): string[] =>
      told(decide(observed({ gateway, bound: ['web'], live: [ours(2, 2)], ...of })).actions);
    expect(repaired(gateway({ addresses: [{ value: '10.0.0.1' }] }, held))).toEqual(APPLIED);
    expect(repaired(gateway({ gatewayClassName: 'istio-waypoint', addresses: ADDRESSES }, held))).toEqual([]);
    expect(repaired(declined, { namespace: namespace({ deletionTimestamp: 'now' }) })).toEqual([]);
  });

  test('is deployed as before while it waits, but not where nothing can be created', () => {
    const waiting = { gateway: deleted, dependents: ['AuthorizationPolicy shop/allow'] };
    const kept = decide(observed(waiting));
    expect(told(kept.actions)).toEqual(APPLIED);
    expect(kept.serving).toMatchObject({ status: 'False', reason: 'PoliciesDepend' });
    const going = namespace({ deletionTimestamp: 'now' });
    const bound = ['other/web'];
    expect(decide(observed({ ...waiting, bound, namespace: going })).actions).toEqual([]);
  });

  test('does not keep a Namespace that goes for others, whose waypoint is gone already', () => {
    const going = { gateway: deleted, namespace: namespace({ deletionTimestamp: 'now' }) };
    const needed = { users: ['Namespace other'], dependents: ['AuthorizationPolicy other/allow'] };
    expect(told(decide(observed({ ...going, ...needed })).actions)).toEqual(['release']);
    const bound = ['other/web'];
    const waiting = decide(observed({ ...going, ...needed, bound }));
    expect(told(waiting.actions)).toEqual([]);
    expect(waiting.serving).toMatchObject({ reason: 'Deleting' });
  });

  test('stays while policies depend on it or labels name it, and says which', () => {
    const dependents = ['AuthorizationPolicy shop/allow'];
    const users = ['f', 'e', 'd', 'c', 'b', 'a'].map((name) => `Pod shop/${name}`);
    const bound = ['web'];
    const said = (of: Partial<Observed>): unknown => {
      const { actions, serving } = decide(observed({ live: [ours(2, 2)], ...of }));
      return told(actions).includes('release') ? told(actions) : serving;
    };
    // Labels of ours are kept as long as policies depend on the waypoint, and go before those of others.
    expect(said({ gateway: deleted, dependents, users, bound })).toMatchObject({
      reason: 'PoliciesDepend',
      message: expect.stringMatching(/AuthorizationPolicy shop\/allow.*force-delete/),
    });
    expect(said({ gateway: deleted, users, bound })).toMatchObject({ reason: 'Deleting' });
    expect(said({ gateway: deleted, users })).toMatchObject({
      reason: 'StillNamed',
      message: expect.stringMatching(/Pod shop\/a, .*Pod shop\/e and 1 more/),
    });
    expect(said({ gateway: declined, users })).toMatchObject({
      reason: 'StillNamed',
      message: expect.stringMatching(/is "false".*still named/),
    });
    expect(said({ gateway: declined, dependents, bound })).toMatchObject({ reason: 'PoliciesDepend' });
    expect(said({ gateway: declined, bound })).toMatchObject({ reason: 'OptedOut' });
  });

  test('goes at once if somebody insists, but not before what we have bound', () => {
    const annotations = { 'sidestep.dev/force-delete': 'yes' };
    const forced = gateway({ addresses: ADDRESSES }, { ...held, annotations, deletionTimestamp: 'now' });
    const others = { dependents: ['WasmPlugin shop/w'], users: ['Namespace shop'] };
    expect(told(decide(observed({ gateway: forced, ...others })).actions)).toEqual(['release']);
    expect(told(decide(observed({ gateway: forced, ...others, bound: ['web'] })).actions)).not.toContain('release');
  });

  test('is let go after its objects, also those that the garbage collector has taken from it', () => {
    expect(told(decide(observed({ gateway: deleted, live: [ours(2, 2)] })).actions)).toEqual(['delete wp', 'release']);
    const object = owned('old-account', {
      'app.kubernetes.io/managed-by': 'sidestep',
      'gateway.networking.k8s.io/gateway-name': 'wp',
    });
    const letGo = { ...object, metadata: { ...object.metadata, ownerReferences: [OWNING_NAMESPACE] } };
    const live = [{ type: SERVICE_ACCOUNT, object: letGo }];
    expect(told(decide(observed({ gateway: deleted, live })).actions)).toEqual(['delete old-account', 'release']);
    const { actions, serving } = decide(observed({ gateway: declined, live: [ours(2, 2)] }));
    expect(told(actions)).toEqual(['set-address', 'delete wp', 'release']);
    expect(serving).toMatchObject({ status: 'False', reason: 'OptedOut' });
  });

  test('leaves nothing of which somebody has taken the label away, nor takes what istiod has deployed', () => {
    const istiods = owned('wp', { 'gateway.istio.io/managed': 'istio.io-mesh-controller' });
    const { ownerReferences = [] } = istiods.metadata;
    const unlabelled = { ...istiods.metadata, ownerReferences: [...ownerReferences, OWNING_NAMESPACE] };
    const left = (object: LiveObject['object']): string[] =>
      told(decide(observed({ gateway: deleted, live: [{ type: SERVICE, object }] })).actions);
    expect(left({ ...istiods, metadata: unlabelled })).toEqual(['delete wp', 'release']);
    expect(left(istiods)).toEqual(['release']);
  });

  test('once let go, leaves the ingress gateway to istiod, which copies the label of a Gateway of ours', () => {
    const labels = { 'app.kubernetes.io/managed-by': 'sidestep' };
    const declinedOurs = gateway({}, { labels, annotations: { 'sidestep.dev/serve': 'false' } });
    const copied = owned('wp-istio', { ...labels, 'gateway.istio.io/managed': 'istio.io-gateway-controller' });
    const live: LiveObject[] = [{ type: SERVICE, object: copied }];
    expect(told(decide(observed({ gateway: declinedOurs, live })).actions)).toEqual([]);
  });

  test('keeps an address that a person has set, once it is let go', () => {
    const left = gateway({ addresses: ADDRESSES }, { annotations: { 'sidestep.dev/serve': 'false' } });
    expect(decide(observed({ gateway: left }))).toMatchObject({ actions: [], serving: { reason: 'OptedOut' } });
  });

  test('is let go too when it turns into something else', () => {
    const changed = gateway({ gatewayClassName: 'istio-waypoint', addresses: ADDRESSES }, held);
    const { actions, serving } = decide(observed({ gateway: changed, live: [ours(2, 2)] }));
    expect(told(actions)).toEqual(['set-address', 'delete wp', 'release']);
    expect(serving).toMatchObject({ status: 'False', reason: 'NotServable' });
    const gone = gateway({ gatewayClassName: 'istio-waypoint' });
    expect(decide(observed({ gateway: gone }))).toEqual({ actions: [], serving: undefined });
  });

  test('stays while others need it, too, where a hand has dropped the finalizer and declined it in one', () => {
    const kept = (live: LiveObject): LiveObject => {
      const { ownerReferences = [] } = live.object.metadata;
      const metadata = { ...live.object.metadata, ownerReferences: [...ownerReferences, OWNING_NAMESPACE] };
      return { ...live, object: { ...live.object, metadata } };
    };
    const live = [kept(ours(2, 2))];
    const replaced = gateway({ addresses: ADDRESSES }, { annotations: { 'sidestep.dev/serve': 'false' } });
    const other = gateway({ gatewayClassName: 'istio-waypoint' });
    for (const given of [replaced, other]) {
      const needed = decide(observed({ gateway: given, live, dependents: ['AuthorizationPolicy shop/allow'] }));
      expect(needed.serving).toMatchObject({ reason: 'PoliciesDepend' });
      expect(told(needed.actions)).toContain('hold');
      expect(told(needed.actions).filter((action) => action.startsWith('delete'))).toEqual([]);
      expect(told(decide(observed({ gateway: given, live })).actions)).toEqual(['delete wp']);
    }
    expect(decide(observed({ gateway: other, live: [ours(2, 2)] }))).toEqual({ actions: [], serving: undefined });
  });

  test('is left alone if it was never held', () => {
    const nothing = { actions: [], serving: undefined };
    expect(decide(observed({ gateway: gateway({}, { deletionTimestamp: 'now' }) }))).toEqual(nothing);
  });
});
