import type { AmbientMigration } from '../../src/api/ambient-migration.js';
import { parseAmbientMigrationSpec } from '../../src/api/ambient-migration.js';
import type { Gateway, GatewayCondition, GatewayListener } from '../../src/api/gateway-api.js';
import { LABEL } from '../../src/api/labels.js';
import type { DryRuns, Mesh, Observed, WaypointView } from '../../src/controllers/ambient-migration/observed.js';
import type { PodView } from '../../src/controllers/ambient-migration/pods.js';
import { type Workload, formatRestartMark } from '../../src/controllers/ambient-migration/workloads.js';
import type { MutatingWebhookConfiguration } from '../../src/kube/types.js';

/** Builders of what a pass observes: a healthy mesh, and a namespace with sidecars. Tests override what they are about. */

/** The time at which every test pass takes place. */
export const NOW_MS = Date.parse('2026-11-21T10:00:00Z');

/** A ready sidecar pod that speaks HBONE. */
export function pod(overrides: Partial<PodView> = {}): PodView {
  return {
    name: 'web-1',
    uid: `uid-${overrides.name ?? 'web-1'}`,
    labels: { app: 'web' },
    account: 'default',
    nodeName: 'node-1',
    isIpv6: false,
    owner: { kind: 'ReplicaSet', name: 'web-abc' },
    mode: 'sidecar',
    sidecarRequests: {},
    hbone: true,
    gateway: false,
    live: true,
    drainsUntilMs: undefined,
    counts: true,
    ready: true,
    dataplaneMode: undefined,
    restartMark: undefined,
    createdAtMs: NOW_MS - 3_600_000,
    progressAtMs: NOW_MS - 3_600_000,
    problem: undefined,
    ...overrides,
  };
}

/** A finished Deployment of one sidecar pod. */
export function workload(overrides: Partial<Workload> = {}): Workload {
  const { restartMark } = overrides;
  return {
    kind: 'Deployment',
    name: 'web',
    replicas: 1,
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app' }] } },
    volumeClaims: [],
    pods: [pod()],
    draining: [],
    observed: true,
    finished: true,
    progress: undefined,
    restartMark,
    restartedAtMs: 0,
    templateMark: restartMark && formatRestartMark(restartMark),
    reverted: false,
    enrolment: undefined,
    maxUnavailable: 0,
    obstacle: undefined,
    onDelete: undefined,
    outage: false,
    recreates: false,
    ...overrides,
  };
}

/** Istio's injector, as its chart renders it for the default revision. */
export function injectors(): MutatingWebhookConfiguration[] {
  const rule = (name: string, namespaceSelector: object, objectSelector: object): object => ({
    name: `${name}.sidecar-injector.istio.io`,
    namespaceSelector,
    objectSelector,
  });
  const notOptedOut = { key: LABEL.inject, operator: 'NotIn', values: ['false'] };
  const absent = (key: string): object => ({ key, operator: 'DoesNotExist' });
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'istio-sidecar-injector', labels: { [LABEL.revision]: 'default' } },
      webhooks: [
        rule(
          'rev.namespace',
          { matchExpressions: [{ key: LABEL.revision, operator: 'In', values: ['default'] }, absent(LABEL.injection)] },
          { matchExpressions: [notOptedOut] },
        ),
        rule(
          'namespace',
          { matchExpressions: [{ key: LABEL.injection, operator: 'In', values: ['enabled'] }] },
          { matchExpressions: [notOptedOut] },
        ),
        rule(
          'object',
          { matchExpressions: [absent(LABEL.injection), absent(LABEL.revision)] },
          { matchExpressions: [{ key: LABEL.inject, operator: 'In', values: ['true'] }, absent(LABEL.revision)] },
        ),
      ],
    } as MutatingWebhookConfiguration,
  ];
}

/** A healthy mesh with ambient support. */
export function mesh(overrides: Partial<Mesh> = {}): Mesh {
  return {
    istioNamespace: 'istio-system',
    rootNamespace: 'istio-system',
    settings: {
      trustDomain: 'cluster.local',
      trustDomainAliases: [],
      outboundTrafficPolicy: 'ALLOW_ANY',
      enableAutoMtls: true,
      object: 'ConfigMap/istio-system/istio',
    },
    ambientAccepted: true,
    waypointReplicas: 2,
    waypointResources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    injectionTemplates: { defaults: ['sidecar'], withSpire: [] },
    injectsHbone: true,
    injectors: injectors(),
    validatingRevisions: ['default'],
    enrolment: {
      enabled: true,
      excludedNamespaces: ['kube-system'],
      selectors: [
        { podSelector: { matchLabels: { [LABEL.dataplaneMode]: 'ambient' } } },
        {
          namespaceSelector: { matchLabels: { [LABEL.dataplaneMode]: 'ambient' } },
          podSelector: { matchExpressions: [{ key: LABEL.dataplaneMode, operator: 'NotIn', values: ['none'] }] },
        },
      ],
    },
    nodesWithoutZtunnel: [],
    nodesWithoutCni: [],
    oldSidecars: [],
    ...overrides,
  };
}

/** No waypoint, and nothing that could use one. */
export function waypointView(overrides: Partial<WaypointView> = {}): WaypointView {
  return {
    gateway: undefined,
    gatewayClass: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'istio-waypoint' },
      spec: { controllerName: 'istio.io/mesh-controller' },
    },
    traffic: 'service',
    available: 0,
    admits: true,
    gateways: [],
    namers: new Map(),
    services: [],
    listedPods: new Map(),
    accounts: [],
    unsettled: [],
    orphans: [],
    ...overrides,
  };
}

/** A waypoint of class `istio-waypoint` that takes traffic, made by a person. */
export function gateway(
  listener: Partial<GatewayListener> = {},
  { metadata, ...rest }: Partial<Gateway> = {},
): Gateway {
  const condition = (type: string): GatewayCondition => {
    return { type, status: 'True', reason: type, message: '', observedGeneration: 1 };
  };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'waypoint', namespace: 'shop', uid: 'gateway-1', generation: 1, ...metadata },
    spec: {
      gatewayClassName: 'istio-waypoint',
      listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', ...listener }],
    },
    status: {
      conditions: ['Accepted', 'Programmed'].map(condition),
      listeners: [
        {
          name: 'mesh',
          attachedRoutes: 0,
          supportedKinds: [],
          conditions: ['Accepted', 'Programmed', 'ResolvedRefs'].map(condition),
        },
      ],
    },
    ...rest,
  };
}

/** An AmbientMigration of generation 1 whose status has seen that generation. */
export function migration(spec: object = {}, status: object = { observedGeneration: 1 }): AmbientMigration {
  return {
    apiVersion: 'sidestep.dev/v1alpha1',
    kind: 'AmbientMigration',
    metadata: {
      name: 'shop',
      namespace: 'shop',
      uid: '0c1f2e3d-4b5a-4978-8695-a4b3c2d1e0f9',
      generation: 1,
      creationTimestamp: '2026-11-21T09:00:00Z',
    },
    spec,
    status,
  };
}

/** Dry runs of every write have shown that admission leaves it as it is, but for these fields, by `Kind/name`. */
export function tried(undone: Readonly<Record<string, readonly string[]>> = {}): NonNullable<DryRuns['undone']> {
  return Object.assign(new Map(Object.entries(undone)), { has: () => true });
}

/** What a pass sees: namespace `shop`, injected by `istio-injection=enabled`, one Deployment, nothing migrated yet. */
export function observed(
  overrides: Partial<Observed> & { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): Observed {
  const { labels = { [LABEL.injection]: 'enabled' }, annotations = {}, ...rest } = overrides;
  const am = rest.migration ?? migration();
  return {
    nowMs: NOW_MS,
    migration: am,
    spec: parseAmbientMigrationSpec(am),
    supersededBy: undefined,
    namespace: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', resourceVersion: '5', labels, annotations },
    },
    snapshot: undefined,
    lastSnapshot: rest.snapshot,
    snapshotProblem: undefined,
    workloads: [workload()],
    jobPods: [],
    cronJobs: [],
    strayPods: [],
    draining: [],
    budgets: [],
    autoscalers: [],
    limitRanges: [],
    quotas: [],
    mesh: mesh(),
    policies: [],
    translated: [],
    routedElsewhere: new Set(),
    unnamedSince: new Map(),
    sidecarAccounts: [],
    waypoint: waypointView(),
    dryRuns: undefined,
    proven: [],
    labelOwners: [],
    managers: undefined,
    ...rest,
  };
}
