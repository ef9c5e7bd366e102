import { describe, expect, it } from 'vitest';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import type { Pod } from '../../kube/types.js';
import type { Stores } from '../../runtime/stores.js';
import { observe } from './observe.js';

/** What of pods is looked at more closely than for its phase. */
const looked: string[] = [];

function owned(name: string, kind: string, owner: string, phase = 'Running'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      get annotations() {
        looked.push(name);
        return {};
      },
      ownerReferences: [{ apiVersion: 'x/v1', kind, name: owner, uid: owner, controller: true }],
    },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: phase as 'Running' },
  };
}

function replicaSet(name: string, apiVersion: string, kind: string, owner: string): KubeObject {
  const ownerReferences = [{ apiVersion, kind, name: owner, uid: owner, controller: true }];
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: 'shop', ownerReferences } };
}

function storesOf(objects: readonly KubeObject[]): Stores {
  const list = (type: ResourceType, namespace?: string): KubeObject[] =>
    objects.filter(
      ({ kind, metadata }) => kind === type.kind && (namespace === undefined || metadata.namespace === namespace),
    );
  const of = (type: ResourceType): unknown => ({
    list: (namespace?: string) => list(type, namespace),
    get: ({ name }: { name: string }) => list(type).find(({ metadata }) => metadata.name === name),
    byIndex: () => [],
    indexed: () => [],
  });
  return { of } as Stores;
}

const metadata = { name: 'shop', namespace: 'shop' };
const WORLD: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  { apiVersion: 'sidestep.dev/v1alpha1', kind: 'AmbientMigration', metadata, spec: {} } as KubeObject,
];
const observeAll = (...objects: readonly KubeObject[]) =>
  observe({ namespace: 'shop', name: 'shop' }, storesOf([...WORLD, ...objects]), { istioNamespace: 'istio-system' }, 0);

const rollout = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Rollout',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { template: { spec: { containers: [] } } },
} as KubeObject;

it('does not look at the pods of a thousand Jobs that have ended', () => {
  looked.length = 0;
  const history = Array.from({ length: 1_000 }, (_, i) =>
    owned(`job-${i}`, 'Job', `job-${i}`, i % 7 ? 'Succeeded' : 'Failed'),
  );
  const seen = observeAll(...history, owned('job-now', 'Job', 'job-now'));
  expect(seen?.jobPods.map(({ name }) => name)).toEqual(['job-now']);
  expect([seen?.strayPods, seen?.workloads]).toEqual([[], []]);
  expect([...new Set(looked)]).toEqual(['job-now']);
});

it('keeps pods that are being deleted apart, as long as their grace period may last', () => {
  const deleted = (name: string, seconds: number): KubeObject => {
    const pod = owned(name, 'Job', name);
    return { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date(seconds * 1_000).toISOString() } };
  };
  // It is 0 s.
  const seen = observeAll(owned('stays', 'Job', 'stays'), deleted('drains', 30), deleted('on-a-dead-node', -10));
  expect(seen?.jobPods.map(({ name }) => name)).toEqual(['stays']);
  expect(seen?.draining.map(({ name, drainsUntilMs }) => [name, drainsUntilMs])).toEqual([['drains', 30_000]]);
});

it('sees objects in the order of their names, in whichever order they came, so that messages do not change with a restart', () => {
  const named = (kind: string, name: string): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: 'shop', annotations: { 'sidestep.dev/translated-from': 'VirtualService/web' } },
  });
  const kinds = ['DestinationRule', 'HTTPRoute', 'Service'];
  const written = kinds.flatMap((kind) => ['c', 'a', 'b'].map((name) => named(kind, name)));
  const seen = observeAll(...written, ...['c', 'a', 'b'].map((name) => owned(name, 'Job', name)));
  expect(seen?.jobPods.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(seen?.translated.map(({ kind, metadata: { name } }) => `${kind} ${name}`)).toEqual(
    kinds.flatMap((kind) => ['a', 'b', 'c'].map((name) => `${kind} ${name}`)),
  );
});

it('gives pods of a Rollout of Argo to it, where there is one, and to nobody else', () => {
  const argo = replicaSet('web-1', 'argoproj.io/v1alpha1', 'Rollout', 'web');
  const pod = owned('web-1-a', 'ReplicaSet', 'web-1');
  const seen = observeAll(rollout, argo, pod);
  expect(seen?.workloads.map(({ kind, name, pods }) => [kind, name, pods.length])).toEqual([['Rollout', 'web', 1]]);
  expect(seen?.strayPods).toEqual([]);
  // The kind is not served, or not seen yet.
  expect(observeAll(argo, pod)?.strayPods.map(({ name }) => name)).toEqual(['web-1-a']);
  const kruise = replicaSet('web-1', 'rollouts.kruise.io/v1beta1', 'Rollout', 'web');
  expect(observeAll(rollout, kruise, pod)?.strayPods.map(({ name }) => name)).toEqual(['web-1-a']);
});

it('knows the pods that a Service without selector lists', () => {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'legacy-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'legacy' } },
    endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'web-1' } }],
  } as KubeObject;
  const pod = owned('web-1', 'ReplicaSet', 'web');
  const labelled = { ...pod, metadata: { ...pod.metadata, labels: { app: 'web' } } };
  expect(observeAll(slice, labelled)?.waypoint.listedPods).toEqual(new Map([['legacy', [{ app: 'web' }]]]));
});

describe('what the waypoint is for', () => {
  const labelled = (kind: string, name: string, labels: Record<string, string>, spec: object): KubeObject =>
    ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind,
      metadata: { name, namespace: 'shop', labels },
      spec,
    }) as KubeObject;
  const ofGateway = (labels: Record<string, string>): KubeObject =>
    labelled('Gateway', 'waypoint', labels, { gatewayClassName: 'istio-waypoint', listeners: [] });
  const ofClass = labelled('GatewayClass', 'istio-waypoint', { 'istio.io/waypoint-for': 'all' }, {});

  it.each<[string, KubeObject[], string]>([
    ['its label', [ofGateway({ 'istio.io/waypoint-for': 'workload' }), ofClass], 'workload'],
    ['that of its class', [ofGateway({}), ofClass], 'all'],
    ['that of the class that it will have', [ofClass], 'all'],
    ['nothing', [ofGateway({})], 'service'],
  ])('is said by %s', (_, objects, traffic) => {
    expect(observeAll(...objects)?.waypoint.traffic).toBe(traffic);
  });
});

describe('the configuration of the mesh', () => {
  const of = (kind: string, name: string, labels: object, data?: object): KubeObject =>
    ({ apiVersion: 'v1', kind, metadata: { name, namespace: 'istio-system', labels }, data }) as KubeObject;
  const hbone = 'defaultConfig: { proxyMetadata: { ISTIO_META_ENABLE_HBONE: "true" } }';
  const configured = [
    of('ConfigMap', 'istio', {}, { mesh: '{}' }),
    of('ConfigMap', 'istio-1-24', {}, { mesh: hbone }),
    of('ConfigMap', 'istio-sidecar-injector-1-24', {}, { values: '{"global":{"externalIstiod":true}}' }),
  ];
  const ofTag = { 'istio.io/tag': 'default', 'istio.io/rev': '1-24' };

  it.each<[string, KubeObject[], boolean]>([
    ['the one with no name', [], false],
    ['that of the tag default', [of('MutatingWebhookConfiguration', 'istio-revision-tag-default', ofTag)], true],
    ['that which validates for all', [of('ValidatingWebhookConfiguration', 'istiod-default-validator', ofTag)], true],
  ])('is that of the default revision where the namespace names none: %s', (_, objects, isOfRevision) => {
    const mesh = observeAll(...configured, ...objects)?.mesh;
    expect(mesh?.injectsHbone).toBe(isOfRevision);
    expect(mesh?.settings.primaryRemote !== undefined).toBe(isOfRevision);
  });
});

it.each<[string, Record<string, string> | undefined, number]>([
  ['nobody', undefined, 2],
  ['the class', { horizontalPodAutoscaler: 'spec: { minReplicas: 1 }' }, 1],
  ['the largest number that the class allows', { horizontalPodAutoscaler: 'spec: { maxReplicas: 1 }' }, 1],
  ['the class, which scales nothing', { deployment: 'spec: { replicas: 3 }' }, 3],
  ['nobody, for the class speaks of other things', { service: 'spec: { type: NodePort }' }, 2],
  ['nobody, for the class says what is no YAML', { horizontalPodAutoscaler: '{' }, 2],
])('knows how many pods a waypoint has, as %s says', (_, data, expected) => {
  const labels = { 'gateway.istio.io/defaults-for-class': 'istio-waypoint' };
  const metadata = { name: 'defaults', namespace: 'istio-system', labels };
  const ofClass = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as KubeObject;
  expect(observeAll(...(data ? [ofClass] : []))?.mesh.waypointReplicas).toBe(expected);
});

describe('what the injector is told', () => {
  const seen = (values: object, config?: string) =>
    observeAll({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio-sidecar-injector', namespace: 'istio-system' },
      data: { values: JSON.stringify(values), ...(config !== undefined && { config }) },
    } as KubeObject)?.mesh;

  it('decides which injection templates ask SPIRE', () => {
    const config = `
defaultTemplates: [sidecar, spire]
template: "{{ Template_Version_And_Istio_Version_Mismatched_Check_Installation }}"
templates:
  sidecar: |
    spec:
      volumes:
      - emptyDir: {}
        name: workload-socket
  spire: |
    spec:
      volumes:
      - name: workload-socket
        csi:
          driver: "csi.spiffe.io"
`;
    const spire = { defaults: ['sidecar', 'spire'], withSpire: ['spire'] };
    expect(seen({}, config)?.injectionTemplates).toEqual(spire);
    expect(seen({})?.injectionTemplates).toEqual({ defaults: [], withSpire: [] });
  });

  it.each<[string, object, string | undefined]>([
    ['an istiod elsewhere', { remotePilotAddress: '10.0.0.1' }, 'values.global.remotePilotAddress: 10.0.0.1'],
    ['an istiod for others', { externalIstiod: true }, 'values.global.externalIstiod: true'],
    ['an istiod of its own', { remotePilotAddress: '', externalIstiod: false }, undefined],
    ['nothing', {}, undefined],
  ])('tells %s', (_, global, field) => {
    const object = 'ConfigMap/istio-system/istio-sidecar-injector';
    expect(seen({ global })?.settings.primaryRemote).toEqual(field && { object, field });
  });

  it('gives a waypoint its resources', () => {
    const resources = { requests: { cpu: 1, memory: null }, limits: { cpu: '2' } };
    expect(seen({ global: { waypoint: { resources } } })?.waypointResources).toEqual({
      requests: { cpu: '1' },
      limits: { cpu: '2' },
    });
  });
});
