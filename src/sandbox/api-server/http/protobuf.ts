import { apiVersionOf } from '../../../kube/resource.js';
import { type ProtobufMessages, protobufMessages, publishedOpenApi } from '../../data/index.js';
import { badRequest } from '../errors.js';

/** What kubectl's typed clients send: they do not fall back to JSON. */
export const protobufType = 'application/vnd.kubernetes.protobuf';

/** Precedes every body. */
const magic = Buffer.from('k8s\0');

const unknown = 'io.k8s.apimachinery.pkg.runtime.Unknown';

/** Wire types of protobuf. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

type Fields = Record<string, unknown>;

/** Reads the parts of a message one after the other. */
class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** The next field: its number, and its value as it is on the wire. */
  field(): { number: number; value: bigint | Buffer } {
    const tag = Number(this.#varint());
    return { number: tag >> 3, value: this.#value(tag & 7) };
  }

  #value(type: number): bigint | Buffer {
    switch (type) {
      case wire.varint:
        return this.#varint();
      case wire.bytes:
        return this.#take(Number(this.#varint()));
      case wire.fixed64:
        return this.#take(8);
      case wire.fixed32:
        return this.#take(4);
      default:
        throw badRequest(`proto: illegal wireType ${type}`);
    }
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.bytes.length) throw badRequest('unexpected EOF');
    return this.bytes.subarray(this.#at, (this.#at += length));
  }

  #varint(): bigint {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const [byte] = this.#take(1);
      value |= BigInt(byte! & 0x7f) << shift;
      if (byte! < 0x80) return value;
    }
  }
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** A moment; the zero time of Go is null. */
function time(fields: Fields, fraction: boolean): string | null {
  const { seconds = 0, nanos = 0 } = fields as { seconds?: number; nanos?: number };
  if (seconds === 0 && nanos === 0) return null;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${pad(Math.floor(nanos / 1000), 6)}Z` : `${whole}Z`;
}

const rawJson = ({ raw, Raw }: Fields): unknown => JSON.parse(Buffer.from((raw ?? Raw) as string, 'base64').toString());

/** Messages that have a form of their own in JSON, by the end of their name. */
const special: Readonly<Record<string, (fields: Fields) => unknown>> = {
  'meta.v1.Time': (fields) => time(fields, false),
  'meta.v1.MicroTime': (fields) => time(fields, true),
  'meta.v1.FieldsV1': rawJson,
  'pkg.runtime.RawExtension': rawJson,
  'apiextensions.v1.JSON': rawJson,
  'api.resource.Quantity': ({ string }) => string,
  'util.intstr.IntOrString': ({ type, intVal, strVal }) => (type === 1 ? strVal : (intVal ?? 0)),
};

/** Decodes messages whose fields are known by number. */
export class ProtobufDecoder {
  readonly #messages: ProtobufMessages;
  /** Names of messages by apiVersion and kind. */
  readonly #kinds = new Map<string, string>();

  constructor(messages = protobufMessages(), published = publishedOpenApi()) {
    this.#messages = messages;
    for (const [name, schema] of Object.entries(published.definitions)) {
      for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
        this.#kinds.set(`${apiVersionOf({ group, version })} ${kind}`, name);
      }
    }
  }

  /**
   * Decodes a body: an object with its apiVersion and kind.
   *
   * @throws {import('../errors.js').StatusError} 400
   */
  decode(body: Buffer): Fields {
    if (!body.subarray(0, magic.length).equals(magic)) {
      throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
    }
    const { typeMeta = {}, raw = '' } = this.#message(unknown, body.subarray(magic.length)) as {
      typeMeta?: { apiVersion?: string; kind?: string };
      raw?: string;
    };
    const name = this.#kinds.get(`${typeMeta.apiVersion} ${typeMeta.kind}`);
    if (name === undefined)
      throw badRequest(`no kind "${typeMeta.kind}" is registered for version "${typeMeta.apiVersion}"`);
    return { kind: typeMeta.kind, apiVersion: typeMeta.apiVersion, ...this.#message(name, Buffer.from(raw, 'base64')) };
  }

  #message(name: string, bytes: Buffer): Fields {
    const known = this.#messages[name] ?? {};
    const fields: Fields = {};
    for (const reader = new Reader(bytes); !reader.done;) {
      const { number, value } = reader.field();
      const described = known[number];
      if (described !== undefined) this.#add(fields, described, value);
    }
    return fields;
  }

  #add(fields: Fields, described: string, value: bigint | Buffer): void {
    const [, name = '', shape = '', type = ''] = /^(\S*) ([*%]?)(\S+)$/.exec(described) ?? [];
    if (name === '') Object.assign(fields, this.#value(type, value));
    else if (shape === '*') fields[name] = [...((fields[name] ?? []) as unknown[]), this.#value(type, value)];
    else if (shape === '%')
      fields[name] = { ...(fields[name] as object | undefined), ...this.#entry(type, value as Buffer) };
    else fields[name] = this.#value(type, value);
  }

  /** One entry of a map: a message of key and value. */
  #entry(type: string, bytes: Buffer): Fields {
    let key = '';
    let value: unknown = type === 'string' ? '' : undefined;
    for (const reader = new Reader(bytes); !reader.done;) {
      const field = reader.field();
      if (field.number === 1) key = (field.value as Buffer).toString();
      else value = this.#value(type, field.value);
    }
    return value === undefined ? { [key]: '' } : { [key]: value };
  }

  #value(type: string, value: bigint | Buffer): unknown {
    if (typeof value === 'bigint') return type === 'bool' ? value !== 0n : Number(BigInt.asIntN(64, value));
    if (type === 'string') return value.toString();
    if (type === 'bytes') return value.toString('base64');
    if (type === 'double') return value.readDoubleLE();
    return this.#json(type, this.#message(type, value));
  }

  #json(type: string, fields: Fields): unknown {
    const short = type.split('.').slice(-3).join('.');
    const form = special[short];
    if (form) return form(fields);
    // Lists with a type of their own in Go.
    const only = Object.values(this.#messages[type] ?? {});
    return only.length === 1 && only[0]!.startsWith('items *') ? (fields.items ?? []) : fields;
  }
}

let decoder: ProtobufDecoder | undefined;

/** A protobuf body as JSON text. @throws {import('../errors.js').StatusError} 400 */
export function protobufToJson(body: Buffer): Buffer {
  decoder ??= new ProtobufDecoder();
  return Buffer.from(JSON.stringify(decoder.decode(body)));
}
