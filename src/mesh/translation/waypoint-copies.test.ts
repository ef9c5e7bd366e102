import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import {
  ACTIONS,
  namespace,
  randomAuthentications,
  randomPolicy,
} from '../../../test/controlplane/envoy/policy-generator.js';
import { randomConnection, randomRequest } from '../../../test/controlplane/envoy/request-generator.js';
import { makeTokens } from '../../../test/controlplane/envoy/tokens.js';
import { SeedBlocks } from '../../../test/support/seed-blocks.js';
import { policiesOfSidecar, policiesOfWaypoint } from '../enforcement/attachment.js';
import { proxyAuthorization } from '../enforcement/proxy-authorization.js';
import { asRecord, asRecords, type PolicyObject } from '../policy-object.js';
import { type PodGroup, podsOf, type TargetService, type TranslationScope } from './selection.js';
import { waypointCopies, type WaypointCopies } from './waypoint-copies.js';

const waypoint = { name: 'waypoint', namespace };
const rootNamespace = 'istio-system';

function pods(name: string, labels: object = { app: name }, ports: PodGroup['ports'] = []): PodGroup {
  return { name: `Deployment/${name}`, labels: { ...labels }, ports };
}

function service(name: string, spec: object = {}): TargetService {
  return { metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec } };
}

function scopeOf(scope: Partial<TranslationScope> = {}): TranslationScope {
  const both = { pods: [pods('web'), pods('db')], services: [service('web'), service('db')] };
  return { namespace, rootNamespace, waypoint, routing: [], ...both, ...scope };
}

function policy(spec: object, metadata: object = {}): PolicyObject {
  const object = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' };
  return { ...object, metadata: { name: 'p', namespace, ...metadata }, spec };
}

const copiesOf = (object: PolicyObject, scope = scopeOf()): WaypointCopies => {
  const found = waypointCopies(object, scope);
  if (!found) throw new Error('it has no copies');
  return found;
};

const ofWeb = { selector: { matchLabels: { app: 'web' } } };
const gets = { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] };
const onPorts = (...ports: string[]): object => ({ rules: [{ to: [{ operation: { methods: ['GET'], ports } }] }] });
const target = (name: string): object => ({ group: '', kind: 'Service', name });

describe('copies of a policy for a waypoint', () => {
  it('target the Services of the pods that it selects', () => {
    const { copies, differences } = copiesOf(policy({ ...ofWeb, ...gets }));
    expect(copies).toEqual([
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'p-wp', namespace },
        spec: { ...gets, targetRefs: [target('web')] },
      },
    ]);
    expect(differences).toEqual([]);
  });

  it('target the Gateway where it is for all pods, also of the whole mesh', () => {
    const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }];
    const { copies } = copiesOf(policy({ action: 'DENY', ...gets }));
    expect(copies.map(({ spec }) => spec)).toEqual([{ action: 'DENY', ...gets, targetRefs }]);
    // A name alone is an account of the policy's own namespace.
    const rule = (account: string): object => ({
      from: [{ source: { serviceAccounts: [account, 'shop/web'] } }],
      when: [{ key: 'source.serviceAccount', notValues: [account] }],
    });
    const ofMesh = copiesOf(policy({ rules: [rule('web')] }, { namespace: rootNamespace }));
    expect(ofMesh.copies).toMatchObject([
      { metadata: { name: 'istio-system-p-wp', namespace }, spec: { rules: [rule('istio-system/web')], targetRefs } },
    ]);
  });

  it('target Services where one of them needs no copy: the Gateway would have it for that one, too', () => {
    // To pods of web, 8080 is the port 9090; none of its requests arrives at their 8080.
    const services = [
      service('web', { ports: [{ port: 8080, targetPort: 9090 }] }),
      service('db', { ports: [{ port: 8080 }] }),
    ];
    const { copies } = copiesOf(policy({ action: 'DENY', ...onPorts('8080') }), scopeOf({ services }));
    expect(copies.map(({ spec }) => spec)).toEqual([
      { action: 'DENY', ...onPorts('8080'), targetRefs: [target('db')] },
    ]);
    const alone = copiesOf(policy({ action: 'DENY', ...onPorts('8080') }), scopeOf({ services: services.slice(0, 1) }));
    expect(alone.copies).toEqual([]);
  });

  it('target Services where the Gateway is in another namespace', () => {
    const { copies } = copiesOf(policy(gets), scopeOf({ waypoint: { name: 'waypoint', namespace: 'infra' } }));
    expect(copies.map(({ spec }) => spec)).toEqual([{ ...gets, targetRefs: [target('web'), target('db')] }]);
  });

  it('are as many as targets need', () => {
    const all = Array.from({ length: 33 }, (_, index) => service(`s${index}`, { selector: { app: 'web' } }));
    const { copies } = copiesOf(policy({ ...ofWeb, ...gets }), scopeOf({ services: all }));
    expect(
      copies.map(({ metadata: { name }, spec }) => [name, asRecords(asRecord(spec)['targetRefs']).length]),
    ).toEqual([
      ['p-wp', 16],
      ['p-wp-2', 16],
      ['p-wp-3', 1],
    ]);
  });

  it.each([
    ['the port that leads to it', onPorts('8080'), onPorts('80')],
    ['every port that leads to it', onPorts('9090'), onPorts('90', '91')],
    ['itself where it leads nowhere', onPorts('7070'), onPorts('7070')],
    [
      'nothing where the Service has another by its number',
      { rules: [...rulesOn('8080'), ...rulesOn('80')] },
      onPorts('80'),
    ],
    [
      'no exception where none leads to it',
      { rules: [{ to: [{ operation: { methods: ['GET'], notPorts: ['80'] } }] }] },
      gets,
    ],
    [
      'nothing to ask for where only others were excepted',
      { rules: [{ to: [{ operation: { notPorts: ['80'] } }] }] },
      { rules: [{}] },
    ],
    [
      'a port by name in `when`',
      { rules: [whenPort({ values: ['9090'] })] },
      { rules: [whenPort({ values: ['90', '91'] })] },
    ],
    [
      'no rule whose `when` asks for another by its number',
      { rules: [whenPort({ values: ['80'] }), ...rulesOn('8080')] },
      onPorts('80'),
    ],
    [
      'no exception in `when` where none leads to it',
      {
        rules: [
          {
            when: [
              { key: 'destination.port', notValues: ['80'] },
              { key: 'source.ip', values: ['10.0.0.1'] },
            ],
          },
        ],
      },
      { rules: [{ when: [{ key: 'source.ip', values: ['10.0.0.1'] }] }] },
    ],
  ])('have for a port of pods %s', (_, written, expected) => {
    const ports = [
      { port: 80, targetPort: 8080 },
      { port: 90, targetPort: 'admin' },
      { port: 91, targetPort: 9090 },
    ];
    const web = pods('web', { app: 'web' }, [{ name: 'admin', containerPort: 9090 }]);
    const { copies, differences } = copiesOf(
      policy({ ...ofWeb, ...written }),
      scopeOf({ pods: [web], services: [service('web', { ports })] }),
    );
    expect(copies.map(({ spec }) => spec)).toEqual([{ ...expected, targetRefs: [target('web')] }]);
    expect(differences).toEqual([]);
  });

  it('are not made where nothing is left to refuse: Istio takes no such policy', () => {
    const { copies } = copiesOf(policy({ ...ofWeb, action: 'DENY', ...onPorts('80') }));
    expect(copies).toEqual([]);
  });

  it.each<[string, PolicyObject]>([
    ['an ALLOW of nothing', policy({})],
    ['a DENY of accounts of its namespace', policy({ action: 'DENY', rules: [{ from: [account('web')] }] })],
    ['tokens', { ...policy({ jwtRules: [{ issuer: 'x' }] }), kind: 'RequestAuthentication' }],
    [
      'a filter',
      { ...policy({ url: 'oci://x', rules: 'of its own', match: [{ mode: 'SERVER' }] }), kind: 'WasmPlugin' },
    ],
  ])('say what the policy does: %s', (_, given) => {
    const { copies, differences } = copiesOf({ ...given, spec: { ...asRecord(given.spec), ...ofWeb } });
    expect(copies.map(({ kind, spec }) => [kind, spec])).toEqual([
      [given.kind, { ...asRecord(given.spec), targetRefs: [target('web')] }],
    ]);
    expect(differences).toEqual([]);
  });

  it('stay dry runs', () => {
    const annotations = { 'istio.io/dry-run': 'true', team: 'shop' };
    const { copies } = copiesOf(policy(gets, { annotations }));
    expect(copies[0]?.metadata.annotations).toEqual({ 'istio.io/dry-run': 'true' });
  });

  it.each([
    [
      'a Service has other pods',
      { pods: [pods('web'), pods('old', { app: 'web', v: '1' })] },
      { app: 'web', v: '1' },
      ['Widened Service/web'],
    ],
    ['pods belong to no Service', { services: [service('db')] }, { app: 'web' }, ['Unreached Deployment/web']],
    [
      'a Service is headless',
      { services: [service('web', { clusterIP: 'None' })] },
      { app: 'web' },
      ['Headless Service/web'],
    ],
  ])('say where %s', (_, scope, matchLabels, expected) => {
    const { differences } = copiesOf(policy({ selector: { matchLabels }, ...gets }), scopeOf(scope));
    expect(differences.map(({ reason, at }) => `${reason} ${at}`)).toEqual(expected);
  });

  it.each([
    [
      'an address of pods',
      { rules: [{ when: [{ key: 'destination.ip', values: ['10.0.0.1'] }] }] },
      'Field spec.rules[0].when[0].key',
    ],
    [
      'what the caller’s TLS asks for',
      { rules: [{ when: [{ key: 'connection.sni', values: ['x'] }] }] },
      'Field spec.rules[0].when[0].key',
    ],
    ['a port that is none', onPorts('http'), 'Port spec.rules[0].to[0].operation.ports'],
  ])('are not made of %s', (_, spec, expected) => {
    const { copies, differences } = copiesOf(policy({ ...ofWeb, ...spec }));
    expect(copies).toEqual([]);
    expect(differences.map(({ reason, at }) => `${reason} ${at}`)).toEqual([expected]);
  });

  it('are not made where pods have different ports by one name', () => {
    const named = (containerPort: number): PodGroup =>
      pods(`web-${containerPort}`, { app: 'web' }, [{ name: 'http', containerPort }]);
    const services = [service('web', { ports: [{ port: 80, targetPort: 'http' }] })];
    const { copies, differences } = copiesOf(
      policy(onPorts('8080')),
      scopeOf({ pods: [named(8080), named(8081)], services }),
    );
    expect(copies).toEqual([]);
    expect(differences).toMatchObject([
      { reason: 'Port', at: 'Service/web', message: expect.stringContaining('http') },
    ]);
  });

  it('are not made where nobody knows the port of a name', () => {
    const services = [service('web', { ports: [{ port: 80, targetPort: 'http' }] })];
    const { copies, differences } = copiesOf(policy(onPorts('8080')), scopeOf({ services, pods: [pods('web')] }));
    expect(copies).toEqual([]);
    expect(differences).toMatchObject([{ reason: 'Port', at: 'Service/web' }]);
  });

  it.each([
    ['targets something already', policy({ ...gets, targetRefs: [target('web')] })],
    ['is of another namespace', policy(gets, { namespace: 'other' })],
    ['waypoints read as it is', { ...policy({}), kind: 'Telemetry' }],
    ['no proxy reads so', { ...policy({}), kind: 'PeerAuthentication' }],
  ])('are none of one that %s', (_, object) => {
    expect(waypointCopies(object, scopeOf())).toBeUndefined();
  });
});

function account(name: string): object {
  return { source: { serviceAccounts: [name] } };
}

function rulesOn(...ports: string[]): object[] {
  return [{ to: [{ operation: { methods: ['GET'], ports } }] }];
}

function whenPort(lists: object): object {
  return { when: [{ key: 'destination.port', ...lists }] };
}

describe('what the copies of generated policies decide at a waypoint', () => {
  const blocks = new SeedBlocks(200, 5);
  const REQUESTS = 8;
  const tokens = makeTokens();
  const settings = {
    trustDomain: 'td1',
    trustDomainAliases: ['td2'],
    authorizationProviders: { yes: 'http' as const },
  };

  it.each(blocks.all)('is what the policies decide at sidecars, in meshes %d to %d', (first, last) => {
    const tally = blocks.begin(first);
    const fire = (what: string): void => tally.add(what);
    for (let seed = first; seed <= last; seed++) {
      const random = new Random(seed);
      const scope = randomScope(random);
      const policies = randomPolicies(random, tokens.jwks);
      const translated = policies.map((one) => ({ policy: one, ...copiesOf(one, scope) }));
      translated.forEach(({ copies, differences }) => {
        differences.forEach(({ reason }) => fire(reason));
        copies.forEach(({ spec }) => fire(String(asRecords(asRecord(spec)['targetRefs'])[0]?.['kind'])));
      });
      for (const target of scope.services.filter(({ spec }) => spec?.clusterIP !== 'None')) {
        // What is said to differ may differ.
        const about = [`Service/${target.metadata.name}`];
        const exact = translated.filter(({ differences }) =>
          differences.every(({ reason, at }) => reason !== 'Field' && reason !== 'Port' && !about.includes(at)),
        );
        compare({ seed, random, scope, target, fire }, exact);
      }
    }
    const { total } = blocks;
    if (total === undefined) return;
    console.log(String(total));
    for (const what of [
      'Gateway',
      'Service',
      'Widened',
      'Unreached',
      'Headless',
      'Port',
      'Field',
      'another port',
      'allowed',
      'refused',
    ])
      expect(total.of(what), what).toBeGreaterThanOrEqual(20);
    const share = total.of('allowed') / (total.of('allowed') + total.of('refused'));
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
  });

  interface Case {
    readonly seed: number;
    readonly random: Random;
    readonly scope: TranslationScope;
    readonly target: TargetService;
    readonly fire: (what: string) => void;
  }

  function compare(
    { seed, random, scope, target, fire }: Case,
    exact: readonly { readonly policy: PolicyObject; readonly copies: readonly PolicyObject[] }[],
  ): void {
    const place = { settings: { ...settings, rootNamespace } } as never;
    const atWaypoint = proxyAuthorization(
      policiesOfWaypoint(
        exact.flatMap(({ copies }) => copies),
        waypoint,
        { name: target.metadata.name, namespace },
        place,
      ),
      settings,
    );
    for (const group of podsOf(target, scope)) {
      const originals = exact.map(({ policy: original }) => original);
      const labels = group.labels;
      const atSidecar = proxyAuthorization(policiesOfSidecar(originals, { namespace, labels }, place), settings);
      for (const { port, targetPort = port } of target.spec?.ports ?? []) {
        const reached =
          typeof targetPort === 'number'
            ? targetPort
            : group.ports.find(({ name }) => name === targetPort)?.containerPort;
        if (reached === undefined) continue;
        if (reached !== port) fire('another port');
        for (let count = 0; count < REQUESTS; count++) {
          const { sni: _, metadata: __, ...request } = randomRequest(random, randomConnection(random, false), tokens);
          const to = (number: number): { address: string; port: number } => ({ ...request.destination, port: number });
          const before = atSidecar.decide({ ...request, destination: to(reached) });
          const after = atWaypoint.decide({ ...request, destination: to(port) });
          fire(before.allowed ? 'allowed' : 'refused');
          const context = `mesh ${seed}, Service ${target.metadata.name}:${port}, ${JSON.stringify(request)}`;
          expect({ allowed: after.allowed, asks: after.asks }, context).toEqual({
            allowed: before.allowed,
            asks: before.asks,
          });
        }
      }
    }
  }
});

function randomScope(random: Random): TranslationScope {
  const labels = (): Record<string, string> => ({ app: random.pick(['a', 'b', 'c']), tier: random.pick(['x', 'y']) });
  const groups = random.times(2, 4, (index) =>
    pods(`g${index}`, labels(), [
      { name: 'http', containerPort: random.pick([8080, 8080, 80]) },
      { name: 'admin', containerPort: 9090 },
    ]),
  );
  const services = random.times(1, 4, (index) =>
    service(`s${index}`, {
      selector: Object.fromEntries(random.few(Object.entries(random.pick(groups).labels))),
      ports: uniquePorts(
        random.few([
          { port: 80, targetPort: 8080 },
          { port: 80, targetPort: 'http' },
          { port: 8080 },
          { port: 7070, targetPort: 80 },
          { port: 7070, targetPort: 'admin' },
          { port: 9090, targetPort: 7070 },
        ]),
      ),
      ...(random.chance(0.1) && { clusterIP: 'None' }),
    }),
  );
  return scopeOf({ pods: groups, services });
}

/** As the API server would have it. */
function uniquePorts<T extends { readonly port: number }>(ports: readonly T[]): T[] {
  return ports.filter(({ port }, index) => ports.findIndex((one) => one.port === port) === index);
}

function randomPolicies(random: Random, jwks: string): PolicyObject[] {
  const policies = [
    ...random.times(1, 5, (index) =>
      randomPolicy(random, `p${index}`, index === 0 ? ['ALLOW'] : ACTIONS, ['yes', 'missing']),
    ),
    ...randomAuthentications(random, jwks),
  ];
  return policies.map((one) => ({
    ...one,
    metadata: { ...one.metadata, namespace: random.chance(0.15) ? rootNamespace : namespace },
    spec: {
      ...asRecord(one.spec),
      ...(random.chance(0.6) && {
        selector: { matchLabels: random.pick([{ app: 'a' }, { app: 'b' }, { tier: 'x' }, { app: 'c', tier: 'y' }]) },
      }),
    },
  }));
}
