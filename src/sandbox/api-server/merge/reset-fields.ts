import { FieldSet, type FieldPath } from './field-set.js';
import { fieldElement } from './path-element.js';

const path = (...names: string[]): FieldPath => names.map(fieldElement);

/** What writes of status reset besides the spec, by `plural.group`. */
const withStatus: Readonly<Record<string, FieldPath[]>> = {
  pods: [path('metadata', 'deletionTimestamp'), path('metadata', 'ownerReferences')],
  'deployments.apps': [path('metadata', 'labels')],
  'customresourcedefinitions.apiextensions.k8s.io': [path('metadata')],
  'validatingadmissionpolicies.admissionregistration.k8s.io': [path('metadata')],
};

/** Kinds with a status that any write may change. */
const openStatus = new Set(['events', 'events.events.k8s.io']);

const none = new FieldSet();
const status = FieldSet.of(path('status'));

/**
 * The fields that a kind resets in a write, whatever the client sends: nobody becomes their manager by it.
 *
 * Source: `GetResetFields` of the strategies in kubernetes, pkg/registry, and of custom resources in apiextensions-apiserver,
 * pkg/registry/customresource
 *
 * @param resource  plural and group
 * @param hasStatus  the kind has a status subresource
 */
export function resetFields(
  resource: { group: string; plural: string },
  subresource: string,
  hasStatus: boolean,
): FieldSet {
  const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  if (subresource === 'status') return FieldSet.of(path('spec'), ...(withStatus[name] ?? []));
  if (!hasStatus || openStatus.has(name)) return none;
  return status;
}
