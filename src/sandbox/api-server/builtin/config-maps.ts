import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, invalid } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';

/** Bytes that a ConfigMap or Secret may hold. */
export const dataLimit = 1_048_576;

/** Texts by key. */
export type Data = Record<string, string>;

/** How keys of ConfigMaps and Secrets must look (`IsConfigMapKey`). */
export function validateKey(field: string, key: string): FieldError[] {
  const at = `${field}[${key}]`;
  const words =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return [
    ...(key.length > 253 ? [invalid(at, key, 'must be no more than 253 bytes')] : []),
    ...(/^[-._a-zA-Z0-9]+$/.test(key) ? [] : [invalid(at, key, words)]),
    ...(key === '.' || key === '..' ? [invalid(at, key, `must not be '${key}'`)] : []),
    ...(key.startsWith('..') && key !== '..' ? [invalid(at, key, "must not start with '..'")] : []),
  ];
}

/** Fields that nobody may change once `immutable` is set, and `immutable` itself. */
export function validateFrozen(object: ApiObject, old: ApiObject, ...fields: string[]): FieldError[] {
  if (old.immutable !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  return [
    ...(object.immutable === true ? [] : [forbidden('immutable', detail)]),
    ...fields.filter((field) => !isEqual(object[field], old[field])).map((field) => forbidden(field, detail)),
  ];
}

function validate(object: ApiObject): FieldError[] {
  const data = (object.data ?? {}) as Data;
  const binary = (object.binaryData ?? {}) as Data;
  const bytes =
    Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value), 0) +
    Object.values(binary).reduce((sum, value) => sum + Buffer.from(value, 'base64').length, 0);
  return [
    ...Object.keys(data).flatMap((key) => [
      ...validateKey('data', key),
      ...(Object.hasOwn(binary, key) ? [invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')] : []),
    ]),
    ...Object.keys(binary).flatMap((key) => validateKey('binaryData', key)),
    ...(bytes > dataLimit
      ? [{ type: 'Too long', field: '[]', detail: `may not be more than ${dataLimit} bytes` } as const]
      : []),
  ];
}

/** `v1` ConfigMap. */
export const configMaps: BuiltinKind = {
  group: '',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  strategy: {
    validate,
    validateUpdate: (object, old) => [...validateFrozen(object, old, 'data', 'binaryData'), ...validate(object)],
  },
  table: {
    columns: [nameColumn, column('Data', 'Data contains the configuration data.'), ageColumn],
    cells: (object, now) => [
      object.metadata.name,
      Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
      age(object.metadata.creationTimestamp, now),
    ],
  },
};
