import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { ISSUER, groups, scope, policy, ofApi, from, web, waypoint, gets, wasm } from '../../../test/support/forms.js';
import { policiesOfSidecar, policiesOfWaypoint } from '../enforcement/attachment.js';
import { type HttpRequest } from '../enforcement/request.js';
import { tokenCheck } from '../enforcement/token.js';
import { trace } from '../enforcement/trace.js';
import { moments } from '../moments.js';
import { type MeshPicture, meshPicture, type PictureObjects, type PictureSettings } from '../picture.js';
import { type PolicyObject, asRecord } from '../policy-object.js';
import { proveMoments } from '../proof/proof.js';
import { type AmbientForm, ambientForms } from './ambient-forms.js';
import { isExtension } from './extensions.js';
import { targetsOf } from '../waypoint-needs.js';
import { tightGuard } from './pod-policies.js';
import { waypointCopies } from './waypoint-copies.js';
import { closedPods, isClosed } from './ways-around.js';

/** `old`: a sidecar that does not speak HBONE. */
type Mode = 'sidecar' | 'old' | 'ambient' | 'none';

/** Whose pods stand how, and what is there beside the policies. */
interface Plot {
  readonly policies: readonly PolicyObject[];
  readonly caller: Mode;
  readonly server: Mode;
  readonly bound: boolean;
  /** The server's pods come without the label of their template. */
  readonly unlabelled?: boolean;
  /** Who lets in what they are asked about; others refuse that. */
  readonly providers: Providers;
}

type Providers = NonNullable<PictureSettings['authorizationProviders']>;
const PROVIDERS: Providers = { http: 'http', grpc: 'grpc' };

function pod(
  name: string,
  namespace: string,
  mode: Mode,
  address: number,
  isLabelled: boolean,
): PictureObjects['pods'][number] {
  const isSidecar = mode === 'sidecar' || mode === 'old';
  return {
    metadata: {
      name,
      namespace,
      labels: {
        app: name,
        ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }),
        ...(mode === 'ambient' && isLabelled && { 'istio.io/dataplane-mode': 'ambient' }),
      },
      annotations: {
        ...(isSidecar && { 'sidecar.istio.io/status': '{}' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
    },
    spec: { serviceAccountName: name, containers: [{ name: 'app' }, ...(isSidecar ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${address}` }] },
  };
}

function draw({ policies, caller, server, bound, unlabelled = false, providers }: Plot, calls: string): MeshPicture {
  const [objects, settings] = drawn(policies, calls, caller, server, bound, unlabelled);
  return meshPicture(objects, { ...settings, authorizationProviders: providers });
}

function drawn(
  policies: readonly PolicyObject[],
  calls: string,
  caller: Mode,
  server: Mode,
  bound = false,
  unlabelled = false,
): [PictureObjects, PictureSettings] {
  const of = (kind: string): PolicyObject[] => policies.filter((one) => one.kind === kind);
  const mesh = scope.mesh;
  return [
    {
      namespaces: [
        { metadata: { name: 'shop', labels: bound ? { 'istio.io/use-waypoint': 'waypoint' } : {} } },
        { metadata: { name: 'other' } },
      ],
      nodes: [],
      pods: [
        pod('api', 'shop', server, 1, !unlabelled),
        pod(calls, calls === 'sleep' ? 'other' : 'shop', caller, 2, true),
      ],
      services: [
        {
          metadata: { name: 'api', namespace: 'shop' },
          spec: {
            clusterIP: '10.96.0.1',
            selector: { app: 'api' },
            ports: [{ name: 'http', port: 8000, targetPort: 80 }],
          },
        },
      ],
      endpointSlices: [],
      serviceEntries: [],
      workloadEntries: [],
      gateways: [
        {
          metadata: { name: 'waypoint', namespace: 'shop' },
          spec: { gatewayClassName: 'istio-waypoint', listeners: [{ port: 15008, protocol: 'HBONE' }] },
          status: { addresses: [{ type: 'Hostname', value: 'waypoint.shop.svc.cluster.local' }] },
        },
      ],
      gatewayClasses: [],
      authorizationPolicies: of('AuthorizationPolicy'),
      requestAuthentications: of('RequestAuthentication'),
      peerAuthentications: [],
    },
    {
      ...mesh,
      clusterId: 'Kubernetes',
      clusterDomain: 'cluster.local',
      rootNamespace: 'istio-system',
      systemNamespace: 'istio-system',
      revision: 'default',
    },
  ];
}

function randomPolicy(random: Random, index: number): PolicyObject {
  const name = `p${index}`;
  const home = random.chance(0.1) ? 'istio-system' : 'shop';
  const selector = random.pick([{}, ofApi, ofApi, ofApi, { selector: { matchLabels: { app: 'web' } } }]);
  if (random.chance(0.15))
    return policy(
      { ...selector, jwtRules: [{ issuer: ISSUER, ...(random.chance(0.6) && { forwardOriginalToken: true }) }] },
      'RequestAuthentication',
      name,
      home,
    );
  if (random.chance(0.1)) return randomFilter(random, selector, name, home);
  const action = random.pick(['ALLOW', 'ALLOW', 'DENY', 'DENY', 'CUSTOM']);
  const source = (): object =>
    random.pick([
      { principals: [web] },
      { principals: ['cluster.local/ns/other/sa/sleep', web] },
      { principals: ['*'] },
      { namespaces: ['other'] },
      { notNamespaces: ['other'] },
      { notPrincipals: ['cluster.local/ns/other/sa/sleep'] },
      { notPrincipals: [web, waypoint] },
      { notNamespaces: ['other'], notPrincipals: [waypoint] },
      { requestPrincipals: [`${ISSUER}/*`] },
      { notRequestPrincipals: ['*'] },
    ]);
  const operation = (): object =>
    random.pick([
      { methods: ['GET'] },
      { paths: ['/ip'] },
      { paths: ['/a*'], methods: ['POST'] },
      { notPaths: ['/ip'] },
      { ports: ['80'] },
      { hosts: ['api.shop'] },
    ]);
  const condition = (): object =>
    random.pick([
      { key: 'request.headers[x-role]', values: ['admin'] },
      { key: 'request.auth.claims[iss]', values: [ISSUER] },
      { key: 'request.auth.claims[sub]', notValues: ['me'] },
      { key: 'request.headers[authorization]', notValues: ['Bearer foreign'] },
      { key: 'source.namespace', values: ['shop'] },
    ]);
  const rules = random.times(1, 2, () => ({
    ...(random.chance(0.5) && { from: [{ source: source() }] }),
    ...(random.chance(0.7) && { to: [{ operation: operation() }] }),
    ...(random.chance(0.25) && { when: [condition()] }),
  }));
  const provider = action === 'CUSTOM' && { provider: { name: random.pick(['http', 'http', 'grpc', 'missing']) } };
  return policy({ ...selector, action, ...provider, rules }, 'AuthorizationPolicy', name, home);
}

/** What may refuse any request. */
function randomFilter(random: Random, selector: object, name: string, home: string): PolicyObject {
  const match = random.pick([undefined, [{ mode: 'SERVER' }], [{ mode: 'CLIENT' }], [{ ports: [{ number: 80 }] }]]);
  const spec = { ...selector, ...(match && { match }), phase: random.pick(['AUTHN', 'STATS']) };
  const made = wasm({ ...spec, priority: random.pick([1, 2]) }, home);
  return {
    ...made,
    metadata: { ...made.metadata, name },
    spec: { ...asRecord(made.spec), selector: undefined, ...selector },
  };
}

function randomRequest(random: Random): HttpRequest {
  const token = random.pick([undefined, undefined, 'good', 'forged', 'foreign']);
  return {
    method: random.pick(['GET', 'POST']),
    host: random.pick(['api.shop', 'api']),
    path: random.pick(['/ip', '/a', '/ab', '/']),
    headers: {
      ...(random.chance(0.4) && { 'x-role': [random.pick(['admin', 'user'])] }),
      ...(token !== undefined && { authorization: [`Bearer ${token}`] }),
    },
    tokens: {
      good: { claims: { iss: ISSUER, sub: 'me' } },
      forged: { claims: { iss: ISSUER, sub: 'me' }, state: 'Forged' },
      foreign: { claims: { iss: 'https://other', sub: 'me' } },
    },
  };
}

describe('generated policies with their ambient forms', () => {
  const MESHES = 200;
  const REQUESTS = 8;
  const fired = new Map<string, number>();
  const fire = (what: string): void => void fired.set(what, (fired.get(what) ?? 0) + 1);

  it(`never let in what was refused, and refuse only who goes past the waypoint, in ${MESHES} meshes`, () => {
    for (let seed = 1; seed <= MESHES; seed++) lookAt(new Random(seed), seed);
    console.log(
      [...fired]
        .map(([what, count]) => `${what}: ${count}`)
        .sort()
        .join('\n'),
    );
    for (const what of [
      'copy',
      'admission',
      'guard',
      'ask',
      'deny by what is not there',
      'untranslated',
      'allowed',
      'refused',
      'refused past the waypoint',
      'met a filter',
    ])
      expect(fired.get(what) ?? 0, what).toBeGreaterThanOrEqual(20);
  }, 120_000);

  it('are proven to open nothing at any moment, in 40 meshes', () => {
    let refusing = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const given = new Random(seed).times(1, 3, (index) => randomPolicy(new Random(seed * 10 + index), index));
      const policies = ambientForms(given, scope).forms.map(({ policy: one }) => one);
      const { forms } = ambientForms(policies, scope);
      const hasLayer7 = forms.some(({ isLayer7 }) => isLayer7);
      const [objects, settings] = drawn(policies, 'web', 'sidecar', 'sidecar');
      const all = moments(
        objects,
        { ...settings, authorizationProviders: PROVIDERS },
        {
          namespace: 'shop',
          waypoint: scope.waypoint,
          written: forms.flatMap(({ objects }) => objects),
          ...(hasLayer7 && { closed: (labels) => isClosed(forms, labels) }),
        },
      );
      const { flips, undecided } = proveMoments(all, { namespace: 'shop' });
      expect(
        flips.filter(({ kind }) => kind === 'Opens'),
        JSON.stringify(policies),
      ).toEqual([]);
      expect(undecided).toBe(0);
      refusing += flips.length > 0 ? 1 : 0;
    }
    expect(refusing).toBeGreaterThan(0);
  });

  it('keep a caller out whose old sidecar shows ambient pods no certificate', () => {
    const rule = { ...from({ namespaces: ['other'] }), ...gets };
    const policies = [policy({ ...ofApi, action: 'DENY', rules: [rule] })];
    const { forms } = ambientForms(policies, scope);
    const both = [...policies, ...forms.flatMap(({ objects }) => objects)];
    const http = { method: 'GET', host: 'api', path: '/', headers: {} };
    const answer = (plot: Omit<Plot, 'providers' | 'caller'>): boolean =>
      isAllowed(draw({ ...plot, caller: 'old', providers: {} }, 'sleep'), 'sleep', http);
    expect(answer({ policies, server: 'sidecar', bound: false })).toBe(false);
    expect(answer({ policies, server: 'ambient', bound: true })).toBe(true);
    expect(answer({ policies: both, server: 'ambient', bound: true })).toBe(false);
  });

  it.each([false, true])(
    'would refuse who brings a token that pods do not get (forwarded: %s)',
    (forwardOriginalToken) => {
      const jwtRules = [{ issuer: ISSUER, forwardOriginalToken }];
      const policies = [
        policy({ ...ofApi, jwtRules }, 'RequestAuthentication', 'tokens'),
        policy({ ...ofApi, action: 'DENY', rules: [from({ notRequestPrincipals: ['*'] })] }),
      ];
      const copies = policies.flatMap((one) => waypointCopies(one, scope)?.copies ?? []);
      const headers = { authorization: ['Bearer good'] };
      const tokens = { good: { claims: { iss: ISSUER, sub: 'me' } } };
      const http = { method: 'GET', host: 'api', path: '/', headers, tokens };
      const plot = { policies: [...policies, ...copies], caller: 'ambient', server: 'sidecar', providers: {} } as const;
      expect(isAllowed(draw({ ...plot, bound: false }, 'sleep'), 'sleep', http)).toBe(true);
      expect(isAllowed(draw({ ...plot, bound: true }, 'sleep'), 'sleep', http)).toBe(forwardOriginalToken);
      expect(ambientForms(policies, scope).untranslated).toHaveLength(forwardOriginalToken ? 0 : 1);
    },
  );

  function lookAt(random: Random, seed: number): void {
    const given = random.times(1, 4, (index) => randomPolicy(random, index));
    const all = ambientForms(given, scope);
    all.untranslated.forEach(() => fire('untranslated'));
    all.forms.forEach(({ policy: { spec } }) => {
      const { action } = asRecord(spec);
      if (action === 'CUSTOM') fire('ask');
      if (action === 'DENY' && /"not(RequestPrincipals|Values)/.test(JSON.stringify(spec)))
        fire('deny by what is not there');
    });
    const policies = all.forms.map(({ policy: one }) => one);
    const { forms } = ambientForms(policies, scope);
    const objects = forms.flatMap((form) => form.objects);
    objects.forEach(({ metadata: { name } }) => fire(/-wp/.test(name) ? 'copy' : (name.split('-').at(-1) ?? '')));
    const tight = forms.flatMap((form) =>
      form.objects.map((one) => (one === form.guard ? tightGuard(one, form.policy, false) : one)),
    );
    const closed = closedPods({ forms, untranslated: [] }, policies, groups, scope).find(
      ({ pods }) => pods.account === 'api',
    );
    const calls = random.pick(['web', 'sleep']);
    const moving: readonly Mode[] =
      calls === 'sleep' ? [random.pick(['sidecar', 'ambient', 'none'] as const)] : ['sidecar', 'ambient'];
    const providers = random.pick([{}, PROVIDERS]);
    const before = draw({ policies, caller: moving[0]!, server: 'sidecar', bound: false, providers }, calls);
    const both = [...policies, ...objects];
    const plots: Plot[] = [
      { policies: both, caller: moving[0]!, server: 'sidecar', bound: false, providers },
      ...moving.flatMap((caller) => [
        { policies: both, caller, server: 'sidecar' as const, bound: true, providers },
        { policies: both, caller, server: 'ambient' as const, bound: true, providers },
        {
          policies: [...policies, ...tight],
          caller,
          server: 'ambient' as const,
          bound: true,
          providers,
          unlabelled: isTightened(tight, objects),
        },
      ]),
    ];
    const requests = random.times(REQUESTS, REQUESTS, () => randomRequest(random));
    const pictures = plots.map((plot) => [plot, draw(plot, calls)] as const);
    for (const http of requests) {
      const was = isAllowed(before, calls, http);
      fire(was ? 'allowed' : 'refused');
      for (const [plot, picture] of pictures) {
        const is = isAllowed(picture, calls, http);
        const identity =
          plot.caller !== 'none' ? { namespace: calls === 'sleep' ? 'other' : 'shop', account: calls } : undefined;
        const isPast = plot.caller !== 'ambient' && plot.server === 'ambient' && closed?.mayRefuse(identity) === true;
        if (is) meetsFilters(plot, picture, forms, calls, seed);
        if (isPast && was && !is) fire('refused past the waypoint');
        else if (is !== was)
          throw new Error(`mesh ${seed}: ${is ? 'let in' : 'refused'} ${JSON.stringify({ calls, plot, http })}`);
      }
    }
  }

  /** What reaches an ambient pod has met each filter of it at the waypoint. */
  function meetsFilters(
    plot: Plot,
    picture: MeshPicture,
    forms: readonly AmbientForm[],
    calls: string,
    seed: number,
  ): void {
    if (plot.server !== 'ambient') return;
    for (const { policy: filter, objects } of forms.filter((form) => isExtension(form.policy))) {
      if (policiesOfSidecar([filter], { namespace: 'shop', labels: { app: 'api' } }, picture).length === 0) continue;
      const copies = objects.filter(isExtension);
      const isRun = policiesOfWaypoint(copies, scope.waypoint, { name: 'api', namespace: 'shop' }, picture).length > 0;
      const isAsked = plot.caller === 'ambient' && plot.bound;
      fire('met a filter');
      if (!isRun || !isAsked)
        throw new Error(`mesh ${seed}: past ${filter.metadata.name} ${JSON.stringify({ calls, plot })}`);
    }
  }

  /** A pod without the label of its template is safe once every guard has a selector of its policy. */
  const isTightened = (tight: readonly PolicyObject[], loose: readonly PolicyObject[]): boolean =>
    tight.every((one, index) => !one.metadata.name.endsWith('-guard') || one !== loose[index]);

  function isAllowed(picture: MeshPicture, calls: string, http: HttpRequest): boolean {
    const caller = picture.workloads.find(({ name }) => name === calls);
    const called = picture.services.find(({ name }) => name === 'api');
    if (!caller || !called) throw new Error('the picture has no caller, or no Service');
    const way = { from: caller, to: { service: called, port: 8000 } };
    const traces = trace({ ...way, http }, picture);
    const [first] = traces[0]?.hops ?? [];
    if (first?.hop !== 'Waypoint' || !first.allowed) return traces.every(({ allowed }) => allowed);
    // Pods get what the waypoint sends on.
    const authentications = policiesOfWaypoint(
      picture.requestAuthentications,
      scope.waypoint,
      { name: 'api', namespace: 'shop' },
      picture,
    );
    const passed = tokenCheck(authentications)(http, http.path);
    if (passed.isRefused) throw new Error('the waypoint has let it pass');
    const { headers, path } = passed;
    const ofPods = <T extends PolicyObject>(policies: readonly T[]): T[] =>
      policies.filter((one) => targetsOf(one).length === 0);
    const { authorizationPolicies, requestAuthentications } = picture;
    const decided = {
      ...picture,
      authorizationPolicies: ofPods(authorizationPolicies),
      requestAuthentications: ofPods(requestAuthentications),
    };
    return trace({ ...way, http: { ...http, headers, path } }, decided).every(({ allowed }) => allowed);
  }
});
