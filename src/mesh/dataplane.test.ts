import { describe, expect, it } from 'vitest';
import {
  counts,
  drainsUntil,
  hasSidecar,
  injectionTemplates,
  isGateway,
  type MeshPod,
  podMode,
  speaksHbone,
} from './dataplane.js';

const app = { name: 'app' };
const proxy = { name: 'istio-proxy' };
const status = { 'sidecar.istio.io/status': '{}' };
const captured = { 'ambient.istio.io/redirection': 'enabled' };

describe('a pod', () => {
  it.each<[string, MeshPod, ReturnType<typeof podMode>]>([
    ['with a sidecar', { metadata: { annotations: status }, spec: { containers: [app, proxy] } }, 'sidecar'],
    [
      'with a native sidecar',
      { metadata: { annotations: status }, spec: { containers: [app], initContainers: [proxy] } },
      'sidecar',
    ],
    ['with a proxy that nobody injected', { metadata: {}, spec: { containers: [app, proxy] } }, 'none'],
    ['whose sidecar is gone', { metadata: { annotations: status }, spec: { containers: [app] } }, 'none'],
    ['without containers', { metadata: { annotations: status }, spec: {} }, 'none'],
    ['of which nothing is known', { metadata: { annotations: status } }, 'none'],
    [
      'that is a waypoint',
      {
        metadata: { annotations: status, labels: { 'gateway.networking.k8s.io/gateway-name': 'waypoint' } },
        spec: { containers: [proxy] },
      },
      'none',
    ],
    ['that ztunnel has captured', { metadata: { annotations: captured }, spec: { containers: [app] } }, 'ambient'],
    [
      'that is captured, with a proxy in the way',
      { metadata: { annotations: captured }, spec: { containers: [app, proxy] } },
      'none',
    ],
    [
      'whose capture is pending',
      { metadata: { annotations: { 'ambient.istio.io/redirection': 'pending' } }, spec: { containers: [app] } },
      'none',
    ],
  ])('%s', (_, pod, mode) => {
    expect(podMode(pod)).toBe(mode);
    expect(hasSidecar(pod)).toBe(mode === 'sidecar');
  });

  it.each<[string, MeshPod, boolean]>([
    ['that runs', { metadata: {}, spec: {}, status: { phase: 'Running' } }, true],
    ['of which nothing is known', { metadata: {} }, true],
    ['on the network of its host', { metadata: {}, spec: { hostNetwork: true } }, false],
    ['that has opted out', { metadata: { labels: { 'istio.io/dataplane-mode': 'none' } } }, false],
    ['that has opted in', { metadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } } }, true],
    ['that has succeeded', { metadata: {}, status: { phase: 'Succeeded' } }, false],
    ['that has failed', { metadata: {}, status: { phase: 'Failed' } }, false],
    ['that is being deleted', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, false],
  ])('%s counts as one to migrate: %#', (_, pod, isCounted) => {
    expect(counts(pod)).toBe(isCounted);
  });

  it('that is being deleted may go on until the end of its grace period, unless it has ended', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(drainsUntil({ metadata })).toBe('2026-01-01T00:00:00Z');
    expect(drainsUntil({ metadata, status: { phase: 'Succeeded' } })).toBeUndefined();
    expect(drainsUntil({ metadata: {} })).toBeUndefined();
  });
});

it.each<[Record<string, string> | undefined, boolean]>([
  [{ 'networking.istio.io/tunnel': 'http' }, true],
  [{ 'networking.istio.io/tunnel': 'none' }, false],
  [{}, false],
  [undefined, false],
])('a pod with labels %j speaks HBONE: %s', (labels, expected) => {
  expect(speaksHbone({ metadata: { labels } })).toBe(expected);
});

it.each<[string | undefined, string[], isGateway: boolean]>([
  [undefined, [], false],
  ['', [], false],
  ['sidecar', ['sidecar'], false],
  [' sidecar, ,gateway ', ['sidecar', 'gateway'], true],
  ['waypoint', ['waypoint'], true],
  ['kube-gateway', ['kube-gateway'], true],
  ['grpc-agent', ['grpc-agent'], true],
])('the injection templates %j are %j: a gateway %s', (value, names, expected) => {
  const annotations = value === undefined ? {} : { 'inject.istio.io/templates': value };
  expect(injectionTemplates(annotations)).toEqual(names);
  expect(isGateway({ metadata: { annotations } })).toBe(expected);
});
