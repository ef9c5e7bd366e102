import type { AdmissionAttributes } from './admission-chain.js';
import { type StatusError, forbidden } from '../errors.js';
import type { ApiObject } from '../object.js';

/** A write on its way through mutating admission: the object may be changed, or replaced. */
export type Draft = Omit<AdmissionAttributes, 'object'> & { object?: ApiObject };

/** One step of the admission chain. Both functions throw StatusError to refuse. */
export interface AdmissionPlugin {
  /** May change the object; called again after webhooks that have changed it. */
  mutate?(draft: Draft): void | Promise<void>;
  /** Looks at what will be stored. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

/** 403 about the object of a request (`admission.NewForbidden` of apiserver). */
export function denied(attributes: Draft | AdmissionAttributes, why: string): StatusError {
  return forbidden(attributes.resource, nameOf(attributes), why);
}

/** Name of the object, as errors show it: what it will be generated from, where it has none yet. */
export function nameOf({ name, object }: Draft | AdmissionAttributes): string {
  return name || object?.metadata.name || object?.metadata.generateName || 'Unknown';
}

/** Whether a request is about a resource itself (or one of its subresources, where one is named). */
export function isAbout(
  { resource, subresource }: Draft | AdmissionAttributes,
  group: string,
  plural: string,
  part = '',
): boolean {
  return resource.group === group && resource.plural === plural && subresource === part;
}
