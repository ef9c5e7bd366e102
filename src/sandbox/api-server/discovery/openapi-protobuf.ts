/** A schema of OpenAPI v2, as JSON. */
type Json = Readonly<Record<string, unknown>>;

/** A document of OpenAPI v2, as far as kubectl reads it. */
export interface Swagger {
  readonly swagger: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: object;
  readonly definitions: Readonly<Record<string, object>>;
}

/**
 * The media type by which kubectl asks for OpenAPI v2 (it takes no other), and the one of the answer: with `@` it is none by
 * RFC 2045.
 *
 * @see kubernetes/kube-openapi pkg/handler/handler.go
 */
export const openApiProtobuf = {
  asked: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  answered: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
};

/**
 * OpenAPI v2 as protobuf: what kubectl reads of it, which is the head and the definitions.
 *
 * @see google/gnostic-models openapiv2/OpenAPIv2.proto, whose field numbers these are
 */
export function toOpenApiProtobuf({ swagger, info, definitions }: Swagger): Buffer {
  return Buffer.concat([
    text(1, swagger),
    message(2, text(1, info.title), text(2, info.version)),
    message(9, ...named(definitions)),
  ]);
}

/** Entries of a map of schemas. */
function named(schemas: unknown): Buffer[] {
  return Object.entries((schemas ?? {}) as Json).map(([name, schema]) =>
    message(1, text(1, name), message(2, ...fields(schema))),
  );
}

function fields(schema: unknown): Buffer[] {
  const given = schema as Json;
  const { items, additionalProperties, properties, allOf } = given;
  // A reference with something beside it; kubectl looks for it at the top.
  const [only] = (allOf ?? []) as { $ref?: string }[];
  return [
    ...texts(1, given['$ref'] ?? only?.$ref),
    ...texts(2, given['format']),
    ...texts(4, given['description']),
    ...((given['required'] ?? []) as string[]).map((name) => text(19, name)),
    ...((given['enum'] ?? []) as unknown[]).map((value) => message(20, yaml(value))),
    ...additional(additionalProperties),
    ...(typeof given['type'] === 'string' ? [message(22, text(1, given['type']))] : []),
    ...(items === undefined ? [] : [message(23, message(1, ...fields(items)))]),
    ...(properties === undefined ? [] : [message(25, ...named(properties))]),
    ...Object.entries(given)
      .filter(([key]) => key.startsWith('x-'))
      .map(([key, value]) => message(31, text(1, key), message(2, yaml(value)))),
  ];
}

function additional(schema: unknown): Buffer[] {
  if (schema === undefined) return [];
  if (typeof schema === 'boolean') return [message(21, varint(2 << 3), varint(Number(schema)))];
  return [message(21, message(1, ...fields(schema)))];
}

/** A value of any kind, which this format holds as YAML; and JSON is YAML. */
const yaml = (value: unknown): Buffer => text(2, JSON.stringify(value));

const texts = (field: number, value: unknown): Buffer[] => (typeof value === 'string' ? [text(field, value)] : []);

const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));

/** A field with a length before its content: a message, or a text. */
function message(field: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(Math.floor(value / 128 ** bytes.length));
  return Buffer.from(bytes);
}
