import fc from 'fast-check';
import type { StructuralSchema } from '../../src/api/structural-schema.js';

/** Texts that a field takes, by the name of the field: most generated specs should get past the first check. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  approvedPlan: ['0123456789ab', 'ffffffffffff'],
  code: ['SST2001', 'SST5006'],
  object: ['AuthorizationPolicy/allow-web', 'Deployment/apps/web-1.v2', 'EnvoyFilter/a'],
  reason: ['agreed with security', 'é', '.'],
  name: ['waypoint', 'a', 'edge-2', 'a'.repeat(63)],
  namespace: ['infra', '0', 'n'.repeat(63)],
  className: ['istio-waypoint', 'sidestep-waypoint', 'a.b.c'],
  cpu: ['100m', '2', '0.5', '1k'],
  memory: ['128Mi', '1Gi', '1000000'],
  progressDeadline: ['5s', '10m', '4999ms', '1h30m', '5001ms', '99999h'],
  soak: ['0s', '30s', '1h2m3s4ms', '00001s'],
};

/** Texts that are near to something: blanks of Unicode, line ends, letters outside the basic plane, counted as one or as two. */
const ODD_TEXTS = [
  '',
  ' ',
  '\n',
  '\u000b',
  '\u00a0',
  '\u2003',
  '\ufeff',
  'none',
  'Waypoint',
  'waypoint\n',
  '-a',
  'a-',
  'a.',
  '10m ',
  '-5s',
  '5',
  '1.5h',
  '100000h',
  '1h1m1s1ms1h',
  '٣s',
  'SST12345',
  'sst2001',
  '0123456789AB',
  '1e3',
  '1Ki',
  'Deployment/',
  'a/b/c/d',
  '😀',
  'ß',
];

const WRONG_TYPES = [null, true, 0, 'x', [], {}, [null], { a: 1 }];

const LONGEST = 2_000;

/**
 * Specs of a kind, made from its schema: most fields as they should be, some beside the mark by a little, few of another
 * type. How many of them a server takes depends on the kind; about half.
 *
 * @throws {Error} for a text field that {@link TEXTS} does not know
 */
export function anySpec(schema: StructuralSchema): fc.Arbitrary<unknown> {
  return value(schema, 'spec', { wrong: 1 });
}

/** Specs of which each field by itself is as the schema wants it; rules between fields may still refuse one. */
export function soundSpec(schema: StructuralSchema): fc.Arbitrary<object> {
  return value(schema, 'spec', { wrong: 0 }) as fc.Arbitrary<object>;
}

/** Weight of a sound value. */
const MOST = 200;

/** Weight of each kind of wrong value. */
interface Odds {
  readonly wrong: number;
}

function value(schema: StructuralSchema, name: string, odds: Odds): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: MOST, arbitrary: ofType(schema, name, odds) },
    { weight: odds.wrong, arbitrary: fc.constantFrom(...WRONG_TYPES) },
  );
}

function ofType(schema: StructuralSchema, name: string, odds: Odds): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'object':
      return object(schema, odds);
    case 'array':
      return array(schema, name, odds);
    case 'string':
      return text(schema, name, odds);
    case 'integer':
      return integer(schema, odds);
    case 'boolean':
      return fc.boolean();
    case 'number':
      throw new Error(`no values for numbers yet, as ${name} is one`);
  }
}

function object({ properties = {}, required = [] }: StructuralSchema, odds: Odds): fc.Arbitrary<unknown> {
  const present = mapValues(properties, (schema, name) => value(schema, name, odds));
  // Rules between fields refuse most of the specs that have them all.
  const seldom = mapValues(present, (field) => fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, field));
  const known = fc.record({ ...seldom, ...pick(present, required) }).map(withoutUndefined);
  const missing = fc.record(seldom).map(withoutUndefined);
  const unknown = known.map((fields) => ({ ...fields, unknownField: { a: 1 } }));
  return fc.oneof(
    { weight: MOST, arbitrary: known },
    { weight: odds.wrong, arbitrary: missing },
    { weight: odds.wrong, arbitrary: unknown },
  );
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

function pick<T>(record: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
}

function array({ items, maxItems = 10 }: StructuralSchema, name: string, odds: Odds): fc.Arbitrary<unknown> {
  if (items === undefined) throw new Error(`${name} is a list of nothing`);
  const item = value(items, name, odds);
  return fc.oneof(
    { weight: MOST, arbitrary: fc.array(item, { maxLength: 3 }) },
    { weight: odds.wrong, arbitrary: item.map((one) => Array.from({ length: maxItems + 1 }, () => one)) },
  );
}

function text(
  { enum: values, maxLength = LONGEST }: StructuralSchema,
  name: string,
  odds: Odds,
): fc.Arbitrary<unknown> {
  const good = (values as string[] | undefined) ?? TEXTS[name];
  if (good === undefined) throw new Error(`say in TEXTS what a text ${name} may be`);
  const lengths = [maxLength, maxLength + 1].flatMap((length) => ['a'.repeat(length), '😀'.repeat(length)]);
  return fc.oneof(
    { weight: MOST, arbitrary: fc.constantFrom(...good) },
    { weight: 3 * odds.wrong, arbitrary: fc.constantFrom(...ODD_TEXTS, ...good.map((one) => `${one}\n`)) },
    { weight: 10 * odds.wrong, arbitrary: fc.constantFrom(...lengths) },
  );
}

function integer({ minimum = -5, maximum = 5 }: StructuralSchema, odds: Odds): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: MOST, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 8) }) },
    { weight: 5, arbitrary: fc.constant(maximum) },
    {
      weight: 3 * odds.wrong,
      arbitrary: fc.constantFrom(minimum - 1, maximum + 1, minimum + 0.5, 2 ** 31, 2 ** 63, 1e21, String(minimum)),
    },
  );
}
