import { expect, test } from 'vitest';
import { strategicMerge } from './strategic-merge.js';

test('objects are merged, other values replaced, null removes', () => {
  const original = { a: 1, b: { c: 1, d: 2 }, e: 3, args: ['x', 'y'] };
  const patch = { b: { c: 5 }, e: null, args: ['z'] };
  expect(strategicMerge(original, patch)).toEqual({ a: 1, b: { c: 5, d: 2 }, args: ['z'] });
});

test('nothing is changed in place', () => {
  const original = { containers: [{ name: 'a', image: '1' }] };
  strategicMerge(original, { containers: [{ name: 'a', image: '2' }, { name: 'b' }] });
  expect(original).toEqual({ containers: [{ name: 'a', image: '1' }] });
});

test('elements are merged by their key; those that only the patch has come first', () => {
  const original = { containers: [{ name: 'a', image: '1' }, { name: 'b' }] };
  const patch = { containers: [{ name: 'c' }, { name: 'a', image: '2' }] };
  expect(strategicMerge(original, patch)).toEqual({
    containers: [{ name: 'c' }, { name: 'a', image: '2' }, { name: 'b' }],
  });
});

test('the order of before stays between elements that were there', () => {
  const original = { env: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] };
  expect(strategicMerge(original, { env: [{ name: 'b', value: '1' }, { name: 'd' }] })).toEqual({
    env: [{ name: 'a' }, { name: 'b', value: '1' }, { name: 'd' }, { name: 'c' }],
  });
});

test('an element can be deleted', () => {
  const patch = { volumes: [{ name: 'a', $patch: 'delete' }] };
  expect(strategicMerge({ volumes: [{ name: 'a' }, { name: 'b' }] }, patch)).toEqual({ volumes: [{ name: 'b' }] });
});

test('ports are known by another field in a container than in a Service', () => {
  const container = { ports: [{ containerPort: 80, name: 'x' }] };
  expect(strategicMerge(container, { ports: [{ containerPort: 80, name: 'y' }] })).toEqual({
    ports: [{ containerPort: 80, name: 'y' }],
  });
  expect(strategicMerge({ ports: [{ port: 80 }] }, { ports: [{ port: 80, targetPort: 8080 }] })).toEqual({
    ports: [{ port: 80, targetPort: 8080 }],
  });
});
