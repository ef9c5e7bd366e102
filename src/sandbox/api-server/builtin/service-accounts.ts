import type { BuiltinKind } from './builtin-kind.js';
import { nameAndAge } from './table-form.js';

/** `v1` ServiceAccount. */
export const serviceAccounts: BuiltinKind = {
  group: '',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  subresources: ['token'],
  strategy: { returnsDeleted: true },
  table: nameAndAge,
};
