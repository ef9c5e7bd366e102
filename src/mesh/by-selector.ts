import { type Labels, selects } from './policy-object.js';

/**
 * Finds the items that select an object by its labels, in the order in which they are given. Not every item is asked: one is
 * looked up by the first label that it demands, so that thousands of Services and of pods can be brought together.
 *
 * @param selectorOf  all its labels must be there; an empty one selects everything
 */
export function bySelector<T>(items: readonly T[], selectorOf: (item: T) => Labels): (labels: Labels) => readonly T[] {
  interface Candidate {
    readonly item: T;
    readonly selector: Labels;
    readonly rank: number;
  }
  const general: Candidate[] = [];
  const byLabel = new Map<string, Map<string, Candidate[]>>();
  items.forEach((item, rank) => {
    const selector = selectorOf(item);
    const [first] = Object.entries(selector);
    if (!first) {
      general.push({ item, selector, rank });
      return;
    }
    const [key, value] = first;
    const byValue = byLabel.get(key) ?? new Map<string, Candidate[]>();
    byLabel.set(key, byValue);
    const candidates = byValue.get(value);
    if (candidates) candidates.push({ item, selector, rank });
    else byValue.set(value, [{ item, selector, rank }]);
  });
  return (labels) => {
    const found = [...general];
    for (const [key, byValue] of byLabel) {
      const value = labels[key];
      const candidates = value === undefined ? undefined : byValue.get(value);
      for (const candidate of candidates ?? []) if (selects(candidate.selector, labels)) found.push(candidate);
    }
    return found.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
  };
}
