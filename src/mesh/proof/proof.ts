import { type Moment, type MomentName, MOMENTS } from '../moments.js';
import type { MeshPicture } from '../picture.js';
import { resultOf } from '../pieces.js';
import { callersOf } from './callers.js';
import { exampleOf } from './example.js';
import type { Case, Flip, Proof } from './flip.js';
import { remembered } from './gates.js';
import { type Solution, type Solutions, solve, type Way } from './solve.js';
import { targetsOf } from './targets.js';
import { Ways } from './ways.js';

/** What is going to be proven. */
export interface ProofOptions {
  /** The namespace that is migrated: it is the one that is called. */
  readonly namespace: string;
  /** (50) */
  readonly mostFlips?: number;
  /** How many pairs of ways are compared before the rest counts as undecided: a few thousand a second. (20,000) */
  readonly mostPairs?: number;
}

/** The same thing, happening to several callers and targets. */
interface Happening {
  readonly step: MomentName;
  readonly solution: Solution;
  readonly cases: Case[];
}

/**
 * Finds every request that is answered otherwise at a moment of a migration than before it.
 *
 * Callers, targets and pods are looked at in kinds, and requests in classes: what no policy can tell apart is looked at once. So nothing found
 * means that there is nothing to be found, as far as the pictures know the mesh.
 *
 * @param moments  the first is that before
 */
export function proveMoments(moments: readonly Moment[], options: ProofOptions): Proof {
  return resultOf(proofWork(moments, options));
}

/** {@link proveMoments}, in pieces of some milliseconds between which others may have their turn. */
export function* proofWork(
  moments: readonly Moment[],
  { namespace, mostFlips = 50, mostPairs = 20_000 }: ProofOptions,
): Generator<undefined, Proof> {
  const [
    {
      callers: [from],
      rest: [to],
    },
  ] = moments as [Moment & { callers: [MeshPicture]; rest: [MeshPicture] }];
  const pictures = [...new Set([from, to, ...moments.flatMap((moment) => [...moment.callers, ...moment.rest])])];
  const ways = new Ways();
  yield;
  const callers = callersOf(pictures);
  const targets = yield* targetsOf(pictures, namespace, (endpoint, picture) => ways.kindOf(endpoint, picture));
  const solved = new Map<string, Solutions>();
  const happenings = new Map<string, Happening>();
  let givenUp = 0;
  for (const target of targets) {
    for (const backend of target.backends) {
      yield;
      for (const group of ways.groupsOf(callers, target, backend)) {
        const caller = group[0]!;
        const count = group.reduce((sum, { others }) => sum + others + 1, 0);
        const wayIn = (of: Pick<Case, 'from' | 'to'>): Way =>
          ways.way(caller.in(of.from)!, target.in(of.to), backend.get(of.to)!, of.to);
        const before = wayIn({ from, to });
        for (const [key, { pair, steps }] of pairsOf(moments)) {
          const after = wayIn(pair);
          if (after.key === before.key) continue;
          const of = `${before.key} > ${after.key}`;
          if (!solved.has(of)) {
            if (solved.size >= mostPairs) {
              givenUp += 1;
              continue;
            }
            solved.set(of, solve(before, after, to.settings));
            yield;
          }
          solved.get(of)!.solutions.forEach((solution, index) => {
            for (const step of steps) {
              const name = `${step} ${key} ${of} ${index}`;
              const happening = remembered(happenings, name, () => ({ step, solution, cases: [] }));
              happening.cases.push({ caller, callers: count, target, backend, ...pair });
            }
          });
        }
      }
    }
  }
  const undecided = [...solved.values()].reduce((sum, one) => sum + one.undecided, givenUp);
  return yield* told([...happenings.values()], { from, to }, undecided, mostFlips);
}

/** Every pair of pictures that a call may meet after the first moment, and the steps at which it may. */
function pairsOf(moments: readonly Moment[]): Map<string, { pair: Pick<Case, 'from' | 'to'>; steps: MomentName[] }> {
  const ids = new Map<MeshPicture, number>();
  const idOf = (picture: MeshPicture): number => remembered(ids, picture, () => ids.size);
  const pairs = new Map<string, { pair: Pick<Case, 'from' | 'to'>; steps: MomentName[] }>();
  for (const { step, callers, rest } of moments.slice(1)) {
    for (const from of callers) {
      for (const to of rest) {
        const key = `${idOf(from)},${idOf(to)}`;
        const { steps } = remembered(pairs, key, () => ({ pair: { from, to }, steps: [] }));
        if (!steps.includes(step)) steps.push(step);
      }
    }
  }
  return pairs;
}

/** Happenings as people read them. What looks the same is told once. */
function* told(
  happenings: readonly Happening[],
  before: Pick<Case, 'from' | 'to'>,
  undecided: number,
  mostFlips: number,
): Generator<undefined, Proof> {
  const inOrder = [...happenings].sort((a, b) =>
    a.solution.kind < b.solution.kind ? -1 : a.solution.kind > b.solution.kind ? 1 : 0,
  );
  const flips = new Map<string, Flip>();
  const more = { Opens: 0, Refuses: 0 };
  let [unconfirmed, tries] = [0, 0];
  for (const { step, solution, cases } of inOrder) {
    // What is like another takes its time, too.
    if (flips.size >= mostFlips || tries >= 2 * mostFlips) {
      more[solution.kind] += 1;
      continue;
    }
    tries += 1;
    const [first] = cases as [Case];
    yield;
    const example = exampleOf(first, before, solution);
    if (!example) {
      unconfirmed += 1;
      continue;
    }
    const { caller, target } = first;
    const callers = new Map(cases.map((one) => [one.caller, one.callers]));
    const others = [...callers.values()].reduce((sum, count) => sum + count, 0) - 1;
    const { name, account } = caller;
    const flip: Flip = {
      kind: solution.kind,
      step,
      from: { name, ...(account !== undefined && { account }), others },
      to: { name: target.name, others: new Set(cases.map((one) => one.target)).size - 1 },
      ...example,
    };
    const bys = [example.before, example.after].map(({ hops }) => hops.map(({ hop, by }) => `${hop} ${by}`));
    const sign = JSON.stringify([flip.kind, step, target.name, example.request, example.assuming, bys]);
    const same = flips.get(sign);
    flips.set(sign, same ? { ...same, from: { ...same.from, others: same.from.others + others + 1 } } : flip);
  }
  const size = ({ request, assuming }: Flip): number => JSON.stringify([request, assuming]).length;
  const order = (a: Flip, b: Flip): number =>
    Number(a.kind === 'Refuses') - Number(b.kind === 'Refuses') ||
    MOMENTS.indexOf(a.step) - MOMENTS.indexOf(b.step) ||
    size(a) - size(b);
  return {
    flips: [...flips.values()].sort(order),
    more: more.Opens + more.Refuses,
    moreOpens: more.Opens,
    undecided: undecided + unconfirmed,
  };
}
