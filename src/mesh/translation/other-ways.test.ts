import { describe, expect, it } from 'vitest';
import { ISSUER, custom, gets, ofApi, policy, scope, service, to, tokens, wasm } from '../../../test/support/forms.js';
import type { Labels, PolicyObject } from '../policy-object.js';
import { ambientForms, type FormsScope } from './ambient-forms.js';

const services = [service('web'), service('api'), service('api-2', { selector: { app: 'api' } })];
const denied = policy({ ...ofApi, action: 'DENY', rules: [to({ paths: ['/inside*'] })] });
const ofAll = policy({ action: 'DENY', rules: [to({ paths: ['/inside*'] })] });

const route = (parent: object, rule: object, kind = 'HTTPRoute', namespace = 'shop'): PolicyObject => ({
  kind,
  metadata: { name: 'r', namespace },
  spec: { parentRefs: [{ group: '', kind: 'Service', ...parent }], rules: [rule] },
});
const backend = (name: string, more: object = {}): object => ({ backendRefs: [{ name, port: 80, ...more }] });
const rewriting = (filter: object): object => ({ ...backend('api'), filters: [filter] });
const entry = (workloadSelector: object | undefined, namespace = 'shop'): PolicyObject => ({
  kind: 'ServiceEntry',
  metadata: { name: 'alias', namespace },
  spec: { hosts: ['api.example.com'], ...(workloadSelector && { workloadSelector }) },
});

/** Why there is no form of the policy beside such routing; empty: there is one. */
function reasons(given: PolicyObject, ...routing: PolicyObject[]): string {
  const { untranslated } = ambientForms([given], { ...scope, services, routing });
  return untranslated.flatMap((one) => one.reasons).join('; ');
}

describe('another way to pods of a policy', () => {
  it.each<[string, PolicyObject, string]>([
    [
      'a route from another Service',
      route({ name: 'web' }, backend('api')),
      'HTTPRoute/r sends requests for Service web to api',
    ],
    ['one for gRPC', route({ name: 'web' }, backend('api'), 'GRPCRoute'), 'GRPCRoute/r sends requests'],
    [
      'a mirror',
      route({ name: 'web' }, { ...backend('web'), filters: [{ requestMirror: { backendRef: { name: 'api' } } }] }),
      'HTTPRoute/r sends requests for Service web to api',
    ],
    [
      'a route of another namespace',
      route({ name: 'web', namespace: 'shop' }, backend('api', { namespace: 'shop' }), 'HTTPRoute', 'other'),
      'HTTPRoute/r sends requests',
    ],
    ['the host of a ServiceEntry', entry({ labels: { app: 'api' } }), 'ServiceEntry/alias leads to pods of the policy'],
  ])('leaves no form of it: %s', (_, way, reason) => {
    expect(reasons(denied, way)).toMatch(reason);
    // For the whole namespace, the Gateway has the copy, whatever is called.
    expect(reasons(ofAll, way)).toBe('');
  });

  it.each<[string, PolicyObject]>([
    ['a route between Services that both have a copy', route({ name: 'api' }, backend('api-2'))],
    ['a route to other pods', route({ name: 'web' }, backend('web'))],
    ['a backend without weight', route({ name: 'web' }, backend('api', { weight: 0 }))],
    ['a Service of another namespace', route({ name: 'web', namespace: 'other' }, backend('api'))],
    ['a backend in another namespace', route({ name: 'web' }, backend('api', { namespace: 'other' }))],
    ['a route of a Gateway', route({ kind: 'Gateway', name: 'web' }, backend('api'))],
    ['a backend of another kind', route({ name: 'web' }, backend('api', { kind: 'Hostname' }))],
    ['a ServiceEntry for other pods', entry({ labels: { app: 'web' } })],
    ['one of another namespace', entry({ labels: { app: 'api' } }, 'other')],
    ['one for addresses', entry(undefined)],
  ])('is none of %s', (_, way) => {
    expect(reasons(denied, way)).toBe('');
  });
});

describe('a Service without selector', () => {
  const listing = (name: string, ...apps: string[]): ReadonlyMap<string, readonly Labels[]> =>
    new Map([[name, apps.map((app) => ({ app }))]]);
  const why = (given: PolicyObject, spec: object, listed: ReadonlyMap<string, readonly Labels[]>): string => {
    const all = [...services, service('legacy', { selector: undefined, ...spec })];
    const { untranslated } = ambientForms([given], { ...scope, services: all, listedPods: listed });
    return untranslated.flatMap((one) => one.reasons).join('; ');
  };

  it('leaves no form of a policy whose pods are among its endpoints', () => {
    const reason = /^Service\/legacy has no selector, .*: give it a selector/;
    for (const given of [denied, tokens, custom('x', [gets]), wasm({ match: [{ mode: 'SERVER' }] })])
      expect(why(given, {}, listing('legacy', 'db', 'api'))).toMatch(reason);
    expect(why(denied, { selector: {} }, listing('legacy', 'api'))).toMatch(reason);
    expect(why(denied, { clusterIP: 'None' }, listing('legacy', 'api'))).toBe(
      'Service/legacy is headless: who calls it calls its pods, past the waypoint',
    );
  });

  it.each<[string, PolicyObject, object, ReadonlyMap<string, readonly Labels[]>]>([
    ['it lists other pods', denied, {}, listing('legacy', 'db')],
    ['it lists none, such as a database elsewhere', denied, {}, listing('legacy')],
    ['nothing is listed', denied, {}, new Map()],
    [
      'it has a selector: nobody asks for what is listed',
      denied,
      { selector: { app: 'web' } },
      listing('legacy', 'api'),
    ],
    ['it is the name of another host', denied, { type: 'ExternalName' }, listing('legacy', 'api')],
    ['the Gateway has the copy', ofAll, {}, listing('legacy', 'api')],
  ])('matters not where %s', (_, given, spec, listed) => {
    expect(why(given, spec, listed)).toBe('');
  });
});

describe('a waypoint for the addresses of pods', () => {
  const why = (given: PolicyObject, traffic: string): string =>
    ambientForms([given], { ...scope, services, traffic })
      .untranslated.flatMap((one) => one.reasons)
      .join('; ');

  it.each(['all', 'workload'])('leaves no form of a policy with copies for Services: %s', (traffic) => {
    const label = `label istio.io/waypoint-for: ${traffic}`;
    expect(why(denied, traffic)).toMatch(`Gateway/waypoint takes calls to addresses of pods (${label})`);
    expect(why(denied, traffic)).toMatch(/: set that label to service$/);
    const ofDb = policy({ selector: { matchLabels: { app: 'db' } }, action: 'DENY', rules: [gets] });
    expect(why(ofDb, traffic)).toMatch(label);
    expect(why(ofAll, traffic)).toBe('');
  });

  it.each(['service', 'none'])('is none that is for %s', (traffic) => {
    expect(why(denied, traffic)).toBe('');
  });
});

describe('a change of requests on the way', () => {
  const path = { urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/inside' } } };
  const host = { urlRewrite: { hostname: 'x' } };
  const header = (name: string): object => ({ requestHeaderModifier: { set: [{ name, value: '1' }] } });
  const onHeader = (...keys: string[]): PolicyObject =>
    policy({ ...ofApi, action: 'DENY', rules: [{ when: keys.map((key) => ({ key, values: ['1'] })) }] });
  const excepting = (operation: object): PolicyObject => policy({ ...ofApi, action: 'DENY', rules: [to(operation)] });
  const onHost = excepting({ notHosts: ['x'] });
  const tokensIn = (name: string): PolicyObject =>
    policy({ ...ofApi, jwtRules: [{ issuer: ISSUER, fromHeaders: [{ name }] }] }, 'RequestAuthentication');

  it.each<[string, PolicyObject, object, string | RegExp]>([
    ['paths', denied, path, 'changes path'],
    ['paths, for the whole namespace', ofAll, path, 'changes path'],
    ['paths that it excepts', excepting({ notPaths: ['/inside*'] }), path, 'changes path'],
    ['hosts', onHost, host, 'changes host'],
    ['hosts that it names', excepting({ hosts: ['x'] }), host, 'changes host'],
    ['several headers', onHeader('request.headers[x-b]', 'request.headers[x-a]'), header('x-a'), 'changes header x-a'],
    ['tokens in a header of their own', tokensIn('X-Token'), header('x-token'), 'changes header x-token'],
    [
      'paths and hosts',
      excepting({ paths: ['/a'], hosts: ['x'] }),
      { urlRewrite: { ...path.urlRewrite, ...host.urlRewrite } },
      /^HTTPRoute\/r changes path, host after the waypoint has looked at the policy, and before pods do$/,
    ],
    ['headers', onHeader('request.headers[X-A]'), header('x-a'), 'changes header x-a'],
    [
      'headers that go',
      onHeader('request.regex.headers[x-a]'),
      { requestHeaderModifier: { remove: ['X-A'] } },
      'changes header x-a',
    ],
    ['tokens', tokens, header('Authorization'), 'changes header authorization'],
    ['what a provider may look at', custom('x', [gets]), header('x-a'), 'changes header x-a'],
    ['what a filter may look at', wasm({ match: [{ mode: 'SERVER' }] }), host, 'changes host'],
  ])('leaves no form of a policy about %s', (_, given, filter, reason) => {
    expect(reasons(given, route({ name: 'api' }, rewriting(filter)))).toMatch(reason);
    const ofBackend = { backendRefs: [{ name: 'api', filters: [filter] }] };
    expect(reasons(given, route({ name: 'api' }, ofBackend))).toMatch(reason);
  });

  it.each<[string, PolicyObject, object]>([
    ['paths, of a host', denied, host],
    ['hosts, of a path', onHost, path],
    ['tokens in another header', tokensIn('X-Token'), header('x-a')],
    ['methods', policy({ ...ofApi, action: 'DENY', rules: [gets] }), path],
    ['other headers', onHeader('request.headers[x-b]'), header('x-a')],
    ['tokens elsewhere', tokens, header('x-a')],
    ['answers', denied, { responseHeaderModifier: { set: [{ name: 'x', value: '1' }] } }],
  ])('matters not to one about %s', (_, given, filter) => {
    expect(reasons(given, route({ name: 'api' }, rewriting(filter)))).toBe('');
  });

  it('matters wherever it leads, if the Service that is called has a copy', () => {
    const elsewhere = { ...backend('web'), filters: [path] };
    expect(reasons(denied, route({ name: 'api' }, elsewhere))).toMatch('changes path');
  });

  it('matters not where other Services are called', () => {
    const elsewhere = { ...backend('web'), filters: [path] };
    expect(reasons(denied, route({ name: 'web' }, elsewhere))).toBe('');
  });
});

describe('what decides nothing', () => {
  const tells = policy({ ...ofApi, accessLogging: [{ disabled: true }] }, 'Telemetry');
  const renaming = { urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/' }, hostname: 'x' } };

  it.each<[string, Partial<FormsScope>]>([
    ['a route past its copies', { routing: [route({ name: 'web' }, backend('api'))] }],
    ['a route that changes requests', { routing: [route({ name: 'api' }, rewriting(renaming))] }],
    ['another host of its pods', { routing: [entry({ labels: { app: 'api' } })] }],
    ['calls to addresses of pods', { traffic: 'all' }],
    [
      'a Service without selector',
      {
        services: [...services, service('legacy', { selector: undefined })],
        listedPods: new Map([['legacy', [{ app: 'api' }]]]),
      },
    ],
  ])('has its form all the same: %s', (_, more) => {
    const { forms, untranslated } = ambientForms([tells], { ...scope, services, ...more });
    expect(untranslated).toEqual([]);
    expect(forms).toMatchObject([{ policy: tells, objects: [{ kind: 'Telemetry', metadata: { name: 'p-wp' } }] }]);
  });
});

describe('of several', () => {
  const tiered: FormsScope = {
    ...scope,
    services,
    pods: scope.pods.map((pods) => ({ ...pods, labels: { ...pods.labels, tier: 'x' } })),
  };
  const ofTier = policy({ selector: { matchLabels: { tier: 'x' } }, action: 'DENY', rules: [gets] });
  const why = (given: PolicyObject, more: Partial<FormsScope>): string =>
    ambientForms([given], { ...tiered, ...more })
      .untranslated.flatMap((one) => one.reasons)
      .join('; ');

  it('pods of a policy, one with another host is enough', () => {
    expect(why(ofTier, { routing: [entry({ labels: { app: 'api' } })] })).toBe(
      'ServiceEntry/alias leads to pods of the policy by another host, where nobody meets a copy for a Service',
    );
  });

  it('backends of a route all are named, each once', () => {
    const rule = { backendRefs: ['api', 'api-2', 'api'].map((name) => ({ name, port: 80 })) };
    expect(why(denied, { routing: [route({ name: 'web' }, rule)] })).toBe(
      'HTTPRoute/r sends requests for Service web to api, api-2, and they meet the policies of web only',
    );
  });

  it('mirrors of a rule without backends, one is enough', () => {
    const rule = { filters: [{ requestMirror: { backendRef: { name: 'api' } } }] };
    expect(why(denied, { routing: [route({ name: 'web' }, rule)] })).toMatch('for Service web to api,');
  });
});
