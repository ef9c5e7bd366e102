import { afterAll, beforeAll, describe, it } from 'vitest';
import { Campaign, forEachWrite, type Trial, type Way } from './campaign.js';

/*
 * The operator is killed at each of its writes, and the one that follows is shown the cluster as it was before the first of
 * them. It must neither do anything twice nor undo anything.
 */

let campaign: Campaign;

beforeAll(async () => {
  campaign = await Campaign.start();
});

afterAll(async () => {
  await campaign?.stop();
});

describe('an old view of the cluster after a crash at every write', () => {
  it('ends as if nothing had happened', async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign.trial(`old-${nth}`);
      const there = await crash(trial, 'there', nth);
      const back = await crash(trial, 'back', nth);
      await campaign.end(trial);
      return there || back;
    });
  });
});

async function crash(trial: Trial, way: Way, nth: number): Promise<boolean> {
  const old = await campaign.revision();
  const reached = await campaign.crashAt(nth, 'after', trial, way);
  if (!reached) return false;
  await campaign.restartWithOldView(old);
  await campaign.arrived(trial, way);
  await campaign.expectSameEnd(trial, way);
  return true;
}
