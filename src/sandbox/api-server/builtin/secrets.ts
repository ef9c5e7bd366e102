import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { type Data, dataLimit, validateFrozen, validateKey } from './config-maps.js';
import { immutable, invalid, required } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';

/** Keys that a type of Secret must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const accountAnnotation = 'kubernetes.io/service-account.name';

/** `stringData` is for writing only: it ends up in `data`. */
function setDefaults(secret: ApiObject): void {
  secret.type ??= 'Opaque';
  if (secret.stringData === undefined) return;
  const encoded = Object.entries(secret.stringData as Data).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  secret.data = { ...(secret.data as Data | undefined), ...(Object.fromEntries(encoded) as Data) };
  delete secret.stringData;
}

function validate(secret: ApiObject): FieldError[] {
  const data = (secret.data ?? {}) as Data;
  const type = secret.type as string;
  const bytes = Object.values(data).reduce((sum, value) => sum + Buffer.from(value, 'base64').length, 0);
  return [
    ...Object.keys(data).flatMap((key) => validateKey('data', key)),
    ...(bytes > dataLimit
      ? [{ type: 'Too long', field: 'data', detail: `may not be more than ${dataLimit} bytes` } as const]
      : []),
    ...(requiredKeys[type] ?? []).filter((key) => !(key in data)).map((key) => required(`data[${key}]`)),
    ...(type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)
      ? [required('data[username]'), required('data[password]')]
      : []),
    ...(type === 'kubernetes.io/service-account-token' && !secret.metadata.annotations?.[accountAnnotation]
      ? [required(`metadata.annotations[${accountAnnotation}]`)]
      : []),
    ...(type === 'kubernetes.io/dockerconfigjson' ? validateJson('.dockerconfigjson', data) : []),
  ];
}

function validateJson(key: string, data: Data): FieldError[] {
  if (data[key] === undefined) return [];
  try {
    JSON.parse(Buffer.from(data[key], 'base64').toString());
    return [];
  } catch {
    const [first = ''] = Buffer.from(data[key], 'base64').toString();
    const why = `invalid character '${first}' looking for beginning of value`;
    return [invalid(`data[${key}]`, '<secret contents redacted>', why)];
  }
}

/** `v1` Secret. */
export const secrets: BuiltinKind = {
  group: '',
  kind: 'Secret',
  strategy: {
    setDefaults,
    validate,
    validateUpdate: (secret, old) => [
      ...immutable('type', secret.type, old.type),
      ...validateFrozen(secret, old, 'data'),
      ...validate(secret),
    ],
    selectableFieldNames: ['type'],
    selectableFields: (secret) => ({ type: (secret.type as string | undefined) ?? '' }),
  },
  table: {
    columns: [
      nameColumn,
      column('Type', 'Used to facilitate programmatic handling of secret data.'),
      column('Data', 'Data contains the secret data.'),
      ageColumn,
    ],
    cells: (secret, now) => [
      secret.metadata.name,
      secret.type,
      Object.keys(secret.data ?? {}).length,
      age(secret.metadata.creationTimestamp, now),
    ],
  },
};
