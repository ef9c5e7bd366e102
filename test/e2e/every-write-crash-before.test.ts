import { describe } from 'vitest';
import { campaignOf } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';

describe('a crash at every write, before the API server carries it out', () =>
  crashAtEveryWrite(campaignOf(), { moment: 'before' }));
