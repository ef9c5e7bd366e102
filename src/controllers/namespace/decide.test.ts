import { describe, expect, test } from 'vitest';
import type { Pod } from '../../kube/types.js';
import { decide } from './decide.js';
import type { Observed, Unbound } from './observed.js';

type Labels = Record<string, string>;

const AMBIENT = { 'istio.io/dataplane-mode': 'ambient' };
const INJECTED = { 'istio-injection': 'enabled' };

interface PodOptions {
  labels?: Labels;
  annotations?: Labels;
  containers?: string[];
  ready?: string;
  hostNetwork?: boolean;
}

const pod = (
  name: string,
  { labels = {}, annotations = {}, containers = ['app'], ready = 'True', ...spec }: PodOptions = {},
): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels, annotations },
    spec: { containers: containers.map((container) => ({ name: container })), ...spec },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Pod;

const sidecar = pod('s', { annotations: { 'sidecar.istio.io/status': '' }, containers: ['app', 'istio-proxy'] });
const enrolled = pod('a', { annotations: { 'ambient.istio.io/redirection': 'enabled' } });
const plain = pod('p');

const observed = (labels: Labels, pods: Pod[] = [], rest: Partial<Observed> = {}): Observed => ({
  namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', uid: 'uid-1', labels } },
  waypoint: {
    owner: { names: undefined, refusal: undefined, created: [], missing: undefined },
    gateways: [],
    createdForOthers: [],
    nowMs: 0,
  },
  pods,
  unbound: [],
  hasMigration: false,
  ...rest,
});

/** Reason and note of what is told about a namespace. */
const told = (...given: Parameters<typeof observed>): [string, string][] =>
  decide(observed(...given)).states.map(({ event }) => [event.reason, event.note]);

describe('the data plane of a namespace', () => {
  test.each<[string, Labels, Pod[], string | undefined]>([
    ['is what its pods are', INJECTED, [sidecar, plain], 'Sidecar'],
    ['whatever its labels say', AMBIENT, [sidecar], 'Sidecar'],
    ['also without labels', {}, [enrolled], 'Ambient'],
    ['is mixed if they differ', AMBIENT, [sidecar, enrolled], 'Mixed'],
    ['is none if they are all outside', AMBIENT, [plain], 'None'],
    ['is what the labels say while none is ready', AMBIENT, [pod('p', { ready: 'False' })], 'Ambient'],
    ['a sidecar wins', { ...AMBIENT, ...INJECTED }, [], 'Sidecar'],
    ['a revision injects', { 'istio.io/rev': 'canary' }, [], 'Sidecar'],
    ['but not where injection is off', { 'istio.io/rev': 'canary', 'istio-injection': 'disabled' }, [], undefined],
    ['is not said where there is no mesh', {}, [plain], undefined],
    ['pods on the host’s network do not count', AMBIENT, [pod('h', { hostNetwork: true })], 'Ambient'],
    ['nor do gateways', AMBIENT, [pod('g', { labels: { 'gateway.networking.k8s.io/gateway-name': 'g' } })], 'Ambient'],
  ])('%s', (_, labels, pods, expected) => {
    expect(decide(observed(labels, pods)).dataplane).toBe(expected);
  });
});

describe('what is told of pods', () => {
  test('labels that ask for both modes, and sidecars in an ambient namespace', () => {
    expect(told({ ...AMBIENT, ...INJECTED })).toEqual([['BothModes', expect.stringMatching(/injection=disabled/)]]);
    expect(told(AMBIENT, [sidecar, enrolled])).toEqual([['BothModes', expect.stringMatching(/keeps out of it: s;/)]]);
  });

  test('pods that are in neither mode, but for those that opted out', () => {
    expect(told(AMBIENT, [plain, enrolled])).toEqual([['PodsOutsideMesh', expect.stringMatching(/mode: p;/)]]);
    expect(told(INJECTED, [plain, sidecar])).toEqual([['PodsOutsideMesh', expect.stringMatching(/injection: p;/)]]);
    expect(told(INJECTED, [pod('p', { labels: { 'sidecar.istio.io/inject': 'false' } })])).toEqual([]);
    expect(told(AMBIENT, [pod('p', { labels: { 'istio.io/dataplane-mode': 'none' } })])).toEqual([]);
    expect(told({}, [plain])).toEqual([]);
  });

  test('nothing while a migration tells it', () => {
    expect(told(AMBIENT, [sidecar, plain], { hasMigration: true })).toEqual([]);
  });
});

describe('a waypoint that traffic goes around', () => {
  const unbound = (kind: Unbound['obstacle']['kind'], rest: Partial<Unbound> = {}): Unbound => ({
    ref: { namespace: 'shop', name: 'waypoint' },
    obstacle: { kind, message: 'Gateway shop/waypoint is not there' },
    byNamespace: true,
    services: [],
    ...rest,
  });
  const names = (owner: object): Observed['waypoint'] => {
    const { waypoint } = observed({});
    return { ...waypoint, owner: { ...waypoint.owner, names: 'waypoint', ...owner } };
  };

  test('is told with who names it', () => {
    const services = ['a', 'b', 'c', 'd', 'e'];
    expect(told({}, [], { unbound: [unbound('not-programmed', { services })] })).toEqual([
      [
        'WaypointNotBound',
        'Gateway shop/waypoint is not there: traffic to namespace shop and Service a, b, c and 2 more goes around it, without its policies and routes',
      ],
    ]);
  });

  test('is told 30 s later if it will be made, and why if it will not', () => {
    const [pending] = decide(observed(AMBIENT, [], { unbound: [unbound('missing')], waypoint: names({}) })).states;
    expect(pending).toMatchObject({
      afterMs: 60_000,
      event: { reason: 'WaypointMissing', regarding: { namespace: 'shop' } },
    });
    const waypoint = names({ created: ['waypoint'] });
    const [deleted] = decide(observed(AMBIENT, [], { unbound: [unbound('missing')], waypoint })).states;
    expect(deleted).toMatchObject({
      afterMs: 30_000,
      event: { note: expect.stringMatching(/somebody has deleted it/) },
    });
  });
});
