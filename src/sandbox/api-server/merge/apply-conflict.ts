import { StatusError, type StatusCause } from '../errors.js';
import { type FieldSet, displayPath } from './field-set.js';
import type { Managed, Managers } from './managed-fields.js';

/**
 * 409: others manage the fields, with other values.
 *
 * Source: apimachinery, pkg/util/managedfields/internal/conflict.go
 *
 * @param conflicts  fields by the identifier of their manager; not empty
 */
export function conflictError(conflicts: Map<string, FieldSet>, managers: Managers): StatusError {
  const sorted = [...conflicts].sort(([a], [b]) => (a < b ? -1 : 1));
  const groups = sorted.map(([id, fields]) => ({
    who: displayManager(managers.get(id)!),
    paths: fields.paths().map(displayPath),
  }));
  const causes = groups.flatMap(({ who, paths }) =>
    paths.map((field): StatusCause => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  );
  const lines = groups.flatMap(({ who, paths }) => [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)]);
  const [only] = causes;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${only!.message}: ${only!.field}`
      : `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`;
  return new StatusError(409, 'Conflict', message, { causes });
}

function displayManager({ manager, operation, apiVersion, subresource }: Managed): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
