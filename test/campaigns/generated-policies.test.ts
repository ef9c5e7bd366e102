import { expect, it } from 'vitest';
import { CALLERS, expectNoFlips, expectNothingOpens } from '../support/ambient-forms/flips.js';
import { Tally } from '../support/ambient-forms/tally.js';

const MESHES = 2_000;
/** Of a mesh, sent by each caller in each of its modes at every moment. */
const REQUESTS = 12;
/** The unit tests have those before. */
const FIRST_SEED = 201;
const SEEDS = Array.from({ length: MESHES }, (_, index) => FIRST_SEED + index);

it(`no request is let in that was refused at any moment of ${MESHES} generated migrations, nor refused without being announced`, () => {
  const tally = new Tally();
  for (const seed of SEEDS) expectNoFlips(seed, { callers: () => CALLERS, requests: REQUESTS }, tally);
  const [allowed, refused] = [tally.of('allowed'), tally.of('refused')];
  const share = Math.round((100 * allowed) / (allowed + refused));
  console.log(`${tally.toString()}\n${share} % of ${allowed + refused} requests are allowed before the migration`);
  // Else it would show little.
  for (const what of ['copy', 'admission', 'guard', 'untranslated', 'decided: Ztunnel DENY guard'])
    expect(tally.of(what), what).toBeGreaterThanOrEqual(MESHES / 10);
  expect(share).toBeGreaterThan(30);
  expect(share).toBeLessThan(70);
});

it(`${MESHES} generated migrations are proven to open nothing at any moment`, () => {
  const refusing = SEEDS.filter((seed) => expectNothingOpens(seed).length > 0);
  console.log(`${refusing.length} of ${MESHES} refuse something that was allowed`);
  expect(refusing.length).toBeGreaterThanOrEqual(MESHES / 10);
});
