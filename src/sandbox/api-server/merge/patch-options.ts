import type { FieldError } from '../errors.js';

/** The longest name of a field manager, in bytes. Source: apimachinery, pkg/apis/meta/v1/validation */
const maxManagerLength = 128;

/** Query parameters of a write that concern field managers. */
export interface ManagerOptions {
  /** The request is a server-side apply. */
  readonly apply: boolean;
  readonly fieldManager?: string;
  /** Present if the client sent it. */
  readonly force?: boolean;
}

/** What is wrong with the options of a patch, as fields of `PatchOptions`. */
export function patchOptionErrors({ apply, fieldManager = '', force }: ManagerOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (apply && fieldManager === '') {
    errors.push({ type: 'Required value', field: 'fieldManager', detail: 'is required for apply patch' });
  }
  if (!apply && force !== undefined) {
    errors.push({ type: 'Forbidden', field: 'force', detail: 'may not be specified for non-apply patch' });
  }
  return [...errors, ...fieldManagerErrors(fieldManager)];
}

/** What is wrong with a `fieldManager`; also for creates and updates. */
export function fieldManagerErrors(fieldManager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(fieldManager) > maxManagerLength) {
    const detail = `may not be more than ${maxManagerLength} bytes`;
    errors.push({ type: 'Too long', field: 'fieldManager', value: '', detail });
  }
  let position = 0;
  for (const character of fieldManager) {
    if (!isPrintable(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      const detail = `invalid character U+${code} (at position ${position})`;
      errors.push({ type: 'Invalid value', field: 'fieldManager', value: fieldManager, detail });
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

/** As Go's `unicode.IsPrint`: of all white space only the space. */
export function isPrintable(character: string): boolean {
  return character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);
}
