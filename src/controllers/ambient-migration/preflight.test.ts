import { describe, expect, it } from 'vitest';
import { gateway, mesh, migration, observed, pod, waypointView, workload } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import { type FINDINGS, type Finding, isBlocking } from '../../mesh/findings.js';
import type { POLICY_FINDINGS } from '../../mesh/findings/policy-table.js';
import type { TemplateCode } from '../../mesh/findings/template-finding.js';
import type { TRAFFIC_FINDINGS } from '../../mesh/findings/traffic-table.js';
import type { TRANSLATION_FINDINGS } from '../../mesh/findings/translation-table.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import type { Budget, Observed, PodDryRun } from './observed.js';
import { snapshotData } from './plan.js';
import { dryRunFindings, healthFindings, namespaceFindings } from './preflight.js';

const template = (metadata: object): object => ({
  template: { metadata: { labels: { app: 'web' }, ...metadata }, spec: { containers: [{ name: 'app' }] } },
});
const policy = (kind: string, spec: object, metadata: object = {}): PolicyObject => ({
  kind,
  metadata: { name: 'x', namespace: 'shop', ...metadata },
  spec,
});
const answered = (answer: PodDryRun): Observed =>
  observed({ dryRuns: { pods: new Map([['Deployment/web', answer]]), istiod: 'alive' } });
const budget: Budget = { name: 'web', selects: () => true, disruptionsAllowed: 0, desiredHealthy: 2, expectedPods: 2 };
const autoscaler = (target: string, type: 'Resource' | 'ContainerResource'): PolicyObject => ({
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: target },
    metrics: [{ type, resource: { name: 'cpu' }, containerResource: { container: 'istio-proxy', name: 'cpu' } }],
  },
});
const tracked = { 'argocd.argoproj.io/tracking-id': 'shop:/Namespace:shop/shop' };
const scraped = (more: object = {}): object => template({ annotations: { 'prometheus.io/scrape': 'true', ...more } });
const grpcAgent = { 'inject.istio.io/templates': 'grpc-agent' };
const strict = policy('PeerAuthentication', { mtls: { mode: 'STRICT' } });

const always = migration({ waypoint: { provision: 'Always' } });
const byHand = migration({ waypoint: { provision: 'Always' }, policies: { translation: 'Manual' } });
/** A policy of all pods behind a waypoint. */
const behindWaypoint = (source: object): Observed =>
  observed({ migration: byHand, policies: [policy('AuthorizationPolicy', { rules: [{ from: [{ source }] }] })] });

/** Raised by a policy, another object of the mesh or a pod template: `src/mesh` finds them, and its tests have them all. */
type FoundInMesh =
  | Exclude<TemplateCode, 'SST4040'>
  | keyof typeof POLICY_FINDINGS
  | keyof typeof TRANSLATION_FINDINGS
  | Exclude<keyof typeof TRAFFIC_FINDINGS, 'SST3001' | 'SST3002'>;

/** For each other code, and one of those: a namespace in which it is raised, the object that it names, and what cannot but be raised before it. */
const RAISED: Record<
  Exclude<keyof typeof FINDINGS, FoundInMesh> | 'SST2001' | 'SST4009' | 'SST4019',
  readonly [Observed, string, beside?: string]
> = {
  SST1001: [observed({ mesh: mesh({ ambientAccepted: false }) }), 'GatewayClass/istio-waypoint'],
  SST1002: [observed({ mesh: mesh({ injectsHbone: false }) }), 'ConfigMap/istio-system/istio'],
  SST1003: [observed({ mesh: mesh({ nodesWithoutZtunnel: ['node-1'] }) }), 'Node/node-1'],
  SST1004: [observed({ mesh: mesh({ nodesWithoutCni: ['node-1'] }) }), 'Node/node-1'],
  SST1005: [
    answered({ kind: 'injector-down', message: 'refused' }),
    'MutatingWebhookConfiguration/istio-sidecar-injector',
  ],
  SST1006: [answered({ kind: 'created', sidecar: false }), 'Deployment/web'],
  SST1007: [
    observed({ dryRuns: { pods: new Map(), istiod: 'down' }, mesh: mesh({ rootNamespace: 'root' }) }),
    'Namespace/istio-system',
  ],
  SST1008: [observed({ mesh: mesh({ validatingRevisions: [], rootNamespace: 'root' }) }), 'Namespace/istio-system'],
  SST1009: [
    observed({ mesh: mesh({ enrolment: { enabled: true, excludedNamespaces: ['shop'], selectors: [{}] } }) }),
    'Namespace/shop',
  ],
  SST1010: [observed({ mesh: mesh({ enrolment: undefined, rootNamespace: 'root' }) }), 'Namespace/istio-system'],
  SST2001: [observed({ policies: [policy('Novelty', {})] }), 'Novelty/x'],
  SST2005: [behindWaypoint({ principals: ['cluster.local/ns/a/sa/b'] }), 'AuthorizationPolicy/x'],
  SST2006: [behindWaypoint({ principals: ['*/sa/waypoint'] }), 'AuthorizationPolicy/x'],
  SST3001: [observed({ mesh: mesh({ oldSidecars: ['other/caller'] }) }), 'Namespace/shop'],
  SST3002: [observed({ mesh: mesh({ oldSidecars: ['other/caller'] }), policies: [strict] }), 'Namespace/shop'],
  SST4001: [observed({ strayPods: [pod({ name: 'gateway', gateway: true })] }), 'Pod/gateway'],
  SST4002: [observed({ workloads: [workload({ pods: [pod({ mode: 'none' })] })] }), 'Pod/web-1'],
  SST4003: [observed({ strayPods: [pod({ name: 'bare', owner: undefined })] }), 'Pod/bare'],
  SST4004: [observed({ workloads: [workload({ onDelete: { outdated: 2 } })] }), 'Deployment/web'],
  SST4005: [observed({ workloads: [workload({ obstacle: 'Partition' })] }), 'Deployment/web'],
  SST4006: [observed({ workloads: [workload({ obstacle: 'Paused' })] }), 'Deployment/web'],
  SST4007: [observed({ workloads: [workload({ maxUnavailable: 1 })], budgets: [budget] }), 'Deployment/web'],
  SST4009: [
    observed({
      workloads: [workload(template({ annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '1' } }))],
    }),
    'Deployment/web',
  ],
  SST4011: [observed({ workloads: [workload({ outage: true })] }), 'Deployment/web'],
  SST4012: [answered({ kind: 'refused', message: 'exceeded quota' }), 'Deployment/web'],
  // Its pods look like those of a gateway.
  SST4019: [
    observed({
      workloads: [workload({ ...template({ annotations: grpcAgent }), pods: [pod({ mode: 'none', gateway: true })] })],
    }),
    'Deployment/web',
  ],
  SST4022: [observed({ autoscalers: [autoscaler('web', 'ContainerResource')] }), 'HorizontalPodAutoscaler/web'],
  SST4023: [observed({ autoscalers: [autoscaler('web', 'Resource')] }), 'HorizontalPodAutoscaler/web'],
  SST4024: [observed({ mesh: mesh({ rootNamespace: 'shop' }) }), 'Namespace/shop'],
  SST4025: [
    observed({ annotations: tracked, labelOwners: [{ manager: 'argocd-controller', labels: ['team'] }] }),
    'Namespace/shop',
  ],
  SST4026: [
    observed({ annotations: tracked, labelOwners: [{ manager: 'argocd-controller', labels: [LABEL.injection] }] }),
    'Namespace/shop',
  ],
  SST4027: [
    observed({ workloads: [workload({ pods: [pod({ sidecarRequests: { cpu: '100m' } })] })] }),
    'Namespace/shop',
  ],
  SST4029: [observed({ policies: [strict], workloads: [workload(scraped())] }), 'Deployment/web'],
  SST4035: [
    observed({ limitRanges: [policy('LimitRange', { limits: [{ type: 'Pod', min: { cpu: '1' } }] })] }),
    'LimitRange/x',
  ],
  SST4036: [
    observed({
      quotas: [policy('ResourceQuota', { hard: { 'requests.memory': '1Gi' } })],
      workloads: [workload({ pods: [pod({ sidecarRequests: { memory: '1Mi' } })] })],
    }),
    'ResourceQuota/x',
    'SST4027 Namespace/shop',
  ],
  SST4038: [
    observed({
      dryRuns: {
        pods: new Map([['Deployment/web', { kind: 'created', sidecar: true }]]),
        withoutSidecar: new Map([['Deployment/web', { kind: 'refused', message: 'a pod must have a sidecar' }]]),
        istiod: 'alive',
      },
    }),
    'Deployment/web',
  ],
  SST4039: [
    observed({
      quotas: [policy('ResourceQuota', { hard: { pods: '0' }, scopes: ['BestEffort'] })],
      workloads: [workload({ pods: [pod({ sidecarRequests: { memory: '1Mi' } })] })],
    }),
    'ResourceQuota/x',
    'SST4027 Namespace/shop',
  ],
  SST4040: [
    observed({ mesh: mesh({ injectionTemplates: { defaults: ['sidecar', 'spire'], withSpire: ['spire'] } }) }),
    'Deployment/web',
  ],
  SST5001: [
    observed({ policies: [policy('RequestAuthentication', { targetRefs: [{ kind: 'Service', name: 'web' }] })] }),
    'RequestAuthentication/x',
  ],
  SST5002: [
    observed({ policies: [policy('HTTPRoute', { parentRefs: [{ kind: 'Service', name: 'web' }] })] }),
    'HTTPRoute/x',
  ],
  SST5003: [
    observed({ policies: [policy('Service', {}, { labels: { [LABEL.useWaypoint]: 'waypoint' } })] }),
    'Service/x',
  ],
  SST5004: [
    observed({ migration: always, waypoint: waypointView({ gatewayClass: undefined }) }),
    'GatewayClass/istio-waypoint',
  ],
  SST5005: [
    observed({ migration: always, waypoint: waypointView({ gateway: gateway({ protocol: 'HTTP' }) }) }),
    'Gateway/waypoint',
  ],
  SST5006: [
    observed({ migration: always, waypoint: waypointView({ gateway: gateway(), admits: false }) }),
    'Gateway/waypoint',
  ],
  SST5007: [
    observed({
      labels: { [LABEL.injection]: 'enabled', [LABEL.useWaypoint]: 'none' },
      snapshot: {
        name: 'sidestep-before',
        createdAt: '',
        restored: false,
        data: {
          ...snapshotData(observed()),
          findings: [{ code: 'SST5002', object: 'HTTPRoute/x', message: '' }],
        },
      },
    }),
    'Namespace/shop',
  ],
  SST5008: [
    observed({
      migration: always,
      limitRanges: [policy('LimitRange', { limits: [{ type: 'Container', max: { memory: '512Mi' } }] })],
    }),
    'LimitRange/x',
  ],
  SST5009: [
    observed({ migration: always, quotas: [policy('ResourceQuota', { hard: { 'limits.cpu': '5' } })] }),
    'ResourceQuota/x',
  ],
  SST4013: [observed({ workloads: [workload({ finished: false })] }), 'Deployment/web'],
  SST4030: [observed({ workloads: [workload({ recreates: true, outage: true })] }), 'Deployment/web'],
  SST4031: [observed({ workloads: [workload({ kind: 'Rollout', obstacle: 'NoTemplate' })] }), 'Rollout/web'],
};

function findings(given: Observed): Finding[] {
  return [...healthFindings(given), ...dryRunFindings(given), ...namespaceFindings(given)];
}

describe('findings', () => {
  it.each(Object.entries(RAISED))('%s is raised, alone, and names its object', (code, [given, object, ...beside]) => {
    const expected = [...beside, `${code} ${object}`];
    expect(findings(given).map((finding) => `${finding.code} ${finding.object}`)).toEqual(expected);
  });

  it('are none in a healthy namespace', () => {
    expect(
      findings(
        observed({
          dryRuns: { pods: new Map([['Deployment/web', { kind: 'created', sidecar: true }]]), istiod: 'alive' },
        }),
      ),
    ).toEqual([]);
  });

  it('tell for how many pods with OnDelete changes wait, and of two budgets, which the eviction API refuses', () => {
    const messages = (outdated: number, budgets: readonly Budget[]): string[] =>
      findings(
        observed({ workloads: [workload({ onDelete: { outdated }, replicas: 3, maxUnavailable: 1 })], budgets }),
      ).map(({ code, message }) => `${code} ${message}`);
    const roomy = { ...budget, expectedPods: 3 };
    expect(messages(0, [roomy])).toEqual(['SST4004 Deployment/web has updateStrategy OnDelete']);
    expect(messages(2, [roomy, { ...roomy, name: 'all' }])).toEqual([
      'SST4004 Deployment/web has updateStrategy OnDelete, and changes of its template wait for 2 of its pods',
      'SST4007 Deployment/web is under 2 PodDisruptionBudgets, and the API server evicts no such pod',
    ]);
  });

  it('name the injector that does not answer: that of the revision, of which the pods are', () => {
    const [standard] = mesh().injectors;
    const ofCanary = {
      ...standard!,
      metadata: { name: 'istio-sidecar-injector-canary' },
      webhooks: [
        {
          name: 'rev.namespace.sidecar-injector.istio.io',
          namespaceSelector: { matchExpressions: [{ key: LABEL.revision, operator: 'In', values: ['canary'] }] },
        },
      ],
    } as Observed['mesh']['injectors'][number];
    const dryRuns = { pods: new Map([['Deployment/web', { kind: 'injector-down', message: 'x' } as const]]) };
    const labels = { [LABEL.revision]: 'canary' };
    const given = { labels, mesh: mesh({ injectors: [standard!, ofCanary] }) };
    expect(dryRunFindings(observed({ ...given, dryRuns: { ...dryRuns, istiod: 'down' } }))).toMatchObject([
      { code: 'SST1005', object: 'MutatingWebhookConfiguration/istio-sidecar-injector-canary' },
    ]);
  });

  it('tell a workload that the CNI agent would not enrol', () => {
    const selectors = [{ namespaceSelector: { matchLabels: { team: 'shop' } } }];
    const given = observed({ mesh: mesh({ enrolment: { enabled: true, excludedNamespaces: [], selectors } }) });
    expect(findings(given).map(({ code, object }) => `${code} ${object}`)).toEqual(['SST1009 Deployment/web']);
    const off = observed({ mesh: mesh({ enrolment: { enabled: false, excludedNamespaces: [], selectors: [{}] } }) });
    expect(findings(off).map(({ code, object }) => `${code} ${object}`)).toEqual(['SST1009 Namespace/shop']);
  });

  it('tell what the template of a CronJob says, unless its pods have no sidecar anyway', () => {
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '1' };
    const nightly = (labels: Record<string, string>) => ({
      name: 'nightly',
      template: { metadata: { labels, annotations }, spec: { containers: [] } },
    });
    const found = (labels: Record<string, string>): string[] =>
      findings(observed({ cronJobs: [nightly(labels)] })).map(({ code, object }) => `${code} ${object}`);
    expect(found({ [LABEL.dataplaneMode]: 'none' })).toEqual(['SST4008 CronJob/nightly', 'SST4009 CronJob/nightly']);
    expect(found({ [LABEL.inject]: 'false' })).toEqual([]);
  });

  it('tell that SPIRE gives pods of a CronJob their identity', () => {
    const injectionTemplates = { defaults: ['sidecar', 'spire'], withSpire: ['spire'] };
    const nightly = { name: 'nightly', template: { spec: { containers: [] } } };
    const given = observed({ mesh: mesh({ injectionTemplates }), workloads: [], cronJobs: [nightly] });
    expect(findings(given).map(({ code, object }) => `${code} ${object}`)).toEqual(['SST4040 CronJob/nightly']);
  });

  it.each<[string, Observed]>([
    ['a workload that recreates no pods', observed({ workloads: [workload({ recreates: true, replicas: 0 })] })],
    [
      'a gateway that is opted out',
      observed({ strayPods: [pod({ gateway: true, dataplaneMode: 'none', counts: false })] }),
    ],
    [
      'a pod without sidecar whose template says none',
      observed({ workloads: [workload({ pods: [pod({ mode: 'none', dataplaneMode: 'none', counts: false })] })] }),
    ],
    [
      'a pod without sidecar in a namespace that is ambient',
      observed({
        labels: { [LABEL.dataplaneMode]: 'ambient' },
        workloads: [workload({ pods: [pod({ mode: 'none' })] })],
      }),
    ],
    [
      'a LimitRange that pods keep without sidecar',
      observed({
        limitRanges: [
          policy('LimitRange', {
            limits: [
              { type: 'Pod', min: { cpu: '1' } },
              { type: 'Container', defaultRequest: { cpu: '1' } },
            ],
          }),
        ],
      }),
    ],
    [
      'a quota and a waypoint that is smaller than the mesh says',
      observed({
        migration: migration({
          waypoint: { provision: 'Always', replicas: { min: 1, max: 1 }, resources: { limits: { cpu: '500m' } } },
        }),
        quotas: [policy('ResourceQuota', { hard: { 'limits.cpu': '1', 'requests.cpu': '200m' } })],
      }),
    ],
    [
      'a quota and a waypoint of fewer pods, as its class says',
      observed({
        migration: always,
        mesh: mesh({ waypointReplicas: 1 }),
        quotas: [policy('ResourceQuota', { hard: { 'limits.cpu': '5' } })],
      }),
    ],
    [
      'a full quota and a waypoint that is there',
      observed({
        migration: always,
        waypoint: waypointView({ gateway: gateway() }),
        quotas: [policy('ResourceQuota', { hard: { pods: '0' } })],
      }),
    ],
    ['an autoscaler of another workload', observed({ autoscalers: [autoscaler('shop', 'Resource')] })],
    ['a scraped pod whose callers may use plaintext', observed({ workloads: [workload(scraped())] })],
    [
      'a pod that is scraped past its sidecar',
      observed({
        policies: [strict],
        workloads: [workload(scraped({ 'prometheus.istio.io/merge-metrics': 'false' }))],
      }),
    ],
    ['a budget over a rollout that surges', observed({ budgets: [budget] })],
    [
      'a workload that was never in the mesh',
      observed({ labels: {}, workloads: [workload({ onDelete: { outdated: 2 }, pods: [] })] }),
    ],
  ])('are none for %s', (_, given) => {
    expect(namespaceFindings(given)).toEqual([]);
  });
});

describe('a blocker', () => {
  const finding: Finding = { code: 'SST2001', object: 'EnvoyFilter/x', message: '' };
  it.each([
    ['nothing', [], true],
    ['its code', [{ code: 'SST2001' }], false],
    ['its code and object', [{ code: 'SST2001', object: 'EnvoyFilter/x' }], false],
    ['another object', [{ code: 'SST2001', object: 'EnvoyFilter/y' }], true],
    ['another code', [{ code: 'SST2002' }], true],
  ])('with %s acknowledged blocks: %s', (_, acknowledged, blocks) => {
    expect(isBlocking(finding, acknowledged)).toBe(blocks);
  });

  it('that must be fixed cannot be acknowledged away', () => {
    expect(isBlocking({ ...finding, code: 'SST4005' }, [{ code: 'SST4005' }])).toBe(true);
  });
});
