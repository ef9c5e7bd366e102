import { createHash } from 'node:crypto';
import { isEqual } from '../json.js';
import { customResourceDefinitions } from '../../data/index.js';
import { duplicate, forbidden, invalid, required } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import { label1035Name } from '../writes/names.js';
import type { OpenApiSchema } from '../schema.js';
import type { Definition, DefinitionSubresources, DefinitionVersion } from './definition-object.js';
import { resolveFieldPath } from './field-path.js';
import { child, entry } from './paths.js';
import type { PrinterColumn } from './printer-columns.js';
import { defaultErrors } from './schema-defaults.js';
import { schemaErrors } from './schema-validation.js';
import { structuralErrors } from './structural.js';

/** Parts of a version that errors call by the definition's field if all versions have the same. */
type Part = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields';

const isShared = (versions: readonly DefinitionVersion[], part: Part): boolean =>
  versions.every((version) => isEqual(version[part], versions[0]![part]));

/** What is wrong with one version, except for what all versions share. */
export function versionErrors(
  version: DefinitionVersion,
  all: readonly DefinitionVersion[],
  path: string,
): FieldError[] {
  const own = (part: Part, errors: () => FieldError[]): FieldError[] => (isShared(all, part) ? [] : errors());
  const problems = label1035Name(version.name);
  const status = version.subresources?.status !== undefined;
  return [
    ...(problems.length > 0 ? [invalid(child(path, 'name'), version.name, problems.join(','))] : []),
    ...deprecationErrors(version, child(path, 'deprecationWarning')),
    ...own('schema', () => versionSchemaErrors(version, child(path, 'schema'), status)),
    ...own('subresources', () => subresourceErrors(version.subresources, child(path, 'subresources'))),
    ...own('additionalPrinterColumns', () => columnErrors(version, child(path, 'additionalPrinterColumns'))),
    ...own('selectableFields', () => selectableErrors(version, child(path, 'selectableFields'))),
  ];
}

/** What is wrong with what all versions share: told once, where older definitions had it. */
export function sharedErrors(versions: readonly DefinitionVersion[]): FieldError[] {
  const [first] = versions;
  if (!first) return [];
  const shared = (part: Part, errors: () => FieldError[]): FieldError[] => (isShared(versions, part) ? errors() : []);
  const status = versions.some(({ subresources }) => subresources?.status !== undefined);
  return [
    ...shared('schema', () => versionSchemaErrors(first, 'spec.validation', status)),
    ...shared('subresources', () => subresourceErrors(first.subresources, 'spec.subresources')),
    ...shared('additionalPrinterColumns', () => columnErrors(first, 'spec.additionalPrinterColumns')),
    ...shared('selectableFields', () => selectableErrors(first, 'spec.selectableFields')),
  ];
}

function deprecationErrors({ deprecated, deprecationWarning: warning }: DefinitionVersion, at: string): FieldError[] {
  if (warning === undefined) return [];
  if (!deprecated) return [invalid(at, warning, 'can only be set for deprecated versions')];
  if (warning === '') return [invalid(at, warning, 'must not be an empty string')];
  return warning.length > 256 ? [invalid(at, warning, 'must be <= 256 characters long')] : [];
}

/** Keywords that the root may have if the status is validated by itself, as Go calls them. */
const rootKeywords =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';

const goName = (keyword: string): string =>
  keyword
    .replace(/^x-kubernetes-/, 'x-')
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/**
 * Digests of schemas without errors: versions of a definition, and its updates, often have the same. Those of `data/` come
 * from a real API server, which has accepted them.
 */
let accepted: Set<string> | undefined;

const digestOf = (text: string): string => createHash('sha1').update(text).digest('base64');

function acceptedSchemas(): Set<string> {
  const versions = customResourceDefinitions().flatMap((object) => (object as unknown as Definition).spec.versions);
  const schemas = versions.flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
  return new Set(schemas.map((schema) => digestOf(JSON.stringify(schema))));
}

function versionSchemaErrors({ schema }: DefinitionVersion, path: string, withStatus: boolean): FieldError[] {
  const root = schema?.openAPIV3Schema;
  if (!root) return [];
  const at = child(path, 'openAPIV3Schema');
  const atRoot = rootErrors(root, at, withStatus);
  const text = JSON.stringify(root);
  const digest = digestOf(text);
  accepted ??= acceptedSchemas();
  if (accepted.has(digest)) return atRoot;
  const errors = foundErrors(root, text, at);
  if (errors.length === 0) accepted.add(digest);
  return [...atRoot, ...errors];
}

/**
 * What is wrong with a schema, except for what only the root must not have; rules are compiled.
 *
 * @param text  the schema as JSON
 * @param at  path of the schema in the definition
 */
export function foundErrors(root: OpenApiSchema, text: string, at: string): FieldError[] {
  const convertible = isConvertible(text);
  const structure = convertible ? structuralErrors(root, at) : [];
  const defaults = convertible && structure.length === 0 ? defaultErrors(root, at) : [];
  const sound = convertible && structure.length === 0 && defaults.length === 0;
  return [...structure, ...defaults, ...schemaErrors(root, at, sound)];
}

function rootErrors(root: OpenApiSchema, at: string, withStatus: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const stray = Object.keys(root).find((keyword) => !rootKeywords.split(' ').includes(goName(keyword)));
  if (withStatus && stray !== undefined) {
    const why = `only [${rootKeywords}] fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.push(invalid(at, root, why));
  }
  if (root.nullable) errors.push(forbidden(child(at, 'nullable'), 'nullable cannot be true at the root'));
  return errors;
}

/** Whether a schema has only what structural schemas can have; what else there is, is refused by itself. */
function isConvertible(text: string): boolean {
  return !/"(\$ref|patternProperties|additionalItems|definitions|dependencies)":/.test(text);
}

function subresourceErrors(subresources: DefinitionSubresources | undefined, path: string): FieldError[] {
  const { scale } = subresources ?? {};
  if (!scale) return [];
  return [
    ...scalePathErrors(scale.specReplicasPath, `${path}.scale.specReplicasPath`, ['.spec'], true),
    ...scalePathErrors(scale.statusReplicasPath, `${path}.scale.statusReplicasPath`, ['.status'], true),
    ...scalePathErrors(scale.labelSelectorPath, `${path}.scale.labelSelectorPath`, ['.spec', '.status'], false),
  ];
}

function scalePathErrors(
  jsonPath: string | undefined,
  at: string,
  roots: readonly string[],
  needed: boolean,
): FieldError[] {
  if (!jsonPath) return needed ? [required(at)] : [];
  if (!jsonPath.startsWith('.')) return [invalid(at, jsonPath, 'must be a simple json path starting with .')];
  if (roots.some((root) => jsonPath.startsWith(`${root}.`))) return [];
  const where = roots.length > 1 ? `either ${roots.join(' or ')}` : roots[0]!;
  return [invalid(at, jsonPath, `should be a json path under ${where}`)];
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function columnErrors({ additionalPrinterColumns = [] }: DefinitionVersion, path: string): FieldError[] {
  return additionalPrinterColumns.flatMap((column, i) => oneColumnErrors(column, entry(path, i)));
}

function oneColumnErrors({ name, type, format, jsonPath }: PrinterColumn, at: string): FieldError[] {
  const errors: FieldError[] = name ? [] : [required(child(at, 'name'))];
  const oneOfTypes = `must be one of ${columnTypes.join(',')}`;
  if (!type) errors.push(required(child(at, 'type'), oneOfTypes));
  else if (!columnTypes.includes(type)) errors.push(invalid(child(at, 'type'), type, oneOfTypes));
  if (format && !columnFormats.includes(format)) {
    errors.push(invalid(child(at, 'format'), format, `must be one of ${columnFormats.join(',')}`));
  }
  if (!jsonPath) errors.push(required(child(at, 'JSONPath')));
  else if (!jsonPath.startsWith('.')) {
    errors.push(invalid(child(at, 'JSONPath'), jsonPath, 'must be a simple json path starting with .'));
  }
  return errors;
}

const mostSelectableFields = 8;

function selectableErrors({ selectableFields = [], schema }: DefinitionVersion, path: string): FieldError[] {
  const seen = new Set<string>();
  const errors = selectableFields.flatMap(({ jsonPath }, i): FieldError[] => {
    const at = child(entry(path, i), 'jsonPath');
    if (!jsonPath) return [required(at)];
    const found = resolveFieldPath(jsonPath, schema?.openAPIV3Schema ?? {});
    if (!found) return [invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field')];
    const own: FieldError[] = found.path.startsWith('metadata')
      ? [invalid(at, jsonPath, 'must not point to fields in metadata')]
      : [];
    if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      own.push(invalid(at, jsonPath, why));
    }
    if (seen.has(found.path)) own.push(duplicate(at, jsonPath));
    seen.add(found.path);
    return own;
  });
  if (seen.size <= mostSelectableFields) return errors;
  const detail = `must have at most ${mostSelectableFields} items`;
  return [...errors, { type: 'Too many', field: path, value: seen.size, detail }];
}
