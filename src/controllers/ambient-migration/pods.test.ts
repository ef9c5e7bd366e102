import { describe, expect, it } from 'vitest';
import type { Pod } from '../../kube/types.js';
import { trimPod } from '../stored-pod.js';
import { podView, podViewChanged } from './pods.js';

const CREATED = '2026-11-21T09:00:00Z';
const READY_AT = '2026-11-21T09:00:05Z';

function pod(overrides: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      creationTimestamp: CREATED,
      labels: { app: 'web' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'u', controller: true }],
      ...overrides.metadata,
    },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'app', image: 'x', env: [{ name: 'A', value: 'b' }] }],
      ...overrides.spec,
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: READY_AT }],
      ...overrides.status,
    },
  };
}

const injected = {
  annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}', 'prometheus.io/port': '1' },
  labels: { app: 'web', 'networking.istio.io/tunnel': 'http' },
};
const requests = { cpu: '100m', memory: '128Mi' };
const proxy = { name: 'istio-proxy', resources: { requests, limits: { cpu: '2' } } };
const greedy = pod({ spec: { containers: [{ name: 'app', resources: { requests } }] } });

const classic = pod({ metadata: injected, spec: { containers: [{ name: 'app' }, proxy] } });
const native = pod({ metadata: injected, spec: { initContainers: [{ ...proxy, restartPolicy: 'Always' }] } });
const captured = pod({
  metadata: { annotations: { 'ambient.istio.io/redirection': 'enabled', 'sidestep.dev/restart': 'ambient.1.1' } },
});
const crashing = pod({
  status: {
    conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
    containerStatuses: [
      {
        name: 'app',
        ready: false,
        restartCount: 5,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      },
    ],
  },
});
const unscheduled = pod({
  spec: { nodeName: undefined },
  status: {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes' }],
  },
});

describe('a pod', () => {
  it.each<[string, Pod, object]>([
    ['with a sidecar among its containers', classic, { mode: 'sidecar', hbone: true, counts: true, ready: true }],
    ['with a native sidecar', native, { mode: 'sidecar', hbone: true }],
    ['captured by ztunnel', captured, { mode: 'ambient', restartMark: 'ambient.1.1' }],
    [
      'whose capture is pending',
      pod({ metadata: { annotations: { 'ambient.istio.io/redirection': 'pending' } } }),
      { mode: 'none' },
    ],
    [
      'annotated as captured while a sidecar is in it',
      pod({
        metadata: { annotations: { ...injected.annotations, 'ambient.istio.io/redirection': 'enabled' } },
        spec: { containers: [proxy] },
      }),
      { mode: 'sidecar' },
    ],
    [
      'that is an injected gateway',
      pod({
        metadata: { annotations: { ...injected.annotations, 'inject.istio.io/templates': 'gateway' } },
        spec: { containers: [proxy] },
      }),
      { mode: 'none', gateway: true },
    ],
    [
      'of a Gateway',
      pod({ metadata: { labels: { 'gateway.networking.k8s.io/gateway-name': 'g' } } }),
      { gateway: true },
    ],
    ['on the host’s network', pod({ spec: { hostNetwork: true } }), { counts: false, live: true }],
    [
      'that opted out',
      pod({ metadata: { labels: { 'istio.io/dataplane-mode': 'none' } } }),
      { counts: false, dataplaneMode: 'none' },
    ],
    ['that is being deleted', pod({ metadata: { deletionTimestamp: CREATED } }), { counts: false, live: false }],
    ['that has ended', pod({ status: { phase: 'Succeeded' } }), { counts: false, live: false }],
    [
      'that crashes',
      crashing,
      { ready: false, problem: 'CrashLoopBackOff: back-off', progressAtMs: Date.parse(CREATED) },
    ],
    ['that no node takes', unscheduled, { ready: false, problem: 'Unschedulable: 0/2 nodes' }],
    ['that turned Ready', pod(), { ready: true, problem: undefined, progressAtMs: Date.parse(READY_AT) }],
    ['whose sidecar requests', classic, { sidecarRequests: requests }],
    ['whose native sidecar requests', native, { sidecarRequests: requests }],
    ['that requests without a sidecar', greedy, { sidecarRequests: undefined }],
    ['without an owner', pod({ metadata: { ownerReferences: undefined } }), { owner: undefined }],
  ])('%s is seen as such, trimmed or whole', (_, given, expected) => {
    expect(podView(given)).toMatchObject(expected);
    expect(podView(trimPod(given))).toEqual(podView(given));
  });

  it.each([
    ['that comes', { new: pod() }, true],
    ['that goes', { old: pod() }, true],
    ['that becomes ready', { old: crashing, new: pod() }, true],
    ['that is being deleted', { old: pod(), new: pod({ metadata: { deletionTimestamp: CREATED } }) }, true],
    ['that is labelled', { old: pod(), new: pod({ metadata: { labels: { app: 'other' } } }) }, true],
    ['that got its address', { old: pod(), new: pod({ status: { ...pod().status, podIP: '10.0.0.1' } }) }, false],
    ['that is written anew', { old: pod(), new: pod({ metadata: { resourceVersion: '2' } }) }, false],
  ])('%s wakes a migration, if that sees it in another way: %#', (_, change, isChanged) => {
    expect(podViewChanged(change)).toBe(isChanged);
  });

  it('keeps little of itself in the cache', () => {
    expect(JSON.stringify(trimPod(classic))).not.toMatch(/image|env|prometheus|limits/);
  });
});
