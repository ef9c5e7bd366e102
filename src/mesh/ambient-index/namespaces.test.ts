import { describe, expect, it } from 'vitest';
import { settings } from '../../../test/support/index-mesh.js';
import { compareAge, readNamespaces } from './namespaces.js';
import type { IndexSettings } from './objects.js';

const BLUE = { namespaceSelector: { matchLabels: { team: 'blue' } } };
const LARGE = { namespaceSelector: { matchLabels: { size: 'large' } } };

describe('who sees the ServiceEntries of a namespace', () => {
  it.each<[IndexSettings['serviceEntryVisibility'], Record<string, string>, string]>([
    [undefined, {}, 'PUBLIC'],
    [{}, {}, 'PUBLIC'],
    [{ defaultVisibility: 'UNSPECIFIED' }, {}, 'PUBLIC'],
    [{ defaultVisibility: 'NAMESPACE' }, {}, 'NAMESPACE'],
    [{ defaultVisibility: 'NONE', policies: [{ visibility: 'NAMESPACE' }] }, {}, 'NAMESPACE'],
    [{ defaultVisibility: 'NONE', policies: [{}] }, {}, 'PUBLIC'],
    [{ policies: [{ visibility: 'NONE', matchingRules: [BLUE] }] }, { team: 'blue' }, 'NONE'],
    [{ policies: [{ visibility: 'NONE', matchingRules: [BLUE] }] }, {}, 'PUBLIC'],
    [{ policies: [{ visibility: 'NONE', matchingRules: [BLUE, LARGE] }] }, { team: 'blue' }, 'PUBLIC'],
    [{ policies: [{ visibility: 'NONE', matchingRules: [BLUE, LARGE] }] }, { team: 'blue', size: 'large' }, 'NONE'],
  ])('%j, with labels %j: %s', (serviceEntryVisibility, labels, visibility) => {
    const { visibilityOf } = readNamespaces(
      { namespaces: [{ metadata: { name: 'shop', labels } }] },
      { ...settings, ...(serviceEntryVisibility && { serviceEntryVisibility }) },
    );
    expect(visibilityOf('shop')).toBe(visibility);
  });
});

describe('of two objects first is', () => {
  const object = (name: string, creationTimestamp?: string) => ({ metadata: { name, creationTimestamp } });

  it.each([
    ['the older one', object('b', '2026-01-01T00:00:00Z'), object('a', '2026-01-01T00:00:01Z')],
    [
      'of the same second the one with the lesser name',
      object('a', '2026-01-01T00:00:00Z'),
      object('b', '2026-01-01T00:00:00Z'),
    ],
    ['the one with the lesser name, if nobody knows their age', object('a'), object('b')],
  ])('%s', (_, first, second) => {
    expect([compareAge(first, second), compareAge(second, first), compareAge(first, first)]).toEqual([-1, 1, 0]);
  });
});
