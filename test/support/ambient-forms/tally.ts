/** How often what happened. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.#counts.set(what, this.of(what) + count);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** All of it, a line each. */
  toString(): string {
    return [...this.#counts]
      .map(([what, count]) => `${what}: ${count}`)
      .sort()
      .join('\n');
  }
}
