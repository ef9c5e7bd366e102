import { describe, expect, it } from 'vitest';
import {
  bindingLabels,
  boundWaypoint,
  holdersView,
  isHeldByAccount,
  isHeldByMigration,
  labelledWaypoint,
  markedLabels,
} from './waypoint-holders.js';

const USE = 'istio.io/use-waypoint';
const NAMESPACE = 'istio.io/use-waypoint-namespace';
type Texts = Record<string, string>;

const object = (labels?: Texts, annotations?: Texts, uid?: string) => ({ metadata: { uid, labels, annotations } });
const marked = (value: unknown, labels: Texts = {}) =>
  object(labels, { 'sidestep.dev/waypoint-labels': typeof value === 'string' ? value : JSON.stringify(value) });
const bound = (waypoint: string, labels: Texts = {}) => object(labels, { 'sidestep.dev/bound-waypoint': waypoint });

describe('the mark of a migration', () => {
  it.each<[string, unknown, Texts]>([
    [
      'says which labels it has set',
      { labels: { [USE]: 'w', [NAMESPACE]: 'edge' } },
      { [USE]: 'w', [NAMESPACE]: 'edge' },
    ],
    ['says nothing by what is no text', { labels: { [USE]: 'w', [NAMESPACE]: 7 } }, { [USE]: 'w' }],
    ['says nothing without labels', { other: 1 }, {}],
    ['says nothing if it is no JSON', '{', {}],
    ['says nothing if it is null', 'null', {}],
  ])('%s', (_, value, expected) => {
    expect(markedLabels(marked(value))).toEqual(expected);
  });

  it('may be missing', () => {
    expect([markedLabels(object()), markedLabels(object({}, {}))]).toEqual([{}, {}]);
  });

  it.each<[string, Texts, Texts, boolean]>([
    ['holds the label that it names', { [USE]: 'w' }, { [USE]: 'w' }, true],
    ['holds no other', { [USE]: 'w' }, { [USE]: 'own' }, false],
    ['holds none that is gone', {}, {}, false],
    ['holds none that a person has sent elsewhere', { [USE]: 'w' }, { [USE]: 'w', [NAMESPACE]: 'edge' }, false],
    [
      'holds the name in another namespace',
      { [USE]: 'w', [NAMESPACE]: 'edge' },
      { [USE]: 'w', [NAMESPACE]: 'edge' },
      true,
    ],
  ])('%s', (_, labels, there, expected) => {
    expect(isHeldByMigration(marked({ labels }, there))).toBe(expected);
  });
});

describe('the mark of an account', () => {
  it.each<[string, ReturnType<typeof object>, boolean]>([
    ['holds the label that it names', bound('w', { [USE]: 'w' }), true],
    ['holds one of another namespace', bound('edge/w', { [USE]: 'w', [NAMESPACE]: 'edge' }), true],
    ['holds no other', bound('w', { [USE]: 'own' }), false],
    ['holds none that is gone', bound('w'), false],
    ['holds nothing if there is neither', object(), false],
  ])('%s', (_, given, expected) => {
    expect(isHeldByAccount(given)).toBe(expected);
  });

  it('names a waypoint as labels do', () => {
    expect([boundWaypoint(bound('edge/w')), boundWaypoint(object())]).toEqual(['edge/w', undefined]);
    expect(bindingLabels('w')).toStrictEqual({ name: 'w' });
    expect(bindingLabels('edge/w')).toStrictEqual({ namespace: 'edge', name: 'w' });
    expect(bindingLabels(undefined)).toStrictEqual({});
  });
});

it.each<[Texts | undefined, string | undefined]>([
  [undefined, undefined],
  [{ [USE]: 'w' }, 'w'],
  [{ [USE]: 'w', [NAMESPACE]: 'edge' }, 'edge/w'],
  [{ [NAMESPACE]: 'edge' }, 'edge/'],
])('labels %j name waypoint %s', (labels, expected) => {
  expect(labelledWaypoint(object(labels))).toBe(expected);
});

describe('who holds labels', () => {
  const view = (labels: Texts, annotations: Texts, uid = '1'): string => holdersView(object(labels, annotations, uid));
  const mark = { 'sidestep.dev/bound-waypoint': 'w' };
  const same = view({ [USE]: 'w' }, mark);
  it.each<[string, string, boolean]>([
    ['another annotation', view({ [USE]: 'w' }, { ...mark, team: 'a' }), true],
    ['another label', view({ [USE]: 'v' }, mark), false],
    ['another mark', view({ [USE]: 'w' }, { 'sidestep.dev/bound-waypoint': 'v' }), false],
    ['a mark of a migration', view({ [USE]: 'w' }, { ...mark, 'sidestep.dev/waypoint-labels': '{}' }), false],
    ['another object of that name', view({ [USE]: 'w' }, mark, '2'), false],
    ['no annotations', holdersView(object({ [USE]: 'w' }, undefined, '1')), false],
  ])('stays the same with %s', (_, other, expected) => {
    expect(other === same).toBe(expected);
  });
});
