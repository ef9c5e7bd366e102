import { describe } from 'vitest';
import { campaignOf } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';

describe('a crash at every write, after the API server has carried it out', () =>
  crashAtEveryWrite(campaignOf(), { moment: 'after' }));
