import { templateHash } from '../waypoint-template.js';

/** Longest name of an object. @see Kubernetes docs, Object Names and IDs, DNS subdomain names */
const MAX_NAME = 253;

/** Name of what is written beside a policy: of one that is too long, as much as fits, and a hash of it all. */
export function policyName(base: string, suffix: string): string {
  const name = `${base}-${suffix}`;
  if (name.length <= MAX_NAME) return name;
  const end = `-${templateHash(base)}-${suffix}`;
  return `${base.slice(0, MAX_NAME - end.length).replace(/[-.]+$/, '')}${end}`;
}
