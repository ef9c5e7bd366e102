import { describe } from 'vitest';
import { campaignOf } from './campaign.js';
import { crashAtEveryWrite } from './crash-at-every-write.js';

describe('an old view of the cluster after a crash at every write', () =>
  crashAtEveryWrite(campaignOf(), { moment: 'after', view: 'of before the first write' }));
