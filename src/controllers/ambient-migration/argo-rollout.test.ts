import { describe, expect, it } from 'vitest';
import { NOW_MS, pod } from '../../../test/support/observed.js';
import type { Deployment } from '../../kube/types.js';
import type { ArgoRollout } from '../../kube/argo-rollouts.js';
import { argoOwner, argoRestartChanges, argoRolloutView, referencedDeployment } from './argo-rollout.js';
import { isCurrent } from './workloads.js';

const template = { spec: { containers: [{ name: 'app' }] } };
const AT = '2026-11-21T09:59:00Z';
const EARLIER = '2026-11-21T09:00:00Z';
const marked = { 'sidestep.dev/restart': 'ambient.1.1', 'kubectl.kubernetes.io/restartedAt': AT };

function rollout(spec: object = {}, status: object = {}, annotations = {}): ArgoRollout {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop', generation: 7, annotations },
    spec: { replicas: 4, template, ...spec },
    status: { observedGeneration: '7', phase: 'Healthy', ...status },
  };
}

const view = (given: ArgoRollout) => argoRolloutView(given, undefined, [pod()]);

describe('a rollout of an Argo Rollout is finished', () => {
  it.each<[string, ArgoRollout, boolean]>([
    ['when its controller calls it healthy', rollout(), true],
    ['not before the generation is observed', rollout({}, { observedGeneration: '6' }), false],
    ['not while a canary is paused', rollout({}, { phase: 'Paused', message: 'CanaryPauseStep' }), false],
    ['not after it was aborted', rollout({}, { phase: 'Degraded' }), false],
    ['not while nobody says anything', { ...rollout(), status: {} }, false],
    ['not while a restart is under way', rollout({ restartAt: AT }, { restartedAt: EARLIER }), false],
    ['when the restart is over', rollout({ restartAt: AT }, { restartedAt: '2026-11-21T09:59:00.000Z' }), true],
  ])('%s', (_, given, finished) => {
    expect(view(given).finished).toBe(finished);
  });

  it('else it says what its controller says', () => {
    const paused = rollout({}, { phase: 'Paused', message: 'CanaryPauseStep' });
    expect(view(paused).progress).toBe('Paused: CanaryPauseStep');
    expect(view(rollout()).progress).toBeUndefined();
  });
});

describe('an Argo Rollout', () => {
  it('has the pod template of the Deployment that it names', () => {
    const named = rollout({ template: undefined, workloadRef: { kind: 'Deployment', name: 'base' } });
    const labelled = { ...template, metadata: { labels: { app: 'web' } } };
    const metadata = { name: 'base' };
    const spec = { selector: {}, template: labelled };
    const deployment: Deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec };
    expect(referencedDeployment(named)).toBe('base');
    expect(argoRolloutView(named, deployment, [])).toMatchObject({ template: labelled, obstacle: undefined });
    expect(view(named).obstacle).toBe('NoTemplate');
    const other = rollout({ template: undefined, workloadRef: { kind: 'PodTemplate', name: 'base' } });
    expect(referencedDeployment(other)).toBeUndefined();
    expect(view(rollout({ paused: true })).obstacle).toBe('Paused');
  });

  it.each<[string, object, boolean]>([
    ['of four loses one at a time', {}, false],
    ['of one loses it', { replicas: 1 }, true],
    ['of four that may all be away loses them', { strategy: { canary: { maxUnavailable: '100%' } } }, true],
    ['of blue and green loses one at a time', { strategy: { blueGreen: {} } }, false],
  ])('%s', (_, spec, outage) => {
    expect(view(rollout(spec))).toMatchObject({ outage, maxUnavailable: 1 });
  });

  it('is told by time which pods a restart of ours has made', () => {
    const given = view(rollout({ restartAt: AT }, {}, marked));
    expect(given).toMatchObject({ restartMark: { goal: 'ambient', generation: 1, attempt: 1 }, reverted: false });
    expect(isCurrent(pod({ createdAtMs: Date.parse(EARLIER) }), given)).toBe(false);
    expect(isCurrent(pod({ createdAtMs: Date.parse(AT) }), given)).toBe(true);
    expect(isCurrent(pod({ createdAtMs: 1 }), view(rollout()))).toBe(true);
  });

  it('is seen to be set back, and a later restart by a hand is not', () => {
    const back = view(rollout({}, {}, marked));
    expect(back.reverted).toBe(true);
    expect(isCurrent(pod({ createdAtMs: 1 }), back)).toBe(true);
    expect(view(rollout({ restartAt: EARLIER }, {}, marked)).reverted).toBe(true);
    expect(view(rollout({ restartAt: '2026-11-21T11:00:00Z' }, {}, marked)).reverted).toBe(false);
  });

  it('is restarted at a whole second that is later than its youngest pod', () => {
    const mark = { goal: 'ambient', generation: 1, attempt: 1 } as const;
    const at = (createdAtMs: number, nowMs: number): unknown =>
      argoRestartChanges({ ...view(rollout()), pods: [pod({ createdAtMs })] }, mark, nowMs).at(-1);
    const path = ['spec', 'restartAt'];
    expect(at(0, NOW_MS + 1)).toEqual({ path, value: '2026-11-21T10:00:01Z' });
    expect(at(NOW_MS, NOW_MS)).toEqual({ path, value: '2026-11-21T10:00:01Z' });
    // The API server's clock is ahead.
    expect(at(NOW_MS + 9_000, NOW_MS)).toEqual({ path, value: '2026-11-21T10:00:10Z' });
  });

  it('owns ReplicaSets as a Rollout of its group, and of no other', () => {
    const owner = { kind: 'Rollout', name: 'web', uid: 'u' };
    expect(argoOwner([{ ...owner, apiVersion: 'argoproj.io/v1alpha1' }])).toBe('web');
    expect(argoOwner([{ ...owner, apiVersion: 'rollouts.kruise.io/v1beta1' }])).toBeUndefined();
    expect(argoOwner(undefined)).toBeUndefined();
  });
});
