/**
 * Lists to which others add elements of their own without touching ours: webhooks, other field managers, the garbage
 * collector. In all other lists an element more is a change that somebody made to our object.
 */
const sharedLists = new Set([
  'ownerReferences',
  'finalizers',
  'containers',
  'initContainers',
  'volumes',
  'volumeMounts',
  'env',
  'imagePullSecrets',
]);

/** Maps whose values are quantities, which the server rewrites into their shortest form. */
const quantityMaps = new Set(['requests', 'limits', 'hard', 'capacity', 'storage']);

/**
 * Whether an apply of `desired` would leave `live` as it is: every field is there with the same value. Fields that
 * only `live` has are defaults and fields of others.
 *
 * Empty values count as absent, because the server leaves them out; quantities are equal if their amounts are (`1000m`
 * and `1`).
 *
 * @param desired  plain JSON
 * @param live     plain JSON, as the server sent it
 * @param options  `ownLists`: of a kind whose lists the server neither defaults nor shares, so that a field more in an element is a
 *                 change too, and an apply takes it off again
 */
export function isSubset(desired: unknown, live: unknown, { ownLists = false }: SubsetOptions = {}): boolean {
  return covers(desired, live, { parents: [], key: '', ownLists });
}

/** See {@link isSubset}. */
export interface SubsetOptions {
  readonly ownLists?: boolean;
}

/** Where in the object two values are compared, and how. */
interface Place {
  readonly parents: readonly string[];
  readonly key: string;
  readonly ownLists: boolean;
}

const within = ({ parents, key, ownLists }: Place, name: string): Place => ({
  parents: [...parents, key],
  key: name,
  ownLists,
});

/**
 * The fields of `desired` that keep `isSubset` from being true, as paths of keys; a list is one field.
 *
 * @param desired  plain JSON
 * @param live     plain JSON, as the server sent it
 * @param options  as of {@link isSubset}
 */
export function uncoveredFields(desired: unknown, live: unknown, { ownLists = false }: SubsetOptions = {}): string[][] {
  return uncovered(desired, live, { parents: [], key: '', ownLists }).map(([, ...path]) => path);
}

function uncovered(desired: unknown, live: unknown, place: Place): string[][] {
  if (covers(desired, live, place)) return [];
  const inner = live ?? {};
  if (!isMap(desired) || !isMap(inner)) return [[...place.parents, place.key]];
  return Object.entries(desired).flatMap(([name, value]) => uncovered(value, inner[name], within(place, name)));
}

function covers(desired: unknown, live: unknown, place: Place): boolean {
  if (desired === undefined || desired === live) return true;
  if (live === undefined || live === null) return isEmpty(desired);
  if (Array.isArray(desired)) return Array.isArray(live) && coversList(desired, live, place);
  if (isMap(desired)) {
    return (
      isMap(live) && Object.entries(desired).every(([name, value]) => covers(value, live[name], within(place, name)))
    );
  }
  return quantityMaps.has(place.parents.at(-1) ?? '') && sameQuantity(desired, live);
}

function coversList(desired: unknown[], live: unknown[], place: Place): boolean {
  if (sharedLists.has(place.key)) {
    return desired.every((element) => live.some((candidate) => covers(element, candidate, place)));
  }
  const isSame = (element: unknown, other: unknown): boolean =>
    covers(element, other, place) && (!place.ownLists || covers(other, element, place));
  return desired.length === live.length && desired.every((element, index) => isSame(element, live[index]));
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isMap(value)) return Object.values(value).every((inner) => inner === undefined || isEmpty(inner));
  return value === null || value === '' || value === false || value === 0;
}

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

function sameQuantity(a: unknown, b: unknown): boolean {
  const amount = amountOf(a);
  return amount !== undefined && amount === amountOf(b);
}

function amountOf(quantity: unknown): number | undefined {
  const [, digits, suffix] = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(quantity)) ?? [];
  const factor = suffix === undefined ? undefined : suffixes[suffix];
  // Rounded to 12 digits: 0.1 and 100m are the same amount, whatever floating point says.
  return digits === undefined || factor === undefined ? undefined : Number((Number(digits) * factor).toPrecision(12));
}
