import { Tally } from './ambient-forms/tally.js';

/** The seeds from 1 on, `size` of them in each test: many short tests say sooner than a long one that something is wrong. */
export class SeedBlocks {
  /** First and last seed of each. */
  readonly all: readonly (readonly [first: number, last: number])[];
  readonly #tallies = new Map<number, Tally>();

  constructor(seeds: number, size: number) {
    this.all = Array.from({ length: Math.ceil(seeds / size) }, (_, index) => [
      index * size + 1,
      Math.min((index + 1) * size, seeds),
    ]);
  }

  /** What happens in the block that begins with a seed is counted anew. */
  begin(first: number): Tally {
    const tally = new Tally();
    this.#tallies.set(first, tally);
    return tally;
  }

  /** What has happened in all blocks, in whichever order they ran; undefined: not all of them have begun. */
  get total(): Tally | undefined {
    if (this.#tallies.size < this.all.length) return undefined;
    const total = new Tally();
    for (const tally of this.#tallies.values()) for (const [what, count] of tally.counts) total.add(what, count);
    return total;
  }
}
