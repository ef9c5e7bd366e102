/** Network of the pods, 10.244.0.0/16 as kwok is told. */
const network = [10, 244] as const;
const size = 2 ** 16;

/** Hands out addresses of pods, each to one pod at a time. */
export class PodAddresses {
  readonly #byUid = new Map<string, string>();
  readonly #taken = new Set<string>();
  #next = 1;

  /** The address of a pod, always the same for the same uid. */
  of(uid: string): string {
    const known = this.#byUid.get(uid);
    if (known !== undefined) return known;
    const address = this.#free();
    this.keep(uid, address);
    return address;
  }

  /** A pod has this address already. */
  keep(uid: string, address: string): void {
    this.#byUid.set(uid, address);
    this.#taken.add(address);
  }

  /** The pod is gone. */
  release(uid: string): void {
    const address = this.#byUid.get(uid);
    if (address === undefined) return;
    this.#byUid.delete(uid);
    this.#taken.delete(address);
  }

  #free(): string {
    for (let tries = 0; tries < size; tries++) {
      const number = this.#next;
      this.#next = number + 1 < size - 1 ? number + 1 : 1;
      const address = [...network, number >> 8, number & 255].join('.');
      if (!this.#taken.has(address)) return address;
    }
    throw new Error(`all addresses of ${network.join('.')}.0.0/16 are taken`);
  }
}
