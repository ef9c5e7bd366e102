import { badRequest, type FieldError, invalid } from '../errors.js';
import { fieldManagerErrors, patchOptionErrors } from '../merge/patch-options.js';
import { isTrue } from './request-info.js';

/** Options of writes, as the query has them. */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** As sent; empty if it was not. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  readonly force: boolean | undefined;
  /** What admission sees of them. */
  readonly object: Readonly<Record<string, unknown>>;
}

/** Options of lists and watches. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly watch: boolean;
}

/**
 * Options of a create, update or patch.
 *
 * @param apply  the patch is a server-side apply, which needs a field manager
 * @throws {import('../errors.js').StatusError} 400, 422
 */
export function writeOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  apply = false,
): WriteOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const force = kind === 'PatchOptions' ? booleanOf(query, 'force') : undefined;
  const managerErrors =
    kind === 'PatchOptions'
      ? patchOptionErrors({ apply, fieldManager, ...(force !== undefined && { force }) })
      : fieldManagerErrors(fieldManager);
  const errors = [...managerErrors, ...dryRunErrors(dryRun), ...fieldValidationErrors(fieldValidation)];
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as WriteOptions['fieldValidation']),
    force,
    object: {
      ...(dryRun.length > 0 && { dryRun }),
      ...(fieldManager !== '' && { fieldManager }),
      ...(fieldValidation !== '' && { fieldValidation }),
    },
  };
}

/** What is wrong with the values of `dryRun`. */
export function dryRunErrors(dryRun: readonly string[]): FieldError[] {
  if (dryRun.every((value) => value === 'All')) return [];
  return [{ type: 'Unsupported value', field: 'dryRun', value: dryRun, detail: 'supported values: "All"' }];
}

function fieldValidationErrors(value: string): FieldError[] {
  if (['', 'Ignore', 'Warn', 'Strict'].includes(value)) return [];
  const detail = 'supported values: "", "Ignore", "Strict", "Warn"';
  return [{ type: 'Unsupported value', field: 'fieldValidation', value, detail }];
}

/**
 * Options of a list or watch.
 *
 * @throws {import('../errors.js').StatusError} 400 for what cannot be read, 422 for what does not go together
 */
export function listOptions(query: URLSearchParams): ListOptions {
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: integerOf(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    allowWatchBookmarks: booleanOf(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: booleanOf(query, 'sendInitialEvents'),
    timeoutSeconds: integerOf(query, 'timeoutSeconds'),
    watch: booleanOf(query, 'watch') ?? false,
  };
  const errors = options.watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return options;
}

const forbiddenMatch = (detail: string): FieldError => ({ type: 'Forbidden', field: 'resourceVersionMatch', detail });

function listErrors({ resourceVersionMatch: match, resourceVersion, ...options }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (match !== '') {
    if (resourceVersion === '') {
      errors.push(forbiddenMatch('resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continue !== '') {
      errors.push(forbiddenMatch('resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      const detail = 'supported values: "Exact", "NotOlderThan", ""';
      errors.push({ type: 'Unsupported value', field: 'resourceVersionMatch', value: match, detail });
    }
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    const detail = 'sendInitialEvents is forbidden for list';
    errors.push({ type: 'Forbidden', field: 'sendInitialEvents', detail });
  }
  return errors;
}

function watchErrors({ resourceVersionMatch: match, sendInitialEvents, ...options }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(forbiddenMatch('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match === '') return errors;
  if (sendInitialEvents === undefined) {
    const detail = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    errors.push(forbiddenMatch(detail));
  }
  if (match !== 'NotOlderThan') {
    const detail = 'supported values: "NotOlderThan"';
    errors.push({ type: 'Unsupported value', field: 'resourceVersionMatch', value: match, detail });
  }
  if (options.continue !== '') {
    errors.push(forbiddenMatch('resourceVersionMatch is forbidden when continue is provided'));
  }
  return errors;
}

function integerOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

function booleanOf(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : isTrue(value);
}
