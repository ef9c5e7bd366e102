import { describe, expect, it } from 'vitest';
import { asRecord } from '../../../src/mesh/policy-object.js';
import { customResourceDefinitions } from '../../../src/sandbox/data/index.js';
import { elsewhere, service, severalPorts, subsets, to, translated, v1, web } from './written.js';

/*
 * Of each field that the CRDs of Istio have: with it the translation is another than without, or it is told what becomes of it. So
 * none is dropped in silence, nor one that a newer Istio brings.
 */

type Path = readonly (string | number)[];

/** The parts of a schema that are looked at. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** Paths to all fields of a kind that hold no others, with a value for each. */
function leavesOf(definition: string): [name: string, Path, unknown][] {
  const found = (customResourceDefinitions() as unknown as Definition[]).find(
    ({ metadata }) => metadata.name === definition,
  );
  const schema = found?.spec.versions.find(({ name }) => name === 'v1')?.schema.openAPIV3Schema.properties?.['spec'];
  return leaves(schema ?? {}, []).map(([path, value]) => [path.join('.'), path, value]);
}

function leaves(
  { type, enum: values, properties, items, additionalProperties }: Schema,
  path: Path,
): [Path, unknown][] {
  if (properties) return Object.entries(properties).flatMap(([name, schema]) => leaves(schema, [...path, name]));
  if (items) return leaves(items, [...path, 0]);
  if (typeof additionalProperties === 'object') return leaves(additionalProperties, [...path, 'x']);
  if (values) return [[path, values.find((value) => value !== 'UNSPECIFIED' && value !== 'UNSET')]];
  if (path.at(-1) === 'timeout') return [[path, '7s']];
  return [[path, { boolean: true, integer: 7, number: 7 }[type ?? ''] ?? 'x']];
}

/** A copy with a value at a path. */
function placed(into: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value;
  if (typeof first === 'string') return { ...asRecord(into), [first]: placed(asRecord(into)[first], rest, value) };
  const list: readonly unknown[] = Array.isArray(into) ? into : [];
  return Object.assign([...list], { [first]: placed(list[first], rest, value) });
}

const valueAt = (from: unknown, path: Path): unknown =>
  path.reduce<unknown>((part, key) => (part as Record<string | number, unknown> | undefined)?.[key], from);

/** A copy without a field, but with the map or list that it would be in. */
function without(from: object, path: Path): object {
  const outer = path.slice(0, -1);
  if (outer.length === 0 || valueAt(from, outer) !== undefined) return from;
  return placed(from, outer, typeof path.at(-1) === 'number' ? [] : {}) as object;
}

/** Whether a path in a message is that of a field, or of something around or in it. */
function isAbout(at: string, path: Path): boolean {
  const named = at.replace(/^spec\./, '').replaceAll(/\[([^\]]*)\]/g, '.$1');
  const asked = path.join('.');
  return `${asked}.`.startsWith(`${named}.`) || `${named}.`.startsWith(`${asked}.`);
}

describe('each field of a VirtualService', () => {
  /** What says the same as its absence here. */
  const meaningless = new Map([
    ['gateways.0', 'those for Gateways only are not translated at all: namespace-routes.ts'],
    ['http.0.redirect.derivePort', 'FROM_PROTOCOL_DEFAULT is what a scheme means'],
  ]);
  const plain = to({ ...web, weight: 1 }, { ...elsewhere, weight: 1 });
  const exact = { match: [{ uri: { exact: '/' } }] };
  /** What has to be beside a field, so that it means something. */
  const bases: readonly (readonly [RegExp, object])[] = [
    [/^http\.0\.mirrors/, { ...plain, http: [{ route: [web], mirrors: [web] }] }],
    [/^http\.0\.mirror/, { ...plain, http: [{ route: [web], mirror: web.destination }] }],
    [/^http\.0\.redirect/, { http: [{ redirect: { scheme: 'http' } }] }],
    [/^http\.0\.rewrite/, { http: [{ ...exact, route: [web] }] }],
    [/./, plain],
  ];

  it.each(leavesOf('virtualservices.networking.istio.io'))('%s is translated, or told', (name, path, value) => {
    const base = bases.find(([pattern]) => pattern.test(name))?.[1] ?? {};
    const { refused, leftOut, objects } = translated(placed(base, path, value) as object);
    const isTold = [...refused, ...leftOut].some(({ at }) => isAbout(at, path));
    const isSaid =
      refused.length === 0 && JSON.stringify(objects) !== JSON.stringify(translated(without(base, path)).objects);
    expect(isTold || isSaid, JSON.stringify({ refused, leftOut })).toBe(!meaningless.has(name));
  });
});

describe('each field of a DestinationRule', () => {
  const versions = { host: 'web', subsets: [{ name: 'v1', labels: { version: 'v1' } }] };
  const objects = [service('web'), service('api', severalPorts)];

  it.each(leavesOf('destinationrules.networking.istio.io'))(
    '%s is translated, or told, with a subset',
    (_, path, value) => {
      const before = translated(to(v1), [...objects, subsets('web', versions)]);
      const after = translated(to(v1), [...objects, subsets('web', placed(versions, path, value) as object)]);
      expect(before.refused).toEqual([]);
      expect(after).not.toEqual(before);
    },
  );
});
