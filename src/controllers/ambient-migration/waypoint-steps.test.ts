import { describe, expect, it } from 'vitest';
import {
  NOW_MS,
  gateway,
  migration,
  observed,
  pod,
  tried,
  waypointView,
  workload,
} from '../../../test/support/observed.js';
import type { Gateway } from '../../api/gateway-api.js';
import { LABEL } from '../../api/labels.js';
import type { Service, ServiceAccount } from '../../kube/types.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { decide } from './decide.js';
import type { DryRuns, Observed, WaypointView } from './observed.js';
import { snapshotData } from './plan.js';
import type { Snapshot } from './snapshot.js';
import type { Action } from './verdict.js';

const USE = 'istio.io/use-waypoint';
const INGRESS = 'istio.io/ingress-use-waypoint';
const MARK = 'sidestep.dev/waypoint-labels';
const SINCE = new Date(NOW_MS - 60_000).toISOString();

const alive: DryRuns = {
  pods: new Map([['Deployment/web', { kind: 'created', sidecar: true }]]),
  istiod: 'alive',
  undone: tried(),
};
const snapshot: Snapshot = {
  name: 'sidestep-before',
  createdAt: SINCE,
  data: snapshotData(observed()),
  restored: false,
};

const attached = (condition?: object): PolicyObject & { status?: unknown; metadata: { generation: number } } => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'only-get', namespace: 'shop', generation: 1 },
  spec: { targetRefs: [{ kind: 'Service', name: 'web' }], rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
  ...(condition && { status: { conditions: [{ type: 'WaypointAccepted', ...condition }] } }),
});
const accepted = attached({ status: 'True', reason: 'Accepted', observedGeneration: '1' });
const refused = attached({ status: 'False', reason: 'TargetNotFound', message: 'no such Service' });

const mark = (labels: object, rest: object = {}): Record<string, string> => ({
  [MARK]: JSON.stringify({ generation: 1, migration: '0c1f2e3d', attempt: 1, labels, ...rest }),
});
const bound = mark({ [USE]: 'waypoint' });
const labels = { [LABEL.injection]: 'enabled', [USE]: 'waypoint' };

const service = (metadata: object = {}, message?: string, spec: object = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: { selector: { app: 'web' }, ...spec },
  ...(message !== undefined && {
    status: {
      conditions: [
        {
          type: 'istio.io/WaypointBound',
          status: 'True',
          reason: 'WaypointAccepted',
          message,
          lastTransitionTime: SINCE,
        },
      ],
    },
  }),
});
const ATTACHED = 'Successfully attached to waypoint shop/waypoint';

/** That of a migration which asks for no size. */
const ours = gateway(
  {},
  {
    metadata: {
      name: 'waypoint',
      annotations: { 'sidestep.dev/created-by': 'shop', 'sidestep.dev/sizing': '{"resources":{}}' },
      labels: { [LABEL.managedBy]: 'sidestep' },
    },
  },
);
const theirs = gateway();

/** Ours, of which that many replicas are asked for. */
function asking(min: number): Gateway {
  const sizing = JSON.stringify({ replicas: { min, max: 5 }, resources: {} });
  const annotations = { ...ours.metadata.annotations, 'sidestep.dev/sizing': sizing };
  return { ...ours, metadata: { ...ours.metadata, annotations } };
}

const autoscaler = (minReplicas: number): PolicyObject => ({
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'waypoint', namespace: 'shop', labels: { [LABEL.gatewayName]: 'waypoint' } },
  spec: { minReplicas, maxReplicas: 5 },
});

/** Ours, as istiod last saw it: without a pod. */
function missed(addresses: { value: string }[]): Gateway {
  const conditions = (ours.status?.conditions ?? []).map((one) =>
    one.type === 'Programmed' ? { ...one, status: 'False' as const, reason: 'AddressNotAssigned' } : one,
  );
  return { ...ours, status: { ...ours.status, conditions, addresses } };
}

/** After the snapshot; the waypoint is wanted unless `spec` says otherwise. */
function given(
  waypoint: Partial<WaypointView>,
  {
    spec = {},
    ...rest
  }: Omit<Partial<Observed>, 'spec'> & { spec?: object; labels?: object; annotations?: object } = {},
): Observed {
  const am = migration({ waypoint: { provision: 'Always', ...spec } });
  const gateways = waypoint.gateway ? [waypoint.gateway] : [];
  const view = waypointView({ gateways, ...waypoint });
  return observed({ snapshot, dryRuns: alive, migration: am, waypoint: view, ...rest } as Partial<Observed>);
}

function verdictOf(seen: Observed): string {
  const { current, verdict } = decide(seen);
  return `${current ?? '-'} ${verdict.kind} ${verdict.reason}`;
}

function actionsOf(seen: Observed): readonly Action[] {
  const { verdict } = decide(seen);
  return verdict.kind === 'act' ? verdict.actions : [];
}

/** `Kind name` and the labels that are written, of each object. */
function writesOf(seen: Observed): unknown[] {
  return actionsOf(seen).map((action) =>
    action.type === 'bind' ? [`${action.kind} ${action.object.metadata.name}`, action.change.labels] : action.type,
  );
}

/** A migration that began to wait then. */
const waitingSince = (lastTransitionTime: string, progressDeadline: string): ReturnType<typeof migration> =>
  migration(
    { waypoint: { provision: 'Always' }, rollout: { progressDeadline } },
    {
      observedGeneration: 1,
      conditions: [
        { type: 'Reconciling', status: 'True', reason: 'WaypointNotReady', message: '', lastTransitionTime },
      ],
    },
  );

const ready = { gateway: ours, available: 2 };

describe('the step Waypoint', () => {
  it.each<[string, Observed, string]>([
    [
      'is skipped where nothing needs a waypoint',
      given({}, { spec: { provision: 'Auto' } }),
      'Enrol act LabelsMissing',
    ],
    ['is skipped if none is wanted', given({}, { spec: { provision: 'Never' } }), 'Enrol act LabelsMissing'],
    ['creates the Gateway', given({}), 'Waypoint act WaypointMissing'],
    [
      'creates it where a policy needs it',
      given({}, { spec: { provision: 'Auto' }, policies: [attached()] }),
      'Waypoint act WaypointMissing',
    ],
    ['waits for enough pods', given({ gateway: ours, available: 1 }), 'Waypoint wait WaypointNotReady'],
    [
      'waits for no more than the autoscaler keeps, where the class says how many',
      given({ gateway: ours, available: 1 }, { autoscalers: [autoscaler(1)] }),
      'Bind act BindingMissing',
    ],
    [
      'waits for as many as the autoscaler keeps',
      given({ gateway: ours, available: 2 }, { autoscalers: [autoscaler(3)] }),
      'Waypoint wait WaypointNotReady',
    ],
    [
      'waits for as many as are asked for, whatever the class says',
      given({ gateway: asking(3), available: 2 }, { spec: { replicas: { min: 3 } }, autoscalers: [autoscaler(1)] }),
      'Waypoint wait WaypointNotReady',
    ],
    [
      'takes one pod of a Gateway that a person has made',
      given({ gateway: theirs, available: 1 }),
      'Bind act BindingMissing',
    ],
    [
      'waits for as many as are asked for, also of such a Gateway',
      given({ gateway: theirs, available: 1 }, { spec: { replicas: { min: 2 } } }),
      'Waypoint act WaypointMissing',
    ],
    [
      'waits while istiod has not seen the Gateway as it is',
      given({ ...ready, gateway: { ...ours, metadata: { ...ours.metadata, generation: 2 } } }),
      'Waypoint wait WaypointNotReady',
    ],
    [
      'does not wait for istiod to notice that pods are back',
      given({ ...ready, gateway: missed([{ value: '10.96.0.7' }]) }),
      'Bind act BindingMissing',
    ],
    [
      'waits where istiod has given it no address yet',
      given({ ...ready, gateway: missed([]) }),
      'Waypoint wait WaypointNotReady',
    ],
    [
      'waits while it is being deleted',
      given({ ...ready, gateway: { ...ours, metadata: { ...ours.metadata, deletionTimestamp: SINCE } } }),
      'Waypoint wait WaypointNotReady',
    ],
    [
      'changes its own Gateway to what the spec says now',
      given(ready, { spec: { className: 'other' } }),
      'Waypoint act WaypointMissing',
    ],
    [
      'is content with one pod once Services are bound',
      given({ gateway: ours, available: 1 }, { labels, annotations: bound }),
      'Enrol act LabelsMissing',
    ],
    [
      'stalls when the waypoint does not come up in time',
      given(
        { gateway: { ...ours, metadata: { ...ours.metadata, creationTimestamp: SINCE } } },
        { migration: waitingSince(SINCE, '1m') },
      ),
      'Waypoint stalled ProgressDeadlineExceeded',
    ],
    [
      'never creates one in another namespace',
      given({}, { spec: { namespace: 'infra' } }),
      'Plan stalled BlockedByFindings',
    ],
    ['refuses a class that nobody knows', given({ gatewayClass: undefined }), 'Plan stalled BlockedByFindings'],
    [
      'refuses a Gateway of class istio that Sidestep does not serve',
      given({
        gateway: {
          ...theirs,
          metadata: { ...theirs.metadata, annotations: { 'sidestep.dev/serve': 'false' } },
          spec: { ...theirs.spec, gatewayClassName: 'istio' },
        },
        available: 1,
      }),
      'Plan stalled BlockedByFindings',
    ],
    [
      'waits for a Gateway of class istio until it is served',
      given({ gateway: { ...theirs, spec: { ...theirs.spec, gatewayClassName: 'istio' } }, available: 1 }),
      'Waypoint wait WaypointNotReady',
    ],
  ])('%s', (_, seen, expected) => {
    expect(verdictOf(seen)).toBe(expected);
  });

  const others = { 'sidestep.dev/sizing': '{}', 'sidestep.dev/migration-sizing': '{}' };
  const sizedByUs = { ...theirs, metadata: { ...theirs.metadata, annotations: others } };

  const toSidecars = { spec: {}, migration: migration({ dataplaneMode: 'Sidecar' }) };
  const several = ['web', 'api'].map((name) => service({ name }));
  it.each<[string, Action['type'], Observed, target?: string, writes?: number]>([
    ['creates', 'create-gateway', given({})],
    ['changes', 'apply-gateway', given(ready, { spec: { className: 'other' } })],
    ['sizes', 'size-gateway', given({ gateway: theirs, available: 1 }, { spec: { replicas: { min: 2 } } })],
    ['leaves to others', 'size-gateway', given({ gateway: sizedByUs }, toSidecars)],
    ['binds', 'bind', given(ready), 'Namespace/shop'],
    ['binds', 'bind', given({ ...ready, services: several }, { spec: { scope: 'Service' } }), 'Service/api', 2],
    ['lets go', 'bind', given(ready, { ...toSidecars, labels, annotations: bound }), 'Namespace/shop'],
    ['unbinds', 'bind', given(ready, { policies: [refused], labels, annotations: bound }), 'Namespace/shop'],
  ])('tries what it %s before it does', (_, type, seen, target = 'Gateway/waypoint', writes = 1) => {
    const expected = Array(writes).fill({ type });
    const { verdict: asked } = decide({ ...seen, dryRuns: undefined });
    expect(asked.kind === 'dry-run' && asked.request.writes).toMatchObject(expected);
    expect(actionsOf(seen)).toMatchObject(expected);
    const undone = tried({ [target]: ['metadata.annotations.x', 'spec.listeners'] });
    const { verdict } = decide({ ...seen, dryRuns: { ...alive, undone } });
    expect(verdict).toMatchObject({ kind: 'stalled', reason: 'FieldReverted', recheckMs: 15_000 });
    expect(verdict.message).toContain(`${target}: an admission webhook or policy takes off or changes`);
    expect(verdict.message).toContain('changes metadata.annotations.x, spec.listeners;');
  });

  it('asks about what no dry run has shown yet, and about nothing twice', () => {
    const seen = given({ ...ready, services: several }, { spec: { scope: 'Service' } });
    const { verdict } = decide({ ...seen, dryRuns: { ...alive, undone: new Map([['Service/web', []]]) } });
    expect(verdict.kind === 'dry-run' && verdict.request.writes).toMatchObject([
      { object: { metadata: { name: 'api' } } },
    ]);
  });

  it('leaves some of very many for the next pass', () => {
    const services = Array.from({ length: 120 }, (_, i) => service({ name: `web-${i}` }));
    expect(actionsOf(given({ ...ready, services }, { spec: { scope: 'Service' } }))).toHaveLength(50);
  });

  it('asks nothing of a Gateway that is as it should be', () => {
    const seen = given(ready, { labels, annotations: bound });
    expect(decide({ ...seen, dryRuns: undefined }).current).toBe('Enrol');
  });

  it('keeps the revision of the namespace, and says how large the waypoint is', () => {
    const seen = given({}, { labels: { [LABEL.revision]: 'default' }, spec: { replicas: { min: 3 } } });
    expect(actionsOf(seen)).toMatchObject([
      {
        type: 'create-gateway',
        manifest: {
          metadata: {
            name: 'waypoint',
            namespace: 'shop',
            labels: { [LABEL.revision]: 'default', [LABEL.managedBy]: 'sidestep' },
            annotations: {
              'sidestep.dev/created-by': 'shop',
              'sidestep.dev/sizing': '{"replicas":{"min":3,"max":5},"resources":{}}',
            },
          },
        },
      },
    ]);
  });

  it('asks for no size where the spec asks for none, so that the class counts; nor for what was asked before', () => {
    const size = { metadata: { annotations: { 'sidestep.dev/sizing': '{"resources":{}}' } } };
    expect(actionsOf(given({}))).toMatchObject([{ type: 'create-gateway', manifest: size }]);
    expect(actionsOf(given({ gateway: asking(2), available: 2 }))).toMatchObject([
      { type: 'apply-gateway', manifest: size },
    ]);
    const resources = { requests: { cpu: '1' } };
    expect(actionsOf(given({}, { spec: { resources } }))).toMatchObject([
      { manifest: { metadata: { annotations: { 'sidestep.dev/sizing': JSON.stringify({ resources }) } } } },
    ]);
  });

  it('keeps the sizing that a person has given a Gateway', () => {
    const sized = { ...theirs, metadata: { ...theirs.metadata, annotations: { 'sidestep.dev/sizing': '{}' } } };
    expect(verdictOf(given({ gateway: sized, available: 5 }, { spec: { replicas: { min: 3 } } }))).toBe(
      'Bind act BindingMissing',
    );
  });
});

describe('the step Bind', () => {
  it.each<[string, Observed, unknown[]]>([
    ['labels the namespace', given(ready), [['Namespace shop', { [USE]: 'waypoint' }]]],
    [
      'names the namespace of the waypoint, if it is another one',
      given(
        { gateway: gateway({}, { metadata: { name: 'waypoint', namespace: 'infra' } }), gateways: [], available: 1 },
        { spec: { namespace: 'infra' } },
      ),
      [['Namespace shop', { [USE]: 'waypoint', [LABEL.useWaypointNamespace]: 'infra' }]],
    ],
    [
      'labels Services with pods in the mesh that have an address, and nobody’s choice',
      given(
        {
          ...ready,
          services: [
            service(),
            service({ name: 'headless' }, undefined, { clusterIP: 'None' }),
            service({ name: 'outside' }, undefined, { type: 'ExternalName' }),
            service({ name: 'others' }, undefined, { selector: { app: 'other' } }),
            service({ name: 'out', labels: { [USE]: 'none' } }),
            service({ name: 'waypoint', labels: { [LABEL.gatewayManaged]: 'istio.io-mesh-controller' } }),
          ],
        },
        { spec: { scope: 'Service' } },
      ),
      [['Service web', { [USE]: 'waypoint' }]],
    ],
    [
      'sends ingress traffic through it, where a policy needs it',
      given({ ...ready, services: [service()] }, { policies: [accepted], labels, annotations: bound }),
      [['Service web', { [INGRESS]: 'true' }]],
    ],
    [
      'leaves what a person says about ingress traffic',
      given({ ...ready, services: [service({ labels: { [INGRESS]: 'false' } })] }, { policies: [accepted] }),
      [['Namespace shop', { [USE]: 'waypoint' }]],
    ],
    [
      'labels the accounts of workloads in the mesh',
      given(
        {
          ...ready,
          accounts: ['default', 'unused'].map((name) => {
            return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'shop' } };
          }),
        },
        { spec: { scope: 'ServiceAccount' } },
      ),
      [['ServiceAccount default', { [USE]: 'waypoint' }]],
    ],
    [
      'goes over to another waypoint in one patch',
      given(
        { ...ready, gateway: { ...ours, metadata: { ...ours.metadata, name: 'second' } } },
        { spec: { name: 'second' }, labels, annotations: bound },
      ),
      [['Namespace shop', { [USE]: 'second' }]],
    ],
    [
      'lets go what is not meant to use it any more, once the rest is bound',
      given(
        { ...ready, services: [service({ labels: { [USE]: 'waypoint' }, annotations: bound }, ATTACHED)] },
        { spec: { scope: 'Service' }, labels, annotations: bound },
      ),
      [['Namespace shop', { [USE]: undefined }]],
    ],
    [
      'lets everything go when no waypoint is wanted any more',
      given(ready, { spec: { provision: 'Never' }, labels, annotations: bound }),
      [['Namespace shop', { [USE]: undefined }]],
    ],
    ['then deletes what it has made', given(ready, { spec: { provision: 'Never' } }), ['delete-gateway']],
    [
      'and nothing that a person has made',
      given({ gateway: theirs }, { spec: { provision: 'Never' } }),
      ['label-namespace'],
    ],
  ])('%s', (_, seen, expected) => {
    expect(writesOf(seen)).toEqual(expected);
  });

  it.each<[string, Observed, string]>([
    [
      'waits for istiod',
      given({ ...ready, services: [service()] }, { labels, annotations: bound }),
      'Bind wait AwaitingIstiod',
    ],
    [
      'stalls when istiod takes too long',
      given({ ...ready, services: [service()] }, { labels, annotations: bound, migration: waitingSince(SINCE, '1m') }),
      'Bind stalled ProgressDeadlineExceeded',
    ],
    [
      'waits for a Service that has come meanwhile',
      given(
        { ...ready, services: [service({ creationTimestamp: new Date(NOW_MS - 1_000).toISOString() })] },
        { labels, annotations: bound, migration: waitingSince(SINCE, '1m') },
      ),
      'Bind wait AwaitingIstiod',
    ],
    [
      'is not content with another waypoint',
      given(
        { ...ready, services: [service({}, 'Successfully attached to waypoint shop/waypoint-2')] },
        { labels, annotations: bound },
      ),
      'Bind wait AwaitingIstiod',
    ],
    [
      'is done when istiod has bound the Services',
      given({ ...ready, services: [service({}, ATTACHED)] }, { labels, annotations: bound }),
      'Enrol act LabelsMissing',
    ],
    [
      'waits until ingress traffic goes through it',
      given(
        { ...ready, services: [service({ labels: { [INGRESS]: 'true' } }, ATTACHED)] },
        { policies: [accepted], labels, annotations: bound },
      ),
      'Bind wait AwaitingIstiod',
    ],
    [
      'waits for what the controller of accounts is about to do',
      given({ ...ready, unsettled: ['web'] }, { spec: { scope: 'ServiceAccount' } }),
      'Bind wait BindingMissing',
    ],
    [
      'waits for the policies',
      given(ready, { policies: [attached()], labels, annotations: bound }),
      'Bind wait AwaitingIstiod',
    ],
    [
      'waits while the word of istiod is about an older policy',
      given(ready, { policies: [attached({ status: 'True', observedGeneration: '0' })], labels, annotations: bound }),
      'Bind wait AwaitingIstiod',
    ],
    [
      'is stuck with a refused policy where somebody else has declared the label, too',
      given(ready, { policies: [refused], labels, annotations: mark({}) }),
      'Bind stalled PolicyNotAccepted',
    ],
    [
      'lets go again if a policy is refused',
      given(ready, { policies: [refused], labels, annotations: bound }),
      'Bind act PolicyNotAccepted',
    ],
    [
      'gives istiod time to see the Services',
      given(
        { ...ready, services: [{ ...service({ labels: { [INGRESS]: 'false' } }, ATTACHED) }] },
        { policies: [refused], nowMs: Date.parse(SINCE) + 9_000, labels, annotations: bound },
      ),
      'Bind wait AwaitingIstiod',
    ],
    [
      'keeps what is bound once pods are ambient',
      given(ready, { policies: [refused], labels, annotations: { ...bound, 'sidestep.dev/enrolled': '1.1' } }),
      'Bind stalled PolicyNotAccepted',
    ],
    [
      'keeps it once a workload is enrolled by its template',
      given(ready, {
        policies: [refused],
        labels,
        annotations: bound,
        workloads: [workload({ enrolment: { 'istio.io/dataplane-mode': null } })],
      }),
      'Bind stalled PolicyNotAccepted',
    ],
    [
      'does not wait for dry runs, of which istiod says nothing',
      given(ready, {
        policies: [
          { ...attached(), metadata: { ...attached().metadata, annotations: { 'istio.io/dry-run': 'true' } } },
        ],
        labels,
        annotations: bound,
      }),
      'Enrol act LabelsMissing',
    ],
    [
      'sets a label again that somebody has taken away',
      given(ready, { annotations: bound }),
      'Bind act BindingMissing',
    ],
    [
      'and stops the second time',
      given(ready, { annotations: mark({ [USE]: 'waypoint' }, { attempt: 2 }) }),
      'Bind stalled FieldReverted',
    ],
    [
      'but not where another AmbientMigration of the same generation has tried',
      given(ready, { annotations: mark({ [USE]: 'waypoint' }, { attempt: 2, migration: 'bbbbbbbb' }) }),
      'Bind act BindingMissing',
    ],
    [
      'and tries once more where an older version has',
      given(ready, { annotations: mark({ [USE]: 'waypoint' }, { attempt: 2, migration: undefined }) }),
      'Bind act BindingMissing',
    ],
  ])('%s', (_, seen, expected) => {
    expect(verdictOf(seen)).toBe(expected);
  });

  it('does not bind again for the policies that were refused, and does for others', () => {
    const [action] = actionsOf(given(ready, { policies: [refused], labels, annotations: bound }));
    if (action?.type !== 'bind') throw new Error('nothing is let go');
    const annotations = { [MARK]: JSON.stringify(action.change.mark) };
    expect(action.change.labels).toEqual({ [USE]: undefined });
    expect(verdictOf(given(ready, { policies: [refused], annotations }))).toBe('Bind stalled PolicyNotAccepted');
    const others = { [MARK]: JSON.stringify({ ...action.change.mark, migration: 'bbbbbbbb' }) };
    expect(verdictOf(given(ready, { policies: [refused], annotations: others }))).toBe('Bind act BindingMissing');
    const mended = { ...accepted, spec: { ...(accepted.spec as object), rules: [{}] } };
    expect(verdictOf(given(ready, { policies: [mended], annotations }))).toBe('Bind act BindingMissing');
  });
});

describe('the way back', () => {
  const back = migration({ dataplaneMode: 'Sidecar', waypoint: { provision: 'Always' } });
  const given = (
    waypoint: Partial<WaypointView>,
    rest: Partial<Observed> & { labels?: object; annotations?: object } = {},
  ): Observed =>
    observed({
      migration: back,
      snapshot,
      dryRuns: alive,
      waypoint: waypointView({ gateways: waypoint.gateway ? [waypoint.gateway] : [], ...waypoint }),
      ...rest,
    } as Partial<Observed>);

  it.each<[string, Observed, unknown[]]>([
    [
      'lets go what it has bound',
      given(ready, { labels, annotations: bound }),
      [['Namespace shop', { [USE]: undefined }]],
    ],
    [
      'keeps what a person has set meanwhile, and takes only its mark away',
      given(ready, { labels: { ...labels, [USE]: 'other' }, annotations: bound }),
      [['Namespace shop', {}]],
    ],
    ['keeps a label that was there before', given({ gateway: theirs }, { labels }), ['close-snapshot']],
    ['deletes the Gateway that it has made', given(ready), ['delete-gateway']],
    ['keeps that of a person', given({ gateway: theirs }), ['close-snapshot']],
    [
      'takes its sizing off that of a person',
      given({
        gateway: {
          ...theirs,
          metadata: {
            ...theirs.metadata,
            annotations: { 'sidestep.dev/sizing': '{}', 'sidestep.dev/migration-sizing': '{}' },
          },
        },
      }),
      ['size-gateway'],
    ],
  ])('%s', (_, seen, expected) => {
    expect(writesOf(seen)).toEqual(expected);
  });

  it.each<[string, Observed, string]>([
    [
      'waits until the workloads have their sidecars',
      given(ready, {
        labels,
        annotations: { ...bound, 'sidestep.dev/enrolled': '1.1' },
        workloads: [workload({ pods: [pod({ mode: 'ambient' })] })],
      }),
      'Workloads act Restarting',
    ],
    [
      'keeps the Gateway while somebody else names it',
      given({ ...ready, namers: new Map([['waypoint', ['Namespace other']]]) }),
      'Waypoint wait WaypointInUse',
    ],
    [
      'waits until it is gone',
      given({ gateway: { ...ours, metadata: { ...ours.metadata, deletionTimestamp: SINCE } } }),
      'Waypoint wait WaypointLeaving',
    ],
    ['and what was deployed for it', given({ orphans: ['Deployment waypoint'] }), 'Waypoint wait WaypointLeaving'],
  ])('%s', (_, seen, expected) => {
    expect(verdictOf(seen)).toBe(expected);
  });

  describe('ends with a person if the Gateway stays', () => {
    const ago = (minutes: number): string => new Date(NOW_MS - minutes * 60_000).toISOString();
    /** Going back since 20 minutes; the labels of the migration have gone that long ago. */
    const since = (minutes: number, more: object[] = []): Partial<Observed> => ({
      migration: {
        ...back,
        status: {
          observedGeneration: 1,
          conditions: [
            { type: 'Reconciling', status: 'True', reason: 'any', message: '', lastTransitionTime: ago(20) },
            { type: 'WaypointBound', status: 'False', reason: 'any', message: '', lastTransitionTime: ago(minutes) },
            ...more,
          ],
        },
      } as Observed['migration'],
    });
    const named = { ...ready, namers: new Map([['waypoint', ['Pod a/b', 'Namespace other', 'Service a/c']]]) };

    it('because labels name it: told are who, and the manager of the first that can be read', () => {
      expect(verdictOf(given(named, since(9)))).toBe('Waypoint wait WaypointInUse');
      const { verdict } = decide(given(named, since(11)));
      expect(verdict).toMatchObject({
        kind: 'stalled',
        reason: 'ProgressDeadlineExceeded',
        reverted: { type: { kind: 'Namespace' }, ref: { name: 'other' } },
        recheckMs: 10_000,
      });
      const told = decide(given(named, { ...since(11), managers: 'field manager argocd' })).verdict.message;
      expect(told).toBe(
        'Gateway waypoint is named by Pod a/b, Namespace other, Service a/c; Namespace other: field manager argocd: ' +
          `remove their label ${USE}, or name another waypoint`,
      );
      const again = { type: 'Stalled', status: 'True', reason: 'ProgressDeadlineExceeded', lastTransitionTime: ago(1) };
      const [, gone] = since(11).migration?.status?.conditions ?? [];
      const stalled = {
        ...back,
        status: { observedGeneration: 1, conditions: [again, gone] },
      } as Observed['migration'];
      expect(verdictOf(given(named, { migration: stalled }))).toBe('Waypoint stalled ProgressDeadlineExceeded');
    });

    it('because something keeps it from going', () => {
      const going = (minutes: number): Partial<WaypointView> => ({
        gateway: { ...ours, metadata: { ...ours.metadata, deletionTimestamp: ago(minutes) } },
      });
      expect(verdictOf(given(going(9), since(15)))).toBe('Waypoint wait WaypointLeaving');
      expect(verdictOf(given(going(11), since(15)))).toBe('Waypoint stalled ProgressDeadlineExceeded');
    });
  });
});

describe('the plan', () => {
  it('names what is done for the waypoint, and stays the same once it is done', () => {
    const before = decide(given({ services: [service()] }, { policies: [accepted] })).plan;
    expect(before.actions.slice(0, 4)).toEqual([
      'Write ControllerRevision sidestep-before',
      'Create Gateway waypoint of class istio-waypoint',
      `Label the namespace ${USE}=waypoint`,
      `Label each of its Services ${INGRESS}=true`,
    ]);
    const after = decide(
      given({ ...ready, services: [service({}, ATTACHED)] }, { policies: [accepted], labels, annotations: bound }),
    );
    expect(after.plan.hash).toBe(before.hash);
    expect(decide(given({}, { spec: { name: 'other' }, policies: [accepted] })).plan.hash).not.toBe(before.hash);
  });
});

describe('another scope, while pods are ambient', () => {
  const enrolled = { labels: { [LABEL.dataplaneMode]: 'ambient', [LABEL.injection]: 'disabled' } };
  const account = (metadata: object = {}): ServiceAccount => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'shop', ...metadata },
  });
  const ofAccount = { 'sidestep.dev/bound-waypoint': 'waypoint' };
  const labelled = { labels: { [USE]: 'waypoint' } };
  const held = account({ ...labelled, annotations: bound });

  it.each<[string, Partial<WaypointView>, object, unknown[]]>([
    [
      'the migration holds the label of an account’s Service too, and changes nothing of it',
      { services: [service({ ...labelled, annotations: ofAccount }, ATTACHED)], accounts: [held] },
      { scope: 'Service' },
      [['Service web', {}]],
    ],
    [
      'and only then lets go of the account',
      { services: [service({ ...labelled, annotations: { ...ofAccount, ...bound } }, ATTACHED)], accounts: [held] },
      { scope: 'Service' },
      [['ServiceAccount default', { [USE]: undefined }]],
    ],
    [
      'it gives up its mark alone, once the label is also that of an account',
      { services: [service({ ...labelled, annotations: { ...ofAccount, ...bound } }, ATTACHED)], accounts: [held] },
      { scope: 'ServiceAccount' },
      [['Service web', {}]],
    ],
    [
      'what names a former waypoint moves in one patch, in scope or not',
      {
        services: [service({ labels: { [USE]: 'first' }, annotations: mark({ [USE]: 'first' }) })],
        accounts: [account()],
      },
      { scope: 'ServiceAccount' },
      [
        ['ServiceAccount default', { [USE]: 'waypoint' }],
        ['Service web', { [USE]: 'waypoint' }],
      ],
    ],
    [
      'and keeps ingress traffic meanwhile',
      {
        services: [
          service({
            labels: { [USE]: 'first', [INGRESS]: 'true' },
            annotations: mark({ [USE]: 'first', [INGRESS]: 'true' }),
          }),
        ],
        accounts: [held],
      },
      { scope: 'ServiceAccount' },
      [['Service web', { [USE]: 'waypoint' }]],
    ],
  ])('%s', (_, view, spec, expected) => {
    expect(writesOf(given({ ...ready, ...view }, { spec, ...enrolled }))).toEqual(expected);
  });

  const named = { ...ready, services: [service({ ...labelled, annotations: bound }, ATTACHED)] };

  it.each<[string, Observed, string]>([
    [
      'waits for the controller of accounts to hold the label too',
      given({ ...named, accounts: [held], unsettled: ['web'] }, { spec: { scope: 'ServiceAccount' }, ...enrolled }),
      'Bind wait BindingMissing',
    ],
    [
      'waits for it to follow to another waypoint, and takes that for no choice of a person',
      given(
        {
          ...ready,
          services: [service({ labels: { [USE]: 'first' }, annotations: { 'sidestep.dev/bound-waypoint': 'first' } })],
          accounts: [held],
          unsettled: ['web'],
        },
        { spec: { scope: 'Service' }, ...enrolled },
      ),
      'Bind wait BindingMissing',
    ],
    [
      'is refused for Services that the new scope does not reach',
      given({ ...named, accounts: [held] }, { spec: { scope: 'ServiceAccount' }, ...enrolled }),
      'Bind stalled ScopeChanged',
    ],
    [
      'takes no notice of Services without pods',
      given(
        { ...named, services: [service({ ...labelled, annotations: bound }, ATTACHED, { selector: { app: 'x' } })] },
        { spec: { scope: 'ServiceAccount' }, ...enrolled },
      ),
      'Bind act BindingMissing',
    ],
    [
      'wants as many pods of the new waypoint as of any other',
      given(
        { gateway: { ...ours, metadata: { ...ours.metadata, name: 'second' } }, available: 1 },
        { spec: { name: 'second' }, labels: { ...enrolled.labels, [USE]: 'waypoint' }, annotations: bound },
      ),
      'Waypoint wait WaypointNotReady',
    ],
  ])('%s', (_, seen, expected) => {
    expect(verdictOf(seen)).toBe(expected);
  });
});

describe('a label of somebody else on the namespace', () => {
  const theirs = (value: string): object => ({ labels: { [LABEL.injection]: 'enabled', [USE]: value } });
  const services = [service({}, undefined)];

  it.each(['none', 'other'])('wins, and leaves nothing to do for a waypoint that nothing needs: %s', (value) => {
    const seen = given({ ...ready, services }, theirs(value));
    expect(verdictOf(seen)).toBe('Enrol act LabelsMissing');
    expect(seen.spec.waypoint.scope).toBe('Namespace');
    expect(decide(seen).plan.actions).not.toContain(`Label the namespace ${USE}=waypoint`);
    const { message } = decide(seen).steps.find(({ step }) => step.name === 'Bind')!.verdict!;
    expect(message).toBe(`0 Services use Gateway shop/waypoint: the namespace is labelled ${USE}=${value}`);
  });

  it.each(['none', 'other'])('stops the migration where a policy needs it: %s', (value) => {
    const seen = given({ ...ready, services }, { policies: [accepted], ...theirs(value), snapshot: undefined });
    expect(verdictOf(seen)).toBe('Preflight stalled BlockedByFindings');
    expect(decide(seen).verdict.message).toContain(`SST5007 Namespace shop is labelled ${USE}=${value}`);
  });

  it('does not hinder another scope', () => {
    const seen = given({ ...ready, services }, { policies: [accepted], spec: { scope: 'Service' }, ...theirs('none') });
    expect(writesOf(seen)).toEqual([['Service web', { [USE]: 'waypoint', [INGRESS]: 'true' }]]);
  });
});
