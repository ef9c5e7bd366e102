/*
 * Paths for patterns with templates, `{*}` and `{**}`, by the product of the automata of all patterns.
 */

/** One place of a pattern: a character, or any number of some characters. */
type Place = { readonly is: string } | { readonly any: (character: string) => boolean };

const inSegment = (character: string): boolean => /^[a-zA-Z0-9\-._~%!$&'()*+,;:@=]$/.test(character);
const inPath = (character: string): boolean => character === '/' || inSegment(character);
const anything = (): boolean => true;

/** States after which no more are looked at: a tenth of a second. */
const MOST_STATES = 20_000;

/** Whether a pattern of a path is a template. */
export function isTemplate(pattern: string): boolean {
  return /\{\*\*?\}/.test(pattern);
}

/**
 * The shortest path for each way in which a path can answer the patterns. There is no empty segment in them, nor one that is `.` or `..`.
 *
 * @param filler  a character that is in no pattern
 * @returns undefined if there are too many ways
 */
export function pathWitnesses(patterns: readonly string[], filler: string): string[] | undefined {
  const automata = [...new Set(patterns)].map((pattern) => new Automaton(placesOf(pattern)));
  const characters = [...new Set([...patterns.join('').replace(/[{}*?#]/g, ''), filler, '/'])];
  const found = new Map<string, string>();
  const start = { path: '/', states: automata.map((automaton) => automaton.next(automaton.start, '/')) };
  const seen = new Set([keyOf(start)]);
  let edge = [start];
  while (edge.length > 0) {
    const next: typeof edge = [];
    for (const { path, states } of edge) {
      const answers = states.map((state, index) => (automata[index]!.accepts(state) ? '1' : '0')).join('');
      if (!found.has(answers) && !/\/\.\.?$/.test(path)) found.set(answers, path);
      for (const character of characters) {
        if (character === '/' && /(^|\/)\.{0,2}$/.test(path)) continue;
        const reached = {
          path: path + character,
          states: states.map((state, index) => automata[index]!.next(state, character)),
        };
        const key = keyOf(reached);
        if (seen.has(key)) continue;
        if (seen.size === MOST_STATES) return undefined;
        seen.add(key);
        next.push(reached);
      }
    }
    edge = next;
  }
  return [...found.values()];
}

/** Where all automata are, and how far the last segment is from being an empty one or one of dots. */
function keyOf({ path, states }: { readonly path: string; readonly states: readonly number[] }): string {
  return `${/\/(\.{0,2})$/.exec(path)?.[1]?.length ?? '-'}/${states.join(',')}`;
}

function placesOf(pattern: string): Place[] {
  const characters = (text: string): Place[] => [...text].map((is) => ({ is }));
  if (isTemplate(pattern)) {
    return pattern.split(/(\{\*\*?\}|\*\*?)/).flatMap((part): Place[] => {
      if (part === '{**}' || part === '**') return [{ any: inPath }];
      return part === '{*}' || part === '*' ? [{ is: '{*}' }, { any: inSegment }] : characters(part);
    });
  }
  if (pattern.startsWith('*')) return [{ any: anything }, ...characters(pattern.slice(1))];
  return pattern.endsWith('*') ? [...characters(pattern.slice(0, -1)), { any: anything }] : characters(pattern);
}

/** The automaton of one pattern; its states are made as they are reached. */
class Automaton {
  readonly start: number;
  readonly #places: readonly Place[];
  /** By state: the places that may come next. */
  readonly #sets: (readonly number[])[] = [];
  readonly #byPlaces = new Map<string, number>();
  readonly #next: Map<string, number>[] = [];

  constructor(places: readonly Place[]) {
    this.#places = places;
    this.start = this.#stateOf([0]);
  }

  accepts(state: number): boolean {
    return this.#sets[state]!.at(-1) === this.#places.length;
  }

  next(state: number, character: string): number {
    const known = this.#next[state]!.get(character);
    if (known !== undefined) return known;
    const reached = this.#sets[state]!.flatMap((index) => {
      const place = this.#places[index];
      if (!place) return [];
      if ('any' in place) return place.any(character) ? [index] : [];
      const isIt = place.is === '{*}' ? inSegment(character) : place.is === character;
      return isIt ? [index + 1] : [];
    });
    const next = this.#stateOf(reached);
    this.#next[state]!.set(character, next);
    return next;
  }

  /** What may be there any number of times may be left out. */
  #stateOf(reached: readonly number[]): number {
    const set = new Set(reached);
    for (const index of set) {
      const place = this.#places[index];
      if (place && 'any' in place) set.add(index + 1);
    }
    const places = [...set].sort((a, b) => a - b);
    const key = places.join(',');
    const known = this.#byPlaces.get(key);
    if (known !== undefined) return known;
    this.#byPlaces.set(key, this.#sets.push(places) - 1);
    this.#next.push(new Map());
    return this.#sets.length - 1;
  }
}
