import { describe } from 'vitest';
import { campaignOf } from './campaign.js';
import { rollBackAtEveryWrite } from './roll-back-at-every-write.js';

describe('a rollback asked for at every write', () => {
  const campaign = campaignOf();

  for (const moment of ['before', 'after'] as const) rollBackAtEveryWrite(campaign, moment);
});
