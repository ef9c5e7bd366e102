/** Something that an object says, and its translation does not. */
export interface Remark {
  /** A path in the object, such as `spec.http[0].fault`. */
  readonly at: string;
  /** One clause, no full stop. */
  readonly message: string;
}

/** What is noticed while an object is translated; each thing once. */
export class Remarks {
  readonly #refused = new Map<string, Remark>();
  readonly #leftOut = new Map<string, Remark>();

  /** What cannot be said otherwise: there is no translation. */
  get refused(): Remark[] {
    return [...this.#refused.values()];
  }

  /** What is not said, for it decides nothing about requests. */
  get leftOut(): Remark[] {
    return [...this.#leftOut.values()];
  }

  refuse(at: string, message: string): undefined {
    this.#refused.set(`${at} ${message}`, { at, message });
  }

  leaveOut(at: string, message: string): undefined {
    this.#leftOut.set(`${at} ${message}`, { at, message });
  }

  /**
   * Refuses each field that is set and of which nobody has said what becomes of it.
   *
   * @param known    fields that are translated
   * @param without  fields that no translation has, and why
   */
  refuseOthers(
    fields: Readonly<Record<string, unknown>>,
    at: string,
    known: readonly string[],
    without: Readonly<Record<string, string>> = {},
  ): void {
    for (const [field, value] of Object.entries(fields)) {
      if (known.includes(field) || isUnset(value)) continue;
      const message = Object.hasOwn(without, field) ? without[field] : undefined;
      this.refuse(`${at}.${field}`, message ?? 'nobody knows here what this field means');
    }
  }
}

/** Whether a field says the same as its absence. An empty map may say something: `retries: {}` means none. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '' || value === 0 || isEmptyList(value);
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
