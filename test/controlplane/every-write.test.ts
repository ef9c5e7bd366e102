import { describe, expect, it } from 'vitest';
import { type Campaign, campaignOf, WAYS, type Way } from '../e2e/campaign.js';
import { FOLLOWING, type Moment } from '../e2e/strike.js';
import { inShare } from '../support/share.js';

/*
 * The operator is killed at each write that a migration and its rollback were recorded to make, and one that knows nothing goes on. The
 * project `campaigns` does so on the sandbox, at one write after the other; here it is done at many at once, each in a namespace of its
 * own, and one operator goes on in all of them. Real programs take their time, so the writes of two migrations are never quite in the
 * same order: a write is known by its kind, and by how many of that kind came before.
 */

/** A write of the recorded migration, and when the operator is killed. */
interface Point {
  readonly way: Way;
  readonly moment: Moment;
  /** As `describeWrite` says it. */
  readonly kind: string;
  /** How many of the kind came before. */
  readonly nth: number;
}

/** Kinds of writes that a migration must have, for the test to mean something. */
const KINDS = new Set([
  'create events',
  'patch ambientmigrations/status',
  'patch controllerrevisions',
  'patch deployments',
  'patch namespaces',
  'patch statefulsets',
]);

/** A migration is not always seen to make progress in as many steps as the recorded one was. */
const REPORT = 'patch ambientmigrations/status';

/** How often to try for reports that did not come. */
const ROUNDS = 2;

// On a machine that does nothing else, a minute.
describe('a crash at every write', { timeout: 600_000 }, () => {
  const campaign = campaignOf();

  it('before and after it is carried out, ends as if nothing had happened', async () => {
    await crashAtEach(campaign(), ['before', 'after'], () => campaign().restart());
  });

  it('after it is carried out, with an old view of the cluster, ends as if nothing had happened', async () => {
    await crashAtEach(campaign(), ['after'], (old) => campaign().restartWithOldView(old));
  });
});

async function crashAtEach(
  campaign: Campaign,
  moments: readonly Moment[],
  restart: (old: string) => Promise<void>,
): Promise<void> {
  const all = moments.flatMap((moment) => WAYS.flatMap((way) => recorded(campaign, way, moment)));
  expect(new Set(all.map(({ kind }) => kind))).toEqual(KINDS);
  const points = inShare(all);
  let missed = new Set(points);
  for (let round = 0; missed.size > 0 && round < ROUNDS; round += 1)
    missed = await crashAt(campaign, [...missed], `${moments[0]!}-${moments.length}-${round}`, restart);
  const struck = points.filter((point) => !missed.has(point));
  expect(
    [...missed].filter((point) => struck.some((other) => isLater(other, point)) || point.kind !== REPORT),
    'writes at which the operator was not killed',
  ).toEqual([]);
  console.log(
    [
      `${struck.length} crash points, all with the same end:`,
      ...counted(struck),
      `${missed.size} reports of progress did not come again in ${ROUNDS} migrations`,
    ].join('\n'),
  );
}

/** Whether it is the same kind of write, later on the way. */
function isLater(other: Point, { way, moment, kind, nth }: Point): boolean {
  return other.way === way && other.moment === moment && other.kind === kind && other.nth > nth;
}

/** Every write of a way as it was recorded; what follows at its own pace is left out. */
function recorded(campaign: Campaign, way: Way, moment: Moment): Point[] {
  const writes = campaign.writes(way).filter((kind) => !kind.endsWith(FOLLOWING));
  return writes.map((kind, index) => {
    const nth = writes.slice(0, index).filter((each) => each === kind).length;
    return { way, moment, kind, nth };
  });
}

/** Crashes at these points, one of each way in a namespace; returns those that were not come by. */
async function crashAt(
  campaign: Campaign,
  points: readonly Point[],
  prefix: string,
  restart: (old: string) => Promise<void>,
): Promise<Set<Point>> {
  const of = (way: Way): Point[] => points.filter((point) => point.way === way);
  const size = Math.max(...WAYS.map((way) => of(way).length));
  const trials = await campaign.trials(Array.from({ length: size }, (_, index) => `${prefix}-${index}`));
  const missed = new Set(points);
  for (const way of WAYS) {
    const old = await campaign.revision();
    const here = of(way);
    // Where there is none left, the way is gone without a crash.
    const crashes = trials.map((trial, index) => ({
      trial,
      ...(here[index] ?? { nth: Infinity, moment: 'after' as const }),
    }));
    const writes = await campaign.crash(crashes, way);
    for (const [index, point] of here.entries()) if (writes[index] !== undefined) missed.delete(point);
    if (writes.some((write) => write !== undefined)) await restart(old);
    await campaign.arrived(trials, way);
    await campaign.expectSameEnd(trials, way);
  }
  return missed;
}

/** How many there are of each kind. */
function counted(points: readonly Point[]): string[] {
  return [...KINDS].map((kind) => `${points.filter((point) => point.kind === kind).length} × ${kind}`);
}
