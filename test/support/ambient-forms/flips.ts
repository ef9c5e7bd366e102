import type { HttpRequest } from '../../../src/mesh/enforcement/request.js';
import { policiesOfSidecar, policiesOfWaypoint } from '../../../src/mesh/enforcement/attachment.js';
import { tokenCheck } from '../../../src/mesh/enforcement/token.js';
import { tracer, type Trace } from '../../../src/mesh/enforcement/trace.js';
import { moments } from '../../../src/mesh/moments.js';
import type { MeshPicture } from '../../../src/mesh/picture.js';
import { type PolicyObject, asRecord, asRecords } from '../../../src/mesh/policy-object.js';
import type { Flip } from '../../../src/mesh/proof/flip.js';
import { proveMoments } from '../../../src/mesh/proof/proof.js';
import { type AmbientForms, ambientForms } from '../../../src/mesh/translation/ambient-forms.js';
import { isExtension } from '../../../src/mesh/translation/extensions.js';
import { tightGuard } from '../../../src/mesh/translation/pod-policies.js';
import { targetsOf } from '../../../src/mesh/waypoint-needs.js';
import { closedPods, isClosed } from '../../../src/mesh/translation/ways-around.js';
import { Random } from '../../controlplane/ambient/random.js';
import { randomPolicy, randomRequest } from './generator.js';
import { groups, scope } from '../forms.js';
import { type Mode, type Plot, type Providers, draw, drawn } from './mesh.js';
import type { Tally } from './tally.js';

/** External authorizers of some meshes. */
const PROVIDERS: Providers = { http: 'http', grpc: 'grpc' };

/** The Service that is called. */
const API = { name: 'api', namespace: 'shop' };

/** Who calls, and in which modes it is one after the other: one of another namespace stays as it is. */
interface Caller {
  readonly name: 'web' | 'sleep';
  readonly modes: readonly [before: Mode, ...meanwhile: Mode[]];
}

/** All callers, in all modes. */
export const CALLERS: readonly Caller[] = [
  { name: 'web', modes: ['sidecar', 'ambient'] },
  { name: 'sleep', modes: ['sidecar'] },
  { name: 'sleep', modes: ['ambient'] },
  { name: 'sleep', modes: ['none'] },
];

/** Which of them a mesh has, once its policies are drawn. */
export const oneCaller = (random: Random): readonly Caller[] => {
  const name = random.pick(['web', 'sleep'] as const);
  return name === 'web'
    ? [{ name, modes: ['sidecar', 'ambient'] }]
    : [{ name, modes: [random.pick(['sidecar', 'ambient', 'none'] as const)] }];
};

/** How much of a mesh is looked at. */
export interface Look {
  readonly callers: (random: Random) => readonly Caller[];
  readonly requests: number;
}

/**
 * Sends requests through a generated mesh before its migration, and at every moment of it. Counts what was written, who decided, and
 * what came of it.
 *
 * @throws {Error} a request is answered otherwise than before, and it is none that the plan has announced; it names the seed
 */
export function expectNoFlips(seed: number, { callers, requests }: Look, tally: Tally): void {
  const random = new Random(seed);
  const given = random.times(1, 4, (index) => randomPolicy(random, index));
  const all = ambientForms(given, scope);
  all.untranslated.forEach(() => tally.add('untranslated'));
  all.forms.forEach(({ policy: { spec } }) => {
    const { action } = asRecord(spec);
    if (action === 'CUSTOM') tally.add('ask');
    if (action === 'DENY' && /"not(RequestPrincipals|Values)/.test(JSON.stringify(spec)))
      tally.add('deny by what is not there');
  });
  const policies = all.forms.map(({ policy }) => policy);
  const forms = ambientForms(policies, scope);
  const written = forms.forms.flatMap(({ objects }) => objects);
  written.forEach(({ metadata: { name } }) => tally.add(roleOf(name)));
  policies.flatMap(partsOf).forEach((part) => tally.add(part));
  const closed = closedPods(forms, policies, groups, scope).find(({ pods }) => pods.account === 'api');
  const present = callers(random);
  const providers = random.pick([{}, PROVIDERS]);
  const sent = random.times(requests, requests, () => randomRequest(random));
  for (const caller of present) {
    const before = way(
      draw({ policies, caller: caller.modes[0], server: 'sidecar', bound: false, providers }, caller.name),
      caller,
    );
    const moments = plotsOf(policies, forms, caller, providers).map((plot) => {
      tally.add('moments');
      const picture = draw(plot, caller.name);
      return [plot, way(picture, caller), picture] as const;
    });
    for (const http of sent) {
      const was = isAllowed(before(http));
      tally.add(was ? 'allowed' : 'refused');
      for (const [plot, at, picture] of moments) {
        const traces = at(http);
        const is = isAllowed(traces);
        for (const decision of traces.flatMap(({ hops }) => hops))
          tally.add(`decided: ${decision.hop} ${wordOf(decision.by)}`);
        const isPast =
          plot.caller !== 'ambient' &&
          plot.server === 'ambient' &&
          closed?.mayRefuse(identityOf(plot, caller)) === true;
        if (is) meetsFilters(seed, plot, picture, forms, tally);
        if (isPast && was && !is) tally.add('refused past the waypoint');
        else if (is !== was)
          throw new Error(`mesh ${seed}: ${is ? 'let in' : 'refused'} ${JSON.stringify({ caller, plot, http })}`);
      }
    }
  }
}

/**
 * Proves that nothing opens at any moment of the migration of a generated mesh.
 *
 * @returns what is refused that was allowed
 * @throws {Error} something opens, or a search has given up; it names the seed
 */
export function expectNothingOpens(seed: number): readonly Flip[] {
  const given = new Random(seed).times(1, 3, (index) => randomPolicy(new Random(seed * 10 + index), index));
  const policies = ambientForms(given, scope).forms.map(({ policy }) => policy);
  const { forms } = ambientForms(policies, scope);
  const hasLayer7 = forms.some(({ isLayer7 }) => isLayer7);
  const plot: Plot = { policies, caller: 'sidecar', server: 'sidecar', bound: false, providers: PROVIDERS };
  const all = moments(...drawn(plot, 'web'), {
    namespace: 'shop',
    waypoint: scope.waypoint,
    written: forms.flatMap(({ objects }) => objects),
    ...(hasLayer7 && { closed: (labels) => isClosed(forms, labels) }),
  });
  const { flips, undecided } = proveMoments(all, { namespace: 'shop' });
  const opens = flips.filter(({ kind }) => kind === 'Opens');
  if (opens.length > 0 || undecided > 0)
    throw new Error(`mesh ${seed}: ${undecided} undecided, ${JSON.stringify({ opens, policies })}`);
  return flips;
}

/** The moments of a migration, by what is written and by the modes of caller and server. */
function plotsOf(
  policies: readonly PolicyObject[],
  { forms }: AmbientForms,
  { modes }: Caller,
  providers: Providers,
): Plot[] {
  const loose = forms.flatMap(({ objects }) => objects);
  const tight = forms.flatMap((form) =>
    form.objects.map((one) => (one === form.guard ? tightGuard(one, form.policy, false) : one)),
  );
  const both = [...policies, ...loose];
  // A pod without the label of its template is safe once every guard has a selector of its policy.
  const unlabelled = tight.every((one, index) => !one.metadata.name.endsWith('-guard') || one !== loose[index]);
  const plots: Plot[] = [
    { policies: both, caller: modes[0], server: 'sidecar', bound: false },
    ...modes.flatMap((caller): Plot[] => [
      { policies: both, caller, server: 'sidecar', bound: true },
      { policies: both, caller, server: 'ambient', bound: true },
      { policies: [...policies, ...tight], caller, server: 'ambient', bound: true, unlabelled },
      // On the way back pods may have a sidecar before the last guard is loose, and ambient callers reach them.
      ...(caller === 'ambient'
        ? [{ policies: [...policies, ...tight], caller, server: 'sidecar', bound: true } as const]
        : []),
    ]),
  ];
  return plots.map((plot) => ({ ...plot, providers }));
}

/** Who pods without a waypoint before them take the caller for. */
function identityOf({ caller }: Plot, { name }: Caller): { namespace: string; account: string } | undefined {
  return caller === 'none' ? undefined : { namespace: name === 'sleep' ? 'other' : 'shop', account: name };
}

/** What reaches an ambient pod has met each filter of it at the waypoint. @throws {Error} it has not */
function meetsFilters(seed: number, plot: Plot, picture: MeshPicture, { forms }: AmbientForms, tally: Tally): void {
  if (plot.server !== 'ambient') return;
  for (const { policy: filter, objects } of forms.filter((form) => isExtension(form.policy))) {
    if (policiesOfSidecar([filter], { namespace: 'shop', labels: { app: 'api' } }, picture).length === 0) continue;
    const copies = objects.filter(isExtension);
    const isRun = policiesOfWaypoint(copies, scope.waypoint, API, picture).length > 0;
    tally.add('met a filter');
    if (!isRun || plot.caller !== 'ambient' || !plot.bound)
      throw new Error(`mesh ${seed}: past ${filter.metadata.name} ${JSON.stringify(plot)}`);
  }
}

/** The way of requests from the caller to the Service that is called. */
function way(picture: MeshPicture, { name }: Caller): (http: HttpRequest) => Trace[] {
  const caller = picture.workloads.find((one) => one.name === name);
  const called = picture.services.find((one) => one.name === 'api');
  if (!caller || !called) throw new Error('the picture has no caller, or no Service');
  const follow = tracer({ from: caller, to: { service: called, port: 8000 } }, picture);
  const passed = tokenCheck(policiesOfWaypoint(picture.requestAuthentications, scope.waypoint, API, picture));
  const ofPods = <T extends PolicyObject>(policies: readonly T[]): T[] =>
    policies.filter((one) => targetsOf(one).length === 0);
  const behind = tracer(
    { from: caller, to: { service: called, port: 8000 } },
    {
      ...picture,
      authorizationPolicies: ofPods(picture.authorizationPolicies),
      requestAuthentications: ofPods(picture.requestAuthentications),
    },
  );
  return (http) => {
    const traces = follow({ http });
    const [first] = traces[0]?.hops ?? [];
    if (first?.hop !== 'Waypoint' || !first.allowed) return traces;
    // Pods get what the waypoint sends on: not every token.
    const sent = passed(http, http.path);
    if (sent.isRefused) throw new Error('the waypoint has let it pass');
    const { headers, path } = sent;
    return behind({ http: { ...http, headers, path } }).map(({ hops, allowed }) => ({
      hops: [first, ...hops.filter(({ hop }) => hop !== 'Waypoint')],
      allowed,
    }));
  };
}

/** Whether a caller's request gets to all pods. */
export const isLetIn = (plot: Plot, calls: Caller['name'], http: HttpRequest): boolean =>
  isAllowed(way(draw(plot, calls), { name: calls, modes: [plot.caller] })(http));

const isAllowed = (traces: readonly Trace[]): boolean => traces.every(({ allowed }) => allowed);

/** What a policy that we write is for: `copy`, `admission` or `guard`. */
const roleOf = (name: string): string => (name.endsWith('-wp') ? 'copy' : (name.split('-').at(-1) ?? ''));

/** A reason without the names of policies and rules: `DENY guard`, `no rule allows it of copy`. */
function wordOf(reason: string): string {
  const named = reason
    .replaceAll(/, rule \d+/g, '')
    .replaceAll(/[\w-]+\/(?:istio-system-)?p\d+[\w-]*/g, (name) =>
      /-(wp|admission|guard)$/.test(name) ? roleOf(name) : 'policy',
    );
  const [, text = named, list] = /^(no rule allows it) of (.*)$/.exec(named) ?? [];
  return list === undefined ? text : `${text} of ${[...new Set(list.split(', '))].sort().join(', ')}`;
}

/** What a policy asks about, such as `rule: DENY to methods`. */
function partsOf({ kind, spec }: PolicyObject): string[] {
  const { action = 'ALLOW', rules } = asRecord(spec);
  if (kind === 'RequestAuthentication') return ['rule: RequestAuthentication'];
  return asRecords(rules).flatMap(({ from, to, when }) => {
    const fields = (place: string, part: string, items: unknown): string[] =>
      asRecords(items).flatMap((item) => Object.keys(asRecord(item[part])).map((field) => `${place} ${field}`));
    const asked = [...fields('from', 'source', from), ...fields('to', 'operation', to)];
    const keys = asRecords(when).map(({ key }) => `when ${String(key)}`);
    const all = [...asked, ...keys];
    return (all.length > 0 ? all : ['anything']).map((what) => `rule: ${String(action)} ${what}`);
  });
}
