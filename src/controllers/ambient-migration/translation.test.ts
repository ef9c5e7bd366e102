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
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Service } from '../../kube/types.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { namespaceFindings } from './preflight.js';
import type { DryRuns, Observed } from './observed.js';
import { snapshotData } from './plan.js';
import { guardsLoose, guardsTight, policiesRemoved, policiesTranslated } from './policies-step.js';
import { restartChanges } from './restart-write.js';
import { assess } from './restarts.js';
import { wantedWaypoint } from './scope.js';
import { aimFor } from './situation.js';
import { STEPS } from './steps.js';
import { enrolTemplateChanges, labelsBefore, readTemplateEnrolment } from './template-enrolment.js';
import { isPerWorkload, wantedPolicies } from './translation.js';
import { judge, restartVerdict } from './workload-step.js';
import type { Verdict } from './verdict.js';
import type { Workload } from './workloads.js';

const policy = (spec: object, name = 'p', more: object = {}): PolicyObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'shop' },
  spec,
  ...more,
});

const ofWeb = { selector: { matchLabels: { app: 'web' } } };
const noHeaders = policy({ ...ofWeb, action: 'DENY', rules: [{ to: [{ operation: { paths: ['/headers'] } }] }] });

const notOther = [{ source: { notNamespaces: ['other'] } }];

/** The copy of it, as a person would write it. */
const byHand = policy(
  {
    action: 'DENY',
    rules: [{ to: [{ operation: { paths: ['/headers'] } }] }],
    targetRefs: [{ group: '', kind: 'Service', name: 'web' }],
  },
  'p-wp',
);

/** That copy for some callers only: every field of it is there. */
const narrowedByHand = policy(
  {
    action: 'DENY',
    rules: [{ from: [{ source: { namespaces: ['evil'] } }], to: [{ operation: { paths: ['/headers'] } }] }],
    targetRefs: [{ group: '', kind: 'Service', name: 'web' }],
  },
  'p-wp',
);

const service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports: [{ port: 80 }] },
} as unknown as Service;

const dryRuns = (undone = {}): DryRuns => ({ pods: new Map(), istiod: 'not-asked', undone: tried(undone) });

/** A namespace whose one Deployment only a waypoint can protect. */
function layer7(overrides: Parameters<typeof observed>[0] = {}): Observed {
  const waypoint = waypointView({ services: [service] });
  return observed({ policies: [noHeaders], waypoint, dryRuns: dryRuns(), ...overrides });
}

const inWorkloadMode = (spec: object = {}): ReturnType<typeof migration> =>
  migration({ rollout: { enrolment: 'Workload' }, ...spec });
const codes = (given: Observed): string[] =>
  namespaceFindings(given).flatMap(({ code, object }) => (/^SST(20|5001)/.test(code) ? [`${code} ${object}`] : []));

const enrolled: Workload['enrolment'] = { [LABEL.dataplaneMode]: null, [LABEL.inject]: null };
const ours = { [LABEL.dataplaneMode]: 'ambient', [LABEL.inject]: 'false' };
const template = (labels: Record<string, string>): Workload['template'] => ({
  metadata: { labels: { app: 'web', ...labels } },
  spec: { containers: [{ name: 'app' }] },
});

describe('a namespace whose policies only a waypoint can enforce', () => {
  it('stops where a Service without selector lists its pods', () => {
    const legacy: Service = {
      ...service,
      metadata: { name: 'legacy', namespace: 'shop' },
      spec: { ports: [{ port: 80 }] },
    };
    const waypoint = waypointView({
      services: [service, legacy],
      listedPods: new Map([['legacy', [{ app: 'web', [LABEL.dataplaneMode]: 'ambient' }]]]),
    });
    const given = layer7({ waypoint });
    expect(codes(given)).toEqual(['SST2008 AuthorizationPolicy/p']);
    expect(namespaceFindings(given).find(({ code }) => code === 'SST2008')?.message).toMatch(
      /Sidestep writes nothing for it: Service\/legacy has no selector/,
    );
  });

  it('stops where its waypoint takes calls to addresses of pods, and says which Gateway that is', () => {
    const given = layer7({ waypoint: waypointView({ services: [service], traffic: 'all' }) });
    expect(codes(given)).toEqual(['SST2008 AuthorizationPolicy/p']);
    expect(namespaceFindings(given).find(({ code }) => code === 'SST2008')?.message).toMatch(
      /Sidestep writes nothing for it: Gateway\/waypoint takes calls to addresses of pods/,
    );
  });

  it.each<[string, Observed, string[]]>([
    ['is translated', layer7(), ['SST2032 AuthorizationPolicy/p']],
    [
      'asks a person what a provider needs to be told',
      layer7({ policies: [policy({ ...ofWeb, action: 'CUSTOM', provider: { name: 'opa' }, rules: [{}] })] }),
      ['SST2032 AuthorizationPolicy/p', 'SST2046 AuthorizationPolicy/p'],
    ],
    [
      'says why there is no form',
      layer7({
        policies: [policy({ ...ofWeb, action: 'CUSTOM', provider: { name: 'opa' }, rules: [{ from: notOther }] })],
        migration: migration({ waypoint: { provision: 'Always' } }),
      }),
      ['SST2005 AuthorizationPolicy/p', 'SST2010 AuthorizationPolicy/p'],
    ],
    [
      'is left to people where they say so',
      layer7({ migration: migration({ policies: { translation: 'Manual' } }) }),
      ['SST2008 AuthorizationPolicy/p'],
    ],
    [
      'is not translated where no waypoint may be',
      layer7({ migration: migration({ waypoint: { provision: 'Never' } }) }),
      ['SST2008 AuthorizationPolicy/p'],
    ],
    [
      'names sidecars elsewhere that may call',
      layer7({ sidecarAccounts: [{ namespace: 'other', account: 'x' }] }),
      ['SST2032 AuthorizationPolicy/p', 'SST2035 Deployment/web'],
    ],
    [
      'names the namespace of such sidecars that waits for this one in turn',
      layer7({
        policies: [noHeaders, { ...noHeaders, metadata: { ...noHeaders.metadata, namespace: 'other' } }],
        sidecarAccounts: [{ namespace: 'other', account: 'x' }],
      }),
      ['SST2032 AuthorizationPolicy/p', 'SST2048 Namespace/other'],
    ],
    [
      'cannot be enrolled as a whole',
      layer7({ migration: migration({ rollout: { enrolment: 'Namespace' } }) }),
      ['SST2032 AuthorizationPolicy/p', 'SST2038 Namespace/shop'],
    ],
    [
      'cannot have a Rollout of Argo',
      layer7({ workloads: [workload({ kind: 'Rollout' })] }),
      ['SST2032 AuthorizationPolicy/p', 'SST2039 Rollout/web'],
    ],
    [
      'keeps what has a name of ours',
      layer7({ policies: [noHeaders, policy({ rules: [{}], selector: { matchLabels: { app: 'x' } } }, 'p-wp')] }),
      ['SST2032 AuthorizationPolicy/p', 'SST2040 AuthorizationPolicy/p-wp'],
    ],
    [
      'takes what a person has written as it would',
      layer7({ policies: [noHeaders, byHand] }),
      ['SST2032 AuthorizationPolicy/p', 'SST5001 AuthorizationPolicy/p-wp'],
    ],
    [
      'does not take what says more than it would, and so refuses less',
      layer7({ policies: [noHeaders, narrowedByHand] }),
      ['SST2032 AuthorizationPolicy/p', 'SST2040 AuthorizationPolicy/p-wp', 'SST5001 AuthorizationPolicy/p-wp'],
    ],
    [
      'is enrolled as a whole where ztunnel enforces everything',
      observed({ migration: migration({ rollout: { enrolment: 'Namespace' } }) }),
      [],
    ],
  ])('%s', (_, given, expected) => {
    expect(codes(given).filter((one) => !one.startsWith('SST2036'))).toEqual(expected);
  });

  it('is enrolled workload by workload, and others together', () => {
    expect([layer7(), observed(), observed({ migration: inWorkloadMode() })].map(isPerWorkload)).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('the step Policies', () => {
  const live = (given: Observed, grip: 'loose' | 'tight' = 'loose', status?: object): PolicyObject[] =>
    wantedPolicies(given, grip).map((one) => ({ ...one, ...(status && { status }) }));
  const accepted = { conditions: [{ type: 'WaypointAccepted', status: 'True', reason: 'Accepted', message: '' }] };
  const unbound = {
    conditions: [{ type: 'WaypointAccepted', status: 'False', reason: 'AncestorNotBound', message: '' }],
  };
  const refused = {
    conditions: [{ type: 'WaypointAccepted', status: 'False', reason: 'TargetNotFound', message: 'gone' }],
  };

  it('writes what is missing, says for what, and no more of it', () => {
    const verdict = policiesTranslated(layer7());
    expect(verdict).toMatchObject({ kind: 'act', reason: 'PoliciesMissing' });
    const actions = verdict.kind === 'act' ? verdict.actions : [];
    expect(actions.map((action) => action.type === 'apply-policy' && action.manifest.metadata)).toMatchObject([
      { name: 'p-wp', annotations: { [OWN_ANNOTATION.translatedFrom]: 'AuthorizationPolicy/p' } },
      { name: 'p-guard', labels: { 'app.kubernetes.io/managed-by': 'sidestep' } },
    ]);
    const given = layer7();
    expect(policiesTranslated({ ...given, translated: live(given, 'loose', accepted) })).toMatchObject({
      kind: 'done',
    });
  });

  describe('tries what it writes before it does', () => {
    const given = layer7();
    const ambient = layer7({
      workloads: [
        workload({
          pods: [pod({ mode: 'ambient', labels: { app: 'web', ...ours } })],
          enrolment: enrolled,
          template: template(ours),
        }),
      ],
    });
    const guard = 'AuthorizationPolicy/p-guard';

    it.each<[string, (given: Observed) => Verdict, Observed, string[]]>([
      ['forward', policiesTranslated, given, ['p-wp', 'p-guard']],
      [
        'to put back what a hand has changed',
        policiesTranslated,
        { ...given, translated: live(given, 'loose', accepted).slice(0, 1) },
        ['p-guard'],
      ],
      ['to tighten', guardsTight, { ...ambient, translated: live(ambient, 'loose', accepted) }, ['p-guard']],
      ['to loosen', guardsLoose, { ...ambient, translated: live(ambient, 'tight', accepted) }, ['p-guard']],
    ])('%s', (_, step, seen, names) => {
      const asked = step({ ...seen, dryRuns: undefined });
      const writes = asked.kind === 'dry-run' ? (asked.request.writes ?? []) : [];
      expect(writes.map((one) => one.type === 'apply-policy' && one.manifest.metadata.name)).toEqual(names);
      expect(step(seen)).toMatchObject({ kind: 'act', actions: writes });
      const undone = step({ ...seen, dryRuns: dryRuns({ [guard]: ['spec.rules', 'metadata.labels.x'] }) });
      expect(undone).toMatchObject({ kind: 'stalled', reason: 'FieldReverted', recheckMs: 15_000 });
      expect(undone.message).toContain(
        `${guard}: an admission webhook or policy takes off or changes spec.rules, metada`,
      );
    });

    it('and asks nothing where there is nothing to write', () => {
      const settled = { ...given, translated: live(given, 'loose', accepted), dryRuns: undefined };
      expect(policiesTranslated(settled)).toMatchObject({ kind: 'done' });
      expect(policiesTranslated({ ...settled, policies: [] })).toMatchObject({ kind: 'act' });
      const tight = { ...ambient, translated: live(ambient, 'tight', accepted), dryRuns: undefined };
      expect(guardsTight(tight)).toMatchObject({ kind: 'done' });
    });
  });

  it.each([
    ['accepted', accepted, 'done'],
    ['for a Service that is not bound yet', unbound, 'done'],
    ['refused', refused, 'wait'],
    ['not looked at', {}, 'wait'],
  ])('takes a copy that is %s by istiod’s word', (_, status, kind) => {
    const given = layer7();
    expect(policiesTranslated({ ...given, translated: live(given, 'loose', status) }).kind).toBe(kind);
  });

  it('writes copies of filters and Telemetries, too, of which istiod says nothing', () => {
    const of = (kind: string, group: string): PolicyObject => ({
      apiVersion: `${group}/v1alpha1`,
      kind,
      metadata: { name: kind.toLowerCase(), namespace: 'shop' },
      spec: ofWeb,
    });
    const filter = of('WasmPlugin', 'extensions.istio.io');
    const telemetry = of('Telemetry', 'telemetry.istio.io');
    const given = layer7({ policies: [filter, telemetry] });
    const verdict = policiesTranslated(given);
    const written = verdict.kind === 'act' ? verdict.actions.map((one) => 'manifest' in one && one.manifest) : [];
    expect(written.map((one) => one && [one.apiVersion, one.kind, one.metadata.name])).toEqual([
      ['extensions.istio.io/v1alpha1', 'WasmPlugin', 'wasmplugin-wp'],
      ['security.istio.io/v1', 'AuthorizationPolicy', 'wasmplugin-wasmplugin-guard'],
      ['telemetry.istio.io/v1alpha1', 'Telemetry', 'telemetry-wp'],
    ]);
    const translated = live(given);
    expect(policiesTranslated({ ...given, translated })).toMatchObject({ kind: 'done' });
    expect(policiesRemoved({ ...given, translated })).toMatchObject({ actions: { length: 3 } });
    expect(isPerWorkload(given)).toBe(true);
    // A Telemetry alone is no reason for a waypoint.
    expect(policiesTranslated(layer7({ policies: [telemetry] }))).toMatchObject({ reason: 'NotNeeded' });
    const always = layer7({ policies: [telemetry], migration: migration({ waypoint: { provision: 'Always' } }) });
    expect(policiesTranslated(always)).toMatchObject({ actions: { length: 1 } });
    expect(isPerWorkload(always)).toBe(false);
    expect(codes(layer7({ policies: [telemetry] }))).toEqual([]);
    expect(namespaceFindings(always).map(({ code }) => code)).not.toContain('SST3017');
  });

  it('leaves to a person what they have written as it would', () => {
    const given = layer7({ policies: [noHeaders, byHand] });
    const verdict = policiesTranslated(given);
    expect(verdict.kind === 'act' && verdict.actions).toMatchObject([{ manifest: { metadata: { name: 'p-guard' } } }]);
    expect(policiesRemoved(given)).toMatchObject({ kind: 'done' });
  });

  it('waits for istiod from when a copy was written, however long the migration has been under way', () => {
    const hourAgo = new Date(NOW_MS - 3_600_000).toISOString();
    const reconciling = { type: 'Reconciling', status: 'True', reason: 'Progressing', lastTransitionTime: hourAgo };
    const given = layer7({ migration: migration({}, { conditions: [reconciling] }) });
    const at = (creationTimestamp: string): Observed['translated'] =>
      live(given, 'loose', refused).map((one) => ({ ...one, metadata: { ...one.metadata, creationTimestamp } }));
    const kindAt = (time: string): string => policiesTranslated({ ...given, translated: at(time) }).kind;
    expect([new Date(NOW_MS - 1_000).toISOString(), hourAgo].map(kindAt)).toEqual(['wait', 'stalled']);
  });

  it.each([
    ['in one rule', { from: [{ source: { namespaces: ['evil'] } }] }],
    ['in an operation', { to: [{ operation: { paths: ['/headers'], methods: ['GET'] } }] }],
  ])('puts back a copy that a hand has narrowed by a field more %s', (_, more) => {
    const given = layer7();
    const [copy, guard] = live(given, 'loose', accepted) as [PolicyObject, PolicyObject];
    const rules = (copy.spec as { rules: object[] }).rules.map((rule) => ({ ...rule, ...more }));
    const narrowed = { ...copy, spec: { ...(copy.spec as object), rules } };
    expect(policiesTranslated({ ...given, translated: [narrowed, guard] })).toMatchObject({
      actions: [{ type: 'apply-policy', manifest: { metadata: { name: 'p-wp' } } }],
    });
    expect(policiesTranslated({ ...given, translated: [copy, guard] })).toMatchObject({ kind: 'done' });
  });

  it('puts back what a hand has changed, and takes away what no policy asks for', () => {
    const given = layer7();
    const [copy, guard] = live(given, 'loose', accepted) as [PolicyObject, PolicyObject];
    const changed = { ...guard, spec: { ...(guard.spec as object), rules: [] } };
    expect(policiesTranslated({ ...given, translated: [copy, changed] })).toMatchObject({
      actions: [{ type: 'apply-policy', manifest: { metadata: { name: 'p-guard' } } }],
    });
    const stray = { ...guard, metadata: { ...guard.metadata, name: 'q-guard' } };
    expect(policiesTranslated({ ...given, translated: [copy, guard, stray] })).toMatchObject({
      actions: [{ type: 'delete-policy', object: { metadata: { name: 'q-guard' } } }],
    });
  });

  it('takes all of it away when the last policy goes, and keeps the waypoint until then', () => {
    const translated = live(layer7(), 'tight', accepted);
    const given = layer7({ policies: [], translated });
    expect(wantedWaypoint(given)).toBeDefined();
    const verdict = policiesTranslated(given);
    expect(verdict.kind === 'act' && verdict.actions.map(({ type }) => type)).toEqual([
      'delete-policy',
      'delete-policy',
    ]);
    expect(wantedWaypoint(layer7({ policies: [] }))).toBeUndefined();
  });

  it('leaves alone what is there for a policy that has no such form any more', () => {
    const given = layer7();
    const translated = live(given, 'loose', accepted);
    const callers = policy({ ...ofWeb, action: 'DENY', rules: [{ from: notOther }] });
    const other = policy(
      { selector: { matchLabels: { app: 'y' } }, rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
      'q',
    );
    const verdict = policiesTranslated({ ...layer7({ policies: [callers, other] }), translated });
    expect(verdict.kind === 'act' && verdict.actions.map(({ type }) => type)).toEqual(['apply-policy']);
  });

  it('touches nothing where people write the copies from now on', () => {
    const given = layer7();
    const handed = layer7({ migration: migration({ policies: { translation: 'Manual' } }) });
    expect(policiesTranslated({ ...handed, translated: live(given) })).toMatchObject({
      kind: 'done',
      reason: 'NotNeeded',
    });
  });

  it('does not change what protects ambient pods for a waypoint that is still in use', () => {
    const was = layer7();
    const translated = live(was, 'loose', accepted);
    const mark = { generation: 1, attempt: 1, labels: { [LABEL.useWaypoint]: 'waypoint' } };
    const given = (workloads: Workload[]): Observed => ({
      ...layer7({
        migration: migration({ waypoint: { name: 'other' } }),
        labels: { [LABEL.injection]: 'enabled', [LABEL.useWaypoint]: 'waypoint' },
        annotations: { [OWN_ANNOTATION.waypointLabels]: JSON.stringify(mark) },
        workloads,
      }),
      translated,
    });
    const ambient = workload({ pods: [pod({ mode: 'ambient' })], enrolment: enrolled, template: template(ours) });
    expect(policiesTranslated(given([ambient]))).toMatchObject({ kind: 'stalled', reason: 'WaypointChanged' });
    expect(policiesTranslated(given([workload()]))).toMatchObject({ kind: 'act' });
  });

  it('tightens guards once no pod has a sidecar, and loosens them before one gets it back', () => {
    const ambient = layer7({
      workloads: [
        workload({
          pods: [pod({ mode: 'ambient', labels: { app: 'web', ...ours } })],
          enrolment: enrolled,
          template: template(ours),
        }),
      ],
    });
    const loose = live(ambient, 'loose', accepted);
    const tight = live(ambient, 'tight', accepted);
    expect(tight.at(-1)?.spec).toMatchObject(ofWeb);
    expect(guardsTight({ ...layer7(), translated: loose })).toMatchObject({ kind: 'done', reason: 'HeldByPods' });
    const draining = [pod({ live: false, counts: false, drainsUntilMs: NOW_MS + 20_000 })];
    const held = { ...ambient, translated: loose, draining };
    expect(guardsTight(held)).toMatchObject({ kind: 'wait', reason: 'RolloutInProgress', recheckMs: 25_000 });
    expect(guardsTight({ ...ambient, translated: loose })).toMatchObject({ kind: 'act', reason: 'GuardsLoose' });
    expect(guardsTight({ ...ambient, translated: tight })).toMatchObject({ kind: 'done', reason: 'Guarded' });
    expect(policiesTranslated({ ...ambient, translated: tight })).toMatchObject({ kind: 'done' });
    // What else is missing is no reason to loosen it.
    const half = policiesTranslated({ ...ambient, translated: tight.slice(1) });
    expect(half.kind === 'act' && half.actions).toMatchObject([{ manifest: { metadata: { name: 'p-wp' } } }]);
    expect(policiesTranslated({ ...layer7(), translated: tight })).toMatchObject({ kind: 'act' });
    const loosening = guardsLoose({ ...ambient, translated: tight });
    expect(loosening.kind === 'act' && loosening.actions.map((one) => 'manifest' in one && one.manifest)).toEqual(
      wantedPolicies(ambient, 'loose').slice(1),
    );
    // They are in the way of sidecars, whoever writes policies from now on.
    const manual = layer7({ migration: migration({ policies: { translation: 'Manual' } }) });
    expect(guardsLoose({ ...manual, translated: tight })).toMatchObject({ kind: 'act' });
    expect(guardsLoose({ ...ambient, translated: loose })).toMatchObject({ kind: 'done' });
    expect(guardsTight(observed())).toMatchObject({ reason: 'NotNeeded' });
  });

  it('keeps them tight while an ambient pod without their label waits for its sidecar, as of a Deployment of yesterday', () => {
    const late = (overrides: Partial<Parameters<typeof pod>[0]> = {}): Workload =>
      workload({ name: 'late', pods: [pod({ name: 'late-1', mode: 'ambient', ...overrides })] });
    const migrated = (...workloads: Workload[]): Observed => {
      const given = layer7({ workloads });
      return { ...given, translated: live(given, 'tight', accepted) };
    };
    const kindOf = (given: Observed): string => guardsLoose(given).kind;
    expect(guardsLoose(migrated(late()))).toMatchObject({ kind: 'done', reason: 'HeldByPods' });
    // Injection is off as long as the namespace is ambient.
    const off = migrated(late());
    const marked = {
      ...layer7({
        workloads: [late()],
        labels: { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' },
        annotations: { [OWN_ANNOTATION.enrolled]: '1.1' },
        snapshot: { name: 'sidestep-before', createdAt: '', data: snapshotData(layer7()), restored: false },
      }),
      translated: off.translated,
    };
    expect(kindOf(marked)).toBe('done');
    // A pod that has its sidecar back is refused what comes past the waypoint, until the last of the others has its own.
    const { translated } = off;
    const halfway = { ...layer7({ workloads: [late(), workload()] }), translated };
    expect(policiesTranslated(halfway)).toMatchObject({ kind: 'done' });
    expect(kindOf(halfway)).toBe('done');
    expect(kindOf(migrated(workload()))).toBe('act');
    expect(kindOf(migrated(late({ labels: { app: 'web', ...ours } })))).toBe('act');
    expect(kindOf(migrated(late({ labels: { app: 'other' } })))).toBe('act');
    // It has had none before, and gets none.
    expect(kindOf(migrated(late({ labels: { app: 'web', [LABEL.inject]: 'false' } })))).toBe('act');
    expect(kindOf(migrated(late({ counts: false })))).toBe('act');
    const stray = { ...migrated(), strayPods: [pod({ mode: 'ambient' })] };
    expect(kindOf(stray)).toBe('act');
  });

  it('gives sidecars first, going back, to pods that hold a guard tight: it would refuse callers of the others', () => {
    const app = (name: string, labels: object = {}): Workload =>
      workload({ name, pods: [pod({ name: `${name}-1`, mode: 'ambient', labels: { app: 'web', ...labels } })] });
    const other = workload({ name: 'other', pods: [pod({ name: 'other-1', mode: 'ambient', labels: { app: 'x' } })] });
    const given = layer7({ workloads: [app('a', ours), app('late'), other, app('z', ours)] });
    const asked = (translated: Observed['translated'], more: Partial<Observed> = {}): unknown => {
      const verdict = restartVerdict({ ...given, translated, dryRuns: undefined, ...more }, 'sidecar');
      return verdict.kind === 'dry-run' ? verdict.request.pods.map(({ name }) => name) : verdict.reason;
    };
    const tight = live(given, 'tight', accepted);
    expect(asked(live(given, 'loose', accepted))).toEqual(['z']);
    expect(asked(tight)).toEqual(['other']);
    const withoutOther = { workloads: given.workloads.filter((one) => one !== other) };
    expect(asked(tight, withoutOther)).toEqual(['late']);
    // Half-way through its pods when the late one came up.
    const mark = { goal: 'sidecar', generation: 1, attempt: 1 } as const;
    const pods = [pod({ name: 'db-0', mode: 'ambient', labels: { app: 'web', ...ours } })];
    const db = workload({ kind: 'StatefulSet', name: 'db', onDelete: { outdated: 1 }, restartMark: mark, pods });
    expect(asked(tight, { workloads: [db] })).toEqual(['db']);
    expect(asked(tight, { workloads: [app('late'), db] })).toEqual(['late']);
    const refused = new Map([['Deployment/late', { kind: 'refused', message: 'quota' } as const]]);
    const dryRuns: DryRuns = { pods: refused, istiod: 'not-asked' };
    expect(asked(tight, { ...withoutOther, dryRuns })).toBe('PodRefused');
  });

  it('leaves a gateway of the namespace alone: a guard of all pods keeps choosing them by their label', () => {
    const ofAll = policy({ ...(noHeaders.spec as object), selector: undefined });
    const all = { policies: [ofAll], workloads: [workload({ pods: [pod({ mode: 'ambient' })] })] };
    const guardOf = (given: Observed): unknown =>
      (wantedPolicies(given, 'tight').at(-1)?.['spec'] as { selector?: unknown }).selector;
    expect(guardOf(layer7(all))).toBeUndefined();
    const ofIngress = pod({ name: 'ingress', gateway: true, dataplaneMode: 'none' });
    expect(guardOf(layer7({ ...all, strayPods: [ofIngress] }))).toBeDefined();
    const ofWaypoint = pod({ name: 'w', gateway: true, labels: { [LABEL.gatewayName]: 'waypoint' } });
    const view = waypointView({ services: [service], gateways: [gateway()] });
    expect(guardOf(layer7({ ...all, strayPods: [ofWaypoint], waypoint: view }))).toBeUndefined();
  });

  it('takes away everything of ours on the way back, with the uid of what it has seen', () => {
    const given = layer7();
    const translated = live(given).map((one) => ({
      ...one,
      metadata: { ...one.metadata, uid: `uid-${one.metadata.name}` },
    }));
    const verdict = policiesRemoved({ ...given, translated });
    expect(verdict.kind === 'act' && verdict.actions).toMatchObject([
      { type: 'delete-policy', object: { metadata: { uid: 'uid-p-wp' } } },
      { type: 'delete-policy', object: { metadata: { uid: 'uid-p-guard' } } },
    ]);
    expect(policiesRemoved(given)).toMatchObject({ kind: 'done', reason: 'RolledBack' });
  });
});

/** `db` is what only a waypoint can protect, and `web` may call it. */
function callingDb(am = migration()): Observed {
  const labels = { app: 'db' };
  const db = workload({
    name: 'db',
    template: { ...template({}), metadata: { labels } },
    pods: [pod({ name: 'db-1', labels })],
  });
  return layer7({
    migration: am,
    policies: [policy({ ...(noHeaders.spec as object), selector: { matchLabels: labels } })],
    workloads: [db, workload()],
    waypoint: waypointView({ services: [{ ...service, spec: { ...service.spec, selector: labels } }] }),
  });
}

describe('workloads that are enrolled one by one', () => {
  const enrol = STEPS.find(({ name }) => name === 'Enrol');
  const kindOf = (given: Observed, goal: 'ambient' | 'sidecar'): string[] =>
    judge(given, goal).map(({ state }) => state.kind);

  it('get the labels with their restart, and lose them with the restart back', () => {
    const mark = { goal: 'ambient', generation: 1, attempt: 1 } as const;
    const there = restartChanges(workload(), mark, { nowMs: NOW_MS, enrols: true });
    expect(
      there.filter(({ path }) => path.includes('labels')).map(({ path, value }) => `${path.at(-1)}=${String(value)}`),
    ).toEqual([`${LABEL.dataplaneMode}=ambient`, `${LABEL.inject}=false`]);
    expect(there).toContainEqual({
      path: ['metadata', 'annotations', OWN_ANNOTATION.enrolledTemplate],
      value: JSON.stringify(enrolled),
    });
    expect(
      restartChanges(workload(), mark, { nowMs: NOW_MS, enrols: false }).flatMap(({ path }) => path),
    ).not.toContain('labels');
    const back = restartChanges(
      workload({ enrolment: enrolled, template: template(ours) }),
      { ...mark, goal: 'sidecar' },
      { nowMs: NOW_MS, enrols: true },
    );
    expect(back.filter(({ path }) => path.includes('labels')).map(({ value }) => value)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('give labels back as they were, and leave what somebody has changed', () => {
    const before = { [LABEL.dataplaneMode]: null, [LABEL.inject]: 'true' };
    expect(labelsBefore({ app: 'web', ...ours }, before)).toEqual({ app: 'web', [LABEL.inject]: 'true' });
    expect(labelsBefore({ [LABEL.dataplaneMode]: 'none', [LABEL.inject]: 'false' }, before)).toEqual({
      [LABEL.dataplaneMode]: 'none',
      [LABEL.inject]: 'true',
    });
    // He wants another value instead of ours, which the next attempt replaces.
    const labels = { ...ours, [LABEL.dataplaneMode]: 'none' };
    expect(enrolTemplateChanges({ template: template(labels), enrolment: before })).toContainEqual({
      path: ['metadata', 'annotations', OWN_ANNOTATION.enrolledTemplate],
      value: JSON.stringify({ ...before, [LABEL.dataplaneMode]: 'none' }),
    });
    expect(readTemplateEnrolment({ [OWN_ANNOTATION.enrolledTemplate]: 'x' })).toBeUndefined();
    expect(
      readTemplateEnrolment({ [OWN_ANNOTATION.enrolledTemplate]: '{"app":"x","istio.io/dataplane-mode":null}' }),
    ).toEqual({
      [LABEL.dataplaneMode]: null,
    });
  });

  it('are restarted though they have no pods: the next ones would come with a sidecar', () => {
    const empty = workload({ replicas: 0, pods: [] });
    expect(kindOf(layer7({ workloads: [empty] }), 'ambient')).toEqual(['restart']);
    expect(kindOf(observed({ workloads: [empty] }), 'ambient')).toEqual(['done']);
    expect(
      kindOf(layer7({ workloads: [{ ...empty, enrolment: enrolled, template: template(ours) }] }), 'ambient'),
    ).toEqual(['done']);
    expect(
      kindOf(layer7({ workloads: [{ ...empty, enrolment: enrolled, template: template(ours) }] }), 'sidecar'),
    ).toEqual(['restart']);
  });

  it('stop, and say so, where somebody takes the labels off their templates', () => {
    const mark = { goal: 'ambient', generation: 1, attempt: 2, migration: '0c1f2e3d' } as const;
    const reverted = workload({ restartMark: mark, enrolment: enrolled });
    expect(assess(reverted, aimFor(layer7(), 'ambient'))).toMatchObject({ kind: 'stuck', reason: 'FieldReverted' });
  });

  it('go first where others may be called by them, and come last on the way back', () => {
    const given = { ...callingDb(), dryRuns: undefined };
    const asked = restartVerdict(given, 'ambient');
    expect(asked.kind === 'dry-run' && asked.request.pods.map(({ name }) => name)).toEqual(['web']);
    // What the pods will be made of, not what they are made of.
    expect(asked.kind === 'dry-run' && asked.request.pods[0]?.template.metadata?.labels).toMatchObject(ours);
  });

  it.each<[string, object, string[], string[]]>([
    ['callers first', {}, ['db', 'web'], []],
    ['in parallel', { order: 'Parallel' }, ['db', 'web'], ['SST2041 Deployment/db']],
    ['as they are listed', { order: 'Listed', workloads: [{ kind: 'Deployment', name: 'web' }] }, ['web', 'db'], []],
    [
      'as they are listed, the wrong way round',
      { order: 'Listed', workloads: [{ kind: 'Deployment', name: 'db' }] },
      ['db', 'web'],
      ['SST2041 Deployment/db'],
    ],
  ])('are restarted %s', (_, rollout, order, found) => {
    const given = callingDb(migration({ rollout }));
    expect(judge(given, 'ambient').map(({ workload: { name } }) => name)).toEqual(order);
    expect(judge(given, 'sidecar').map(({ workload: { name } }) => name)).toEqual([...order].reverse());
    expect(codes(given).filter((one) => one.startsWith('SST2041'))).toEqual(found);
  });

  it('must be there where they are listed', () => {
    const listed = (name: string): Observed =>
      callingDb(
        migration({
          rollout: {
            order: 'Listed',
            workloads: [
              { kind: 'Deployment', name: 'web' },
              { kind: 'Deployment', name },
            ],
          },
        }),
      );
    expect(namespaceFindings(listed('api')).filter(({ code }) => code === 'SST2044')).toMatchObject([
      { object: 'Deployment/api', message: 'spec.rollout.workloads[1] names Deployment/api, which is not there' },
    ]);
    expect(codes(listed('db')).filter((one) => one.startsWith('SST2044'))).toEqual([]);
  });

  it('come before the labels of the namespace', () => {
    const { labels } = layer7().namespace.metadata;
    expect(enrol?.forward(layer7(), { hash: '', findings: [], actions: [] })).toMatchObject({
      kind: 'done',
      reason: 'EnrolledByWorkload',
    });
    const all = layer7({
      labels: { ...labels },
      workloads: [workload({ pods: [pod({ mode: 'ambient' })], enrolment: enrolled, template: template(ours) })],
      dryRuns: undefined,
    });
    expect(enrol?.forward(all, { hash: '', findings: [], actions: [] })).toMatchObject({
      kind: 'dry-run',
      reason: 'LabelsMissing',
    });
  });

  it('are not for the namespace while one of theirs is on its way', () => {
    const rolling = workload({
      finished: false,
      pods: [pod(), pod({ name: 'web-2', mode: 'none', ready: false })],
      enrolment: enrolled,
      template: template(ours),
    });
    expect(enrol?.forward(layer7({ workloads: [rolling] }), { hash: '', findings: [], actions: [] })).toMatchObject({
      reason: 'EnrolledByWorkload',
    });
  });
});
