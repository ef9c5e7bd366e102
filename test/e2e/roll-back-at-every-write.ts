import { it } from 'vitest';
import { type Campaign, forEachWrite } from './campaign.js';
import type { Moment } from './strike.js';

/**
 * People change their mind at each write of the way there: the namespace is back in the state before.
 *
 * @param atLeast  how many writes there must be, for the test to mean something; default that of {@link forEachWrite}
 */
export function rollBackAtEveryWrite(campaign: () => Campaign, moment: Moment, atLeast?: number): void {
  it(`brings the state before back, asked for ${moment} the API server carries a write out`, async () => {
    await forEachWrite(async (nth) => {
      const trial = await campaign().trial(`turn-${moment}-${nth}`);
      const reached = await campaign().turnRoundAt(nth, moment, trial);
      if (reached) await campaign().expectAsBefore(trial);
      await campaign().end(trial);
      return reached;
    }, atLeast);
  });
}
