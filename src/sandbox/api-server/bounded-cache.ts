/** Keeps what is expensive to compute, for the keys that were asked for last. */
export class BoundedCache<T> {
  readonly #values = new Map<string, T>();

  constructor(
    private readonly compute: (key: string) => T,
    private readonly limit: number,
  ) {}

  get(key: string): T {
    const value = this.#values.has(key) ? this.#values.get(key)! : this.compute(key);
    // A Map is ordered by insertion.
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.limit) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }
}
