import type { PublishedSchema } from '../../data/index.js';
import type { Json } from '../object.js';
import { eitherDecoding, GoDecoding } from './go-decoding.js';
import { alwaysShown, leftOut, pointers } from './go-types.js';
import { canonicalQuantity, isQuantity } from '../../quantity.js';

/**
 * Gives a decoded value the form in which the API server would encode it; undefined where it would leave it out. What has
 * its form already is returned itself.
 */
type Form = (value: unknown) => unknown;

type Fields = Record<string, unknown>;

const referencePrefix = '#/components/schemas/';
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values without a schema of their own: whatever they hold stays. */
const asItIs: Form = (value) => value;

/** A text that is not what its field holds; the message is Go's. */
export class DecodingError extends Error {
  override readonly name = 'DecodingError';
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** A moment to the second, and the digits after that. */
interface Moment {
  readonly seconds: string;
  readonly fraction: string;
}

function notATime(value: string, layout: string, rest = value, expected = '2006'): DecodingError {
  const parsing = `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}`;
  return new DecodingError(`${parsing}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(expected)}`);
}

type Six = [number, number, number, number, number, number];

/** @throws {DecodingError} what is no time, or is on no calendar and clock */
function moment(value: string, layout: string): Moment {
  const [, ...parts] = rfc3339.exec(value) ?? [];
  if (parts.length === 0) throw notATime(value, layout);
  const [year, month, day, hour, minute, second] = parts.slice(0, 6).map(Number) as Six;
  const [fraction = '', sign = '+', zoneHour = '0', zoneMinute = '0'] = parts.slice(6);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const wrong = Object.entries({
    month: month < 1 || month > 12,
    hour: hour > 23,
    minute: minute > 59,
    second: second > 59,
    'time zone offset hour': Number(zoneHour) > 24,
    'time zone offset minute': Number(zoneMinute) > 60,
    day: date.getUTCDate() !== day,
  }).find(([, isOut]) => isOut);
  if (wrong) throw new DecodingError(`parsing time ${JSON.stringify(value)}: ${wrong[0]} out of range`);
  const offset = Number(zoneHour) * 60 + Number(zoneMinute);
  date.setUTCHours(hour, minute - (sign === '-' ? -offset : offset), second);
  return { seconds: date.toISOString().slice(0, 19), fraction };
}

/** Moments, to the second. */
const time: Form = (value) =>
  typeof value === 'string' ? `${moment(value, '2006-01-02T15:04:05Z07:00').seconds}Z` : value;

/** Moments to the microsecond; exactly six digits are asked for. */
const microTime: Form = (value) => {
  if (typeof value !== 'string') return value;
  const layout = '2006-01-02T15:04:05.000000Z07:00';
  const { seconds, fraction } = moment(value, layout);
  if (fraction.length < 6) throw notATime(value, layout, 'Z', '.000000');
  if (fraction.length > 6) throw notATime(value, layout, value.slice(value.indexOf(fraction) + 6), 'Z07:00');
  return `${seconds}.${fraction}Z`;
};

const quantity: Form = (value) => {
  if ((typeof value === 'string' || typeof value === 'number') && !isQuantity(value)) {
    throw new DecodingError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  return canonicalQuantity(value);
};

/** Bytes, as base64. */
const bytes: Form = (value) => {
  if (typeof value !== 'string') return value;
  const text = value.replaceAll(/[\r\n]/g, '');
  const wrong = text.search(/[^A-Za-z0-9+/=]/);
  const at = wrong >= 0 ? wrong : text.length % 4 === 0 ? -1 : text.length - (text.length % 4);
  if (at >= 0) throw new DecodingError(`illegal base64 data at input byte ${at}`);
  return text;
};

/** Forms by the end of a definition's name. */
const named: Readonly<Record<string, Form>> = {
  'resource.Quantity': quantity,
  'v1.Time': time,
  'v1.MicroTime': microTime,
  'intstr.IntOrString': asItIs,
};

/**
 * Built-in objects pass through Go structs in a real API server: unknown fields, nulls and empty values vanish, structs
 * that are no pointers appear, quantities and times are printed in one way. This does the same to plain JSON.
 */
export class CanonicalForms {
  readonly #forms = new Map<string, Form>();
  /** Names of definitions by group, version and kind. */
  readonly #kinds = new Map<string, string>();
  readonly #decoding: GoDecoding;

  /** @param definitions  as published, see `src/sandbox/data` */
  constructor(private readonly definitions: Readonly<Record<string, PublishedSchema>>) {
    this.#decoding = new GoDecoding(definitions);
    for (const [name, schema] of Object.entries(definitions)) {
      for (const kind of schema['x-kubernetes-group-version-kind'] ?? []) this.#kinds.set(keyOf(kind), name);
    }
  }

  /**
   * Looks whether all values are of the types of their fields.
   *
   * @throws {DecodingError}
   */
  check(object: Fields, kind: { group: string; version: string; kind: string }): void {
    const problem = this.#decoding.problem(object, this.#kinds.get(keyOf(kind))!);
    if (problem !== undefined) throw new DecodingError(problem);
  }

  /**
   * Brings an object into its form, in place.
   *
   * @throws {DecodingError}
   */
  apply(object: Fields, kind: { group: string; version: string; kind: string }): void {
    const formed = this.#definition(this.#kinds.get(keyOf(kind))!)(object) as Fields;
    if (formed === object) return;
    for (const key of Object.keys(object)) if (!(key in formed)) delete object[key];
    Object.assign(object, formed);
  }

  #definition(name: string): Form {
    let form = this.#forms.get(name);
    if (form === undefined) {
      const schema = this.definitions[name];
      const short = name.split('.').slice(-2).join('.');
      const either = eitherDecoding[short];
      form = named[short] ?? (either ? this.#either(either) : schema ? this.#struct(name, schema) : asItIs);
      this.#forms.set(name, form);
    }
    return form;
  }

  #either(decoding: (value: unknown) => PublishedSchema | string): Form {
    return (value) => {
      const chosen = decoding(value);
      return typeof chosen === 'string' || Object.keys(chosen).length === 0 ? undefined : this.#of(chosen)(value);
    };
  }

  /** What Go makes of null where it must make something: in lists and maps; null where that is nothing. */
  #zero(schema: PublishedSchema): unknown {
    const name = (schema.$ref ?? schema.allOf?.[0]?.$ref)?.slice(referencePrefix.length);
    if (name?.endsWith('resource.Quantity')) return '0';
    if (name !== undefined) return this.definitions[name]?.properties ? {} : null;
    return { string: '', integer: 0, number: 0, boolean: false }[schema.type as string] ?? null;
  }

  #of(schema: PublishedSchema): Form {
    const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
    // Looked up when it is used: definitions may contain themselves.
    if (reference !== undefined) {
      const name = reference.slice(referencePrefix.length);
      return (value) => this.#definition(name)(value);
    }
    if (schema.format === 'byte') return bytes;
    if (schema.items) {
      const item = this.#of(schema.items);
      const none = this.#zero(schema.items);
      return (value) => (Array.isArray(value) ? mapped(value, (each) => item(each ?? none)) : value);
    }
    if (typeof schema.additionalProperties === 'object') {
      const entry = this.#of(schema.additionalProperties);
      const none = this.#zero(schema.additionalProperties);
      return (value) =>
        isFields(value)
          ? Object.fromEntries(
              Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
                const formed = entry(each ?? none);
                return formed === undefined || formed === null ? [] : [[key, formed]];
              }),
            )
          : value;
    }
    return asItIs;
  }

  #struct(name: string, schema: PublishedSchema): Form {
    if (schema.properties === undefined) return asItIs;
    const short = name.split('.').slice(-3).join('.');
    const fields = new Map<string, Form>();
    /** What is there although nobody has set it. */
    const shown: [string, Form][] = [];
    for (const [field, property] of Object.entries(schema.properties)) {
      const facts = {
        pointer: words(pointers[short]).includes(field),
        shown: alwaysShown[short]?.[field],
        required: schema.required?.includes(field) === true,
        leftOut: words(leftOut[short]).includes(field),
        keepsEmpty: short.startsWith('apiextensions.') && schema.required?.includes(field) === true,
      };
      const form = this.#field(property, facts);
      fields.set(field, form);
      if (zeroOf(property, facts) !== undefined) shown.push([field, form]);
    }
    return (value) => {
      if (!isFields(value)) return value;
      const formed: Fields = {};
      let changed = false;
      for (const field in value) {
        const result = fields.get(field)?.(value[field]);
        if (result !== undefined) formed[field] = result;
        if (result === undefined || result !== value[field]) changed = true;
      }
      for (const [field, form] of shown) {
        if (field in formed) continue;
        formed[field] = form(undefined);
        changed = true;
      }
      return changed ? formed : value;
    };
  }

  #field(property: PublishedSchema, facts: FieldFacts): Form {
    const form = this.#of(property);
    const zero = zeroOf(property, facts);
    const scalar = property.type === 'string' || property.type === 'boolean' || property.type === 'integer';
    return (value) => {
      if (value === null || value === undefined) return isFields(zero) ? form({}) : zero;
      if (scalar && !facts.pointer && isZero(value)) return zero;
      const formed = form(value);
      // Values of any type (defaults in schemas) keep their emptiness.
      const empty = property.type === 'array' && Array.isArray(formed) && formed.length === 0;
      // Storage does not tell an empty list from none.
      if (empty && !facts.keepsEmpty) return zero;
      if (property.additionalProperties !== undefined && isFields(formed) && Object.keys(formed).length === 0) {
        return undefined;
      }
      return formed;
    };
  }
}

/** The list itself if none of its items changes. */
function mapped(list: unknown[], form: Form): unknown[] {
  const formed = list.map((item) => form(item));
  return formed.some((item, i) => item !== list[i]) ? formed : list;
}

const keyOf = ({ group, version, kind }: { group: string; version: string; kind: string }): string =>
  `${group}/${version}/${kind}`;

interface FieldFacts {
  /** A zero is something else than nothing. */
  readonly pointer: boolean;
  /** What is shown for nothing, where the schema does not say it. */
  readonly shown: Json | undefined;
  readonly required: boolean;
  readonly leftOut: boolean;
  /** Definitions are stored as JSON, other kinds in protobuf. */
  readonly keepsEmpty: boolean;
}

const words = (text = ''): string[] => text.split(' ');
const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

/** What stands for an absent field: undefined where nothing does. */
function zeroOf(property: PublishedSchema, facts: FieldFacts): unknown {
  if (facts.shown !== undefined) return facts.shown;
  if (isFields(property.default)) return {};
  if (facts.required && property.type === 'array') return null;
  return facts.required && !facts.leftOut && property.default !== undefined && isZero(property.default)
    ? property.default
    : undefined;
}
