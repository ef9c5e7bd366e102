import { isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { type PathElement, keyElement, valueElement } from './path-element.js';

/** What a value that is neither list nor object may be; `untyped`: anything of these. */
export type ScalarType = 'string' | 'numeric' | 'boolean' | 'untyped';

/** How lists are merged. */
export interface ListType {
  /** `atomic`: as one value. `set`: items are told apart by value. `map`: by {@link keys}. */
  readonly relation: 'atomic' | 'set' | 'map';
  readonly keys: readonly string[];
  readonly element: MergeType;
}

/** How objects are merged. */
export interface MapType {
  /** As one value. */
  readonly atomic: boolean;
  /** Whether the field is one of those that the schema names. */
  declares(name: string): boolean;
  /** Type of a field; undefined: the schema allows no such field. */
  field(name: string): MergeType | undefined;
  /** Default of a declared field. */
  default(name: string): Json | undefined;
}

/**
 * How values of a schema are merged, field by field. A value of a type with several of the three takes the one that fits it.
 *
 * Source of the rules: kube-openapi, schemaconv/openapi.go and smd.go; structured-merge-diff, typed/helpers.go
 */
export interface MergeType {
  readonly scalar?: ScalarType;
  readonly list?: ListType;
  readonly map?: MapType;
}

/** Without schema: lists and objects are one value. */
export const atomicType: MergeType = {
  scalar: 'untyped',
  list: {
    relation: 'atomic',
    keys: [],
    get element() {
      return atomicType;
    },
  },
  map: { atomic: true, declares: () => false, field: () => atomicType, default: () => undefined },
};

/** Without schema: objects are merged field by field, lists are one value. */
export const deducedType: MergeType = {
  scalar: 'untyped',
  list: { relation: 'atomic', keys: [], element: atomicType },
  map: { atomic: false, declares: () => false, field: () => deducedType, default: () => undefined },
};

const types = { strict: new WeakMap<OpenApiSchema, MergeType>(), preserving: new WeakMap<OpenApiSchema, MergeType>() };

/**
 * The type of a schema.
 *
 * @param preserve  the schema lies in one that keeps unknown fields
 */
export function mergeType(schema: OpenApiSchema, preserve = false): MergeType {
  const keeps = preserve || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const known = keeps ? types.preserving : types.strict;
  let type = known.get(schema);
  if (!type) known.set(schema, (type = typeOf(schema, keeps)));
  return type;
}

function typeOf(schema: OpenApiSchema, keeps: boolean): MergeType {
  switch (schema.type) {
    case 'object':
      return { map: mapType(schema, keeps) };
    case 'array':
      return { list: listType(schema, keeps) };
    case 'integer':
    case 'number':
      return { scalar: 'numeric' };
    case 'boolean':
      return { scalar: 'boolean' };
    case 'string':
      return { scalar: schema.format === undefined || schema.format === 'byte' ? 'string' : 'untyped' };
    default:
      return { scalar: 'untyped', list: listType(schema, keeps), map: mapType(schema, keeps) };
  }
}

function mapType(schema: OpenApiSchema, keeps: boolean): MapType {
  const { properties, additionalProperties } = schema;
  const declared = (name: string): OpenApiSchema | undefined =>
    properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
  const other = (): MergeType | undefined => {
    if (isRecord(additionalProperties)) return mergeType(additionalProperties, keeps);
    if (additionalProperties === true) return deducedType;
    const open = additionalProperties === undefined && (keeps || Object.keys(properties ?? {}).length === 0);
    return open ? deducedType : undefined;
  };
  return {
    atomic: schema['x-kubernetes-map-type'] === 'atomic',
    declares: (name) => declared(name) !== undefined,
    field: (name) => {
      const own = declared(name);
      return own ? mergeType(own, keeps) : other();
    },
    default: (name) => declared(name)?.default,
  };
}

function listType(schema: OpenApiSchema, keeps: boolean): ListType {
  const { items } = schema;
  return {
    ...relationOf(schema),
    get element() {
      return items ? mergeType(items, keeps) : atomicType;
    },
  };
}

function relationOf(schema: OpenApiSchema): Pick<ListType, 'relation' | 'keys'> {
  switch (schema['x-kubernetes-list-type']) {
    case 'atomic':
      return { relation: 'atomic', keys: [] };
    case 'set':
      return { relation: 'set', keys: [] };
    case 'map':
      return { relation: 'map', keys: schema['x-kubernetes-list-map-keys'] ?? [] };
    default: {
      if (!schema['x-kubernetes-patch-strategy']?.split(',').includes('merge')) return { relation: 'atomic', keys: [] };
      const key = schema['x-kubernetes-patch-merge-key'];
      return key === undefined ? { relation: 'set', keys: [] } : { relation: 'map', keys: [key] };
    }
  }
}

/** The part of the type that fits the value; all of it for null, for nothing, and for a value that fits none. */
export function fitting(type: MergeType, value: Json | undefined): MergeType {
  if (value === undefined || value === null) return type;
  if (Array.isArray(value)) return type.list ? { list: type.list } : type;
  if (typeof value === 'object') return type.map ? { map: type.map } : type;
  return type.scalar ? { scalar: type.scalar } : type;
}

/** Whether both are the same part of one type. */
export function sameType(a: MergeType, b: MergeType): boolean {
  return a.scalar === b.scalar && a.list === b.list && a.map === b.map;
}

/**
 * What tells an item of a list from the others.
 *
 * @throws {Error} when the item has no keys, or cannot be in a set
 */
export function itemElement(type: ListType, item: Json): PathElement {
  if (type.relation === 'set') return setElement(item);
  if (item === null) throw new Error('associative list with keys may not have a null element');
  if (typeof item !== 'object' || Array.isArray(item)) {
    throw new Error('associative list with keys may not have non-map elements');
  }
  const keys: { [name: string]: Json } = {};
  for (const name of type.keys) {
    const value = item[name] ?? type.element.map?.default(name);
    if (value !== undefined) keys[name] = value;
  }
  if (Object.keys(keys).length === 0) {
    const names = type.keys.map((name) => JSON.stringify(name)).join(' ');
    throw new Error(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(keys);
}

function setElement(item: Json): PathElement {
  if (item === null) throw new Error("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new Error('not supported: associative list with lists as elements');
  if (typeof item === 'object') throw new Error("associative list without keys has an element that's a map type");
  return valueElement(item);
}
