import { describe, expect, it } from 'vitest';
import { isInjected, podTemplates } from '../pod-templates.js';
import type { PolicyObject } from '../policy-object.js';
import { declaredWorkloadFindings } from './declared-workloads.js';

const labels = { app: 'web' };
const PLACE = { 'istio-injection': 'enabled' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'app' }] } };

const object = (kind: string, spec: object, metadata: object = {}, status?: object): PolicyObject => ({
  kind,
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec,
  ...(status && { status }),
});
const deployment = (spec: object = {}): PolicyObject => object('Deployment', { template, ...spec });
const statefulSet = (spec: object = {}): PolicyObject => object('StatefulSet', { template, replicas: 2, ...spec });
const budget = (spec: object, status?: object): PolicyObject =>
  object('PodDisruptionBudget', { selector: { matchLabels: labels }, ...spec }, { name: 'pdb' }, status);
const autoscaler = (spec: object): PolicyObject =>
  object('HorizontalPodAutoscaler', { scaleTargetRef: { kind: 'Deployment', name: 'web' }, ...spec });

/** `CODE Kind/name` of each finding; every workload loses its sidecar. */
function found(...objects: PolicyObject[]): string[] {
  const templates = podTemplates(objects);
  return declaredWorkloadFindings('shop', objects, templates, templates, PLACE).map(
    ({ code, object: name }) => `${code} ${name}`,
  );
}

describe('what the restart of a declared workload meets', () => {
  it.each<[string, PolicyObject[], string[]]>([
    ['a Deployment by its defaults', [deployment()], []],
    ['a paused one', [deployment({ paused: true })], ['SST4006 Deployment/web']],
    ['Recreate', [deployment({ strategy: { type: 'Recreate' } })], ['SST4030 Deployment/web']],
    ['Recreate of nothing', [deployment({ replicas: 0, strategy: { type: 'Recreate' } })], []],
    [
      'no surge, one replica',
      [deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } })],
      ['SST4011 Deployment/web'],
    ],
    ['a StatefulSet of two', [statefulSet()], []],
    ['a StatefulSet of one', [statefulSet({ replicas: 1 })], ['SST4011 StatefulSet/web']],
    ['OnDelete', [statefulSet({ updateStrategy: { type: 'OnDelete' } })], ['SST4004 StatefulSet/web']],
    [
      'a partition',
      [statefulSet({ updateStrategy: { rollingUpdate: { partition: 1 } } })],
      ['SST4005 StatefulSet/web'],
    ],
    ['a DaemonSet without surge', [object('DaemonSet', { template })], ['SST4011 DaemonSet/web']],
    [
      'a DaemonSet with surge',
      [object('DaemonSet', { template, updateStrategy: { rollingUpdate: { maxSurge: '50%', maxUnavailable: 0 } } })],
      [],
    ],
    ['a paused Rollout of Argo', [object('Rollout', { template, replicas: 2, paused: true })], ['SST4006 Rollout/web']],
    [
      'one whose Deployment is missing',
      [object('Rollout', { replicas: 2, workloadRef: { kind: 'Deployment', name: 'gone' } })],
      ['SST4031 Rollout/web'],
    ],
    [
      'one that has its Deployment',
      [deployment(), object('Rollout', { replicas: 2, workloadRef: { kind: 'Deployment', name: 'web' } })],
      [],
    ],
    ['a DaemonSet without a node', [object('DaemonSet', { template }, {}, { desiredNumberScheduled: 0 })], []],
    [
      'a Deployment of which all may go',
      [deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '100%' } } })],
      ['SST4011 Deployment/web'],
    ],
    ['a Rollout of two', [object('Rollout', { template, replicas: 2 })], []],
    ['a Rollout of one, which is evicted first', [object('Rollout', { template })], ['SST4011 Rollout/web']],
    ['a Rollout of none', [object('Rollout', { template, replicas: 0 })], []],
    [
      'a Rollout of which some may go',
      [object('Rollout', { template, replicas: 2, strategy: { canary: { maxUnavailable: '50%' } } })],
      [],
    ],
    [
      'a Rollout of which all may go',
      [object('Rollout', { template, replicas: 2, strategy: { canary: { maxUnavailable: '100%' } } })],
      ['SST4011 Rollout/web'],
    ],
    ['a Job', [object('Job', { template })], []],
    ['nulls, as Helm writes them', [deployment({ replicas: null, strategy: null, paused: null })], []],
    [
      'what makes no sense',
      [deployment({ strategy: { rollingUpdate: { maxSurge: true } } }), budget({ selector: 7 })],
      [],
    ],
  ])('%s', (_, objects, expected) => {
    expect(found(...objects)).toEqual(expected);
  });

  it('names the field, and begins with the workload', () => {
    const objects = [deployment({ paused: true })];
    const templates = podTemplates(objects);
    expect(declaredWorkloadFindings('shop', objects, templates, templates, PLACE)).toEqual([
      { code: 'SST4006', object: 'Deployment/web', message: 'Deployment/web is paused', path: 'spec.paused' },
    ]);
  });

  it('is nothing where the pods keep no sidecar', () => {
    const objects = [deployment({ paused: true }), autoscaler({ metrics: [] })];
    const kept = declaredWorkloadFindings('shop', objects, podTemplates(objects), [], {
      'istio.io/dataplane-mode': 'ambient',
    });
    expect(kept).toEqual([]);
  });
});

describe('a declared budget', () => {
  const rolling = (spec: object = {}): PolicyObject =>
    deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }, ...spec });
  const BLOCKED = ['SST4007 Deployment/web'];

  it.each<[string, PolicyObject[], string[]]>([
    ['that wants all pods', [rolling(), budget({ minAvailable: 4 })], BLOCKED],
    ['that lets one go', [rolling(), budget({ minAvailable: 3 })], []],
    ['of a share, rounded up', [rolling(), budget({ minAvailable: '76%' })], BLOCKED],
    ['of a share that leaves one', [rolling(), budget({ minAvailable: '75%' })], []],
    ['by what may be missing', [rolling(), budget({ maxUnavailable: 0 })], BLOCKED],
    ['by a share of that, rounded up', [rolling(), budget({ maxUnavailable: '1%' })], []],
    ['that says neither', [rolling(), budget({})], []],
    ['of a workload without pods', [rolling({ replicas: 0 }), budget({ minAvailable: 1 })], []],
    ['of other pods', [rolling(), budget({ minAvailable: 4, selector: { matchLabels: { app: 'other' } } })], []],
    ['of all pods', [rolling(), budget({ minAvailable: 4, selector: {} })], BLOCKED],
    [
      'by an expression',
      [rolling(), budget({ minAvailable: 4, selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } })],
      BLOCKED,
    ],
    ['without a selector', [rolling(), budget({ minAvailable: 4, selector: null })], []],
    ['of a workload that only surges', [deployment({ replicas: 1 }), budget({ minAvailable: 1 })], []],
    [
      'of what an autoscaler gives',
      [rolling({ replicas: undefined }), autoscaler({ minReplicas: 3 }), budget({ minAvailable: 2 })],
      [],
    ],
    [
      'of as much as that',
      [rolling({ replicas: undefined }), autoscaler({ minReplicas: 3 }), budget({ minAvailable: 3 })],
      BLOCKED,
    ],
    [
      'of what the autoscaler of another gives',
      [
        rolling({ replicas: undefined }),
        autoscaler({ scaleTargetRef: { kind: 'StatefulSet', name: 'web' }, minReplicas: 9 }),
        autoscaler({ scaleTargetRef: { kind: 'Deployment', name: 'db' }, minReplicas: 9 }),
        autoscaler({ minReplicas: 3 }),
        budget({ minAvailable: 3 }),
      ],
      BLOCKED,
    ],
    [
      'as its controller sees more than is declared',
      [rolling(), budget({ minAvailable: 1 }, { expectedPods: 4, desiredHealthy: 4 })],
      BLOCKED,
    ],
    [
      'that is broken already, of a workload that only surges',
      [deployment({ replicas: 1 }), budget({ minAvailable: 1 }, { expectedPods: 1, desiredHealthy: 2 })],
      [],
    ],
    ['of pods of two workloads', [rolling(), statefulSet(), budget({ minAvailable: 5 })], []],
    [
      'whose controller counts fewer pods than the workload wants',
      [rolling(), budget({ minAvailable: 3 }, { expectedPods: 3, desiredHealthy: 3 })],
      [],
    ],
    [
      'beside another, for pods that are evicted',
      [
        statefulSet({ updateStrategy: { type: 'OnDelete' } }),
        budget({ minAvailable: 1 }),
        budget({ minAvailable: 1, selector: {} }),
      ],
      ['SST4004 StatefulSet/web', 'SST4007 StatefulSet/web'],
    ],
  ])('%s', (_, objects, expected) => {
    expect(found(...objects)).toEqual(expected);
  });
});

describe('declared pods and autoscalers', () => {
  const pod = (metadata: object = {}, spec: object = {}, status?: object): PolicyObject =>
    object('Pod', { containers: [{ name: 'app' }], ...spec }, { name: 'bare', ...metadata }, status);

  it.each<[string, PolicyObject, string[]]>([
    ['a pod that nobody makes anew', pod(), ['SST4003 Pod/bare']],
    ['one of a workload', pod({ ownerReferences: [{ kind: 'ReplicaSet', name: 'web' }] }), []],
    ["one of somebody else's kind", pod({ ownerReferences: [{ kind: 'PodSet', name: 'db' }] }), ['SST4003 Pod/bare']],
    ['one that has ended', pod({}, {}, { phase: 'Succeeded' }), []],
    ["one in the node's network", pod({}, { hostNetwork: true }), []],
    ['one that stays out', pod({ labels: { 'istio.io/dataplane-mode': 'none' } }), []],
    ['a gateway', pod({ labels: { 'gateway.networking.k8s.io/gateway-name': 'ingress' } }), ['SST4001 Pod/bare']],
    [
      'a gateway that stays out',
      pod({ labels: { 'gateway.networking.k8s.io/gateway-name': 'ingress', 'istio.io/dataplane-mode': 'none' } }),
      [],
    ],
  ])('%s', (_, one, expected) => {
    expect(found(one)).toEqual(expected);
  });

  const refusing = { 'sidecar.istio.io/inject': 'false' };
  const optedOut = (metadata: object, spec: object = {}, kind = 'Deployment'): PolicyObject =>
    object(kind, { template: { metadata, spec: { containers: [{ name: 'app' }], ...spec } } });

  it.each<[string, PolicyObject, string[]]>([
    ['by a label', optedOut({ labels: refusing }), ['SST4002 Deployment/web']],
    ['by an annotation', optedOut({ annotations: refusing }), ['SST4002 Deployment/web']],
    [
      'by an annotation that a label beats',
      optedOut({ annotations: refusing, labels: { 'sidecar.istio.io/inject': 'true' } }),
      [],
    ],
    ['and of ambient mode', optedOut({ labels: { ...refusing, 'istio.io/dataplane-mode': 'none' } }), []],
    ['but not of ambient mode', optedOut({ labels: { ...refusing, 'istio.io/dataplane-mode': 'ambient' } }), []],
    [
      'by another word than the injector knows',
      optedOut({ labels: { 'sidecar.istio.io/inject': 'False' } }),
      ['SST4002 Deployment/web'],
    ],
    ["in the node's network", optedOut({}, { hostNetwork: true }), []],
    ['that ends', optedOut({ labels: refusing }, {}, 'CronJob'), []],
    ['without pods', object('Deployment', { replicas: 0, template: { metadata: { labels: refusing } } }), []],
    ['that is a pod', pod({ labels: refusing }), ['SST4002 Pod/bare', 'SST4003 Pod/bare']],
    [
      'that is a pod and runs with it',
      pod(
        { annotations: { 'sidecar.istio.io/status': '{}' } },
        { containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
        { phase: 'Running' },
      ),
      ['SST4003 Pod/bare'],
    ],
    ['that is a pod and runs without', pod({}, {}, { phase: 'Running' }), ['SST4002 Pod/bare', 'SST4003 Pod/bare']],
  ])('what has opted out %s', (_, one, expected) => {
    const templates = podTemplates([one]);
    const losing = templates.filter(({ template: said }) => isInjected(said, PLACE));
    const findings = declaredWorkloadFindings('shop', [one], templates, losing, PLACE);
    expect(findings.map(({ code, object: name }) => `${code} ${name}`)).toEqual(expected);
  });

  const proxy = (labels: object = {}, spec: object = {}): PolicyObject => {
    const metadata = { labels, annotations: { 'inject.istio.io/templates': 'gateway' } };
    return deployment({ template: { metadata, spec: {} }, ...spec });
  };
  const proxyless = deployment({
    template: { metadata: { annotations: { 'inject.istio.io/templates': 'grpc-agent' } }, spec: {} },
  });
  const router = (spec: object = {}, metadata: object = {}): PolicyObject => {
    const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
    return object('Gateway', { gatewayClassName: 'istio', listeners, ...spec }, { name: 'edge', ...metadata });
  };
  const out = { 'istio.io/dataplane-mode': 'none' };
  const captured = { 'istio.io/dataplane-mode': 'ambient' };

  it.each<[string, PolicyObject[], string[]]>([
    ['of a template', [proxy()], ['SST4001 Deployment/web']],
    ['that stays out', [proxy(out)], []],
    ['without pods', [proxy({}, { replicas: 0 })], []],
    ['that istiod deploys, and keeps out', [router()], []],
    ['that istiod deploys', [router({}, { labels: captured })], ['SST4001 Gateway/edge']],
    [
      'that asks for it where nobody copies it from',
      [router({ infrastructure: {} }, { labels: captured })],
      ['SST4001 Gateway/edge'],
    ],
    [
      'that it has deployed',
      [router({}, { labels: captured }), proxy({ 'gateway.networking.k8s.io/gateway-name': 'edge' })],
      ['SST4001 Deployment/web'],
    ],
    [
      'that istiod deploys, beside another that it has',
      [router({}, { labels: captured }), proxy({ 'gateway.networking.k8s.io/gateway-name': 'other' })],
      ['SST4001 Deployment/web', 'SST4001 Gateway/edge'],
    ],
    ['that it deploys to stay out', [router({}, { labels: out }), router({ infrastructure: { labels: out } })], []],
    [
      'that has an address',
      [router({ addresses: [{ type: 'Hostname', value: 'edge.example' }] }, { labels: captured })],
      [],
    ],
    ['of another class', [router({ gatewayClassName: 'nginx' }, { labels: captured })], []],
    [
      'that is a waypoint',
      [router({ listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] }, { labels: captured })],
      [],
    ],
    ['that is an agent of proxyless gRPC', [proxyless], []],
    ["of Istio's own API", [object('Gateway', { servers: [] })], []],
  ])('a gateway %s', (_, objects, expected) => {
    expect(
      declaredWorkloadFindings('shop', objects, podTemplates(objects), [], PLACE).map(
        ({ code, object: name }) => `${code} ${name}`,
      ),
    ).toEqual(expected);
  });

  it('tells once of what has opted out, and not of what that has made', () => {
    const owned = { labels: refusing, ownerReferences: [{ kind: 'Deployment', name: 'web' }] };
    const made = { ...optedOut({ labels: refusing }, {}, 'ReplicaSet'), metadata: { name: 'web-1', ...owned } };
    const objects = [optedOut({ labels: refusing }), made];
    const findings = declaredWorkloadFindings('shop', objects, podTemplates(objects), [], PLACE);
    expect(findings.map(({ object: name }) => name)).toEqual(['Deployment/web']);
  });

  it.each<[string, object]>([
    ['of another kind with the name of what has made it', { kind: 'StatefulSet', name: 'web' }],
    ['with another name', { kind: 'Deployment', name: 'db' }],
  ])('tells of what has opted out beside something %s', (_, owner) => {
    const beside = object('Deployment', { replicas: 0, template });
    const owned = { labels: refusing, ownerReferences: [owner] };
    const objects = [
      beside,
      { ...optedOut({ labels: refusing }, {}, 'ReplicaSet'), metadata: { name: 'web-1', ...owned } },
    ];
    const findings = declaredWorkloadFindings('shop', objects, podTemplates(objects), [], PLACE);
    expect(findings.map(({ object: name }) => name)).toEqual(['ReplicaSet/web-1']);
  });

  const ingress = { 'gateway.networking.k8s.io/gateway-name': 'ingress' };
  it.each<[PolicyObject, object[]]>([
    [pod(), [{ code: 'SST4003', object: 'Pod/bare', message: 'pod bare is without an owner' }]],
    [
      pod({ ownerReferences: [{ kind: 'PodSet', name: 'db' }] }),
      [{ code: 'SST4003', object: 'Pod/bare', message: 'pod bare is owned by PodSet/db' }],
    ],
    [pod({ labels: ingress }), [{ code: 'SST4001', object: 'Pod/bare', message: 'pod bare is a gateway' }]],
    [
      proxy(),
      [{ code: 'SST4001', object: 'Deployment/web', message: 'Deployment/web is a gateway', path: 'spec.template' }],
    ],
    [
      router({}, { labels: captured }),
      [{ code: 'SST4001', object: 'Gateway/edge', message: 'istiod deploys a gateway for Gateway/edge', path: 'spec' }],
    ],
    [
      optedOut({ labels: refusing }),
      [
        {
          code: 'SST4002',
          object: 'Deployment/web',
          message: 'Deployment/web gets no sidecar, and its template says nothing of istio.io/dataplane-mode',
          path: 'spec.template',
        },
      ],
    ],
    [
      pod({ labels: refusing, ownerReferences: [{ kind: 'Job', name: 'web' }] }),
      [{ code: 'SST4002', object: 'Pod/bare', message: 'pod bare has no sidecar and no word in its template' }],
    ],
  ])('says whose it is, and where: %#', (one, expected) => {
    expect(declaredWorkloadFindings('shop', [one], podTemplates([one]), [], PLACE)).toEqual(expected);
  });

  it('an autoscaler that counts the sidecar', () => {
    const containerResource = { name: 'cpu', container: 'istio-proxy' };
    const metrics = [{ type: 'ContainerResource', containerResource }];
    expect(found(deployment(), autoscaler({ metrics }))).toEqual(['SST4022 HorizontalPodAutoscaler/web']);
  });
});
