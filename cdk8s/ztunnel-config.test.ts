import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Node, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import * as z from 'zod';
import type {
  LocalConfig,
  LocalMatch,
  LocalPolicy,
  LocalService,
  LocalWorkload,
  StringMatch,
} from '../src/mesh/ztunnel-config.js';
import type { Manifest } from './objects.js';
import { FILE_KEY, ZTUNNEL_CONFIG_MAP, isZtunnelConfigMap, ztunnelConfigMaps } from './ztunnel-config-maps.js';
import { NEWEST_ZTUNNEL, ztunnelConfigJson, ztunnelConfigYaml, ztunnelVersion } from './ztunnel-config.js';

/*
 * A reader as strict as ztunnel's (serde_yaml 0.9): variants with a value only as tags, no unknown field, no number where a text
 * belongs and no text where a number does.
 */

/** A struct: none of its keys is unknown. */
const struct = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess((value) => (value instanceof Map ? Object.fromEntries(value) : value), z.strictObject(shape));

const port = z.int().min(0).max(65_535);
const ports = z.map(port, port);
const gatewayAddress = struct({ destination: z.string(), hboneMtlsPort: port });
const tag = z.union([
  struct({ Exact: z.string() }),
  struct({ Prefix: z.string() }),
  struct({ Suffix: z.string() }),
  struct({ Presence: z.tuple([]) }),
]);
const account = struct({ namespace: z.string(), serviceAccount: z.string() });
const cidrs = z.array(z.string().regex(/\/\d+$/)).optional();
const match = struct({
  namespaces: z.array(tag).optional(),
  notNamespaces: z.array(tag).optional(),
  principals: z.array(tag).optional(),
  notPrincipals: z.array(tag).optional(),
  serviceAccounts: z.array(account).optional(),
  notServiceAccounts: z.array(account).optional(),
  sourceIps: cidrs,
  notSourceIps: cidrs,
  destinationIps: cidrs,
  notDestinationIps: cidrs,
  destinationPorts: z.array(port).optional(),
  notDestinationPorts: z.array(port).optional(),
});

/** What ztunnel 1.`minor` reads. */
function localConfig(minor: number): z.ZodType<unknown> {
  const from = <T extends z.ZodType>(first: number, field: T) => (minor >= first ? field : z.undefined().optional());
  const workload = struct({
    workloadIps: z.array(z.string()),
    waypoint: gatewayAddress.optional(),
    networkGateway: gatewayAddress.optional(),
    protocol: z.enum(['TCP', 'HBONE']).optional(),
    networkMode: z.enum(['Standard', 'HostNetwork']).optional(),
    uid: z.string(),
    name: z.string(),
    namespace: z.string(),
    trustDomain: z.string(),
    serviceAccount: z.string(),
    network: z.string().optional(),
    workloadName: z.string().optional(),
    workloadType: z.string().optional(),
    canonicalName: z.string().optional(),
    canonicalRevision: z.string().optional(),
    hostname: z.string().optional(),
    node: z.string().optional(),
    nativeTunnel: z.boolean().optional(),
    applicationTunnel: struct({ protocol: z.enum(['NONE', 'PROXY']), port: port.optional() }).optional(),
    authorizationPolicies: z.array(z.string()).optional(),
    status: z.enum(['Healthy', 'Unhealthy']).optional(),
    clusterId: z.string(),
    locality: struct({ region: z.string(), zone: z.string(), subzone: z.string() }).optional(),
    services: z.map(z.string(), ports),
    capacity: from(26, z.int().optional()),
  });
  const service = struct({
    name: z.string(),
    namespace: z.string(),
    hostname: z.string(),
    vips: z.array(z.string()),
    cidrVips: from(30, z.array(z.string()).optional()),
    ports,
    subjectAltNames: z.array(z.string()).optional(),
    waypoint: gatewayAddress.optional(),
    weightedWaypoints: from(31, z.array(struct({ destination: gatewayAddress, weight: z.int() })).optional()),
    loadBalancer: struct({
      routingPreferences: z.array(z.string()),
      mode: z.enum(['Standard', 'Strict', 'Failover', 'Passthrough']),
      healthPolicy: z.enum(['OnlyHealthy', 'AllowAll']),
    }).optional(),
    ipFamilies: z.enum(['Dual', 'IPv4', 'IPv6']).optional(),
    canonical: from(29, z.boolean().optional()),
    visibility: from(31, z.enum(['Public', 'Namespace']).optional()),
  });
  const policy = struct({
    name: z.string(),
    namespace: z.string(),
    scope: z.enum(['Global', 'Namespace', 'WorkloadSelector']),
    action: z.enum(['Allow', 'Deny']),
    rules: z.array(z.array(z.array(match))),
    dryRun: from(29, z.boolean()),
  });
  return struct({
    workloads: z.array(workload),
    services: z.array(service),
    policies: z.array(policy),
  });
}

/** The values of a YAML text as serde_yaml sees them; maps as Maps, whose keys keep their types. */
function valueOf(node: Node | null): unknown {
  if (node?.tag !== undefined) {
    if (!/^!(Exact|Prefix|Suffix|Presence)$/.test(node.tag)) throw new Error(`tag ${node.tag}`);
    return { [node.tag.slice(1)]: isSeq(node) ? node.items : isScalar(node) ? String(node.value) : undefined };
  }
  if (isSeq<Node>(node)) return node.items.map(valueOf);
  if (isMap<Node, Node>(node)) return new Map(node.items.map(({ key, value }) => [valueOf(key), valueOf(value)]));
  if (!isScalar(node)) return undefined;
  // A number for serde_yaml, and a text for YAML's core schema.
  if (node.type === 'PLAIN' && /^[-+]?0b[01]+$/.test(node.source ?? '')) return Number(node.source);
  return node.value;
}

const schemas = new Map<number, z.ZodType<unknown>>();

function read(text: string, minor: number = NEWEST_ZTUNNEL.minor): LocalConfig {
  const document = parseDocument(text, { version: '1.2', logLevel: 'silent' });
  expect(document.errors).toEqual([]);
  const schema = schemas.get(minor) ?? localConfig(minor);
  schemas.set(minor, schema);
  return schema.parse(valueOf(document.contents)) as LocalConfig;
}

// Values to be written.

/** Texts that some reader would take for something else. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    '~',
    'null',
    'yes',
    'n',
    'true',
    '0b11',
    '0x1f',
    '0o7',
    '017',
    '1e5',
    '1_0',
    '12:30',
    '.5',
    '.inf',
    '-',
    '- a',
  ),
  fc.constantFrom(
    'a: b',
    'a #b',
    '!Exact a',
    '*',
    '&a',
    '{}',
    "'",
    '"',
    ' a',
    'a\nb',
    'é😀',
    '2026-11-21',
    '<<',
    '=',
    '|',
  ),
  fc.string({ maxLength: 12 }),
);
const portMap = fc.dictionary(fc.integer({ min: 0, max: 65_535 }).map(String), fc.integer({ min: 0, max: 65_535 }), {
  maxKeys: 3,
});
const address = fc.record({ destination: text, hboneMtlsPort: fc.constant(15_008) });
const string: fc.Arbitrary<StringMatch> = fc.oneof(
  text.map((Exact) => ({ Exact })),
  text.map((Prefix) => ({ Prefix })),
  text.map((Suffix) => ({ Suffix })),
  fc.constant({ Presence: [] as const }),
);
const strings = fc.array(string, { maxLength: 3 });
const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const workloads: fc.Arbitrary<LocalWorkload> = fc.record(
  {
    uid: text,
    name: text,
    namespace: name,
    workloadIps: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 2 }),
    services: fc.dictionary(
      fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
      portMap,
      { maxKeys: 3 },
    ),
    protocol: fc.constantFrom('TCP', 'HBONE'),
    node: text,
    trustDomain: text,
    canonicalRevision: text,
    locality: fc.record({ region: text, zone: text, subzone: text }),
    waypoint: address,
    capacity: fc.nat(),
    nativeTunnel: fc.boolean(),
    authorizationPolicies: fc.array(
      fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['uid', 'name', 'namespace', 'workloadIps', 'services'] },
);
const services: fc.Arbitrary<LocalService> = fc.record(
  {
    name: text,
    namespace: name,
    hostname: text,
    vips: fc.array(
      fc.ipV4().map((ip) => `/${ip}`),
      { maxLength: 2 },
    ),
    ports: portMap,
    waypoint: address,
    loadBalancer: fc.record({
      routingPreferences: fc.constant(['Zone']),
      mode: fc.constant('Failover' as const),
      healthPolicy: fc.constantFrom('OnlyHealthy', 'AllowAll'),
    }),
    canonical: fc.boolean(),
    visibility: fc.constantFrom('Public', 'Namespace'),
    weightedWaypoints: fc.array(fc.record({ destination: address, weight: fc.nat() }), { maxLength: 2 }),
  },
  { requiredKeys: ['name', 'namespace', 'hostname', 'vips', 'ports'] },
);
const matches: fc.Arbitrary<LocalMatch> = fc.record(
  {
    namespaces: strings,
    principals: strings,
    notPrincipals: strings,
    notServiceAccounts: fc.array(fc.record({ namespace: text, serviceAccount: text }), { maxLength: 2 }),
    sourceIps: fc.array(
      fc.ipV4().map((ip) => `${ip}/32`),
      { maxLength: 2 },
    ),
    destinationPorts: fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const policies: fc.Arbitrary<LocalPolicy> = fc.record({
  name,
  namespace: name,
  scope: fc.constantFrom('Global', 'Namespace', 'WorkloadSelector'),
  action: fc.constantFrom('Allow', 'Deny'),
  rules: fc.array(fc.array(fc.array(matches, { maxLength: 2 }), { maxLength: 2 }), { maxLength: 2 }),
  dryRun: fc.boolean(),
});
const configs: fc.Arbitrary<LocalConfig> = fc.record({
  workloads: fc.uniqueArray(workloads, { selector: ({ uid }) => uid, maxLength: 6 }),
  services: fc.uniqueArray(services, {
    selector: ({ namespace, hostname }) => `${namespace}/${hostname}`,
    maxLength: 6,
  }),
  policies: fc.uniqueArray(policies, { selector: ({ namespace, name: one }) => `${namespace}/${one}`, maxLength: 6 }),
});

/** What a reader must find: nothing but defaults that are said, and lists in order. */
function expected({ workloads, services, policies }: LocalConfig): unknown {
  const portsOf = (map: Readonly<Record<string, number>>) =>
    new Map(Object.entries(map).map(([a, b]) => [Number(a), b]));
  const byText = (key: (item: never) => string) => (a: unknown, b: unknown) =>
    key(a as never) < key(b as never) ? -1 : 1;
  return {
    workloads: [...workloads].sort(byText(({ uid }: LocalWorkload) => uid)).map((each) => ({
      serviceAccount: 'default',
      clusterId: 'Kubernetes',
      ...each,
      trustDomain: each.trustDomain ?? 'cluster.local',
      services: new Map(Object.entries(each.services).map(([service, map]) => [service, portsOf(map)])),
      authorizationPolicies: each.authorizationPolicies?.length ? [...each.authorizationPolicies].sort() : undefined,
    })),
    services: [...services]
      .sort(byText(({ namespace, hostname }: LocalService) => `${namespace}/${hostname}`))
      .map((each) => ({
        ...each,
        ports: portsOf(each.ports),
      })),
    policies: [...policies].sort(byText(({ namespace, name: one }: LocalPolicy) => `${namespace}/${one}`)),
  };
}

describe('the file of ztunnel', () => {
  it('says all of any configuration, in the words of a reader as strict as ztunnel', () => {
    fc.assert(
      fc.property(configs, (config) => {
        expect(read(ztunnelConfigYaml(config, NEWEST_ZTUNNEL))).toEqual(expected(config));
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it('has tags where a match has a value, and no quotes where none are needed', () => {
    const principals: StringMatch[] = [
      { Exact: 'cluster.local/ns/shop/sa/web' },
      { Prefix: 'cluster.local/ns/shop/' },
      { Suffix: '/sa/web' },
      { Presence: [] },
      { Exact: '12' },
    ];
    const policy: LocalPolicy = {
      name: 'a',
      namespace: 'shop',
      scope: 'WorkloadSelector',
      action: 'Allow',
      dryRun: false,
      rules: [[[{ principals, sourceIps: ['10.0.0.1/32'] }]]],
    };
    expect(ztunnelConfigYaml({ workloads: [], services: [], policies: [policy] }, NEWEST_ZTUNNEL)).toBe(
      `workloads: []
services: []
policies:
- name: a
  namespace: shop
  scope: WorkloadSelector
  action: Allow
  dryRun: false
  rules:
  - - - principals:
        - !Exact cluster.local/ns/shop/sa/web
        - !Prefix cluster.local/ns/shop/
        - !Suffix /sa/web
        - !Presence []
        - !Exact "12"
        sourceIps:
        - 10.0.0.1/32
`,
    );
  });

  it('is the same text whatever the order of lists and keys', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const reversed = {
          policies: [...config.policies].reverse(),
          services: [...config.services].reverse(),
          workloads: [...config.workloads].reverse().map((each) => Object.fromEntries(Object.entries(each).reverse())),
        } as unknown as LocalConfig;
        expect(ztunnelConfigYaml(reversed, NEWEST_ZTUNNEL)).toBe(ztunnelConfigYaml(config, NEWEST_ZTUNNEL));
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  test.each([25, 26, 28, 29, 30, 31, 32])('is what ztunnel 1.%d reads', (minor) => {
    fc.assert(
      fc.property(configs, (config) => {
        const found = read(ztunnelConfigYaml(config, { major: 1, minor }), minor);
        // A policy of which that version would not know that it is none yet is not sent, nor named.
        const sent = config.policies.filter(({ dryRun }) => minor >= 29 || !dryRun);
        expect(found.policies.map((each) => each.name).sort()).toEqual(sent.map((each) => each.name).sort());
      }),
      { seed: minor, numRuns: 30 },
    );
  });

  it('names no policy that the version cannot be sent', () => {
    const policy = {
      name: 'try',
      namespace: 'shop',
      scope: 'WorkloadSelector',
      action: 'Deny',
      dryRun: true,
      rules: [],
    } as const;
    const workload = { uid: 'a', name: 'a', namespace: 'shop', workloadIps: [], services: {} };
    const config = {
      workloads: [{ ...workload, authorizationPolicies: ['shop/try', 'shop/other'] }],
      services: [],
      policies: [policy],
    };
    const policiesOf = (minor: number) =>
      read(ztunnelConfigYaml(config, { major: 1, minor }), minor).workloads[0]?.authorizationPolicies;
    expect(policiesOf(28)).toEqual(['shop/other']);
    expect(policiesOf(29)).toEqual(['shop/other', 'shop/try']);
  });

  it('is JSON with the same fields, on demand', () => {
    const policy = {
      name: 'a',
      namespace: 'b',
      scope: 'Global',
      action: 'Deny',
      dryRun: false,
      rules: [[[{ principals: [{ Presence: [] }] }]]],
    } as const;
    const workload = { uid: 'a', name: 'a', namespace: 'b', workloadIps: [], services: { 'b/c': { 80: 8080 } } };
    expect(
      JSON.parse(
        ztunnelConfigJson({ workloads: [workload], services: [], policies: [policy] }, { major: 1, minor: 28 }),
      ),
    ).toEqual({
      workloads: [{ ...workload, trustDomain: 'cluster.local', serviceAccount: 'default', clusterId: 'Kubernetes' }],
      services: [],
      policies: [
        { name: 'a', namespace: 'b', scope: 'Global', action: 'Deny', rules: [[[{ principals: [{ Presence: [] }] }]]] },
      ],
    });
  });
});

describe('the version of ztunnel', () => {
  test.each([
    ['1.31', { major: 1, minor: 31 }],
    ['1.31.2-distroless', { major: 1, minor: 31 }],
    ['v1.9', { major: 1, minor: 9 }],
    ['1.32-alpha.0', { major: 1, minor: 32 }],
    ['latest', undefined],
    ['0a1b2c.3', undefined],
    ['1', undefined],
    ['', undefined],
  ])('%s', (tag, version) => {
    expect(ztunnelVersion(tag)).toEqual(version);
  });
});

describe('the ConfigMaps of a file', () => {
  const data = (manifest: Manifest | undefined) => (manifest?.['data'] ?? {}) as Record<string, string>;
  const options = { namespace: 'shop' };

  it('are one where the file fits', () => {
    const file = ztunnelConfigYaml({ workloads: [], services: [], policies: [] }, NEWEST_ZTUNNEL);
    expect(ztunnelConfigMaps(file, options)).toEqual([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: 'sidestep-ztunnel',
          namespace: 'shop',
          labels: { 'app.kubernetes.io/managed-by': 'sidestep' },
        },
        data: { [FILE_KEY]: file },
      },
    ]);
  });

  it('make up the file byte for byte, each small enough, whatever is in it', () => {
    let split = 0;
    fc.assert(
      fc.property(configs, fc.integer({ min: 60, max: 2_000 }), (config, maxBytes) => {
        const file = ztunnelConfigYaml(config, NEWEST_ZTUNNEL);
        const [index, ...parts] = ztunnelConfigMaps(file, { ...options, maxBytes });
        expect(index?.metadata.name).toBe(ZTUNNEL_CONFIG_MAP);
        const names = parts.map(({ metadata }) => metadata.name);
        expect(data(index)['parts'] ?? '').toBe(names.map((name) => `${name}\n`).join(''));
        expect(names.every(isZtunnelConfigMap)).toBe(true);
        const texts =
          parts.length === 0 ? [data(index)[FILE_KEY] ?? ''] : parts.map((part) => data(part)[FILE_KEY] ?? '');
        expect(texts.join('')).toBe(file);
        for (const each of texts) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(maxBytes);
        split += parts.length > 0 ? 1 : 0;
      }),
      { seed: 3, numRuns: 100 },
    );
    expect(split).toBeGreaterThan(40);
  });

  it('are each YAML by itself, where no item is larger than a part', () => {
    const workload = (index: number) => ({
      uid: `uid-${index}`,
      name: 'w',
      namespace: 'shop',
      workloadIps: ['10.0.0.1'],
      services: { 'shop/a': { 80: 80 } },
    });
    const service = (index: number) => ({ name: 's', namespace: 'shop', hostname: `h${index}`, vips: [], ports: {} });
    const range = Array.from({ length: 200 }, (_, index) => index);
    const config = { workloads: range.map(workload), services: range.map(service), policies: [] };
    const [, ...parts] = ztunnelConfigMaps(ztunnelConfigYaml(config, NEWEST_ZTUNNEL), { ...options, maxBytes: 4_000 });
    expect(parts.length).toBeGreaterThan(10);
    const found = parts.map((part) => parseDocument(data(part)[FILE_KEY] ?? ''));
    expect(found.flatMap(({ errors }) => errors)).toEqual([]);
    const count = (value: unknown): number =>
      Array.isArray(value) ? value.length : Object.values(value as object).flat().length;
    expect(found.map((document) => count(document.toJS())).reduce((a, b) => a + b)).toBe(400);
  });

  it('hold a mesh of ten thousand pods with room for metadata', () => {
    const pod = (index: number) => ({
      uid: `Kubernetes//Pod/shop/web-${index}`,
      name: `web-${index}`,
      namespace: 'shop',
      workloadIps: ['10.0.0.1'],
      services: {},
    });
    const config = { workloads: Array.from({ length: 10_000 }, (_, index) => pod(index)), services: [], policies: [] };
    const manifests = ztunnelConfigMaps(ztunnelConfigYaml(config, NEWEST_ZTUNNEL), options);
    expect(manifests.length).toBeGreaterThan(2);
    for (const manifest of manifests)
      expect(Buffer.byteLength(JSON.stringify(manifest))).toBeLessThan(1.3 * 1024 * 1024);
  });
});
