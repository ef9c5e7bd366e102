import { badRequest } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { ServedResource } from '../resource.js';

/** One term of a field selector: `field=value` or `field!=value`. */
export interface FieldTerm {
  readonly field: string;
  readonly value: string;
  readonly equal: boolean;
}

/** Whether an object satisfies all terms. */
export function matchesFields(terms: readonly FieldTerm[], resource: ServedResource, object: ApiObject): boolean {
  if (terms.length === 0) return true;
  const fields = fieldsOf(resource, object);
  return terms.every(({ field, value, equal }) => ((fields[field] ?? '') === value) === equal);
}

function fieldsOf(resource: ServedResource, object: ApiObject): Record<string, string> {
  const { name, namespace } = object.metadata;
  return {
    ...resource.strategy.selectableFields?.(object),
    'metadata.name': name,
    ...(namespace !== undefined && { 'metadata.namespace': namespace }),
  };
}

/**
 * Reads a `fieldSelector` parameter.
 *
 * @throws {import('../errors.js').StatusError} 400, also for fields that the kind has no selector for
 */
export function parseFieldSelector(text: string, resource: ServedResource): FieldTerm[] {
  const terms = splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, text));
  for (const { field } of terms) {
    if (!isSelectable(resource, field)) throw unsupported(resource, field);
  }
  return terms;
}

/** Splits at commas that are not escaped. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])*(?:,|$)/gs)?.map((term) => term.replace(/,$/, '')) ?? [];
}

function parseTerm(term: string, whole: string): FieldTerm {
  const found = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
  if (!found) throw badRequest(`invalid selector: '${whole}'; can't understand '${term}'`);
  const [, field = '', operator, raw = ''] = found;
  return { field, equal: operator !== '!=', value: unescape(raw) };
}

function unescape(value: string): string {
  return value.replace(/\\(.)|[,=]/gs, (found, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${found.codePointAt(0)}`);
    }
    if (!'\\,='.includes(escaped)) {
      throw badRequest(`invalid field selector: invalid escape sequence: ${found}`);
    }
    return escaped;
  });
}

function isSelectable(resource: ServedResource, field: string): boolean {
  return field === 'metadata.name' || field === 'metadata.namespace' || selectable(resource).includes(field);
}

function selectable({ strategy }: ServedResource): readonly string[] {
  return strategy.selectableFieldNames ?? [];
}

/** Kinds without fields of their own go through the converter of apimachinery, the others through their own. */
function unsupported(resource: ServedResource, field: string): Error {
  const own = selectable(resource).length > 0 || resource.custom;
  if (own) return badRequest(`field label not supported: ${field}`);
  return badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}
