import { escapeName } from '../cel/names.js';
import { type CelType, dyn, string } from '../cel/types.js';
import { isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';

/** What rules at the root of a resource see, whatever the schema says: the type and the name. */
const resourceProperties: Readonly<Record<string, OpenApiSchema>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', properties: { name: { type: 'string' }, generateName: { type: 'string' } } },
};

/** A schema as rules see it: a resource has more than it says. */
export function withResourceFields(schema: OpenApiSchema): OpenApiSchema {
  return { ...schema, properties: { ...schema.properties, ...resourceProperties } };
}

/**
 * The type that a value has in rules, undefined where rules do not see it: fields that the schema does not describe are not
 * there.
 *
 * Source: apiserver, pkg/cel/common/schemas.go
 *
 * @param path  names the types of objects in messages
 */
export function celTypeOf(schema: OpenApiSchema, isResource: boolean, path = 'self'): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return dyn;
  const {
    type,
    format,
    items,
    properties = {},
    additionalProperties,
  } = isResource ? withResourceFields(schema) : schema;
  const below = (inner: OpenApiSchema, name: string): CelType | undefined =>
    celTypeOf(inner, inner['x-kubernetes-embedded-resource'] === true, `${path}.${name}`);
  switch (type) {
    case 'array': {
      const element = items && below(items, '@idx');
      return element && { kind: 'list', element };
    }
    case 'object': {
      if (isRecord(additionalProperties)) {
        const value = below(additionalProperties, '@elem');
        return value && { kind: 'map', key: string, value };
      }
      const fields = Object.entries(properties).flatMap(([name, property]) => {
        const field = escapeName(name) === undefined ? undefined : below(property, name);
        return field ? [[name, field] as const] : [];
      });
      return {
        kind: 'object',
        name: path === 'self' ? 'selfType' : path.replace('self', 'selfType'),
        fields: new Map(fields),
      };
    }
    case 'string':
      return stringType(format);
    case 'boolean':
      return { kind: 'bool' };
    case 'number':
      return { kind: 'double' };
    case 'integer':
      return { kind: 'int' };
    default:
      return undefined;
  }
}

function stringType(format: string | undefined): CelType {
  if (format === 'byte') return { kind: 'bytes' };
  if (format === 'duration') return { kind: 'duration' };
  return format === 'date' || format === 'date-time' ? { kind: 'timestamp' } : string;
}
