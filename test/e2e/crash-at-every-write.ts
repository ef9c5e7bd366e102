import { it } from 'vitest';
import { type Campaign, forEachWrite, type Trial, WAYS, type Way } from './campaign.js';
import type { View } from './interruption.js';
import type { Moment } from './strike.js';

/** When the operator is killed, and what the one that follows is shown. */
interface Options {
  readonly moment: Moment;
  /** Default: the cluster as it is. */
  readonly view?: Exclude<View, 'of before that write'>;
  /** How many writes there must be, for the test to mean something. */
  readonly atLeast?: number;
}

/**
 * The operator is killed at each of its writes, on the way there and on the way back. The end is always the same, and a second
 * pass writes nothing.
 */
export function crashAtEveryWrite(campaign: () => Campaign, { moment, view = 'of now', atLeast }: Options): void {
  it('ends as if nothing had happened', async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign().trial(`crash-${nth}`);
      let isReached = false;
      for (const way of WAYS) isReached = (await crash(trial, way, nth)) || isReached;
      await campaign().end(trial);
      return isReached;
    }, atLeast);
  });

  async function crash(trial: Trial, way: Way, nth: number): Promise<boolean> {
    const old = await campaign().revision();
    const [write] = await campaign().crash([{ trial, nth, moment }], way);
    if (write === undefined) return false;
    await (view === 'of now' ? campaign().restart() : campaign().restartWithOldView(old));
    await campaign().arrived([trial], way);
    await campaign().expectSameEnd([trial], way);
    return true;
  }
}
