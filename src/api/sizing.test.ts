import { describe, expect, it } from 'vitest';
import { parseSizing } from './sizing.js';

describe('parseSizing', () => {
  it('fills in the other bound', () => {
    expect(parseSizing('{"replicas":{"min":3},"resources":{"requests":{"cpu":"250m"}}}')).toEqual({
      found: { replicas: { min: 3, max: 5 }, resources: { requests: { cpu: '250m' } } },
    });
  });

  it('leaves out what nobody asks for', () => {
    expect(parseSizing('{}')).toEqual({ found: { resources: {} } });
  });

  it.each([
    ['2', 'the value: '],
    ['{"replicas"', 'must be JSON'],
    ['{"replicas":{"min":0}}', 'replicas.min: '],
    ['{"replicas":{"min":1.5}}', 'replicas.min: '],
    ['{"replicas":{"min":6}}', 'replicas: min must not be above max'],
    ['{"resources":{"requests":{"cpu":"much"}}}', 'resources.requests.cpu: must be a quantity'],
    ['{"replica":{}}', 'Unrecognized key'],
  ])('names the field of %s that is wrong', (value, problem) => {
    expect(parseSizing(value)).toEqual({ problem: expect.stringContaining(problem) as string });
  });
});
