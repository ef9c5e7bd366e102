import { expect, it } from 'vitest';
import { bySelector } from './by-selector.js';
import { selects } from './policy-object.js';

it('finds what a look at every selector finds, in the same order', () => {
  const values = ['a', 'b', undefined];
  const labels = values.flatMap((app) =>
    values.map((version) => ({ ...(app !== undefined && { app }), ...(version !== undefined && { version }) })),
  );
  // Each twice, in either order of their labels: equal selectors are different items.
  const turned = labels.map((label) => Object.fromEntries(Object.entries(label).reverse()));
  const items = [...labels, ...turned].map((selector, index) => ({ selector, index }));
  const find = bySelector(items, ({ selector }) => selector);
  for (const each of [...labels, { other: 'a' }]) {
    expect(find(each)).toEqual(items.filter(({ selector }) => selects(selector, each)));
  }
  expect(find({ app: 'a', version: 'b' }).map(({ index }) => index)).toEqual([1, 2, 7, 8, 10, 11, 16, 17]);
});
