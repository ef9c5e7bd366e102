import type { Decoding } from '../http/body.js';
import type { Parts } from '../parts.js';

/** What decoding may ask about built-in kinds. */
export function knownKinds({ registry }: Parts): NonNullable<Decoding['knows']> {
  return (group, version, kind) => registry.hasBuiltinKind(group, version, kind);
}
