import { isEqual, isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';

/**
 * A value of a changed object together with the value that was there before: fields and map entries belong together by
 * name, items of list maps by their keys, other items not at all. What has not changed may stay wrong.
 *
 * Source: apiserver, pkg/cel/common/equality.go
 */
export class Correlation {
  #unchanged: boolean | undefined;

  constructor(
    readonly value: unknown,
    readonly old: unknown,
    readonly schema: OpenApiSchema | undefined,
  ) {}

  /** Whether the value is as it was. */
  get unchanged(): boolean {
    return (this.#unchanged ??= isEqual(this.value, this.old));
  }

  /** The same for a field or entry, undefined where nothing was before. */
  field(name: string): Correlation | undefined {
    if (!isRecord(this.value) || !isRecord(this.old) || !Object.hasOwn(this.old, name)) return undefined;
    const { properties, additionalProperties } = this.schema ?? {};
    const others = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
    return new Correlation(this.value[name], this.old[name], properties?.[name] ?? others);
  }

  /** The same for an item of a list map. */
  item(index: number): Correlation | undefined {
    if (!Array.isArray(this.value) || !Array.isArray(this.old)) return undefined;
    const value = this.value[index] as unknown;
    const old = itemWithKeys(this.old, value, this.schema);
    return old === undefined ? undefined : new Correlation(value, old, this.schema?.items);
  }
}

/** The item of a list map that has the keys of another, undefined for other lists. */
export function itemWithKeys(list: readonly unknown[], item: unknown, schema: OpenApiSchema | undefined): unknown {
  if (schema?.['x-kubernetes-list-type'] !== 'map' || !isRecord(item)) return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return list.find((other) => isRecord(other) && keys.every((key) => isEqual(other[key], item[key])));
}
