import { describe, expect, test } from 'vitest';
import { matchesSelector } from '../kube/selectors.js';
import { parseSelector } from './selector-string.js';

describe('label selector of a query', () => {
  test.each([
    ['app=web', { app: 'web' }, true],
    ['app==web', { app: 'api' }, false],
    ['app!=web', {}, true],
    ['app!=web', { app: 'web' }, false],
    ['sidestep.dev/snapshot', { 'sidestep.dev/snapshot': '' }, true],
    ['sidestep.dev/snapshot', {}, false],
    ['!app', {}, true],
    ['!app', { app: 'web' }, false],
    ['tier in (a, b),app=web', { tier: 'b', app: 'web' }, true],
    ['tier in (a, b),app=web', { tier: 'c', app: 'web' }, false],
    ['tier notin (a,b)', { tier: 'a' }, false],
    ['tier notin (a,b)', {}, true],
    ['', {}, true],
  ])('%s on %o is %s', (selector, labels, expected) => {
    expect(matchesSelector(parseSelector(selector), labels as Record<string, string>)).toBe(expected);
  });

  test('what is no selector is named', () => {
    expect(() => parseSelector('a=b,c in d')).toThrow('"c in d" is no requirement of a label selector');
  });
});
