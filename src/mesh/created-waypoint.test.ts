import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideWaypoint, whyNotMade, type Existing, type Owner, type Situation } from './created-waypoint.js';

const NOW_MS = Date.parse('2026-11-21T10:00:00Z');
const ago = (seconds: number): number => NOW_MS - seconds * 1_000;

const situation = (
  owner: Partial<Owner> = {},
  gateways: Partial<Existing>[] = [],
  others: string[] = [],
): Situation => ({
  owner: { names: 'waypoint', refusal: undefined, created: [], missing: undefined, ...owner },
  gateways: gateways.map((gateway) => ({
    name: 'waypoint',
    isOurs: true,
    isMade: gateway.isOurs ?? true,
    isLeaving: false,
    isUsed: true,
    unusedSinceMs: undefined,
    isOfOtherRevision: false,
    ...gateway,
  })),
  createdForOthers: others,
  nowMs: NOW_MS,
});

const remember = (created: string[] = [], sinceMs?: number) => ({
  type: 'remember',
  created,
  missing: sinceMs === undefined ? undefined : { name: 'waypoint', sinceMs },
});
const missing = (seconds: number, name = 'waypoint') => ({ name, sinceMs: ago(seconds) });

describe('a waypoint that is missing', () => {
  test('is made after 30 s, and the wait stands on the owner', () => {
    expect(decideWaypoint(situation())).toEqual({
      steps: [remember([], NOW_MS)],
      pending: 'waypoint',
      waitMs: 30_000,
    });
    expect(decideWaypoint(situation({ missing: missing(29) }))).toMatchObject({ steps: [], waitMs: 1_000 });
    expect(decideWaypoint(situation({ missing: missing(30) })).steps).toEqual([
      { type: 'create', name: 'waypoint' },
      remember(['waypoint']),
    ]);
  });

  test.each<[string, Parameters<typeof situation>]>([
    ['by hand in time', [{ missing: missing(10) }, [{ isOurs: false }]]],
    ['and is no longer named', [{ missing: missing(40), names: undefined }]],
    ['and may not be made any more', [{ missing: missing(40), refusal: 'no' }]],
  ])('is not made if it came %s', (_, given) => {
    expect(decideWaypoint(situation(...given))).toMatchObject({ steps: [remember()], pending: undefined });
  });

  test('begins to be missing anew if the label names another one, or the time is one to come', () => {
    expect(decideWaypoint(situation({ missing: missing(40, 'other') })).steps).toEqual([remember([], NOW_MS)]);
    expect(decideWaypoint(situation({ missing: missing(-40) })).steps).toEqual([remember([], NOW_MS)]);
    expect(decideWaypoint(situation({ missing: missing(0, 'other') })).steps).toEqual([remember([], NOW_MS)]);
  });

  test('is not made again where a person has deleted it, until the label changes', () => {
    expect(decideWaypoint(situation({ created: ['waypoint'] })).steps).toEqual([]);
    expect(decideWaypoint(situation({}, [], ['waypoint'])).steps).toEqual([]);
    expect(decideWaypoint(situation({ created: ['waypoint'], names: undefined })).steps).toEqual([remember()]);
    expect(decideWaypoint(situation({ created: ['waypoint'], names: 'other' })).steps).toEqual([
      { type: 'remember', created: [], missing: { name: 'other', sinceMs: NOW_MS } },
    ]);
  });
});

test('what is in the way of a waypoint is looked at again, for not all of it is watched', () => {
  expect(decideWaypoint(situation({ refusal: 'in the way' }))).toEqual({
    steps: [],
    pending: undefined,
    waitMs: 60_000,
  });
  expect(decideWaypoint(situation({ refusal: 'in the way' }, [{ isOurs: false }])).waitMs).toBeUndefined();
});

test('why a waypoint is not made is told, and what to do', () => {
  expect(whyNotMade(situation({ created: ['waypoint'], refusal: 'no' }))).toMatch(/deleted it: set the label anew/);
  expect(whyNotMade(situation({ refusal: 'it is in the way' }))).toMatch(/it is in the way$/);
  expect(whyNotMade(situation())).toBe('');
});

describe('a waypoint that was made', () => {
  test('is remembered by its mark if the operator died before it could write that down', () => {
    expect(decideWaypoint(situation({ missing: missing(31) }, [{}])).steps).toEqual([remember(['waypoint'])]);
  });

  test('for another who is gone by now is remembered by all who name it: deleted by a person, it is not made again', () => {
    const named = situation({ missing: missing(10) }, [{ isOurs: false, isMade: true }]);
    expect(decideWaypoint(named).steps).toEqual([remember(['waypoint'])]);
    expect(decideWaypoint(situation({ created: ['waypoint'] })).pending).toBeUndefined();
    // Sidestep itself may be about to delete it.
    const unused = { isOurs: false, isMade: true, unusedSinceMs: ago(300) };
    expect(decideWaypoint(situation({ missing: missing(10) }, [unused])).steps).toEqual([remember()]);
    const notNamed = situation({ names: undefined, created: ['waypoint'] }, [{ isOurs: false, isMade: true }]);
    expect(decideWaypoint(notNamed).steps).toEqual([remember()]);
  });

  test('is told from one of the same name that is not ours', () => {
    const foreign = { isOurs: false, isUsed: false };
    expect(decideWaypoint(situation({ names: undefined, created: ['waypoint'] }, [foreign])).steps).toEqual([
      remember(),
    ]);
  });

  test('is kept while it is used, whoever uses it', () => {
    const used = situation({ names: undefined, created: ['waypoint'] }, [{ unusedSinceMs: ago(400) }]);
    expect(decideWaypoint(used).steps).toEqual([{ type: 'mark-unused', name: 'waypoint', sinceMs: undefined }]);
  });

  test('follows its Namespace to another revision of istiod, unless it goes or is not ours', () => {
    const moved = (gateway: Partial<Existing>) =>
      decideWaypoint(situation({ created: ['waypoint'] }, [{ isOfOtherRevision: true, ...gateway }])).steps;
    expect(moved({})).toEqual([{ type: 'follow-revision', name: 'waypoint' }]);
    expect(moved({ isLeaving: true })).toEqual([]);
    expect(moved({ isOurs: false, isMade: true })).toEqual([]);
    expect(moved({ isUsed: false, unusedSinceMs: ago(301) })).toEqual([{ type: 'delete', name: 'waypoint' }]);
  });

  test('is deleted when nothing has used it for 5 min, and forgotten first', () => {
    const idle = (unusedSinceMs: number | undefined) =>
      decideWaypoint(situation({ names: undefined, created: ['waypoint'] }, [{ isUsed: false, unusedSinceMs }]));
    expect(idle(undefined)).toEqual({
      steps: [{ type: 'mark-unused', name: 'waypoint', sinceMs: NOW_MS }],
      pending: undefined,
      waitMs: 300_000,
    });
    expect(idle(ago(299))).toMatchObject({ steps: [], waitMs: 1_000 });
    expect(idle(ago(300))).toEqual({
      steps: [remember(), { type: 'delete', name: 'waypoint' }],
      pending: undefined,
      waitMs: undefined,
    });
    expect(idle(ago(400)).waitMs).toBeUndefined();
    expect(idle(ago(-300)).steps).toEqual([{ type: 'mark-unused', name: 'waypoint', sinceMs: NOW_MS }]);
  });

  test('that was forgotten and not yet deleted is deleted, not remembered again', () => {
    const forgotten = situation({ names: undefined }, [{ isUsed: false, unusedSinceMs: ago(301) }]);
    expect(decideWaypoint(forgotten).steps).toEqual([{ type: 'delete', name: 'waypoint' }]);
  });

  test('and is leaving is left alone; named again when it is gone, it is made again', () => {
    const leaving = { isLeaving: true, isUsed: false, unusedSinceMs: ago(301) };
    expect(decideWaypoint(situation({ names: undefined }, [leaving])).steps).toEqual([]);
    expect(decideWaypoint(situation({}, [{ ...leaving, isUsed: true }])).steps).toEqual([]);
    expect(decideWaypoint(situation()).pending).toBe('waypoint');
  });

  test('stays until its time when the label names another one, which is made meanwhile', () => {
    const moved = situation({ names: 'new', created: ['waypoint'], missing: missing(30, 'new') }, [
      { isUsed: false, unusedSinceMs: ago(30) },
    ]);
    expect(decideWaypoint(moved)).toEqual({
      steps: [
        { type: 'create', name: 'new' },
        { type: 'remember', created: ['waypoint', 'new'], missing: undefined },
      ],
      pending: 'new',
      waitMs: 270_000,
    });
  });
});

test('what is due first is waited for', () => {
  const both = (seconds: number) =>
    decideWaypoint(
      situation({ names: 'new', created: ['waypoint'], missing: missing(10, 'new') }, [
        { isUsed: false, unusedSinceMs: ago(seconds) },
      ]),
    ).waitMs;
  expect([both(299), both(100)]).toEqual([1_000, 20_000]);
});

describe('whatever the situation', () => {
  const names = fc.constantFrom('a', 'b');
  const time = fc.option(
    fc.integer({ min: -400, max: 400 }).map((seconds) => ago(seconds)),
    { nil: undefined },
  );
  const gateway = fc
    .record({
      isOurs: fc.boolean(),
      isMade: fc.boolean(),
      isLeaving: fc.boolean(),
      isUsed: fc.boolean(),
      unusedSinceMs: time,
      isOfOtherRevision: fc.boolean(),
    })
    .map((one) => ({ ...one, isMade: one.isOurs || one.isMade }));
  const situations = fc
    .record({
      owner: fc.record({
        names: fc.option(names, { nil: undefined }),
        refusal: fc.constantFrom(undefined, 'no'),
        created: fc.uniqueArray(names),
        missing: fc.option(fc.record({ name: names, sinceMs: time.map((ms) => ms ?? NOW_MS) }), { nil: undefined }),
      }),
      a: fc.option(gateway, { nil: undefined }),
      b: fc.option(gateway, { nil: undefined }),
      createdForOthers: fc.uniqueArray(names),
    })
    .map(({ owner, a, b, createdForOthers }): Situation => ({
      owner,
      gateways: [a && { name: 'a', ...a }, b && { name: 'b', ...b }]
        .filter((one) => one !== undefined)
        // Its own label is a use.
        .map((one) => (one.name === owner.names ? { ...one, isUsed: true } : one)),
      createdForOthers,
      nowMs: NOW_MS,
    }));

  /** The situation after the steps were carried out. */
  const after = ({ owner, gateways, ...rest }: Situation): Situation => {
    const next = { owner, gateways: [...gateways] };
    for (const step of decideWaypoint({ owner, gateways, ...rest }).steps) {
      const at = 'name' in step ? next.gateways.findIndex(({ name }) => name === step.name) : -1;
      if (step.type === 'create') {
        expect(at).toBe(-1);
        const isUsed = step.name === owner.names;
        const made = { isOurs: true, isMade: true, isLeaving: false, unusedSinceMs: undefined };
        next.gateways.push({ name: step.name, isUsed, isOfOtherRevision: false, ...made });
      } else if (step.type === 'remember') next.owner = { ...next.owner, created: step.created, missing: step.missing };
      else if (step.type === 'mark-unused')
        next.gateways[at] = { ...(next.gateways[at] as Existing), unusedSinceMs: step.sinceMs };
      else if (step.type === 'follow-revision')
        next.gateways[at] = { ...(next.gateways[at] as Existing), isOfOtherRevision: false };
      else {
        expect(next.gateways[at]).toMatchObject({ isOurs: true, isUsed: false });
        next.gateways.splice(at, 1);
      }
    }
    return { ...rest, ...next };
  };

  test('a second pass has nothing to do, and only what is ours and unused is deleted', () => {
    fc.assert(
      fc.property(situations, (given) => {
        expect(decideWaypoint(after(given)).steps).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
