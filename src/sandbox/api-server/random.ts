/** Letters and digits of generated names: no vowels, nothing that looks like another (`rand.String` of apimachinery). */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** Uids, name suffixes and numbers, the same for the same seed. */
export class RandomNames {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A version 4 UUID. */
  uid(): string {
    const hex = Array.from({ length: 32 }, (_, index) => {
      const digit = this.#below(16);
      return (index === 12 ? 4 : index === 16 ? (digit & 3) | 8 : digit).toString(16);
    }).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  /** Five letters and digits, as `generateName` appends. */
  suffix(): string {
    return Array.from({ length: 5 }, () => nameLetters[this.#below(nameLetters.length)]).join('');
  }

  #below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** From 0 up to but not 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
