import { describe, expect, it } from 'vitest';
import { smallObjects, type SmallPod, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import { type Moment, moments } from '../moments.js';
import type { PolicyObject } from '../policy-object.js';
import { waypointCopies } from '../translation/waypoint-copies.js';
import type { Flip, Proof } from './flip.js';
import { type ProofOptions, proveMoments } from './proof.js';

const waypoint = { name: 'waypoint', namespace: 'shop' };

const policy = (spec: object, metadata: object = {}, kind = 'AuthorizationPolicy'): PolicyObject => ({
  kind,
  metadata: { name: 'p', namespace: 'shop', ...metadata },
  spec,
});
const ofWeb = { selector: { matchLabels: { app: 'web' } } };
const onPaths = (...paths: string[]): object => ({ to: [{ operation: { paths } }] });
const strict = policy({ mtls: { mode: 'STRICT' } }, {}, 'PeerAuthentication');
/** Nobody but the waypoint reaches ambient pods. */
const guard = policy(
  {
    ...ofWeb,
    action: 'DENY',
    rules: [{ from: [{ source: { notPrincipals: ['cluster.local/ns/shop/sa/waypoint'] } }] }],
  },
  { name: 'guard' },
);

/** Copies of policies for the waypoint of the small mesh. */
function copiesOf(policies: readonly PolicyObject[]): PolicyObject[] {
  return policies.flatMap(
    (one) =>
      waypointCopies(one, {
        namespace: 'shop',
        rootNamespace: 'istio-system',
        waypoint,
        services: [
          { metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } },
        ],
        pods: [
          { name: 'web', labels: { app: 'web' }, ports: [] },
          { name: 'client', labels: { app: 'client' }, ports: [] },
        ],
        routing: [],
      })?.copies ?? [],
  );
}

interface Given {
  readonly policies: readonly PolicyObject[];
  /** What the migration writes. */
  readonly written?: readonly PolicyObject[];
  /** From the restarts on. */
  readonly added?: readonly PolicyObject[];
  readonly isHeadless?: boolean;
  readonly portName?: string;
  readonly isBound?: boolean;
  readonly settings?: Partial<typeof smallSettings>;
}

/** `shop` has `client` and `web`, with sidecars; `other` is another namespace with a sidecar, and `outside` is outside the mesh. */
function prove({ policies, added = [], written = [], isBound = true, settings, ...service }: Given): Proof {
  const pods = [
    smallPod('client', 'sidecar', { ip: '10.0.0.1' }),
    smallPod('web', 'sidecar', { ip: '10.0.0.2' }),
    smallPod('other', 'sidecar', { namespace: 'other', ip: '10.0.0.3' }),
    smallPod('outside', 'none', { namespace: 'outside', ip: '10.0.0.4' }),
  ];
  const services = [{ name: 'web', selector: { app: 'web' }, ...service }];
  const move = { namespace: 'shop', waypoint: isBound ? waypoint : undefined, written };
  const drawn = (all: readonly PolicyObject[]): Moment[] =>
    moments(smallObjects({ pods, services, policies: all }), { ...smallSettings, ...settings }, move);
  const [before, later] = [drawn(policies), drawn([...policies, ...added])];
  const restarts = before.findIndex(({ step }) => step === 'Workloads');
  const proof = proveMoments([...before.slice(0, restarts), ...later.slice(restarts)], { namespace: 'shop' });
  expect(proof).toMatchObject({ undecided: 0, more: 0 });
  return proof;
}

/** `step caller -> target METHOD path` */
const told = ({ flips }: Proof, kind: Flip['kind']): string[] =>
  flips
    .filter((flip) => flip.kind === kind)
    .map(({ step, from, to, request: { http } }) => `${step} ${from.name} -> ${to.name} ${http?.method} ${http?.path}`);

const ofStep = (told: readonly string[], step: string): string[] => told.filter((one) => one.startsWith(`${step} `));

describe('a migration', () => {
  it('has no flips without policies', () => {
    expect(prove({ policies: [] }).flips).toEqual([]);
  });

  it('refuses what an ALLOW with HTTP allowed, where ztunnel reads it by its selector', () => {
    const proof = prove({ policies: [policy({ ...ofWeb, rules: [onPaths('/api/*')] })] });
    expect(told(proof, 'Opens')).toEqual([]);
    expect(told(proof, 'Refuses')).toContain('After Pod/shop/client -> web.shop:80 GET /api/');
    expect(ofStep(told(proof, 'Refuses'), 'Bind')).toEqual([]);
  });

  it('opens what a DENY with HTTP refused: ztunnel does nothing with it', () => {
    const proof = prove({ policies: [policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/admin')] })] });
    expect(told(proof, 'Opens')).toContain('After Pod/shop/client -> web.shop:80 GET /admin');
    expect(told(proof, 'Refuses')).toEqual([]);
    const [flip] = proof.flips.filter(({ step }) => step === 'After');
    expect(flip).toMatchObject({
      kind: 'Opens',
      before: { allowed: false, hops: [{ hop: 'Sidecar', by: 'DENY shop/p, rule 0' }] },
      after: { allowed: true, hops: [{ hop: 'Waypoint' }, { hop: 'Ztunnel', by: 'no policy says anything' }] },
    });
  });

  it('opens only ways around the waypoint where copies stand there, and nothing where a guard stands on these', () => {
    const denies = [policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/admin')] })];
    const copied = prove({ policies: [...denies, ...copiesOf(denies)] });
    // Sidecars and pods outside the mesh pass it by.
    const around = copied.flips.filter(({ kind }) => kind === 'Opens');
    expect(around.length).toBeGreaterThan(0);
    for (const { after } of around) expect(after.hops.map(({ hop }) => hop)).toEqual(['Ztunnel']);
    const guarded = prove({ policies: [...denies, ...copiesOf(denies)], added: [guard] });
    expect(told(guarded, 'Opens')).toEqual([]);
  });

  it('opens nothing where copies of an ALLOW are at the waypoint, and the guard in place of it at the pods', () => {
    const allows = [policy({ ...ofWeb, rules: [onPaths('/api/*')] })];
    const proof = prove({ policies: [...allows, ...copiesOf(allows)], added: [guard] });
    expect(told(proof, 'Opens')).toEqual([]);
  });

  it('finds the request that an ALLOW of `/api/*` and a DENY of its end, `*/admin`, decide together', () => {
    const allow = policy({ ...ofWeb, rules: [onPaths('/api/*')] });
    const deny = policy({ ...ofWeb, action: 'DENY', rules: [onPaths('*/admin')] }, { name: 'd' });
    // Somebody has forgotten to copy the DENY, which does nothing at ztunnel.
    const targetRefs = [{ kind: 'Service', group: '', name: 'web' }];
    const copy = policy({ targetRefs, rules: [onPaths('/api/*')] }, { name: 'wp' });
    const anybody = policy({ ...ofWeb, rules: [{ from: [{ source: { principals: ['*'] } }] }] }, { name: 'l4' });
    const after = (policies: readonly PolicyObject[], added: readonly PolicyObject[] = []): string[] =>
      ofStep(told(prove({ policies, added }), 'Opens'), 'After').filter((one) => one.includes('/client'));
    expect(after([allow, deny, copy, strict])).toEqual([]);
    expect(after([allow, deny, copy, strict], [anybody])).toEqual([
      'After Pod/shop/client -> web.shop:80 GET /api/admin',
    ]);
  });

  it('opens to everybody what wanted a token', () => {
    const jwt = policy(
      { ...ofWeb, jwtRules: [{ issuer: 'us', audiences: ['shop'] }] },
      { name: 'jwt' },
      'RequestAuthentication',
    );
    const wanted = policy({
      ...ofWeb,
      action: 'DENY',
      rules: [{ from: [{ source: { notRequestPrincipals: ['us/*'] } }] }],
    });
    const proof = prove({ policies: [jwt, wanted] });
    expect(told(proof, 'Opens')).toContain('After Pod/shop/client -> web.shop:80 GET /');
    const opened = prove({ policies: [jwt] }).flips.filter(({ kind, step }) => kind === 'Opens' && step === 'After');
    expect(new Set(opened.map(({ before }) => before.hops[0]?.by))).toEqual(
      new Set(['the token is for another audience']),
    );
    const both = [jwt, wanted];
    const copied = prove({ policies: [...both, ...copiesOf(both)], added: [guard] });
    expect(told(copied, 'Opens')).toEqual([]);
  });

  it('knows headers that only the proxy writes, from claims', () => {
    const jwt = (targets: object): PolicyObject =>
      policy(
        { ...targets, jwtRules: [{ issuer: 'us', outputClaimToHeaders: [{ header: 'X-Role', claim: 'role' }] }] },
        { name: 'jwt' },
        'RequestAuthentication',
      );
    const rules = (list: string): object => ({
      action: 'DENY',
      rules: [{ when: [{ key: 'request.headers[x-role]', [list]: ['admin'] }] }],
    });
    const claimsOf = (list: string): unknown[] => {
      const proof = prove({
        policies: [
          jwt(ofWeb),
          policy({ ...ofWeb, ...rules(list) }),
          policy({ ...ofWeb, rules: [{}] }, { name: 'all' }),
        ],
      });
      const opened = proof.flips.filter(
        ({ kind, step, before }) => kind === 'Opens' && step === 'After' && before.hops[0]?.by.startsWith('DENY'),
      );
      return opened.map(({ request: { http } }) =>
        Object.values(http?.tokens ?? {}).map(({ claims }) => claims['role']),
      );
    };
    expect(claimsOf('values')).toContainEqual(['admin']);
    // Nobody needs a token to be refused for want of a role.
    expect(claimsOf('notValues')).toContainEqual([]);
  });

  it('asks for a token where one is needed, and for claims that become another header', () => {
    const outputClaimToHeaders = [{ header: 'X-Role', claim: 'role' }];
    const jwt = policy(
      { ...ofWeb, jwtRules: [{ issuer: 'us', outputClaimToHeaders }] },
      { name: 'jwt' },
      'RequestAuthentication',
    );
    const needed = policy(
      { ...ofWeb, action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }] },
      { name: 'needed' },
    );
    const role = policy({
      ...ofWeb,
      action: 'DENY',
      rules: [{ when: [{ key: 'request.headers[x-role]', notValues: ['admin'] }] }],
    });
    const proof = prove({ policies: [jwt, needed, role, ...copiesOf([jwt, needed])], added: [guard] });
    const opened = proof.flips.filter(({ kind, step }) => kind === 'Opens' && step === 'After');
    expect(opened).not.toEqual([]);
    for (const { request, before } of opened) {
      expect(before.hops).toMatchObject([{ by: 'DENY shop/p, rule 0' }]);
      const [token] = Object.values(request.http?.tokens ?? {});
      expect(token?.claims).toMatchObject({ iss: 'us' });
      expect(token?.claims['role']).not.toBe('admin');
    }
  });

  it('tells pods of one account apart by the blocks that their addresses are in', () => {
    const client = (name: string, ip: string): SmallPod => {
      const made = smallPod(name, 'sidecar', { ip });
      return { ...made, spec: { ...made.spec, serviceAccountName: 'client' } };
    };
    const objects = smallObjects({
      pods: [client('near', '10.0.0.1'), client('far', '10.9.0.1'), smallPod('web', 'sidecar', { ip: '10.0.0.2' })],
      services: [{ name: 'web', selector: { app: 'web' } }],
      policies: [
        policy({
          ...ofWeb,
          action: 'DENY',
          rules: [{ ...onPaths('/x'), from: [{ source: { ipBlocks: ['10.9.0.0/16'] } }] }],
        }),
      ],
    });
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint, written: [] });
    const callers = proveMoments(all, { namespace: 'shop' }).flips.map(({ from }) => from.name);
    expect(callers).toContain('Pod/shop/far');
    expect(callers).not.toContain('Pod/shop/near');
  });

  it('captures pods without sidecar: what refuses plaintext is there, and who was nobody is somebody', () => {
    const steps = (policies: readonly PolicyObject[], kind: Flip['kind'], isPerWorkload = false): string[] => {
      const pods = [
        smallPod('nobody', 'none', { ip: '10.0.0.1' }),
        smallPod('plain', 'none', { ip: '10.0.0.2' }),
        smallPod('web', 'sidecar', { ip: '10.0.0.3' }),
      ];
      const objects = smallObjects({ pods, services: [{ name: 'web', selector: { app: 'web' } }], policies });
      const all = moments(objects, smallSettings, { namespace: 'shop', waypoint: undefined, isPerWorkload });
      return told(proveMoments(all, { namespace: 'shop' }), kind).filter((one) => !one.startsWith('Workloads'));
    };
    const refusing = (isPerWorkload: boolean): string[] =>
      steps([strict], 'Refuses', isPerWorkload).map((one) => one.replace(/ .* -> /, ' '));
    expect(refusing(false)).toEqual(['Enrol Pod/shop/nobody:8080 GET /', 'After Pod/shop/nobody:8080 GET /']);
    expect(refusing(true)).toEqual(['After Pod/shop/nobody:8080 GET /']);
    // Nothing tells the two apart before.
    const plain = [{ source: { principals: ['cluster.local/ns/shop/sa/plain'] } }];
    expect(steps([policy({ ...ofWeb, rules: [{ from: plain }] })], 'Opens')).toEqual([
      'Enrol Pod/shop/plain -> web.shop:80 GET /',
      'After Pod/shop/plain -> web.shop:80 GET /',
    ]);
  });

  it('goes past the waypoint of a headless Service', () => {
    const denies = [policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/admin')] })];
    const policies = [...denies, ...copiesOf(denies), strict];
    const after = (isHeadless: boolean): string[] =>
      ofStep(told(prove({ policies, isHeadless }), 'Opens'), 'After').filter((one) => one.includes('web.shop'));
    expect(after(true)).toContain('After Pod/shop/client -> web.shop:80 GET /admin');
    expect(after(false)).not.toContain('After Pod/shop/client -> web.shop:80 GET /admin');
  });

  it('reads no requests on a port of another protocol', () => {
    const proof = prove({ policies: [policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/x')] })], portName: 'tcp' });
    const toService = proof.flips.filter(({ to }) => to.name === 'web.shop:80');
    expect(toService).not.toEqual([]);
    for (const { request } of toService) expect(request).toEqual({});
  });

  it('opens what a provider could refuse, assuming that it does', () => {
    const ask = policy({ ...ofWeb, action: 'CUSTOM', provider: { name: 'ext' }, rules: [onPaths('/x')] });
    const proof = prove({ policies: [ask], settings: { authorizationProviders: { ext: 'grpc' } } });
    const opened = proof.flips.filter(({ kind, step }) => kind === 'Opens' && step === 'After');
    expect(opened).not.toEqual([]);
    for (const flip of opened) expect(flip.assuming).toEqual(['the provider ext refuses']);
  });

  it('takes what nobody can know for either', () => {
    const denies = policy({ ...ofWeb, action: 'DENY', rules: [{ when: [{ key: 'connection.sni', values: ['x'] }] }] });
    const opened = prove({ policies: [denies] }).flips.filter(({ kind, step }) => kind === 'Opens' && step === 'After');
    expect(opened).not.toEqual([]);
    for (const flip of opened) expect(flip.assuming).toEqual(['connection.sni=x at the sidecar']);
  });

  it('shows callers in plaintext, whom no policy knows', () => {
    const from = [{ source: { principals: ['cluster.local/ns/other/sa/other'] } }];
    const proof = prove({ policies: [policy({ ...ofWeb, action: 'DENY', rules: [{ from }] })], isBound: true });
    // Behind the waypoint nobody is `other` any more; but `other` has a sidecar, and does not go through it.
    expect(told(proof, 'Opens')).toEqual([]);
  });

  it('looks for callers and ports that only what it writes can tell apart', () => {
    const refused = (rule: object): string[] => {
      const written = [policy({ ...ofWeb, action: 'DENY', rules: [rule] }, { name: 'written' })];
      const proof = prove({ policies: [], written });
      return proof.flips.filter(({ step }) => step === 'Policies').map(({ from, to }) => `${from.name} -> ${to.name}`);
    };
    expect(refused({ from: [{ source: { ipBlocks: ['10.9.0.0/16'] } }] })).toEqual([
      'outside the mesh, at 10.9.0.0 -> web.shop:80',
    ]);
    expect(refused({ to: [{ operation: { ports: ['9999'] } }] })).toEqual(['Pod/shop/client -> Pod/shop/web:9999']);
  });

  it('sees what it writes for pods that are ambient before', () => {
    const objects = smallObjects({
      pods: [smallPod('client', 'sidecar', { ip: '10.0.0.1' }), smallPod('web', 'ambient', { ip: '10.0.0.2' })],
      services: [{ name: 'web', selector: { app: 'web' } }],
      policies: [],
    });
    const written = [policy({ action: 'DENY', rules: [{}] })];
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint, written });
    const proof = proveMoments(all, { namespace: 'shop' });
    expect(told(proof, 'Refuses')).toContain('Policies Pod/shop/client -> web.shop:80 GET /');
    const toWeb = proof.flips.filter(({ step, to }) => step === 'Policies' && to.name === 'web.shop:80');
    expect(toWeb.map(({ after }) => after.hops.at(-1)?.hop)).toEqual(['Ztunnel']);
  });

  it('tells of one caller and one pod of a kind, and counts the others', () => {
    const pod = (name: string, app: string, ip: string): SmallPod => {
      const made = smallPod(name, 'sidecar', { ip, labels: { app } });
      return { ...made, spec: { ...made.spec, serviceAccountName: app } };
    };
    const objects = smallObjects({
      pods: [pod('web-1', 'web', '10.0.0.1'), pod('web-2', 'web', '10.0.0.2'), pod('shy', 'shy', '10.0.0.3')],
      services: [
        { name: 'web', selector: { app: 'web' } },
        { name: 'too', selector: { app: 'web' } },
      ],
      policies: [
        policy({
          ...ofWeb,
          action: 'DENY',
          rules: [{ ...onPaths('/x'), from: [{ source: { serviceAccounts: ['web'] } }] }],
        }),
      ],
    });
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint, written: [] });
    const { flips } = proveMoments(all, { namespace: 'shop' });
    // Two pods call two Services, and pods by their addresses.
    const after = flips.filter(({ step }) => step === 'After');
    expect(after.map(({ from, to }) => ({ from, to: to.name }))).toEqual([
      { from: { name: 'Pod/shop/web-1', account: 'shop/web', others: 1 }, to: 'web.shop:80' },
    ]);
    expect(after[0]!.to.others).toBeGreaterThanOrEqual(2);
  });

  it('tells the first of many, and counts the rest', () => {
    const policies = Array.from({ length: 6 }, (_, index) =>
      policy({ ...ofWeb, action: 'DENY', rules: [onPaths(`/${index}`)] }, { name: `p${index}` }),
    );
    const objects = smallObjects({
      pods: [smallPod('web', 'sidecar', { ip: '10.0.0.2' })],
      services: [{ name: 'web', selector: { app: 'web' } }],
      policies,
    });
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint, written: [] });
    const { flips, more, moreOpens } = proveMoments(all, { namespace: 'shop', mostFlips: 2 });
    expect(flips).toHaveLength(2);
    expect(moreOpens).toBeGreaterThan(0);
    expect(more).toBeGreaterThanOrEqual(moreOpens);
    expect(told({ flips, more, moreOpens, undecided: 0 }, 'Opens').map((one) => one.split(' ').at(-1))).toEqual([
      '/0',
      '/1',
    ]);
  });

  /** Of pods `client` and `web`, and `lone` without a sidecar. */
  const mixed = (options: Partial<ProofOptions> = {}): Proof => {
    const objects = smallObjects({
      pods: [
        smallPod('client', 'sidecar', { ip: '10.0.0.1' }),
        smallPod('web', 'sidecar', { ip: '10.0.0.2' }),
        smallPod('lone', 'none', { ip: '10.0.0.3' }),
      ],
      services: [{ name: 'web', selector: { app: 'web' } }],
      policies: [
        policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/long', '/x')] }, { name: 'deny' }),
        policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/long/*')] }, { name: 'long' }),
        policy({ rules: [onPaths('/api/*', '/long', '/x')] }, { name: 'allow' }),
        strict,
      ],
    });
    const written = [policy({ action: 'DENY', rules: [onPaths('/api/none')] }, { name: 'none' })];
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint: undefined, written });
    return proveMoments(all, { namespace: 'shop', ...options });
  };

  it('tells what opens first, then what comes first, then what is said in fewer words', () => {
    const { flips } = mixed();
    const place = ({ kind, step, request, assuming }: Flip): number[] => [
      Number(kind === 'Refuses'),
      ['Tunnel', 'Policies', 'Bind', 'Enrol', 'Workloads', 'After'].indexOf(step),
      JSON.stringify([request, assuming]).length,
    ];
    const places = flips.map(place);
    const inOrder = places.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!);
    expect(places).toEqual(inOrder);
    const distinct = (at: number): number => new Set(places.map((one) => one[at])).size;
    expect([distinct(0), distinct(1) > 2, distinct(2) > 2]).toEqual([2, true, true]);
  });

  it('tells nothing twice', () => {
    const { flips } = mixed();
    const signs = flips.map(({ kind, step, to, request, assuming, before, after }) =>
      JSON.stringify([
        kind,
        step,
        to.name,
        request,
        assuming,
        before.hops.map(({ by }) => by),
        after.hops.map(({ hop, by }) => [hop, by]),
      ]),
    );
    expect(new Set(signs).size).toBe(signs.length);
  });

  it('counts what it does not tell, of what opens first', () => {
    const [all, none, one] = [mixed({ mostFlips: 1000 }), mixed({ mostFlips: 0 }), mixed({ mostFlips: 1 })];
    expect(all).toMatchObject({ more: 0, moreOpens: 0, undecided: 0 });
    expect(none.flips).toEqual([]);
    expect(none.moreOpens).toBeGreaterThan(0);
    expect(none.more).toBeGreaterThan(none.moreOpens);
    expect(one.flips.map(({ kind }) => kind)).toEqual(['Opens']);
    expect(none.more - one.more).toBe(1);
    expect(none.moreOpens - one.moreOpens).toBe(1);
  });

  it('has not decided the pairs of ways that are too many', () => {
    const none = mixed({ mostPairs: 0 });
    expect(none).toMatchObject({ flips: [], more: 0 });
    expect(none.undecided).toBeGreaterThan(1);
    const one = mixed({ mostPairs: 1 });
    expect(one.flips.length).toBeGreaterThan(0);
    expect(one.undecided).toBeGreaterThan(0);
    expect(one.undecided).toBeLessThan(none.undecided);
  });

  it('has not decided what no search decides', () => {
    const patterns = [...'bcdefghijklmnopq'].map((letter) => `/{**}${letter}{**}`);
    const objects = smallObjects({
      pods: [smallPod('web', 'sidecar', { ip: '10.0.0.2' })],
      services: [],
      policies: [policy({ rules: [{ to: [{ operation: { paths: patterns, notPaths: patterns } }] }] })],
    });
    const all = moments(objects, smallSettings, { namespace: 'shop', waypoint: undefined });
    expect(
      proveMoments(
        all.filter(({ step }) => step !== 'Workloads'),
        { namespace: 'shop' },
      ).undecided,
    ).toBeGreaterThan(0);
  });

  it('counts all callers to whom the same happens, whatever they are', () => {
    const proof = prove({ policies: [policy({ ...ofWeb, action: 'DENY', rules: [onPaths('/x')] })], isBound: false });
    const after = proof.flips.filter(({ step, to }) => step === 'After' && to.name === 'web.shop:80');
    // `client`, `web`, `other`, `outside`, and somebody with and without a sidecar.
    expect(after.map(({ from }) => from.others)).toEqual([5]);
  });
});
