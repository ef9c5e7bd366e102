import type { ApiObject } from '../object.js';
import { age, ageColumn, nameColumn, type TableForm } from '../builtin/table-form.js';
import type { Column } from '../resource.js';
import { parseJsonPath } from './json-path.js';

/** One of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** What a definition has that tells no columns. */
const ageOnly: readonly PrinterColumn[] = [
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: ageColumn.description },
];

/**
 * The table of a custom resource: its name, and the columns of its definition.
 *
 * Source: apiextensions-apiserver, pkg/registry/customresource/tableconvertor
 */
export function customTable(columns: readonly PrinterColumn[] = []): TableForm {
  const own = (columns.length > 0 ? columns : ageOnly).map((column) => ({
    ...column,
    find: parseJsonPath(column.jsonPath),
  }));
  return {
    columns: [nameColumn, ...own.map(columnOf)],
    cells: (object: ApiObject, now) => [
      object.metadata.name,
      ...own.map(({ type, find }) => cell(type, find(object)[0], now)),
    ],
  };
}

function columnOf({ name, type, format = '', description = '', priority = 0, jsonPath }: PrinterColumn): Column {
  const path = `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return { name, type, format, description: description === '' ? path : description, priority };
}

function cell(type: string, value: unknown, now: number): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? dateCell(value, now) : null;
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

function dateCell(text: string, now: number): string {
  return Number.isNaN(Date.parse(text)) ? '<invalid>' : age(text, now);
}
