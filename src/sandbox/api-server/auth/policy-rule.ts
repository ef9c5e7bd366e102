import type { AccessAttributes } from './auth-interfaces.js';

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  /** `pods`, `pods/log`, `*`, `* /scale` (without the blank). */
  resources?: string[];
  resourceNames?: string[];
  /** Paths, also with `*` at the end. */
  nonResourceURLs?: string[];
}

/** Whether a rule allows a request (`RuleAllows` of the RBAC authorizer). */
export function ruleAllows(rule: PolicyRule, attributes: AccessAttributes): boolean {
  if (!hasOrAll(rule.verbs, attributes.verb)) return false;
  if (attributes.resource === '') {
    return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, attributes.path));
  }
  const { resource, subresource, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    hasOrAll(rule.apiGroups, attributes.group) &&
    (hasOrAll(rule.resources, combined) ||
      (subresource !== '' && (rule.resources ?? []).includes(`*/${subresource}`))) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  );
}

/**
 * What `wanted` grants and `held` does not, in the smallest pieces; empty if all is covered.
 *
 * @see component-helpers, auth/rbac/validation/policy_comparator.go
 */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(pieces).filter((piece) => !held.some((rule) => covers(rule, piece)));
}

/** One verb on one resource (or its named objects, or a path) each. */
function pieces(rule: PolicyRule): PolicyRule[] {
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  // A rule without verbs is refused later.
  const verbs = (rule.verbs as string[] | null) ?? [];
  const names = resourceNames.length > 0 ? resourceNames.map((name) => [name]) : [undefined];
  const onResources = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name) => ({
          apiGroups: [group],
          resources: [resource],
          ...(name && { resourceNames: name }),
          verbs: [verb],
        })),
      ),
    ),
  );
  const onPaths = nonResourceURLs.flatMap((url) => verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })));
  return [...onResources, ...onPaths];
}

function covers(rule: PolicyRule, piece: PolicyRule): boolean {
  const [group, resource, name, url] = [
    piece.apiGroups?.[0],
    piece.resources?.[0],
    piece.resourceNames?.[0],
    piece.nonResourceURLs?.[0],
  ];
  if (!hasOrAll(rule.verbs, piece.verbs[0]!)) return false;
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((held) => urlCovers(held, url));
  return (
    hasOrAll(rule.apiGroups, group!) &&
    (hasOrAll(rule.resources, resource!) ||
      (resource!.includes('/') && (rule.resources ?? []).includes(`*/${resource!.split('/')[1]}`))) &&
    (!rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name)))
  );
}

function hasOrAll(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(value));
}

function urlCovers(rule: string, path: string): boolean {
  return rule === path || (rule.endsWith('*') && path.startsWith(rule.replace(/\*+$/, '')));
}
