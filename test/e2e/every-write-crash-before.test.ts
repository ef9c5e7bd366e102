import { describe } from 'vitest';
import { crashAtEveryWrite } from './crash-at-every-write.js';

describe('a crash at every write, before the API server carries it out', () => crashAtEveryWrite('before'));
