import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Campaign, forEachWrite } from './campaign.js';

/* People change their mind at each write of the way there. The namespace is back in the state before. */

let campaign: Campaign;

beforeAll(async () => {
  campaign = await Campaign.start();
});

afterAll(async () => {
  await campaign?.stop();
});

describe('a rollback asked for at every write', () => {
  it.each(['before', 'after'] as const)('%s the API server carries it out', async (moment) => {
    await forEachWrite(async (nth) => {
      const trial = await campaign.trial(`turn-${moment}-${nth}`);
      const reached = await campaign.turnRoundAt(nth, moment, trial);
      if (reached) {
        expect(await campaign.state(trial), `end of ${trial.name}`).toEqual(trial.before);
        campaign.expectNoBreach(trial);
        await campaign.expectQuiet(trial);
      }
      await campaign.end(trial);
      return reached;
    });
  });
});
