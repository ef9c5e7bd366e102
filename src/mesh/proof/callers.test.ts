import { describe, expect, it } from 'vitest';
import { smallObjects, type SmallPod, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import { moments } from '../moments.js';
import { type MeshPicture, meshPicture, type PictureObjects, type PictureSettings } from '../picture.js';
import type { PolicyObject } from '../policy-object.js';
import { blocksOf, type Caller, callersOf } from './callers.js';

const policyWith = (...rules: object[]): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { action: 'DENY', rules },
});
const from = (...sources: object[]): object => ({ from: sources.map((source) => ({ source })) });
const when = (key: string, list: object): object => ({ when: [{ key, ...list }] });

const drawn = (
  pods: readonly SmallPod[],
  policies: readonly PolicyObject[] = [],
  settings: Partial<PictureSettings> = {},
): MeshPicture => meshPicture(smallObjects({ pods, services: [], policies }), { ...smallSettings, ...settings });

const ofAccount = (pod: SmallPod, serviceAccountName: string): SmallPod => ({
  ...pod,
  spec: { ...pod.spec, serviceAccountName },
});
const labelled = (pod: SmallPod, labels: Record<string, string>): SmallPod => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } },
});

/** `name (account) +others`, of pods */
const pods = (callers: readonly Caller[]): string[] =>
  callers
    .filter(({ name }) => name.startsWith('Pod/'))
    .map(({ name, account, others }) => `${name} (${account}) +${others}`);
const strangers = (callers: readonly Caller[]): string[] =>
  callers.map(({ name }) => name).filter((name) => !name.startsWith('Pod/'));

const client = smallPod('client', 'sidecar', { ip: '10.0.0.1' });
const twin = ofAccount(smallPod('twin', 'sidecar', { ip: '10.0.0.2' }), 'client');

const OUTSIDE = 'outside the mesh, at 203.0.113.1';
const SOMEBODY = 'some pod with a sidecar of somebody/somebody';

describe('callers', () => {
  it('are pods, somebody outside the mesh, and somebody with a sidecar whom no policy names', () => {
    const callers = callersOf([drawn([client])]);
    expect(callers.map(({ name, account, others }) => ({ name, account, others }))).toEqual([
      { name: 'Pod/shop/client', account: 'shop/client', others: 0 },
      { name: OUTSIDE, account: undefined, others: 0 },
      { name: SOMEBODY, account: 'somebody/somebody', others: 0 },
    ]);
    expect('account' in callers[1]!).toBe(false);
  });

  const inBlock = policyWith(from({ ipBlocks: ['10.0.0.2'] }));
  it.each<[string, SmallPod[], PolicyObject[], string[]]>([
    ['of one account are alike', [client, twin], [], ['Pod/shop/client (shop/client) +1']],
    [
      'of two accounts are not',
      [client, smallPod('twin', 'sidecar', { ip: '10.0.0.2' })],
      [],
      ['Pod/shop/client (shop/client) +0', 'Pod/shop/twin (shop/twin) +0'],
    ],
    [
      'of two namespaces are not',
      [client, ofAccount(smallPod('twin', 'sidecar', { ip: '10.0.0.2', namespace: 'a' }), 'client')],
      [],
      ['Pod/shop/client (shop/client) +0', 'Pod/a/twin (a/client) +0'],
    ],
    [
      'with and without sidecar are not',
      [client, ofAccount(smallPod('twin', 'ambient', { ip: '10.0.0.2' }), 'client')],
      [],
      ['Pod/shop/client (shop/client) +0', 'Pod/shop/twin (shop/client) +0'],
    ],
    [
      'with and without HBONE are not',
      [client, ofAccount(smallPod('twin', 'sidecar without HBONE', { ip: '10.0.0.2' }), 'client')],
      [],
      ['Pod/shop/client (shop/client) +0', 'Pod/shop/twin (shop/client) +0'],
    ],
    [
      'inside and outside a block that a policy names are not',
      [client, twin],
      [inBlock],
      ['Pod/shop/client (shop/client) +0', 'Pod/shop/twin (shop/client) +0'],
    ],
    [
      'outside the mesh are alike, whoever they are',
      [smallPod('one', 'none', { ip: '10.0.0.1' }), smallPod('two', 'none', { ip: '10.0.0.2', namespace: 'a' })],
      [],
      ['Pod/shop/one (shop/one) +1'],
    ],
    [
      'outside the mesh are not, where a policy names the block of one',
      [smallPod('one', 'none', { ip: '10.0.0.1' }), smallPod('two', 'none', { ip: '10.0.0.2' })],
      [inBlock],
      ['Pod/shop/one (shop/one) +0', 'Pod/shop/two (shop/two) +0'],
    ],
    [
      'that are gateways are told from others outside the mesh, and by their account',
      ['one', 'two', 'plain'].map((name, index) => {
        const pod = smallPod(name, 'none', { ip: `10.0.0.${index}` });
        return name === 'plain' ? pod : labelled(pod, { 'gateway.networking.k8s.io/gateway-name': name });
      }),
      [],
      ['Pod/shop/one (shop/one) +0', 'Pod/shop/two (shop/two) +0', 'Pod/shop/plain (shop/plain) +0'],
    ],
  ])('%s', (_, given, policies, expected) => {
    expect(pods(callersOf([drawn(given, policies)]))).toEqual(expected);
  });

  it('have one kind for each way in which pictures show them', () => {
    const silent = ['one', 'two'].map((name, index) => smallPod(name, 'none', { ip: `10.0.0.${index + 1}` }));
    const [before, captured] = [drawn(silent), drawn([silent[0]!, smallPod('two', 'ambient', { ip: '10.0.0.2' })])];
    expect(pods(callersOf([before, captured]))).toEqual(['Pod/shop/one (shop/one) +0', 'Pod/shop/two (shop/two) +0']);
    const [one, two] = callersOf([before, captured]);
    expect([one, two].map((caller) => [before, captured].map((picture) => caller!.in(picture)?.mode))).toEqual([
      ['none', 'none'],
      ['none', 'ambient'],
    ]);
  });

  it('that a picture has lost are as they were', () => {
    const gone = drawn([client]);
    const callers = callersOf([drawn([client, twin]), gone]);
    expect(pods(callers)).toEqual(['Pod/shop/client (shop/client) +1']);
  });

  const waypointPod = labelled(ofAccount(smallPod('w-1', 'none', { ip: '10.0.0.9' }), 'waypoint'), {
    'gateway.networking.k8s.io/gateway-name': 'waypoint',
  });
  it('are no pods of waypoints, and nobody else has their identity', () => {
    const named = policyWith(from({ principals: ['cluster.local/ns/shop/sa/waypoint'] }));
    for (const given of [[client, waypointPod], [client]]) {
      const callers = callersOf([drawn(given, [named])]);
      expect(pods(callers)).toEqual(['Pod/shop/client (shop/client) +0']);
      expect(strangers(callers)).toEqual([OUTSIDE, SOMEBODY]);
    }
  });

  it('are no pods of waypoints that a migration will have made', () => {
    const named = policyWith(from({ principals: ['cluster.local/ns/shop/sa/made'] }));
    const objects = smallObjects({ pods: [client], services: [], policies: [named] });
    const waypoint = { namespace: 'shop', name: 'made' };
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint }).flatMap(({ rest }) => rest);
    expect(strangers(callersOf(all))).toEqual([OUTSIDE, SOMEBODY]);
    expect(strangers(callersOf(all.slice(0, 1)))).toEqual([OUTSIDE, 'some pod with a sidecar of shop/made', SOMEBODY]);
  });

  it('are pods of gateways that take requests from outside, in whatever namespace', () => {
    const objects = smallObjects({ pods: [client, waypointPod], services: [], policies: [] });
    const ingress: PictureObjects['gateways'] = [
      {
        metadata: { name: 'waypoint', namespace: 'shop' },
        spec: { gatewayClassName: 'istio', listeners: [{ port: 80, protocol: 'HTTP' }] },
        status: { addresses: [{ type: 'Hostname', value: 'waypoint-istio.shop.svc.cluster.local' }] },
      },
    ];
    expect(pods(callersOf([meshPicture({ ...objects, gateways: ingress }, smallSettings)]))).toEqual([
      'Pod/shop/client (shop/client) +0',
      'Pod/shop/w-1 (shop/waypoint) +0',
    ]);
  });

  it('outside the mesh lie in blocks of policies in every way', () => {
    const callers = callersOf([drawn([], [policyWith(from({ notIpBlocks: ['10.0.0.0/8'] }))])]);
    const outside = callers.filter(({ name }) => name.startsWith('outside'));
    expect(outside.map(({ name }) => name)).toEqual(
      ['203.0.113.1', '10.0.0.0', '11.0.0.0'].map((address) => `outside the mesh, at ${address}`),
    );
    const picture = drawn([]);
    expect(outside.map((caller) => caller.in(picture))).toMatchObject(
      ['203.0.113.1', '10.0.0.0', '11.0.0.0'].map((address) => ({
        mode: 'none',
        hbone: false,
        gateway: false,
        labels: {},
        local: { workloadIps: [address], services: {} },
      })),
    );
  });

  const named = policyWith(from({ namespaces: ['a'] }));
  it('whom only a policy knows have a sidecar, and are ambient where somebody is', () => {
    const [picture, ambient] = ['sidecar', 'ambient'].map((mode) =>
      drawn([client, smallPod('other', mode as 'sidecar', { ip: '10.0.0.2' })], [named]),
    ) as [MeshPicture, MeshPicture];
    const [one] = callersOf([picture]).filter(({ name }) => name === 'some pod with a sidecar of a/somebody');
    expect(one).toMatchObject({ account: 'a/somebody', others: 0 });
    expect(one!.in(picture)).toMatchObject({
      namespace: 'a',
      account: 'somebody',
      mode: 'sidecar',
      hbone: true,
      gateway: false,
      local: { namespace: 'a', workloadIps: ['203.0.113.2'] },
    });
    expect(strangers(callersOf([ambient]))).toEqual([
      OUTSIDE,
      'some pod with a sidecar of a/somebody',
      'some ambient pod of a/somebody',
      SOMEBODY,
      'some ambient pod of somebody/somebody',
    ]);
    const two = callersOf([ambient]).find(({ name }) => name === 'some ambient pod of a/somebody');
    expect(two!.in(ambient)).toMatchObject({ namespace: 'a', account: 'somebody', mode: 'ambient', hbone: false });
  });

  it.each<[string, object, string[]]>([
    ['a namespace', from({ namespaces: ['a'] }), ['a/somebody']],
    ['a namespace that is not meant', from({ notNamespaces: ['a'] }), ['a/somebody']],
    ['the end of a namespace', from({ namespaces: ['*-a'] }), ['somebody-a/somebody']],
    ['an account of the namespace of the policy', from({ serviceAccounts: ['sa'] }), ['shop/sa']],
    ['an account of another namespace', from({ notServiceAccounts: ['a/sa'] }), ['a/sa']],
    ['a principal', from({ principals: ['cluster.local/ns/a/sa/b'] }), ['a/b']],
    ['a principal that is not meant', from({ notPrincipals: ['cluster.local/ns/a/sa/b'] }), ['a/b']],
    ['the principals of a namespace', from({ principals: ['cluster.local/ns/a/*'] }), ['a/somebody']],
    [
      'the principals of accounts with one beginning',
      from({ principals: ['cluster.local/ns/a/sa/b*'] }),
      ['a/bsomebody'],
    ],
    ['an account, wherever it is', from({ principals: ['*/ns/a/sa/b'] }), ['a/b']],
    ['an account of any namespace', from({ principals: ['*/sa/b'] }), ['somebody/b']],
    ['the end of an account', from({ principals: ['*b'] }), ['somebody/somebodyb']],
    ['the end of a principal', from({ principals: ['*a/b'] }), ['somebody/b']],
    ['an account by its last part', from({ principals: ['*/b'] }), ['somebody/b']],
    ['a part of what is before an account', from({ principals: ['cluster.local/ns/a/s*'] }), ['a/somebody']],
    ['namespaces with one beginning', from({ principals: ['cluster.local/ns/a*'] }), ['asomebody/somebody']],
    ['a whole trust domain', from({ principals: ['cluster.local/*'] }), []],
    ['a principal of the trust domain', from({ principals: ['td1/ns/a/sa/b'] }), ['a/b']],
    ['a principal of an alias of it', from({ principals: ['td2/ns/a/sa/b'] }), ['a/b']],
    ['a principal of another mesh', from({ principals: ['elsewhere/ns/a/sa/b'] }), []],
    ['any principal', from({ principals: ['*'] }), []],
    ['somebody who is there', from({ principals: ['cluster.local/ns/shop/sa/client'] }), []],
    ['a token', from({ requestPrincipals: ['us/*'] }), []],
    [
      'several',
      from({ namespaces: ['a', 'b'], serviceAccounts: ['c/d'] }, { namespaces: ['e'] }),
      ['a/somebody', 'b/somebody', 'c/d', 'e/somebody'],
    ],
    [
      'a namespace as a condition',
      when('source.namespace', { values: ['a'], notValues: ['b'] }),
      ['a/somebody', 'b/somebody'],
    ],
    ['an account as a condition', when('source.serviceAccount', { values: ['a/b'] }), ['a/b']],
    ['a principal as a condition', when('source.principal', { notValues: ['cluster.local/ns/a/sa/b'] }), ['a/b']],
    ['something else as a condition', when('request.headers[x]', { values: ['a'] }), []],
    ['an address as a condition', when('source.ip', { values: ['203.0.113.1'] }), []],
  ])('are those whom policies name by %s', (_, rule, accounts) => {
    const settings = { trustDomain: 'td1', trustDomainAliases: ['td2'] };
    const callers = callersOf([drawn([client], [policyWith(rule)], settings)]);
    const expected = [...new Set(accounts)].map((account) => `some pod with a sidecar of ${account}`);
    expect(strangers(callers).filter((name) => name.startsWith('some'))).toEqual([...expected, SOMEBODY]);
  });

  it('may be named by policies that only one of the pictures has', () => {
    const callers = callersOf([drawn([client]), drawn([client], [named]), drawn([client], [named])]);
    expect(strangers(callers)).toEqual([OUTSIDE, 'some pod with a sidecar of a/somebody', SOMEBODY]);
  });
});

describe('blocks of addresses', () => {
  it.each<[string, object[], string[]]>([
    ['of sources', [from({ ipBlocks: ['10.0.0.0/8'] }, { notIpBlocks: ['10.0.0.1'] })], ['10.0.0.0/8', '10.0.0.1']],
    ['of conditions', [when('source.ip', { values: ['10.0.0.1'], notValues: ['10.0.0.2'] })], ['10.0.0.1', '10.0.0.2']],
    [
      'of all rules, once',
      [from({ ipBlocks: ['10.0.0.1'] }), from({ ipBlocks: ['10.0.0.1', '10.0.0.2'] })],
      ['10.0.0.1', '10.0.0.2'],
    ],
    [
      'of nothing else',
      [
        from({ namespaces: ['a'], remoteIpBlocks: ['10.0.0.1'] }),
        when('remote.ip', { values: ['10.0.0.2'] }),
        when('source.namespace', { values: ['b'] }),
      ],
      [],
    ],
    ['of no source at all', [{}, { from: [{}] }], []],
  ])('are those %s', (_, rules, blocks) => {
    expect(blocksOf([policyWith(...rules)])).toEqual(blocks);
  });
});
