import { publishedOpenApi, type PublishedSchema } from '../../data/index.js';
import { isRecord } from '../json.js';

const referencePrefix = '#/components/schemas/';

/** Types that decode themselves, by the last two parts of their names; each tells what is wrong with a value. */
const ownDecoding: Readonly<Record<string, (value: unknown, field: string) => string | undefined>> = {
  'runtime.RawExtension': () => undefined,
  'v1.FieldsV1': () => undefined,
  'v1.JSON': () => undefined,
  'resource.Quantity': () => undefined,
  'v1.Time': textOnly,
  'v1.MicroTime': textOnly,
  'intstr.IntOrString': (value, field) =>
    typeof value === 'string' || typeof value === 'number' ? undefined : mismatch(value, field, 'int32'),
};

const jsonSchema: PublishedSchema = {
  $ref: `${referencePrefix}io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps`,
};

/** Types that decode as one of several, by the value: what it should be, or what is wrong with it. */
export const eitherDecoding: Readonly<Record<string, (value: unknown) => PublishedSchema | string>> = {
  // Anything else is an empty one.
  'v1.JSONSchemaPropsOrArray': (value) =>
    Array.isArray(value) ? { type: 'array', items: jsonSchema } : isRecord(value) ? jsonSchema : {},
  'v1.JSONSchemaPropsOrStringArray': (value) =>
    Array.isArray(value) ? { type: 'array', items: { type: 'string' } } : isRecord(value) ? jsonSchema : {},
  'v1.JSONSchemaPropsOrBool': (value) =>
    isRecord(value) ? jsonSchema : typeof value === 'boolean' ? { type: 'boolean' } : 'boolean or JSON schema expected',
};

function textOnly(value: unknown, field: string): string | undefined {
  return typeof value === 'string' ? undefined : mismatch(value, field, 'string');
}

function mismatch(value: unknown, field: string, type: string): string {
  return `json: cannot unmarshal ${jsonName(value)} into Go struct field ${field} of type ${type}`;
}

/** What Go's decoder calls the type of a value in JSON. */
export function jsonName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** A struct on the way down: its name, and the path of its fields. */
interface Place {
  readonly struct: string;
  readonly path: string;
}

/** Whether a value, other than null, has the type of its field. */
type Fits = (value: unknown) => boolean;

let published: GoDecoding | undefined;

/** Looks whether values have the types of their fields. Nearly all have: only for others it is found out what is wrong. */
export class GoDecoding {
  readonly #fits = new Map<string, Fits>();
  /** Names of definitions by group, version and kind. */
  readonly #kinds = new Map<string, string>();

  /** @param definitions  as published, see `src/sandbox/data` */
  constructor(private readonly definitions: Readonly<Record<string, PublishedSchema>>) {
    for (const [name, schema] of Object.entries(definitions)) {
      for (const kind of schema['x-kubernetes-group-version-kind'] ?? []) this.#kinds.set(keyOf(kind), name);
    }
  }

  /** Knows all that is published. */
  static get published(): GoDecoding {
    return (published ??= new GoDecoding(publishedOpenApi().definitions));
  }

  /** As {@link problem}, of an object of a kind; undefined also if the kind is not known. */
  kindProblem(value: object, kind: { group: string; version: string; kind: string }): string | undefined {
    const name = this.#kinds.get(keyOf(kind));
    return name === undefined ? undefined : this.problem(value, name);
  }

  /** As {@link problem}, of metadata. */
  metadataProblem(value: object): string | undefined {
    return this.problem(value, 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
  }

  /**
   * The first value whose type does not fit, in the words of Go's decoder; undefined if all fit.
   *
   * @param name  of the definition that the value should have
   */
  problem(value: object, name: string): string | undefined {
    const { properties } = this.definitions[name] ?? {};
    if (!properties || this.#definition(name)(value)) return undefined;
    return structProblem(value, properties, { struct: lastPart(name), path: '' }, this.definitions);
  }

  #definition(name: string): Fits {
    let fits = this.#fits.get(name);
    if (fits === undefined) this.#fits.set(name, (fits = this.#shape(this.definitions[name] ?? {})));
    return fits;
  }

  #of(schema: PublishedSchema): Fits {
    const name = referenceOf(schema);
    if (name === undefined) return this.#shape(schema);
    const own = ownDecoding[lastParts(name)];
    if (own) return (value) => own(value, '') === undefined;
    const either = eitherDecoding[lastParts(name)];
    if (either) {
      return (value) => {
        const chosen = either(value);
        return typeof chosen !== 'string' && this.#of(chosen)(value);
      };
    }
    // Looked up when it is used: definitions may contain themselves.
    let fits: Fits | undefined;
    return (value) => (fits ??= this.#definition(name))(value);
  }

  #shape({ type, format, items, properties, additionalProperties }: PublishedSchema): Fits {
    switch (type) {
      case 'array': {
        const item = items && this.#of(items);
        return (value) => Array.isArray(value) && (!item || value.every((each) => each === null || item(each)));
      }
      case 'object':
        if (properties) return this.#struct(properties);
        return entriesFit(typeof additionalProperties === 'object' ? this.#of(additionalProperties) : undefined);
      case 'string':
      case 'boolean':
      case 'number':
        return (value) => typeof value === type;
      case 'integer':
        return (value) => isInteger(value, format);
      default:
        return () => true;
    }
  }

  #struct(properties: Readonly<Record<string, PublishedSchema>>): Fits {
    const fields = new Map(Object.entries(properties).map(([field, schema]) => [field, this.#of(schema)]));
    return (value) => {
      if (typeof value !== 'object' || Array.isArray(value)) return false;
      for (const field in value) {
        const inner = (value as Record<string, unknown>)[field];
        if (inner !== null && fields.get(field)?.(inner) === false) return false;
      }
      return true;
    };
  }
}

/** Whether a number is whole, and has room in its type. */
function isInteger(value: unknown, format = 'int64'): boolean {
  const limit = format === 'int32' ? 2 ** 31 : 2 ** 63;
  return Number.isInteger(value) && (value as number) >= -limit && (value as number) < limit;
}

function entriesFit(entry: Fits | undefined): Fits {
  return (value) => {
    if (typeof value !== 'object' || Array.isArray(value)) return false;
    return !entry || Object.values(value as object).every((each) => each === null || entry(each));
  };
}

const keyOf = ({ group, version, kind }: { group: string; version: string; kind: string }): string =>
  `${group}/${version}/${kind}`;

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const lastParts = (name: string): string => name.split('.').slice(-2).join('.');

function structProblem(
  value: object,
  properties: Readonly<Record<string, PublishedSchema>>,
  { struct, path }: Place,
  definitions: Readonly<Record<string, PublishedSchema>>,
): string | undefined {
  for (const [field, inner] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, field) ? properties[field] : undefined;
    if (!schema || inner === null) continue;
    const below = path === '' ? field : `${path}.${field}`;
    const problem = valueProblem(inner, schema, { struct, path: below }, definitions);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function valueProblem(
  value: unknown,
  schema: PublishedSchema,
  place: Place,
  definitions: Readonly<Record<string, PublishedSchema>>,
): string | undefined {
  const field = `${place.struct}.${place.path}`;
  const name = referenceOf(schema);
  const target = name === undefined ? schema : (definitions[name] ?? {});
  const own = name === undefined ? undefined : ownDecoding[lastParts(name)];
  if (own) return own(value, field);
  const chosen = name === undefined ? undefined : eitherDecoding[lastParts(name)]?.(value);
  if (chosen !== undefined)
    return typeof chosen === 'string' ? chosen : valueProblem(value, chosen, place, definitions);
  const refuse = (): string => mismatch(value, field, typeText(schema));
  if (target.type === 'array')
    return Array.isArray(value) ? firstProblem(value, target.items, place, definitions) : refuse();
  if (target.type === 'object') {
    if (typeof value !== 'object' || Array.isArray(value)) return refuse();
    if (target.properties) {
      const struct = name === undefined ? place.struct : lastPart(name);
      return structProblem(value as object, target.properties, { struct, path: place.path }, definitions);
    }
    const { additionalProperties } = target;
    const entries = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    return firstProblem(Object.values(value as object), entries, place, definitions);
  }
  return scalarProblem(value, target, field, refuse);
}

function firstProblem(
  values: unknown[],
  schema: PublishedSchema | undefined,
  place: Place,
  definitions: Readonly<Record<string, PublishedSchema>>,
): string | undefined {
  if (!schema) return undefined;
  for (const value of values) {
    const problem = value === null ? undefined : valueProblem(value, schema, place, definitions);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function scalarProblem(
  value: unknown,
  schema: PublishedSchema,
  field: string,
  refuse: () => string,
): string | undefined {
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' ? undefined : refuse();
    case 'boolean':
      return typeof value === 'boolean' ? undefined : refuse();
    case 'number':
      return typeof value === 'number' ? undefined : refuse();
    case 'integer':
      if (typeof value !== 'number') return refuse();
      if (isInteger(value, schema.format)) return undefined;
      return `json: cannot unmarshal number ${value} into Go struct field ${field} of type ${typeText(schema)}`;
    default:
      return undefined;
  }
}

function referenceOf({ $ref, allOf }: PublishedSchema): string | undefined {
  return ($ref ?? allOf?.[0]?.$ref)?.slice(referencePrefix.length);
}

/** The type of a field in Go; named texts (`v1.RestartPolicy`) are not told apart from plain ones. */
function typeText(schema: PublishedSchema): string {
  const name = referenceOf(schema);
  if (name !== undefined) return lastParts(name);
  switch (schema.type) {
    case 'array':
      return `[]${typeText(schema.items ?? {})}`;
    case 'object':
      return `map[string]${typeText(typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {})}`;
    case 'integer':
      return schema.format ?? 'int64';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    default:
      return schema.format === 'byte' ? '[]uint8' : 'string';
  }
}
