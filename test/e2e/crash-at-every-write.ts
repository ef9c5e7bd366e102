import { afterAll, beforeAll, it } from 'vitest';
import { Campaign, forEachWrite, type Moment, type Plot, type Trial, type Way } from './campaign.js';

/**
 * The operator is killed at each of its writes, on the way there and on the way back. The end is always the same, and a second
 * pass writes nothing.
 */
export function crashAtEveryWrite(moment: Moment, plot?: Plot): void {
  let campaign: Campaign;

  beforeAll(async () => {
    campaign = await Campaign.start(plot);
  });

  afterAll(async () => {
    await campaign?.stop();
  });

  it('ends as if nothing had happened', async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign.trial(`crash-${nth}`);
      const there = await crash(trial, 'there', nth);
      const back = await crash(trial, 'back', nth);
      await campaign.end(trial);
      return there || back;
    }, plot?.disturbed && 4);
  });

  async function crash(trial: Trial, way: Way, nth: number): Promise<boolean> {
    const reached = await campaign.crashAt(nth, moment, trial, way);
    if (!reached) return false;
    await campaign.restart();
    await campaign.arrived(trial, way);
    await campaign.expectSameEnd(trial, way);
    return true;
  }
}
