import { describe, expect, it } from 'vitest';
import { WAYPOINT, policyObject as object, policyScope } from '../../../test/support/policies.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { type PolicyScope, policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';
import { writtenRoutes } from '../translation/routes/written-routes.js';
import type { POLICY_FINDINGS } from './policy-table.js';
import type { TRAFFIC_FINDINGS } from './traffic-table.js';

/** Sidecars of other namespaces are found from pods. */
type Code = keyof typeof POLICY_FINDINGS | Exclude<keyof typeof TRAFFIC_FINDINGS, 'SST3001' | 'SST3002'>;

/** What raises a code and nothing else, the object that it names, and what is almost the same and does not raise it. */
interface Case {
  readonly raised: readonly PolicyObject[];
  readonly object: string;
  readonly message: string;
  readonly nearMiss: readonly PolicyObject[];
  /** What cannot but be raised with it. */
  readonly beside?: readonly string[];
  readonly scope?: PolicyScope;
  /** Of the near miss, if it is another one. */
  readonly nearScope?: PolicyScope;
}

const root = { namespace: 'istio-system' };
const other = { namespace: 'other' };
const withWaypoint = policyScope({ waypoint: WAYPOINT });
const settings = (changed: object): PolicyScope => policyScope({ mesh: { ...policyScope().mesh, ...changed } });
const selector = { selector: { matchLabels: { app: 'web' } } };

const authorization = (spec: object, metadata = {}): PolicyObject => object('AuthorizationPolicy', spec, metadata);
const operation = (...operations: object[]): object => ({
  rules: [{ to: operations.map((one) => ({ operation: one })) }],
});
const source = (one: object): object => ({ rules: [{ from: [{ source: one }] }] });
const deny = (spec: object): object => ({ action: 'DENY', ...spec });
const network = (spec: object): PolicyObject => object('NetworkPolicy', { podSelector: {}, ...spec });
const ports = (...numbers: number[]): object => ({ ports: numbers.map((port) => ({ port })) });
/** Of a namespace whose pods have sidecars. */
const meshed = { kind: 'Namespace', metadata: { name: 'other', labels: { [LABEL.injection]: 'enabled' } } };
const outside = { kind: 'Namespace', metadata: { name: 'other', labels: {} } };
const neighbour = (spec: object): PolicyObject => object('NetworkPolicy', { podSelector: {}, ...spec }, other);
const toShop = { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }] };
const fromShop = { from: toShop.to };
const service = (spec: object = {}, labels = {}): PolicyObject =>
  object('Service', { clusterIP: '10.0.0.1', selector: { app: 'web' }, ...spec }, { name: 'web', labels });
const destination = (spec: object, metadata = {}): PolicyObject =>
  object('DestinationRule', { host: 'web.shop.svc.cluster.local', ...spec }, metadata);
const http = { ports: [{ port: 8000, targetPort: 80 }] };
/** Pods `app: web` may call pods of the namespace. */
const toPods = (podSelector: object): PolicyObject =>
  network({
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ podSelector }], ...ports(15008) }],
  });
const tls = (mode: string): object => ({ trafficPolicy: { tls: { mode } } });
const pool = { trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } };
const route = (kind: string, parent: object): PolicyObject => object(kind, { parentRefs: [parent] });
const entry = (spec: object, metadata = {}): PolicyObject =>
  object('ServiceEntry', { hosts: ['api.example.com'], resolution: 'DNS', ...spec }, metadata);
/** The namespace, bound by a migration. */
const bound = (waypoint: string): PolicyObject => {
  const labels = { [LABEL.useWaypoint]: waypoint };
  const annotations = { [OWN_ANNOTATION.waypointLabels]: JSON.stringify({ generation: 1, attempt: 1, labels }) };
  return { kind: 'Namespace', metadata: { name: 'shop', labels, annotations } };
};
const callable = service({ ports: [{ name: 'http', port: 80 }] });
const routed = object('VirtualService', { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] });
const versions = destination({ subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
const targetRefs = (kind: string, name = 'web'): object => ({ targetRefs: [{ kind, name }] });

const CASES: Record<Code, Case> = {
  SST2001: {
    raised: [object('Novelty')],
    object: 'Novelty/x',
    message: 'Novelty x, field kind: applies to this namespace and is not yet understood',
    nearMiss: [object('Novelty', {}, other)],
  },
  SST2002: {
    raised: [object('PeerAuthentication', { mtls: { mode: 'DISABLE' } })],
    object: 'PeerAuthentication/x',
    message: 'PeerAuthentication x, field spec.mtls.mode: asks for plaintext, which ambient mode does not honour',
    nearMiss: [object('PeerAuthentication', { mtls: { mode: 'PERMISSIVE' } })],
  },
  SST2003: {
    raised: [network({ ingress: [ports(80)] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.ingress[0]: admits no TCP 15008, where mesh traffic arrives',
    nearMiss: [network({ ingress: [ports(80, 15008)] })],
  },
  SST2004: {
    raised: [service({}, { [LABEL.useWaypoint]: 'other' })],
    object: 'Service/web',
    message: 'Service web, field metadata.labels[istio.io/use-waypoint]: binds to a waypoint',
    nearMiss: [service({}, { [LABEL.useWaypoint]: 'none' })],
  },
  SST2007: {
    raised: [authorization(operation({ methods: ['GET'] }))],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.rules[0].to[0].operation.methods: ztunnel cannot see it and leaves the rule out: what the rule allows is refused',
    nearMiss: [authorization(operation({ ports: ['80'] }))],
  },
  SST2008: {
    raised: [authorization(deny(operation({ methods: ['GET'] })))],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.rules[0].to[0].operation.methods: ztunnel cannot see it, and nothing is left to match: what the rule denies is let in',
    nearMiss: [authorization(deny(operation({ methods: ['GET'], ports: ['80'] })))],
  },
  SST2009: {
    raised: [authorization(deny(operation({ methods: ['GET'], ports: ['80'] })))],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.rules[0].to[0].operation.methods: ztunnel cannot see it and denies whatever matches the rest of the rule',
    nearMiss: [authorization(deny(operation({ methods: ['GET'] }, { ports: ['80'] })))],
  },
  SST2010: {
    raised: [authorization({ action: 'CUSTOM', provider: { name: 'opa' } })],
    object: 'AuthorizationPolicy/x',
    message: 'AuthorizationPolicy x, field spec.action: CUSTOM: ztunnel asks nobody, and lets requests in',
    nearMiss: [authorization({ action: 'CUSTOM', provider: { name: 'opa' } }, other)],
  },
  SST2011: {
    raised: [authorization({ action: 'AUDIT', rules: [{}] }, root)],
    object: 'AuthorizationPolicy/istio-system/x',
    message: 'AuthorizationPolicy x, field spec.action: AUDIT: ztunnel marks no requests for the audit',
    nearMiss: [authorization({ action: 'AUDIT', selector: { matchLabels: { app: 'gate' } }, rules: [{}] }, root)],
  },
  SST2012: {
    raised: [authorization(deny(source({ notTrustDomains: ['td'] })))],
    object: 'AuthorizationPolicy/x',
    message: 'AuthorizationPolicy x, field spec.rules[0].from[0].source.notTrustDomains: ztunnel ignores trust domains',
    nearMiss: [authorization(deny(source({ notPrincipals: ['td/*'] })))],
  },
  SST2013: {
    raised: [authorization(source({ ipBlocks: ['10.0.0'] }))],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.rules[0].from[0].source.ipBlocks: ztunnel reads it in another way than a sidecar',
    nearMiss: [authorization(source({ ipBlocks: ['10.0.0.0/24'] }))],
  },
  SST2014: {
    raised: [authorization({}, { annotations: { 'istio.io/dry-run': 'true' } })],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field metadata.annotations[istio.io/dry-run]: a dry run, which decides nothing and which ztunnel does not log',
    nearMiss: [authorization({}, { annotations: { 'istio.io/dry-run': 'false' } })],
  },
  SST2015: {
    raised: [authorization(targetRefs('Service'))],
    object: 'AuthorizationPolicy/x',
    message: 'AuthorizationPolicy x, field spec.targetRefs: no waypoint of this migration serves Service/web',
    nearMiss: [authorization(targetRefs('Service'))],
    nearScope: withWaypoint,
  },
  SST2016: {
    raised: [authorization(targetRefs('GatewayClass'), root)],
    object: 'AuthorizationPolicy/istio-system/x',
    message: 'AuthorizationPolicy x, field spec.targetRefs: waypoint waypoint enforces it if it is of class web',
    nearMiss: [authorization(targetRefs('GatewayClass'), other)],
    scope: withWaypoint,
  },
  SST2017: {
    raised: [object('RequestAuthentication', selector)],
    object: 'RequestAuthentication/x',
    message: 'RequestAuthentication x, field spec: ztunnel looks at no tokens',
    nearMiss: [object('RequestAuthentication', targetRefs('Service'))],
  },
  SST2018: {
    raised: [object('PeerAuthentication', { portLevelMtls: { 80: { mode: 'STRICT' } } })],
    object: 'PeerAuthentication/x',
    message: 'PeerAuthentication x, field spec.portLevelMtls: ztunnel ignores the mode on port 80',
    nearMiss: [object('PeerAuthentication', { ...selector, portLevelMtls: { 80: { mode: 'STRICT' } } })],
  },
  SST2019: {
    raised: [authorization(source({ namespaces: ['a'] }), root)],
    object: 'AuthorizationPolicy/istio-system/x',
    message: 'AuthorizationPolicy x, field metadata.namespace: reaches this namespace and keeps its meaning',
    nearMiss: [authorization(source({ namespaces: ['a'] }))],
  },
  SST2020: {
    raised: [network({ policyTypes: ['Ingress'] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.ingress: does not admit probes from 169.254.7.127 on port 8080',
    nearMiss: [network({ ingress: [{ from: [{ ipBlock: { cidr: '169.254.7.127/32' } }] }] })],
    scope: policyScope({ probes: [{ labels: { app: 'web' }, port: 8080 }] }),
  },
  SST2021: {
    raised: [network({ policyTypes: ['Egress'], egress: [ports(80)] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.egress[0]: admits no TCP 15008, where mesh traffic goes',
    nearMiss: [network({ policyTypes: ['Egress'], egress: [ports(53)] })],
  },
  SST2022: {
    raised: [network({ ingress: [{ from: [{ namespaceSelector: {} }], ...ports(15008) }] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.ingress[0]: opens every port, by TCP 15008, to callers without any port',
    nearMiss: [network({ ingress: [{ from: [{ namespaceSelector: {} }], ...ports(80, 15008) }] })],
  },
  SST2023: {
    raised: [network({ ingress: [{ from: [{ namespaceSelector: {} }] }] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.ingress[0]: pods see waypoint waypoint instead of these callers',
    nearMiss: [network({ ingress: [{ from: [{ podSelector: {} }] }] })],
    scope: withWaypoint,
    nearScope: withWaypoint,
  },
  SST2024: {
    raised: [authorization(targetRefs('Gateway', 'waypoint'), { namespace: 'edge' })],
    object: 'AuthorizationPolicy/edge/x',
    message: 'AuthorizationPolicy x, field spec.targetRefs: waypoint edge/waypoint enforces it for this namespace, too',
    nearMiss: [authorization(targetRefs('Gateway', 'ingress'), { namespace: 'edge' })],
    scope: policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } }),
    nearScope: policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } }),
  },
  SST2025: {
    raised: [authorization(targetRefs('Gateway', 'first')), bound('first')],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.targetRefs: waypoint first enforces it today, and this migration is to take that away',
    nearMiss: [authorization(targetRefs('Service')), bound('first')],
    scope: withWaypoint,
    nearScope: withWaypoint,
  },
  SST2026: {
    raised: [meshed, service(http), neighbour({ policyTypes: ['Egress'], egress: [{ ...toShop, ...ports(80) }] })],
    object: 'NetworkPolicy/other/x',
    message: 'NetworkPolicy x, field spec.egress[0]: admits no TCP 15008 to namespace shop',
    nearMiss: [outside, service(http), neighbour({ policyTypes: ['Egress'], egress: [{ ...toShop, ...ports(80) }] })],
  },
  SST2027: {
    raised: [meshed, neighbour({ ingress: [{ ...fromShop, ...ports(80) }] })],
    object: 'NetworkPolicy/other/x',
    message: 'NetworkPolicy x, field spec.ingress[0]: admits no TCP 15008 from namespace shop',
    nearMiss: [
      meshed,
      neighbour({
        ingress: [
          { ...fromShop, ...ports(80) },
          { ...fromShop, ...ports(15008) },
        ],
      }),
    ],
  },
  SST2028: {
    raised: [network({ ingress: [] })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.ingress: cuts waypoint waypoint off from callers on TCP 15008',
    nearMiss: [network({ podSelector: { matchLabels: { app: 'web' } }, ingress: [] })],
    scope: withWaypoint,
  },
  SST2029: {
    raised: [toPods({ matchLabels: { app: 'web' } })],
    object: 'NetworkPolicy/x',
    message: 'NetworkPolicy x, field spec.egress[0]: admits no TCP 15008 to waypoint shop/waypoint',
    nearMiss: [toPods({})],
    scope: withWaypoint,
  },
  SST2030: {
    raised: [meshed, neighbour({ ingress: [ports(80)] })],
    object: 'NetworkPolicy/other/x',
    message: 'NetworkPolicy x, field spec.ingress[0]: admits no TCP 15008 from namespace shop',
    nearMiss: [meshed, neighbour({ ingress: [{}] })],
  },
  SST2031: {
    raised: [service(http), authorization({ ...targetRefs('Service'), ...operation({ ports: ['80'] }) })],
    object: 'AuthorizationPolicy/x',
    message:
      'AuthorizationPolicy x, field spec.rules[0].to[0].operation.ports: the waypoint compares with ports of Services: 8000 instead of 80 for Service/web',
    beside: ['SST5001 AuthorizationPolicy/x'],
    nearMiss: [service(http), authorization({ ...targetRefs('Service'), ...operation({ ports: ['8000'] }) })],
    scope: withWaypoint,
  },
  SST3003: {
    raised: [object('VirtualService', { hosts: ['web'] })],
    object: 'VirtualService/x',
    message: 'VirtualService x, field spec.hosts: ambient callers do not carry out the routes to web',
    nearMiss: [object('VirtualService', { hosts: ['web'], gateways: ['ingress'] })],
  },
  SST3004: {
    raised: [object('VirtualService', { hosts: ['web'] }, other)],
    object: 'VirtualService/other/x',
    message: 'VirtualService x, field spec.hosts: ambient callers do not carry out the routes to web',
    nearMiss: [object('VirtualService', { hosts: ['web'], exportTo: ['.'] }, other)],
  },
  SST3005: {
    raised: [destination({ ...tls('ISTIO_MUTUAL'), exportTo: ['.'] }, other)],
    object: 'DestinationRule/other/x',
    message:
      'DestinationRule x, field spec.trafficPolicy.tls.mode: callers with sidecars would not use HBONE towards web.shop.svc.cluster.local',
    nearMiss: [destination({ host: 'web', ...tls('ISTIO_MUTUAL'), exportTo: ['.'] }, other)],
  },
  SST3006: {
    raised: [destination({ host: 'api.example.com', ...tls('SIMPLE') })],
    object: 'DestinationRule/x',
    message: 'DestinationRule x, field spec.trafficPolicy.tls.mode: ztunnel starts no TLS towards api.example.com',
    nearMiss: [destination({ host: 'api.example.com', ...tls('SIMPLE'), exportTo: ['.'] }, other)],
  },
  SST3007: {
    raised: [destination({ host: 'web', ...tls('ISTIO_MUTUAL') }, other)],
    object: 'DestinationRule/other/x',
    message: 'DestinationRule x, field spec.trafficPolicy.tls.mode: ztunnel uses mTLS without it',
    nearMiss: [destination({ host: 'web', ...tls('DISABLE') }, other)],
  },
  SST3008: {
    raised: [destination({ subsets: [{ name: 'v1', labels: { version: 'v1' } }] })],
    object: 'DestinationRule/x',
    message: 'DestinationRule x, field spec.subsets: no HTTPRoute can name a subset',
    nearMiss: [destination({ subsets: [] })],
  },
  SST3009: {
    raised: [service(), destination(pool)],
    object: 'DestinationRule/x',
    message:
      'DestinationRule x, field spec.trafficPolicy.connectionPool: ambient callers do not carry it out towards web.shop.svc.cluster.local',
    nearMiss: [service(), destination(pool)],
    nearScope: withWaypoint,
  },
  SST3010: {
    raised: [service(), destination(pool)],
    object: 'DestinationRule/x',
    message: 'DestinationRule x, field spec.trafficPolicy.connectionPool: waypoint waypoint carries it out',
    nearMiss: [service(), destination(pool, other)],
    scope: withWaypoint,
  },
  SST3011: {
    raised: [object('Sidecar', { egress: [{ hosts: ['./*'] }] })],
    object: 'Sidecar/x',
    message: 'Sidecar x, field spec.egress: ztunnel takes no such limit',
    nearMiss: [object('Sidecar', { egress: [{ hosts: ['./*'], port: { number: 80 } }] })],
  },
  SST3012: {
    raised: [object('Sidecar', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, root)],
    object: 'Sidecar/istio-system/x',
    message:
      'Sidecar x, field spec.outboundTrafficPolicy.mode: REGISTRY_ONLY, but ztunnel lets unknown destinations pass',
    nearMiss: [object('Sidecar', { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, root)],
  },
  SST3013: {
    raised: [object('Sidecar', { ingress: [{ port: { number: 80 }, defaultEndpoint: '127.0.0.1:8080' }] })],
    object: 'Sidecar/x',
    message: 'Sidecar x, field spec.ingress: ambient mode has no listeners of its own for a workload',
    nearMiss: [object('Sidecar', { workloadSelector: { labels: { app: 'web' } } })],
  },
  SST3014: {
    raised: [],
    object: 'ConfigMap/istio-system/istio',
    message: 'ConfigMap/istio-system/istio, field enableAutoMtls: sidecars would talk plaintext to ambient pods',
    nearMiss: [],
    scope: settings({ enableAutoMtls: false }),
    nearScope: settings({ enableAutoMtls: true }),
  },
  SST3015: {
    raised: [object('EnvoyFilter', { configPatches: [{ applyTo: 'HTTP_FILTER' }] }, root)],
    object: 'EnvoyFilter/istio-system/x',
    message: 'EnvoyFilter x, field spec.configPatches: neither ztunnel nor a waypoint applies it',
    nearMiss: [
      object('EnvoyFilter', { configPatches: [{ applyTo: 'HTTP_FILTER', match: { context: 'GATEWAY' } }] }, root),
    ],
  },
  SST3016: {
    raised: [object('WasmPlugin', selector)],
    object: 'WasmPlugin/x',
    message: 'WasmPlugin x, field spec: ztunnel does not run it',
    nearMiss: [object('WasmPlugin', selector, other)],
  },
  SST3017: {
    raised: [object('Telemetry', selector)],
    object: 'Telemetry/x',
    message: 'Telemetry x, field spec: ztunnel does not read it',
    nearMiss: [object('Telemetry'), object('Telemetry', selector, root)],
    scope: withWaypoint,
  },
  SST3018: {
    raised: [object('Telemetry', {}, root)],
    object: 'Telemetry/istio-system/x',
    message: 'Telemetry x, field spec: waypoint waypoint takes it',
    nearMiss: [object('Telemetry', {}, root)],
    scope: withWaypoint,
    nearScope: policyScope(),
  },
  SST3019: {
    raised: [object('ProxyConfig', { concurrency: 1 })],
    object: 'ProxyConfig/x',
    message: 'ProxyConfig x, field spec: there is no sidecar to set up',
    nearMiss: [object('ProxyConfig', { concurrency: 1 }, other)],
  },
  SST3020: {
    raised: [entry({})],
    object: 'ServiceEntry/x',
    message: 'ServiceEntry x, field spec.hosts: outside the mesh, as before',
    nearMiss: [entry({}, other)],
  },
  SST3021: {
    raised: [entry({ hosts: ['*.example.com'] })],
    object: 'ServiceEntry/x',
    message: 'ServiceEntry x, field spec.hosts: ztunnel cannot send traffic there by itself',
    nearMiss: [entry({ resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] })],
  },
  SST3022: {
    raised: [entry({ exportTo: ['.'] }, other)],
    object: 'ServiceEntry/other/x',
    message: 'ServiceEntry x, field spec.exportTo: ztunnel shows it to every namespace',
    nearMiss: [entry({ exportTo: ['shop'] }, other)],
  },
  SST3023: {
    raised: [object('WorkloadEntry', { address: '192.0.2.1', labels: { app: 'vm' } })],
    object: 'WorkloadEntry/x',
    message: 'WorkloadEntry x, field spec: ambient mode has no workloads outside the cluster',
    nearMiss: [
      object('WorkloadEntry', { address: '192.0.2.1', labels: { app: 'vm' } }),
      entry({ resolution: 'STATIC', workloadSelector: { labels: { app: 'vm' } } }),
    ],
  },
  SST3024: {
    raised: [route('TCPRoute', { kind: 'Service', name: 'web' })],
    object: 'TCPRoute/x',
    message: 'TCPRoute x, field spec.parentRefs: no waypoint of this migration carries it out',
    nearMiss: [route('TCPRoute', { name: 'ingress' })],
    scope: withWaypoint,
  },
  SST3025: {
    raised: [service({ clusterIP: 'None' })],
    object: 'Service/web',
    message: 'Service web, field spec.clusterIP: callers address its pods',
    nearMiss: [service({ clusterIP: 'None', selector: undefined })],
  },
  SST3026: {
    raised: [service({ clusterIP: 'None' }), authorization(targetRefs('Service'))],
    object: 'Service/web',
    message: 'Service web, field spec.clusterIP: AuthorizationPolicy x is for a waypoint, and callers pass it by',
    beside: ['SST5001 AuthorizationPolicy/x'],
    nearMiss: [service({ clusterIP: 'None' }), authorization(targetRefs('Gateway', 'waypoint'))],
    scope: withWaypoint,
  },
  SST3027: {
    raised: [service(), destination({ trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } })],
    object: 'DestinationRule/x',
    message:
      'DestinationRule x, field spec.trafficPolicy.loadBalancer.consistentHash: ambient callers do not carry it out towards web.shop.svc.cluster.local',
    nearMiss: [service(), destination({ trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } })],
  },
  SST3028: {
    raised: [object('Service', http, { name: 'web', annotations: { 'networking.istio.io/exportTo': '.' } })],
    object: 'Service/web',
    message:
      'Service web, field metadata.annotations[networking.istio.io/exportTo]: exported to ., which ztunnel does not look at',
    nearMiss: [object('Service', http, { name: 'web', annotations: { 'networking.istio.io/exportTo': '*' } })],
  },
  SST3029: {
    raised: [],
    object: 'ConfigMap/istio-system/istio-sidecar-injector',
    message:
      'ConfigMap/istio-system/istio-sidecar-injector, field values.global.externalIstiod: true: one istiod serves several clusters',
    nearMiss: [],
    scope: settings({
      primaryRemote: {
        object: 'ConfigMap/istio-system/istio-sidecar-injector',
        field: 'values.global.externalIstiod: true',
      },
    }),
    nearScope: settings({}),
  },
  SST3030: {
    raised: [routed],
    object: 'VirtualService/x',
    message: 'VirtualService x, field spec.hosts: HTTPRoutes say the routes to web to the waypoint',
    nearMiss: [routed],
    nearScope: withWaypoint,
    scope: policyScope({
      waypoint: WAYPOINT,
      routes: writtenRoutes({ namespace: 'shop', objects: [callable, routed] }),
    }),
  },
  SST3031: {
    raised: [versions],
    object: 'DestinationRule/x',
    message: 'DestinationRule x, field spec.subsets: Services stand for them in the routes that name them',
    nearMiss: [versions],
    scope: policyScope({
      waypoint: WAYPOINT,
      routes: writtenRoutes({ namespace: 'shop', objects: [callable, versions] }),
    }),
    nearScope: withWaypoint,
  },
};

const found = (objects: readonly PolicyObject[], scope = policyScope()): [string, string][] =>
  policyFindings(objects, scope).map((finding) => [`${finding.code} ${finding.object}`, finding.message]);

describe('every finding about an object of the mesh', () => {
  it.each(Object.entries(CASES))('%s', (code, { raised, object: name, message, beside = [], nearMiss, ...scopes }) => {
    const { scope, nearScope = scope } = scopes;
    const findings = found(raised, scope);
    expect(findings.map(([title]) => title).sort()).toEqual([`${code} ${name}`, ...beside]);
    expect(new Map(findings).get(`${code} ${name}`)).toBe(message);
    expect(found(nearMiss, nearScope).map(([title]) => title)).not.toContain(`${code} ${name}`);
  });
});
