import { describe, it } from 'vitest';
import { campaignOf, forEachWrite } from './campaign.js';

/* People change their mind at each write of the way there. The namespace is back in the state before. */

describe('a rollback asked for at every write', () => {
  const campaign = campaignOf();

  it.each(['before', 'after'] as const)('%s the API server carries it out', async (moment) => {
    await forEachWrite(async (nth) => {
      const trial = await campaign().trial(`turn-${moment}-${nth}`);
      const reached = await campaign().turnRoundAt(nth, moment, trial);
      if (reached) await campaign().expectAsBefore(trial);
      await campaign().end(trial);
      return reached;
    });
  });
});
