import type { Commit } from './cluster-view.js';
import type { ApiObject } from '../object.js';

/** The recent changes of one kind, oldest first. */
export class History {
  #changes: Commit[] = [];
  #forgottenUpTo: number;

  /**
   * @param limit  how many changes are kept at least; up to twice as many are
   * @param begin  revision at which it begins
   */
  constructor(
    private readonly limit: number,
    begin: number,
  ) {
    this.#forgottenUpTo = begin;
  }

  /** Revision of the last change that is no longer known. */
  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  add(change: Commit): void {
    this.#changes.push(change);
    if (this.#changes.length <= this.limit * 2) return;
    const gone = this.#changes.splice(0, this.#changes.length - this.limit);
    this.#forgottenUpTo = gone.at(-1)!.revision;
  }

  /** Changes after `revision`. */
  since(revision: number): readonly Commit[] {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#changes[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  /** What has changed since `revision`, as it was then: by key; undefined for what did not exist. */
  stateAt(revision: number, keyOf: (object: ApiObject) => string): Map<string, ApiObject | undefined> {
    const state = new Map<string, ApiObject | undefined>();
    for (const { object, previous } of this.since(revision)) {
      const key = keyOf(object);
      if (!state.has(key)) state.set(key, previous);
    }
    return state;
  }

  forget(): void {
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, this.#changes.at(-1)?.revision ?? 0);
    this.#changes = [];
  }
}
