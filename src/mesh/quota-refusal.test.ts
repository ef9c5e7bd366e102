import { describe, expect, it } from 'vitest';
import { hasRoomAfter, quotaRefusal } from './quota-refusal.js';

const MESSAGE =
  'pods "web-1" is forbidden: exceeded quota: compute, requested: pods=1,requests.cpu=100m, used: pods=3,requests.cpu=950m, limited: pods=10,requests.cpu=1';

describe('a ResourceQuota without room', () => {
  const refusal = {
    quota: 'compute',
    requested: { pods: 1_000_000_000n, 'requests.cpu': 100_000_000n },
    used: { pods: 3_000_000_000n, 'requests.cpu': 950_000_000n },
    limited: { pods: 10_000_000_000n, 'requests.cpu': 1_000_000_000n },
  };

  it('says what was asked of it, and what there is', () => {
    expect(quotaRefusal(MESSAGE)).toEqual(refusal);
  });

  it.each([
    'pods "web-1" is forbidden: maximum cpu usage per Container is 1',
    'exceeded quota: compute, requested: pods=1, used: pods=3',
    'exceeded quota: compute',
    '',
  ])('is not meant by %j', (message) => {
    expect(quotaRefusal(message)).toBeUndefined();
  });

  it.each<[string, freed: Record<string, bigint>, hasRoom: boolean]>([
    ['nothing', {}, false],
    ['a pod without requests', { pods: 1_000_000_000n }, false],
    ['a pod of 49m', { 'requests.cpu': 49_000_000n }, false],
    ['a pod of 50m', { 'requests.cpu': 50_000_000n }, true],
    ['all of it', { 'requests.cpu': 950_000_000n, pods: 3_000_000_000n }, true],
  ])('has room or not once %s has gone', (_, freed, hasRoom) => {
    expect(hasRoomAfter(refusal, freed)).toBe(hasRoom);
  });

  it('uses nothing, and allows nothing, of what it does not name', () => {
    expect(hasRoomAfter({ ...refusal, used: {} }, {})).toBe(true);
    expect(hasRoomAfter({ ...refusal, limited: {} }, {})).toBe(false);
  });
});
