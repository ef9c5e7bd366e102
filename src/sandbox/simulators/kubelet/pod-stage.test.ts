import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../kube/types.js';
import { podStage } from './pod-stage.js';

const sandbox = { type: 'PodReadyToStartContainers', status: 'True' as const };

function pod(metadata: Partial<Pod['metadata']> = {}, status: Pod['status'] = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...metadata },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: 'Pending', conditions: [sandbox], ...status },
  };
}
const told = (test: string, more: Record<string, string> = {}): Partial<Pod['metadata']> => ({
  annotations: { 'sidestep.dev/test': test, ...more },
});
const ofJob = { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u' }] };
const sidecar = { 'sidecar.istio.io/status': '{}' };
const running: Pod['status'] = { phase: 'Running' };

describe('podStage', () => {
  test.each<[string, Pod, ReturnType<typeof podStage>]>([
    ['runs with a sandbox', pod(), 'run'],
    ['waits for its sandbox', pod({}, { conditions: [] }), undefined],
    ['never ready', pod(told('never-ready')), 'run-unready'],
    ['crash loop', pod(told('crash-loop')), 'run-unready'],
    ['crash without a sidecar', pod(told('crash-without-sidecar')), 'run-unready'],
    ['no crash with a sidecar', pod(told('crash-without-sidecar', sidecar)), 'run'],
    ['image pull', pod(told('image-pull')), 'wait-for-image'],
    ['image pull, told already', pod(told('image-pull'), { containerStatuses: [] }), undefined],
    ['keeps running', pod(told('keep-running')), 'run'],
    ['stays as it is', pod({}, running), undefined],
    ['completes in a Job', pod(ofJob, running), 'complete'],
    ['keeps running in a Job', pod({ ...ofJob, ...told('keep-running') }, running), undefined],
    ['has completed', pod(ofJob, { phase: 'Succeeded' }), undefined],
    ['drains', pod({ ...told('drain'), deletionTimestamp: '2026-01-01T00:00:00Z' }, running), 'drain'],
    ['is removed', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }, running), 'remove'],
  ])('%s', (_, given, stage) => {
    expect(podStage(given)).toBe(stage);
  });
});
