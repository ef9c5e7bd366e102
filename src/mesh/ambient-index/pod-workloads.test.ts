import { describe, expect, it } from 'vitest';
import { nothing } from '../../../test/support/index-mesh.js';
import { ztunnelConfig } from '../ambient-index.js';
import type { LocalWorkload } from '../ztunnel-config.js';
import type { IndexedNode, IndexedPod, IndexSettings, MeshObjects } from './objects.js';

const settings: IndexSettings = {
  clusterId: 'east',
  trustDomain: 'example.org',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

const READY = { type: 'Ready', status: 'True' };
const RUNNING: IndexedPod['status'] = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [READY] };

const pod = (
  metadata: Partial<IndexedPod['metadata']> = {},
  status: IndexedPod['status'] = RUNNING,
  spec?: IndexedPod['spec'],
): IndexedPod => ({ metadata: { name: 'web-x', namespace: 'shop', ...metadata }, spec, status });

/** What ztunnel is told of the one pod of a mesh. */
const workloadOf = (only: IndexedPod, more: Partial<MeshObjects> = {}): LocalWorkload | undefined =>
  ztunnelConfig({ ...nothing, pods: [only], ...more }, 'shop', settings).workloads[0];

describe('a pod as a workload', () => {
  it('is known by its cluster, namespace and name', () => {
    expect(workloadOf(pod())).toStrictEqual({
      uid: 'east//Pod/shop/web-x',
      name: 'web-x',
      namespace: 'shop',
      workloadIps: ['10.0.0.1'],
      trustDomain: 'example.org',
      serviceAccount: 'default',
      clusterId: 'east',
      workloadName: 'web-x',
      workloadType: 'pod',
      canonicalName: 'web-x',
      canonicalRevision: 'latest',
      services: {},
    });
  });

  it('has the node, the account and the network of its spec', () => {
    const spec = { nodeName: 'node-1', serviceAccountName: 'web', hostNetwork: true };
    expect(workloadOf(pod({}, RUNNING, spec))).toMatchObject({
      node: 'node-1',
      serviceAccount: 'web',
      networkMode: 'HostNetwork',
    });
  });

  it.each<[string, IndexedPod['status'], string[] | undefined]>([
    [
      'has all its addresses',
      { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::0:1' }] },
      ['10.0.0.1', 'fd00::1'],
    ],
    ['has the only one that an old status tells', { podIP: '10.0.0.1' }, ['10.0.0.1']],
    ['is none without an address', { podIP: '' }, undefined],
    ['is none without a status', undefined, undefined],
    ['is none after it has failed', { ...RUNNING, phase: 'Failed' }, undefined],
    ['is none after it has succeeded', { ...RUNNING, phase: 'Succeeded' }, undefined],
  ])('%s', (_, status, ips) => {
    const { metadata } = pod();
    expect(workloadOf({ metadata, status })?.workloadIps).toEqual(ips);
  });

  it.each<[string, IndexedPod, string | undefined]>([
    ['is healthy when it is ready', pod(), undefined],
    [
      'is unhealthy when it is not ready',
      pod({}, { ...RUNNING, conditions: [{ type: 'Ready', status: 'False' }] }),
      'Unhealthy',
    ],
    [
      'is unhealthy when only its containers are ready',
      pod({}, { ...RUNNING, conditions: [{ ...READY, type: 'ContainersReady' }] }),
      'Unhealthy',
    ],
    ['is unhealthy without conditions', pod({}, { ...RUNNING, conditions: undefined }), 'Unhealthy'],
    ['is unhealthy while it is being deleted', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), 'Unhealthy'],
  ])('%s', (_, given, status) => {
    expect(workloadOf(given)?.status).toBe(status);
  });

  it.each<[Record<string, string>, object | undefined]>([
    [{}, undefined],
    [{ 'topology.kubernetes.io/region': 'eu' }, { region: 'eu', zone: '', subzone: '' }],
    [{ 'topology.kubernetes.io/zone': 'eu-1' }, { region: '', zone: 'eu-1', subzone: '' }],
    [{ 'topology.istio.io/subzone': 'rack' }, { region: '', zone: '', subzone: 'rack' }],
  ])('is where its node is: %j', (labels, locality) => {
    const nodes: IndexedNode[] = [{ metadata: { name: 'node-1', labels } }, { metadata: { name: 'node-2' } }];
    expect(workloadOf(pod({}, RUNNING, { nodeName: 'node-1' }), { nodes })?.locality).toEqual(locality);
  });

  it('is reached by the gateway to the network that it is on', () => {
    const namespaces = [
      { metadata: { name: 'istio-system', labels: { 'topology.istio.io/network': 'near' } } },
      { metadata: { name: 'shop' } },
    ];
    const gateway = {
      metadata: { name: 'to-near', namespace: 'edge', labels: { 'topology.istio.io/network': 'near' } },
      spec: { gatewayClassName: 'istio-remote', listeners: [{ port: 15008, protocol: 'HBONE' }] },
      status: { addresses: [{ type: 'IPAddress', value: '10.7.7.7' }] },
    };
    expect(workloadOf(pod(), { namespaces })).toMatchObject({ network: 'near' });
    expect(workloadOf(pod(), { namespaces })).not.toHaveProperty('networkGateway');
    expect(workloadOf(pod(), { namespaces, gateways: [gateway] })).toMatchObject({
      network: 'near',
      networkGateway: { destination: 'near/10.7.7.7', hboneMtlsPort: 15008 },
    });
  });
});

describe('a pod is named after what it belongs to', () => {
  const owned = (kind: string, name: string, labels: Record<string, string> = {}): Partial<IndexedPod['metadata']> => ({
    generateName: `${name}-`,
    labels,
    ownerReferences: [
      { kind: 'Other', name: 'other' },
      { kind, name, controller: true },
    ],
  });

  it.each<[string, Partial<IndexedPod['metadata']>, string]>([
    ['a Deployment', owned('ReplicaSet', 'web-6b8584f98c', { 'pod-template-hash': '6b8584f98c' }), 'web'],
    ['a Rollout', owned('ReplicaSet', 'web-7d9', { 'rollouts-pod-template-hash': '7d9' }), 'web'],
    [
      'a Rollout beside a hash of others',
      owned('ReplicaSet', 'web-7d9', { 'pod-template-hash': '1f', 'rollouts-pod-template-hash': '7d9' }),
      'web',
    ],
    ['a ReplicaSet of its own', owned('ReplicaSet', 'web-7d9'), 'web-7d9'],
    [
      'a ReplicaSet with the hash of another one',
      owned('ReplicaSet', 'web-7d9', { 'pod-template-hash': '7d' }),
      'web-7d9',
    ],
    [
      'a ReplicaSet whose name merely ends like the hash',
      owned('ReplicaSet', 'web7d9', { 'pod-template-hash': '7d9' }),
      'web7d9',
    ],
    ['a DeploymentConfig', owned('ReplicationController', 'web-3', { deploymentconfig: 'web' }), 'web'],
    ['a ReplicationController', owned('ReplicationController', 'web-3'), 'web-3'],
    ['a CronJob', owned('Job', 'nightly-report-28123456'), 'nightly-report'],
    ['a Job', owned('Job', 'report'), 'report'],
    ['a Job with a short number', owned('Job', 'report-1234567'), 'report-1234567'],
    ['a Job with a number in its name', owned('Job', 'report-28123456-again'), 'report-28123456-again'],
    ['a StatefulSet', owned('StatefulSet', 'db'), 'db'],
    ['nothing, for nobody has generated its name', { ...owned('StatefulSet', 'db'), generateName: undefined }, 'web-x'],
    [
      'nothing, for no owner is its controller',
      { generateName: 'web-', ownerReferences: [{ kind: 'Other', name: 'other' }] },
      'web-x',
    ],
    ['nothing, for it has no owners', { generateName: 'web-' }, 'web-x'],
    ['what its label says', owned('StatefulSet', 'db', { 'service.istio.io/workload-name': 'given' }), 'given'],
  ])('%s', (_, metadata, name) => {
    expect(workloadOf(pod(metadata))).toMatchObject({ name: 'web-x', workloadName: name });
  });
});

describe('the ports of a Service', () => {
  const container = (
    name: string,
    containerPort: number,
    protocol?: string,
  ): { ports: [{ name: string; containerPort: number; protocol?: string }] } => ({
    ports: [{ name, containerPort, ...(protocol && { protocol }) }],
  });
  const portsIn = (spec: IndexedPod['spec'], targetPort: number | string): unknown => {
    const service = {
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort }] },
    };
    return workloadOf(pod({ labels: { app: 'web' } }, RUNNING, spec), { services: [service] })?.services[
      'shop/web.shop.svc.cluster.local'
    ];
  };

  it.each<[string, IndexedPod['spec'], number | string, object]>([
    ['by number', undefined, 8080, { 80: 8080 }],
    [
      'by a name of any container',
      { containers: [container('other', 1), container('web', 8080)] },
      'web',
      { 80: 8080 },
    ],
    [
      'by a name of a native sidecar',
      { initContainers: [{ restartPolicy: 'Always', ...container('web', 8080) }] },
      'web',
      { 80: 8080 },
    ],
    ['by no name of an init container', { initContainers: [container('web', 8080)] }, 'web', {}],
    [
      'by no name of UDP',
      { containers: [container('web', 53, 'UDP'), container('web', 8080, 'TCP')] },
      'web',
      { 80: 8080 },
    ],
    ['by no name that the pod does not have', { containers: [{}, container('other', 1)] }, 'web', {}],
    ['by no name without containers', undefined, 'web', {}],
    ['not by their own name', { containers: [container('http', 9090)] }, 8080, { 80: 8080 }],
  ])('are found %s', (_, spec, targetPort, ports) => {
    expect(portsIn(spec, targetPort)).toEqual(ports);
  });

  it('of a ServiceEntry are found by their own name first', () => {
    const entry = {
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        hosts: ['db.example.com'],
        resolution: 'STATIC',
        workloadSelector: { labels: { app: 'web' } },
        ports: [
          { name: 'http', number: 80, targetPort: 8080 },
          { name: 'tls', number: 443 },
        ],
      },
    };
    const given = pod({ labels: { app: 'web' } }, RUNNING, { containers: [container('http', 9090)] });
    expect(workloadOf(given, { serviceEntries: [entry] })?.services).toEqual({
      'shop/db.example.com': { 80: 9090, 443: 443 },
    });
  });
});
