/** A rule of a webhook or policy: which requests it is about. */
export interface RequestRule {
  operations: string[];
  apiGroups: string[];
  apiVersions: string[];
  /** `pods`, `pods/status`, `*`, `* /scale`, `pods/*`, `* /*` (without the blanks). */
  resources: string[];
  /** Default: `*`. */
  scope?: '*' | 'Cluster' | 'Namespaced';
  /** Of policies only: objects by name; all where empty. */
  resourceNames?: string[];
}

/** What a rule looks at. */
export interface RequestedResource {
  readonly operation: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  /** Empty for cluster-scoped objects; a namespace is in itself. */
  readonly namespace: string;
  readonly name: string;
}

/** Whether a rule is about a request. @see apiserver, pkg/admission/plugin/webhook/predicates/rules/rules.go */
export function ruleMatches(rule: RequestRule, request: RequestedResource): boolean {
  return (
    isInScope(rule, request) &&
    includes(rule.operations, request.operation) &&
    includes(rule.apiGroups, request.group) &&
    includes(rule.apiVersions, request.version) &&
    rule.resources.some((resource) => resourceMatches(resource, request)) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(request.name))
  );
}

function includes(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

function isInScope({ scope = '*' }: RequestRule, { group, plural, namespace }: RequestedResource): boolean {
  if (scope === '*') return true;
  const isClusterScoped = namespace === '' || (group === '' && plural === 'namespaces');
  return isClusterScoped === (scope === 'Cluster');
}

/** Without a slash, subresources are not meant. */
function resourceMatches(rule: string, { plural, subresource }: RequestedResource): boolean {
  const [resource, part = ''] = rule.split('/', 2);
  return (resource === '*' || resource === plural) && (part === subresource || (rule.includes('/') && part === '*'));
}
