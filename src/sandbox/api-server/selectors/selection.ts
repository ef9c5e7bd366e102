import type { ApiObject } from '../object.js';
import type { ListOptions } from '../http/options.js';
import type { ServedResource } from '../resource.js';
import { type FieldTerm, matchesFields, parseFieldSelector } from './field-selector.js';
import { parseLabelSelector } from './label-selector.js';

/** Which objects of a collection a request is about. */
export interface Selection {
  /** Start of the keys: the namespace, or all. */
  readonly prefix: string;
  /** Whether selectors leave anything out: then counts of the rest are not known. */
  readonly selective: boolean;
  matches(object: ApiObject): boolean;
}

/**
 * The objects that namespace and selectors name.
 *
 * @throws {import('../errors.js').StatusError} 400 for selectors that make no sense
 */
export function selection(resource: ServedResource, namespace: string, options: ListOptions): Selection {
  const labels = options.labelSelector === '' ? undefined : parseLabelSelector(options.labelSelector);
  const fields: FieldTerm[] = parseFieldSelector(options.fieldSelector, resource);
  return {
    prefix: resource.namespaced && namespace !== '' ? `${namespace}/` : '',
    selective: labels !== undefined || fields.length > 0,
    matches: (object) =>
      (labels === undefined || labels(object.metadata.labels ?? {})) && matchesFields(fields, resource, object),
  };
}
