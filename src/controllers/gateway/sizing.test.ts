import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Gateway } from '../../api/gateway-api.js';
import type { KubeObject } from '../../kube/resource.js';
import { type ConfigMap, DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER } from '../../kube/types.js';
import { awaitChange } from '../../runtime/result.js';
import { gateway as gatewayOf, observed as observedOf, owned, told } from '../testing/observed-gateway.js';
import { nextLook } from './controller.js';
import { decide } from './decide.js';
import type { LiveObject, Observed } from './observed.js';

const OURS = { group: '', kind: 'ConfigMap', name: 'wp-sidestep' };
const ZONE = 'topology.kubernetes.io/zone';
const THEIRS = { ...OURS, name: 'options' };

const gateway = (spec: Partial<Gateway['spec']> = {}, metadata: Partial<Gateway['metadata']> = {}): Gateway =>
  gatewayOf(
    { gatewayClassName: 'istio-waypoint', ...spec },
    { labels: { 'app.kubernetes.io/managed-by': 'sidestep' }, ...metadata },
  );
const named = gateway({ infrastructure: { parametersRef: OURS } });
const observed = (of: Partial<Observed>): Observed => observedOf({ gateway: gateway(), ...of });

const configMap = owned('wp-sidestep', { 'app.kubernetes.io/managed-by': 'sidestep' }) as ConfigMap;
const istiods = (type: LiveObject['type'], more: object): LiveObject => ({
  type,
  object: owned('wp', { 'gateway.istio.io/managed': 'istio.io-mesh-controller' }, more),
});
const deployed = (readyReplicas: number, replicas = readyReplicas): LiveObject =>
  istiods(DEPLOYMENT, { spec: { replicas }, status: { readyReplicas } });
const scaled = (minReplicas: number): LiveObject => istiods(HORIZONTAL_POD_AUTOSCALER, { spec: { minReplicas } });
const said = (value: string): Gateway => gateway({}, { annotations: { 'sidestep.dev/sizing': value } });

/** Data of the ConfigMap that is applied. */
function data(of: Partial<Observed>): Record<string, string> {
  const [apply] = decide(observed(of)).actions;
  return apply?.type === 'apply' ? (apply.manifest['data'] as Record<string, string>) : {};
}

describe('a waypoint that istiod deploys and Sidestep sizes', () => {
  test('gets a ConfigMap, and then is told of it; istiod does the rest', () => {
    const first = decide(observed({}));
    expect(told(first.actions)).toEqual(['apply ConfigMap', 'set-parameters']);
    expect(first.serving).toMatchObject({ status: 'False', reason: 'Sizing' });
    const gateway = named;
    const reasonWith = (...live: LiveObject[]): string | undefined => {
      const { actions, serving } = decide(observed({ gateway, sizes: configMap, live }));
      expect(told(actions)).toEqual(['apply ConfigMap']);
      return `${serving?.status} ${serving?.reason}`;
    };
    expect(reasonWith(deployed(2))).toBe('False Sizing');
    expect(reasonWith(deployed(1), scaled(2))).toBe('False Sizing');
    expect(reasonWith(deployed(2), scaled(1))).toBe('False Sizing');
    expect(reasonWith(deployed(2), scaled(2))).toBe('True Sized');
  });

  test('is as large as its annotation says; what is wrong with that is told, and nothing changes', () => {
    expect(data({})['horizontalPodAutoscaler']).toMatch(/minReplicas: 2/);
    expect(data({ gateway: said('{"replicas":{"min":4}}') })['horizontalPodAutoscaler']).toMatch(/minReplicas: 4/);
    const { actions, serving } = decide(observed({ gateway: said('{"replicas":{"min":0}}'), sizes: configMap }));
    expect(actions).toEqual([]);
    expect(serving).toMatchObject({
      reason: 'SizingInvalid',
      message: expect.stringMatching(/sidestep\.dev\/sizing: replicas\.min/),
    });
  });

  test('is left to the class where that says something, unless the annotation says more', () => {
    const defaults = [{ source: 'a test', data: { horizontalPodAutoscaler: { spec: { minReplicas: 7 } } } }];
    const autoscaler = (gateway?: Gateway): unknown =>
      parse(data({ defaults, ...(gateway && { gateway }) })['horizontalPodAutoscaler'] ?? '');
    expect(autoscaler()).toEqual({ spec: { maxReplicas: 7, metrics: expect.any(Array) as object } });
    expect(autoscaler(said('{}'))).toEqual(autoscaler());
    expect(autoscaler(said('{"replicas":{"min":4}}'))).toMatchObject({ spec: { minReplicas: 4, maxReplicas: 5 } });
    const serving = (...ready: Parameters<typeof deployed>): unknown =>
      decide(observed({ defaults, gateway: named, live: [deployed(...ready), scaled(7)] })).serving?.reason;
    expect([serving(6), serving(7, 6), serving(7)]).toEqual(['Sizing', 'Sizing', 'Sized']);
  });

  test('is spread as the mesh says, where it says so', () => {
    const topologySpreadConstraints = [{ topologyKey: 'topology.kubernetes.io/zone' }];
    const { inputs } = observed({});
    if ('problem' in inputs) throw new Error('the mesh is known');
    const strict = { found: { ...inputs.found, topologySpreadConstraints } };
    expect(data({})['deployment']).toMatch(/zone/);
    expect(data({ inputs: strict })['deployment']).not.toMatch(/zone/);
  });

  test("stays as it is while istiod's configuration cannot be read, but for what the Gateway asks for", () => {
    const problem = { problem: { reason: 'MeshConfigurationInvalid', message: 'gone' } } as const;
    const { inputs } = observed({});
    if ('problem' in inputs) throw new Error('the mesh is known');
    const zones = { found: { ...inputs.found, topologySpreadConstraints: [{ topologyKey: ZONE }] } };
    for (const known of [inputs, zones]) {
      const before = data({ inputs: known });
      const sizes = { ...configMap, data: before };
      expect(data({ inputs: problem, sizes })).toEqual(before);
      const more = said('{"replicas":{"min":4}}');
      expect(data({ inputs: problem, sizes, gateway: more })).toEqual(data({ inputs: known, gateway: more }));
    }
    // What a hand has made of it tells nothing.
    const broken = { ...configMap, data: { deployment: '{"spec":' } };
    expect(data({ inputs: problem, sizes: broken })).toEqual(data({}));
    expect(data({ inputs: problem })).toEqual(data({}));
  });

  test('keeps the ConfigMap that a person has named, and ours goes', () => {
    const theirs = gateway({ infrastructure: { parametersRef: THEIRS } });
    const { actions, serving } = decide(observed({ gateway: theirs, sizes: configMap }));
    expect(told(actions)).toEqual(['delete wp-sidestep']);
    expect(serving).toMatchObject({ reason: 'ParametersTaken', message: expect.stringMatching(/ConfigMap options/) });
  });

  test("does not touch somebody else's ConfigMap of the name", () => {
    const sizes: KubeObject = { ...configMap, metadata: { name: 'wp-sidestep', namespace: 'shop' } };
    expect(decide(observed({ sizes: sizes }))).toMatchObject({
      actions: [],
      serving: { reason: 'NameTaken' },
    });
    // No watch tells when it goes.
    expect(nextLook(observed({ sizes }), undefined)).toMatchObject({ kind: 'requeueAfter', reason: 'Parameters' });
    expect(nextLook(observed({}), undefined)).toEqual(awaitChange());
  });

  test('gives the size up when nobody asks for it any more, and nothing is said then', () => {
    const labels = {};
    const given = gateway({ infrastructure: { parametersRef: OURS } }, { labels });
    const { actions, serving } = decide(observed({ gateway: given, sizes: configMap }));
    expect(told(actions)).toEqual(['set-parameters', 'delete wp-sidestep']);
    expect(serving).toBeUndefined();
    const crashed = gateway({}, { labels });
    expect(told(decide(observed({ gateway: crashed, sizes: configMap })).actions)).toEqual(['delete wp-sidestep']);
  });

  test('gives it up, too, when Sidestep deploys it', () => {
    const ours = gatewayOf({ infrastructure: { parametersRef: OURS } });
    const actions = told(decide(observed({ gateway: ours, sizes: configMap })).actions);
    expect(actions.slice(0, 4)).toEqual(['hold', 'set-parameters', 'delete wp-sidestep', 'apply ServiceAccount']);
  });
});
