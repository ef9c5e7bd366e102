import { describe, expect, it } from 'vitest';
import { smallObjects, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import type { HttpRequest } from '../enforcement/request.js';
import { counterpart } from '../moments.js';
import { type MeshPicture, meshPicture, type PictureWorkload } from '../picture.js';
import type { PolicyObject } from '../policy-object.js';
import { type Example, exampleOf } from './example.js';
import type { Case } from './flip.js';
import { YES } from './questions.js';
import type { Solution } from './solve.js';
import { tokenCases } from './token-cases.js';

const denying = (rule: object, name = 'p'): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { action: 'DENY', rules: [rule] },
});
const operation = (fields: object): object => ({ to: [{ operation: fields }] });
const when = (key: string, ...values: string[]): object => ({ when: [{ key, values }] });
const unless = (key: string, ...notValues: string[]): object => ({ when: [{ key, notValues }] });

/** Of what proxies read: ztunnel does nothing with it. */
const anything = denying(operation({ methods: ['*'] }));

const authentication: PolicyObject = {
  kind: 'RequestAuthentication',
  metadata: { name: 'jwt', namespace: 'shop' },
  spec: { jwtRules: [{ issuer: 'us', jwks: '{}', fromHeaders: [{ name: 'x-t' }] }] },
};

interface Given {
  readonly policies: readonly PolicyObject[];
  readonly model?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly kind?: Solution['kind'];
  /** There is a good token. */
  readonly hasToken?: boolean;
  readonly isPod?: boolean;
  readonly portName?: string;
  readonly settings?: Partial<typeof smallSettings>;
}

/** `client` calls `web`, which has a sidecar before, and after it ztunnel alone, which reads no requests. */
function example({
  policies,
  model = {},
  kind = 'Opens',
  hasToken,
  isPod,
  portName,
  settings,
}: Given): Example | undefined {
  const [before, after] = (['sidecar', 'ambient'] as const).map((mode) => {
    const pods = [smallPod('client', 'sidecar', { ip: '10.0.0.1' }), smallPod('web', mode, { ip: '10.0.0.2' })];
    const services = [{ name: 'web', selector: { app: 'web' }, ...(portName !== undefined && { portName }) }];
    return meshPicture(smallObjects({ pods, services, policies }), { ...smallSettings, ...settings });
  }) as [MeshPicture, MeshPicture];
  const find = (name: string, picture: MeshPicture): PictureWorkload =>
    picture.workloads.find((one) => one.name === name)!;
  const backend = new Map([before, after].map((one) => [one, { workload: find('web', one), port: 8080 }]));
  const of: Case = {
    caller: { name: 'Pod/shop/client', in: (one) => counterpart(find('client', before), one), others: 0 },
    callers: 1,
    target: {
      name: isPod === true ? 'Pod/shop/web:8080' : 'web.shop:80',
      in: (one) => (isPod === true ? backend.get(one)! : { service: one.services[0]!, port: 80 }),
      backends: [backend],
    },
    backend,
    from: after,
    to: after,
  };
  const token = tokenCases(policies.filter((one) => one.kind === 'RequestAuthentication'))[hasToken === true ? 1 : 0]!;
  return exampleOf(of, { from: before, to: before }, { kind, token, model: new Map(Object.entries(model)) });
}

const plain: HttpRequest = { method: 'GET', host: 'web.shop:80', path: '/', headers: {} };

describe('an example', () => {
  it.each<[string, Given, Partial<HttpRequest>]>([
    ['is GET of the root, if nothing else is asked for', { policies: [anything] }, {}],
    ['is of the host of a pod', { policies: [anything], isPod: true }, { host: 'web:8080' }],
    [
      'has the method that is asked for',
      { policies: [denying(operation({ methods: ['PUT'] }))], model: { method: 'PUT' } },
      { method: 'PUT' },
    ],
    ['is GET, where the method does not matter', { policies: [anything], model: { method: 'PUT' } }, {}],
    [
      'has the host that is asked for',
      { policies: [denying(operation({ hosts: ['a.b'] }))], model: { host: 'a.b' } },
      { host: 'a.b' },
    ],
    ['is of the host of the target, where that does not matter', { policies: [anything], model: { host: 'a.b' } }, {}],
    [
      'has the path that is asked for',
      { policies: [denying(operation({ paths: ['/a/b'] }))], model: { path: '/a/b' } },
      { path: '/a/b' },
    ],
    [
      'has a path as short as can be',
      { policies: [denying(operation({ paths: ['/a/*'] }))], model: { path: '/a/xyz' } },
      { path: '/a/' },
    ],
    [
      'has a path without what two characters make',
      { policies: [denying(operation({ paths: ['*/ab'] }))], model: { path: '/x/y/ab' } },
      { path: '/ab' },
    ],
    [
      'has a path that begins with a slash',
      { policies: [denying(operation({ paths: ['*b'] }))], model: { path: '/xb' } },
      { path: '/b' },
    ],
    ['has the root, where the path does not matter', { policies: [anything], model: { path: '/xyz' } }, {}],
    [
      'has the headers that are asked for, and no others',
      {
        policies: [denying(when('request.headers[x-r]', 'u'))],
        model: { 'header:x-r': ['u'], 'header:x-s': ['v'], 'header:x-t': [] },
      },
      { headers: { 'x-r': ['u'] } },
    ],
    [
      'has a header of one value as a list',
      {
        policies: [denying(when('request.headers[authorization]', 'Basic'))],
        model: { 'header:authorization': 'Basic' },
      },
      { headers: { authorization: ['Basic'] } },
    ],
    [
      'has no header without value',
      { policies: [anything], model: { 'header:authorization': undefined, 'header:x': [] } },
      {},
    ],
  ])('%s', (_, given, http) => {
    expect(example(given)?.request).toEqual({ http: { ...plain, ...http } });
  });

  it.each<[string, Given, Example['request']]>([
    [
      'comes from where it has to come from',
      {
        policies: [denying({ from: [{ source: { remoteIpBlocks: ['10.9.0.0/16'] } }] })],
        model: { remote: '10.9.0.0' },
      },
      { http: plain, remoteAddress: '10.9.0.0' },
    ],
    [
      'comes from anywhere, where that does not matter',
      { policies: [anything], model: { remote: '10.9.0.0' } },
      { http: plain },
    ],
    [
      'is a connection, where nobody reads requests',
      { policies: [denying(operation({ paths: ['/x'] }))], portName: 'tcp' },
      {},
    ],
    [
      'is a connection from anywhere, where that does not matter',
      { policies: [anything], portName: 'tcp', model: { remote: '10.9.0.0' } },
      {},
    ],
  ])('%s', (_, given, request) => {
    expect(example(given)?.request).toEqual(request);
  });

  const claimed = (key: string, value: string, model: Given['model']): unknown => {
    const found = example({
      policies: [authentication, denying(when(key, value))],
      hasToken: true,
      model: model ?? {},
    });
    const { http } = found?.request ?? {};
    return Object.values(http?.tokens ?? {})[0];
  };
  it.each<[string, string, string, Given['model'], object]>([
    ['a claim', 'request.auth.claims[g]', 'u', { 'claim:["g"]': ['u'] }, { g: 'u' }],
    ['a list', 'request.auth.claims[g]', 'u', { 'claim:["g"]': ['u', 'v'] }, { g: ['u', 'v'] }],
    ['a list of one text with spaces', 'request.auth.claims[g]', 'u v', { 'claim:["g"]': ['u v'] }, { g: ['u v'] }],
    ['its subject', 'request.auth.principal', 'us/s', { sub: 's' }, { sub: 's' }],
    [
      'claims in one claim',
      'request.auth.claims[a][b]',
      'u',
      { 'claim:["a","b"]': ['u'], 'claim:["a","c"]': ['v'], 'claim:["d"]': [] },
      { a: { b: 'u', c: 'v' } },
    ],
    [
      'a claim in place of one that has no others in it',
      'request.auth.claims[a][b]',
      'u',
      { 'claim:["a"]': ['v'], 'claim:["a","b"]': ['u'] },
      { a: { b: 'u' } },
    ],
    ['who issued it for whom', 'request.auth.claims[iss]', 'us', {}, {}],
  ])('has a token with %s', (_, key, value, model, claims) => {
    expect(claimed(key, value, model)).toEqual({ claims: { iss: 'us', aud: [], ...claims } });
  });

  it('carries its token where that is read', () => {
    const found = example({
      policies: [authentication, denying(when('request.auth.claims[iss]', 'us'))],
      hasToken: true,
    });
    const [[text]] = Object.entries(found!.request.http!.tokens!) as [[string, unknown]];
    expect(found!.request.http).toMatchObject({ ...plain, headers: { 'x-t': [text] } });
  });

  it('has no token, where that does not matter', () => {
    const policies = [authentication, denying(operation({ methods: ['PUT'] }))];
    const found = example({ policies, hasToken: true, model: { method: 'PUT', sub: 's' } });
    expect(found?.request).toEqual({ http: { ...plain, method: 'PUT' } });
  });

  const sni = (value: string): string => `unknown:connection.sni=${value} at the sidecar`;
  it.each<[string, Given, string[]]>([
    [
      'what has to be so',
      { policies: [denying(when('connection.sni', 'x'))], model: { [sni('x')]: YES } },
      ['connection.sni=x at the sidecar'],
    ],
    [
      'what must not be so',
      { policies: [denying(unless('connection.sni', 'x'))], model: { [sni('x')]: undefined } },
      ['not connection.sni=x at the sidecar'],
    ],
    [
      'nothing that does not matter',
      {
        policies: [
          denying(when('connection.sni', 'x'), 'p'),
          denying({ ...operation({ paths: ['/none'] }), ...when('connection.sni', 'y', 'z') }, 'q'),
        ],
        model: { [sni('x')]: YES, [sni('y')]: YES, [sni('z')]: undefined },
      },
      ['connection.sni=x at the sidecar'],
    ],
    [
      'that a provider refuses',
      {
        policies: [{ ...denying({}), spec: { action: 'CUSTOM', provider: { name: 'ext' }, rules: [{}] } }],
        model: { 'unknown:the provider ext refuses': YES },
        settings: { authorizationProviders: { ext: 'grpc' } },
      },
      ['the provider ext refuses'],
    ],
    ['nothing, where all is known', { policies: [anything] }, []],
  ])('assumes %s', (_, given, assuming) => {
    const found = example(given);
    expect(found?.assuming).toEqual(assuming);
    expect([found?.before.allowed, found?.after.allowed]).toEqual([false, true]);
  });

  it('keeps to the policy that decided', () => {
    const policies = [denying(operation({ paths: ['/a/b'] }), 'p'), denying(operation({ paths: ['/a', '/'] }), 'q')];
    const found = example({ policies, model: { path: '/a/b' } });
    expect(found?.request.http?.path).toBe('/a/b');
    expect(found?.before.hops).toMatchObject([{ by: 'DENY shop/p, rule 0' }]);
  });

  it.each<[string, Given]>([
    ['is allowed before, too', { policies: [denying(operation({ paths: ['/a'] }))], model: { path: '/b' } }],
    [
      'is opened, and should be refused',
      { policies: [denying(operation({ paths: ['/a'] }))], model: { path: '/a' }, kind: 'Refuses' },
    ],
    ['is refused after it, too', { policies: [denying({ from: [{ source: { namespaces: ['shop'] } }] })] }],
  ])('is none, if the judge says that it %s', (_, given) => {
    expect(example(given)).toBeUndefined();
  });

  it('of what is refused is allowed before', () => {
    const allow = { ...denying({}), spec: { rules: [operation({ paths: ['/a*'] })] } };
    const found = example({ policies: [allow], model: { path: '/abc' }, kind: 'Refuses' });
    expect(found).toMatchObject({
      request: { http: { ...plain, path: '/a' } },
      before: { allowed: true },
      after: { allowed: false },
    });
  });
});
