/** A set of strings in the order of their code units, which for our ASCII keys is etcd's. */
export class SortedKeys {
  #keys: string[];

  constructor(keys: string[] = []) {
    this.#keys = keys;
  }

  add(key: string): void {
    const index = this.#indexOf(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  remove(key: string): void {
    const index = this.#indexOf(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  /** Keys that start with `prefix` and come after `after` (itself excluded). */
  *from(prefix: string, after = ''): Generator<string> {
    let index = this.#indexOf(after > prefix ? after : prefix);
    if (after !== '' && this.#keys[index] === after) index += 1;
    // Whoever consumes this does so in one tick: the keys do not change meanwhile.
    for (; index < this.#keys.length && this.#keys[index]!.startsWith(prefix); index += 1) yield this.#keys[index]!;
  }

  /** A copy that has more keys. */
  with(more: Iterable<string>): SortedKeys {
    return new SortedKeys([...new Set([...this.#keys, ...more])].sort((a, b) => (a < b ? -1 : 1)));
  }

  /** Where the key is, or would be. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
