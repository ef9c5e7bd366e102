import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, tried, waypointView } from '../../../test/support/observed.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Service } from '../../kube/types.js';
import { type PolicyObject, asRecord, asRecords } from '../../mesh/policy-object.js';
import type { Observed } from './observed.js';
import { planOf } from './plan.js';
import { policiesRemoved, policiesTranslated } from './policies-step.js';
import { namespaceFindings } from './preflight.js';
import { routeProblem } from './route-forms.js';
import { wantedWaypoint } from './scope.js';
import { UnnamedBackends } from './unnamed-backends.js';
import { unwantedPolicies, wantedPolicies } from './translation.js';
import type { Verdict } from './verdict.js';

const object = (kind: string, name: string, spec: object): PolicyObject => ({
  apiVersion: kind === 'Service' ? 'v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});
const web = object('Service', 'web', {
  clusterIP: '10.96.0.1',
  selector: { app: 'web' },
  ports: [{ name: 'http', port: 80 }],
});
const subsets = object('DestinationRule', 'web', { host: 'web', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
const canary = (fields: object = {}): PolicyObject =>
  object('VirtualService', 'canary', {
    hosts: ['web'],
    http: [{ route: [{ destination: { host: 'web', subset: 'v1' } }], ...fields }],
  });

/** A namespace with a VirtualService that names a subset. */
function routed(overrides: Parameters<typeof observed>[0] = {}): Observed {
  return observed({
    policies: [web, subsets, canary()],
    waypoint: waypointView({ services: [web as unknown as Service] }),
    dryRuns: { pods: new Map(), istiod: 'not-asked', undone: tried() },
    ...overrides,
  });
}

const AGES_MS = { young: 4_000, old: 60_000 };

/** What the migration has written, so long ago. */
function live(given: Observed, kinds: readonly string[], ageMs = AGES_MS.old): PolicyObject[] {
  const creationTimestamp = new Date(NOW_MS - ageMs).toISOString();
  return wantedPolicies(given, 'loose')
    .filter(({ kind }) => kinds.includes(kind))
    .map((one) => ({ ...one, metadata: { ...one.metadata, creationTimestamp } }));
}

const unnamed = (ageMs: number): ReadonlyMap<string, number> => new Map([['Service/web-v1', NOW_MS - ageMs]]);

const accepted = (route: PolicyObject, status = 'True'): PolicyObject => {
  const conditions = ['Accepted', 'ResolvedRefs'].map((type) => ({ type, status, reason: 'Why', message: 'what' }));
  const parents = [{ parentRef: { group: '', kind: 'Service', name: 'web' }, conditions }];
  return { ...route, status: { parents } } as PolicyObject;
};

const writes = (verdict: Verdict): string[] =>
  (verdict.kind === 'act' ? verdict.actions : []).flatMap((action) => {
    if (action.type === 'apply-policy') return [`apply ${action.manifest.kind}/${action.manifest.metadata.name}`];
    return action.type === 'delete-policy' ? [`delete ${action.object.kind}/${action.object.metadata.name}`] : [];
  });

describe('routes in the place of a VirtualService', () => {
  it('need a waypoint, are found, and are part of the plan', () => {
    const given = routed();
    expect(wantedWaypoint(given)).toMatchObject({ name: 'waypoint', needed: true });
    expect(namespaceFindings(given).map(({ code, object: name }) => `${code} ${name}`)).toEqual(
      expect.arrayContaining(['SST3030 VirtualService/canary', 'SST3031 DestinationRule/web']),
    );
    expect(planOf(given).actions).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Write Service web-v1 \(content /),
        expect.stringMatching(/^Write HTTPRoute canary \(content /),
      ]),
    );
  });

  it.each<[string, object]>([
    ['where people write them', { policies: { translation: 'Manual' } }],
    ['where there may be no waypoint', { waypoint: { provision: 'Never' } }],
  ])('are not written %s', (_, spec) => {
    const given = routed({ migration: migration(spec) });
    expect(wantedPolicies(given, 'loose')).toEqual([]);
    const codes = namespaceFindings(given).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['SST3003', 'SST3008']));
    expect(codes).not.toContain('SST3030');
  });

  it('come after what they name, once that is known to proxies, and are awaited', () => {
    const given = routed();
    expect(writes(policiesTranslated(given))).toEqual(['apply Service/web-v1']);

    const young = { ...given, translated: live(given, ['Service'], AGES_MS.young) };
    expect(policiesTranslated(young)).toMatchObject({ kind: 'wait', reason: 'BackendsSettling', recheckMs: 6_000 });

    const old = { ...given, translated: live(given, ['Service']) };
    expect(writes(policiesTranslated(old))).toEqual(['apply HTTPRoute/canary']);

    const [service, route] = live(given, ['Service', 'HTTPRoute']);
    const unsaid = { ...given, translated: [service!, route!] };
    expect(policiesTranslated(unsaid)).toMatchObject({ kind: 'wait', reason: 'AwaitingIstiod' });
    const settled = { ...given, translated: [service!, accepted(route!)] };
    expect(policiesTranslated(settled)).toMatchObject({ kind: 'done', reason: 'PoliciesTranslated' });
  });

  it('follow their VirtualService, and go with it, before what they name', () => {
    const given = routed();
    const [service, route] = live(given, ['Service', 'HTTPRoute']);
    const translated = [service!, accepted(route!)];
    const changed = { ...given, translated, policies: [web, subsets, canary({ timeout: '1s' })] };
    expect(writes(policiesTranslated(changed))).toEqual(['apply HTTPRoute/canary']);

    const gone = { ...given, translated, policies: [web, subsets] };
    expect(writes(policiesTranslated(gone))).toEqual(['delete HTTPRoute/canary']);
    const young = { ...gone, translated: [service!], unnamedSince: unnamed(AGES_MS.young) };
    expect(policiesTranslated(young)).toMatchObject({ kind: 'wait', reason: 'BackendsSettling', recheckMs: 6_000 });
    const old = { ...young, unnamedSince: unnamed(AGES_MS.old) };
    expect(writes(policiesTranslated(old))).toEqual(['delete Service/web-v1']);
  });

  it('leave what they name alone while one of them does', () => {
    const given = routed();
    const [service, route] = live(given, ['Service', 'HTTPRoute']);
    const backends = new UnnamedBackends();
    const at = (nowMs: number, translated: readonly PolicyObject[]): object =>
      Object.fromEntries(backends.see({ ...given, nowMs, translated }));
    expect(at(1_000, [service!, route!])).toEqual({});
    expect(at(2_000, [service!])).toEqual({ 'Service/web-v1': 2_000 });
    expect(at(9_000, [service!])).toEqual({ 'Service/web-v1': 2_000 });
    expect(at(9_500, [service!, route!])).toEqual({});
    expect(at(9_900, [service!])).toEqual({ 'Service/web-v1': 9_900 });
    // The clock was set back.
    expect(at(5_000, [service!])).toEqual({ 'Service/web-v1': 5_000 });
    expect(at(6_000, [])).toEqual({});
    expect(at(7_000, [service!])).toEqual({ 'Service/web-v1': 7_000 });
  });

  it('stay as they were where the VirtualService says what no HTTPRoute can', () => {
    const given = routed();
    const translated = live(given, ['Service', 'HTTPRoute']);
    const unsaid = { ...given, translated, policies: [web, subsets, canary({ fault: {} })] };
    expect(unwantedPolicies(unsaid)).toEqual([]);
    const { message } = namespaceFindings(unsaid).find(({ code }) => code === 'SST3003') ?? {};
    expect(message).toMatch(/Sidestep writes no HTTPRoute, for spec\.http\[0\]\.fault: /);
  });

  it('go before what they name on the way back', () => {
    const given = routed();
    const [service, route] = live(given, ['Service', 'HTTPRoute']);
    expect(writes(policiesRemoved({ ...given, translated: [service!, route!] }))).toEqual(['delete HTTPRoute/canary']);
    const young = { ...given, translated: [service!], unnamedSince: unnamed(AGES_MS.young) };
    expect(policiesRemoved(young)).toMatchObject({ kind: 'wait', reason: 'BackendsSettling', recheckMs: 6_000 });
    const old = { ...young, unnamedSince: unnamed(AGES_MS.old) };
    expect(writes(policiesRemoved(old))).toEqual(['delete Service/web-v1']);
    expect(policiesRemoved({ ...given, translated: [] })).toMatchObject({ kind: 'done', reason: 'RolledBack' });
  });

  it('are left to a person who has written them', () => {
    const given = routed();
    const theirs = wantedPolicies(given, 'loose').map(({ metadata: { name, namespace }, ...rest }) => ({
      ...rest,
      metadata: { name, namespace },
    }));
    const taken = { ...given, policies: [...given.policies, ...theirs] };
    expect(wantedPolicies(taken, 'loose')).toEqual([]);
  });

  it('do not ask for more writes because of defaults of the API server', () => {
    const given = routed();
    const defaulted = live(given, ['Service', 'HTTPRoute']).map((one) => {
      const { ports, rules, ...spec } = asRecord(one.spec);
      const filled = {
        ...spec,
        ...(ports !== undefined && {
          ports: asRecords(ports).map((port) => ({ ...port, protocol: 'TCP', targetPort: 80 })),
        }),
        ...(rules !== undefined && {
          rules: asRecords(rules).map(({ backendRefs, ...rule }) => ({
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            ...rule,
            backendRefs: asRecords(backendRefs).map((ref) => ({ group: '', kind: 'Service', weight: 1, ...ref })),
          })),
        }),
      };
      return accepted({ ...one, spec: filled });
    });
    expect(policiesTranslated({ ...given, translated: defaulted })).toMatchObject({ kind: 'done' });
  });

  it.each<[string, PolicyObject, string | undefined]>([
    ['of a route that it takes', accepted(object('HTTPRoute', 'r', { parentRefs: [{ name: 'web' }] })), undefined],
    [
      'of one that it refuses',
      accepted(object('HTTPRoute', 'r', { parentRefs: [{ name: 'web' }] }), 'False'),
      'Why, what',
    ],
    [
      'of another parent',
      accepted(object('HTTPRoute', 'r', { parentRefs: [{ name: 'web' }, { name: 'api' }] })),
      'no condition Accepted for Service api',
    ],
    [
      'of another port',
      accepted(object('HTTPRoute', 'r', { parentRefs: [{ name: 'web', port: 80 }] })),
      'no condition Accepted for Service web',
    ],
  ])('say what istiod says %s', (_, route, problem) => {
    expect(routeProblem(route)).toBe(problem);
  });

  it('do not take what istiod said of an earlier generation for an answer', () => {
    const route = accepted(object('HTTPRoute', 'r', { parentRefs: [{ name: 'web' }] }));
    const status = JSON.parse(
      JSON.stringify((route as PolicyObject & { status: object }).status).replaceAll(
        '"status":"True"',
        '"status":"True","observedGeneration":1',
      ),
    ) as object;
    const at = (generation: number): PolicyObject =>
      ({ ...route, status, metadata: { ...route.metadata, generation } }) as PolicyObject;
    expect([routeProblem(at(1)), routeProblem(at(2))]).toEqual([undefined, 'no condition Accepted for Service web']);
  });

  it('carry marks', () => {
    const [service] = wantedPolicies(routed(), 'loose');
    expect(service?.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'sidestep', 'istio.io/use-waypoint': 'none' },
      annotations: { [OWN_ANNOTATION.translatedFrom]: 'VirtualService/canary' },
    });
  });
});
