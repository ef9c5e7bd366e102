import { describe, expect, it } from 'vitest';
import { NOW_MS, pod, workload } from '../../../test/support/observed.js';
import type { PodView } from './pods.js';
import { type Aim, assess } from './restarts.js';
import type { Workload } from './workloads.js';

const MINUTE_MS = 60_000;

function aim(overrides: Partial<Aim> = {}): Aim {
  return {
    goal: 'ambient',
    generation: 3,
    migration: 'aaaaaaaa',
    nowMs: NOW_MS,
    clockStartMs: NOW_MS,
    progressDeadlineMs: 10 * MINUTE_MS,
    isInjected: () => true,
    isTemplateDue: () => false,
    ...overrides,
  };
}

const ambientPod = pod({ mode: 'ambient', hbone: false });

describe('what a workload needs', () => {
  it.each([
    ['a sidecar pod is restarted', workload(), aim(), 'restart'],
    ['an ambient pod is done', workload({ pods: [ambientPod] }), aim(), 'done'],
    ['no pods at all are done', workload({ pods: [], replicas: 0 }), aim(), 'done'],
    ['an unfinished rollout is awaited', workload({ finished: false, pods: [ambientPod] }), aim(), 'rolling'],
    ['a sidecar pod of an unfinished rollout is not restarted again', workload({ finished: false }), aim(), 'rolling'],
    ['a pod that is not enrolled yet is awaited', workload({ pods: [pod({ mode: 'none' })] }), aim(), 'rolling'],
    [
      'a pod that is not ready is awaited',
      workload({ pods: [pod({ mode: 'ambient', ready: false })] }),
      aim(),
      'rolling',
    ],
    ['pods that do not count make the workload exempt', workload({ pods: [pod({ counts: false })] }), aim(), 'exempt'],
    ['a sidecar that speaks HBONE needs no tunnel restart', workload(), aim({ goal: 'tunnel' }), 'done'],
    ['a sidecar without HBONE does', workload({ pods: [pod({ hbone: false })] }), aim({ goal: 'tunnel' }), 'restart'],
    [
      'going back, an ambient pod that would be injected is restarted',
      workload({ pods: [ambientPod] }),
      aim({ goal: 'sidecar' }),
      'restart',
    ],
    [
      'going back, a pod that would not be injected is left alone',
      workload({ pods: [ambientPod] }),
      aim({ goal: 'sidecar', isInjected: () => false }),
      'exempt',
    ],
    ['going back, a sidecar pod is done', workload(), aim({ goal: 'sidecar' }), 'done'],
  ])('%s', (_, given, judgedBy, kind) => {
    expect(assess(given, judgedBy).kind).toBe(kind);
  });

  it('has until after the grace period of a pod that drains', () => {
    const draining = [pod({ drainsUntilMs: NOW_MS + 20 * MINUTE_MS })];
    const given = workload({ finished: false, pods: [ambientPod], draining });
    expect(assess(given, aim({ nowMs: NOW_MS + 29 * MINUTE_MS }))).toMatchObject({ kind: 'rolling' });
    expect(assess(given, aim({ nowMs: NOW_MS + 30 * MINUTE_MS }))).toMatchObject({ kind: 'stuck' });
  });

  it('restarts once more if pods made by the restart still have the wrong mode, then needs a person', () => {
    const after = (attempt: number) => {
      const restartMark = { goal: 'ambient', generation: 3, attempt, migration: 'aaaaaaaa' } as const;
      return assess(workload({ restartMark, pods: [pod({ restartMark: `ambient.3.${attempt}.aaaaaaaa` })] }), aim());
    };
    expect(after(1)).toMatchObject({ kind: 'restart', mark: { attempt: 2 } });
    expect(after(2)).toMatchObject({ kind: 'stuck', reason: 'WrongModeAfterRestart' });
  });

  it.each(['ambient', 'sidecar'] as const)(
    'restarts once more, towards %s, what somebody has set back, then needs a person',
    (goal) => {
      const pods = [pod({ mode: goal === 'ambient' ? 'sidecar' : 'ambient' })];
      const after = (attempt: number, finished = true) => {
        const restartMark = { goal, generation: 3, attempt, migration: 'aaaaaaaa' } as const;
        const given = workload({ restartMark, templateMark: undefined, reverted: true, finished, pods });
        return assess(given, aim({ goal }));
      };
      expect(after(1)).toMatchObject({ kind: 'restart', mark: { attempt: 2 } });
      expect(after(1, false).kind).toBe('rolling');
      expect(after(2)).toEqual({
        kind: 'stuck',
        reason: 'FieldReverted',
        message: 'somebody sets the pod template back after each restart',
      });
      expect(assess(workload({ ...workload(), reverted: true, pods: [ambientPod] }), aim()).kind).toBe('done');
    },
  );

  it('tells what the controller says about a rollout of somebody else, and of ours which pod is waited for', () => {
    const unready = pod({ mode: 'ambient', ready: false });
    const canary = workload({ finished: false, progress: 'Paused: CanaryPauseStep', pods: [pod(), unready] });
    const later = aim({ clockStartMs: NOW_MS - 15_000 });
    expect(assess(canary, later)).toMatchObject({ message: 'its rollout is not finished (Paused: CanaryPauseStep)' });
    const restartMark = { goal: 'ambient', generation: 3, attempt: 1 } as const;
    const ours = { ...canary, restartMark, templateMark: 'ambient.3.1' };
    expect(assess(ours, later)).toMatchObject({ message: 'pod web-1 still has a sidecar' });
  });

  it('counts attempts anew for another generation and for another goal', () => {
    const old = { goal: 'ambient', generation: 2, attempt: 2 } as const;
    const given = workload({ restartMark: old, pods: [pod({ restartMark: 'ambient.2.2' })] });
    expect(assess(given, aim())).toMatchObject({ kind: 'restart', mark: { generation: 3, attempt: 1 } });
  });

  it('counts attempts anew for another AmbientMigration, whose generation is the same', () => {
    const old = { goal: 'ambient', generation: 3, attempt: 2, migration: 'bbbbbbbb' } as const;
    const wrong = workload({ restartMark: old, pods: [pod({ restartMark: 'ambient.3.2.bbbbbbbb' })] });
    const mark = { generation: 3, attempt: 1, migration: 'aaaaaaaa' };
    expect(assess(wrong, aim())).toMatchObject({ kind: 'restart', mark });
    const reverted = workload({ restartMark: old, templateMark: undefined, reverted: true });
    expect(assess(reverted, aim())).toMatchObject({ kind: 'restart', mark });
  });

  it('goes on from marks of an older version: nothing that is under way begins anew, and at most one restart follows', () => {
    const after = (attempt: number, more: Partial<Workload> = {}, { goal = 'ambient' }: Partial<Aim> = {}) => {
      const restartMark = { goal, generation: 3, attempt } as const;
      const pods = [pod({ restartMark: `${goal}.3.${attempt}`, mode: goal === 'ambient' ? 'sidecar' : 'ambient' })];
      return assess(workload({ restartMark, pods, ...more }), aim({ goal }));
    };
    for (const attempt of [1, 2]) {
      const mark = { goal: 'ambient', generation: 3, attempt: 2, migration: 'aaaaaaaa' };
      expect(after(attempt)).toMatchObject({ kind: 'restart', mark });
    }
    expect(after(1, { finished: false }, { goal: 'sidecar' }).kind).toBe('rolling');
  });

  it('does not take a pod of before the last restart for its result', () => {
    const restartMark = { goal: 'ambient', generation: 3, attempt: 1 } as const;
    expect(assess(workload({ restartMark, pods: [pod()] }), aim()).kind).toBe('rolling');
  });

  it('does not wait for a restart of ours to finish that went the other way', () => {
    const restartMark = { goal: 'ambient', generation: 3, attempt: 1 } as const;
    const pods = [pod(), pod({ name: 'web-2', mode: 'ambient', ready: false, restartMark: 'ambient.3.1' })];
    const stuck = workload({ finished: false, restartMark, pods });
    expect(assess(stuck, aim({ goal: 'sidecar', generation: 4 }))).toMatchObject({
      kind: 'restart',
      mark: { goal: 'sidecar', generation: 4, attempt: 1 },
    });
    expect(assess({ ...stuck, observed: false }, aim({ goal: 'sidecar', generation: 4 })).kind).toBe('rolling');
  });

  it('waits for a rollout of somebody else, whatever mark of ours the template carries from long ago', () => {
    const restartMark = { goal: 'sidecar', generation: 1, attempt: 1 } as const;
    const pods = [
      pod({ restartMark: 'sidecar.1.1' }),
      pod({ name: 'web-2', ready: false, restartMark: 'sidecar.1.1' }),
    ];
    expect(assess(workload({ finished: false, restartMark, pods }), aim()).kind).toBe('rolling');
    expect(assess(workload({ finished: false, restartMark, pods: pods.slice(1) }), aim()).kind).toBe('restart');
  });

  it('is stuck after the deadline, and says which pod and why', () => {
    const given = workload({
      finished: false,
      pods: [pod({ name: 'web-2', mode: 'ambient', ready: false, problem: 'ImagePullBackOff' })],
    });
    const late = aim({ clockStartMs: NOW_MS - 10 * MINUTE_MS });
    expect(assess(given, late)).toEqual({
      kind: 'stuck',
      reason: 'ProgressDeadlineExceeded',
      message: 'pod web-2 is not ready (ImagePullBackOff)',
    });
  });

  it('starts the deadline anew with every pod that moves', () => {
    const given = workload({
      finished: false,
      pods: [pod({ mode: 'ambient', ready: false, progressAtMs: NOW_MS - MINUTE_MS })],
    });
    const state = assess(given, aim({ clockStartMs: 0 }));
    expect(state).toMatchObject({ kind: 'rolling', lookAgainAtMs: NOW_MS + 9 * MINUTE_MS });
  });

  it('names the pod that is awaited once none has moved for 10 s: until then what it says does not follow each pod', () => {
    const at = (nowMs: number, pods: readonly PodView[]) =>
      assess(workload({ finished: false, pods }), aim({ nowMs, clockStartMs: 0 }));
    const moving = { progressAtMs: NOW_MS, ready: false };
    const underWay = {
      kind: 'rolling',
      message: 'its rollout is under way',
      lookAgainAtMs: NOW_MS + 10_000,
    };
    expect(at(NOW_MS, [pod({ ...moving, mode: 'none' })])).toEqual(underWay);
    expect(at(NOW_MS + 9_999, [pod({ ...moving, name: 'web-2', mode: 'ambient' })])).toEqual(underWay);
    expect(at(NOW_MS + 10_000, [pod({ ...moving, name: 'web-2', mode: 'ambient' })])).toEqual({
      kind: 'rolling',
      message: 'pod web-2 is not ready',
      lookAgainAtMs: NOW_MS + 10 * MINUTE_MS,
    });
  });
});
