import type { LabelSelector } from '../../../kube/selectors.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { MatchCondition } from './match-conditions.js';
import type { MatchCriteria } from './request-match.js';
import type { RequestRule } from './request-rules.js';

const group = 'admissionregistration.k8s.io';

/** `spec` of a ValidatingAdmissionPolicy. */
export interface PolicySpec {
  paramKind?: { apiVersion: string; kind: string };
  matchConstraints?: MatchResources;
  validations?: PolicyValidation[];
  failurePolicy?: 'Fail' | 'Ignore';
  matchConditions?: MatchCondition[];
  variables?: { name: string; expression: string }[];
  auditAnnotations?: { key: string; valueExpression: string }[];
}

/** One rule of a policy, in CEL: false refuses. */
export interface PolicyValidation {
  expression: string;
  message?: string;
  messageExpression?: string;
  /** Default: `Invalid`. */
  reason?: string;
}

/** `spec` of a ValidatingAdmissionPolicyBinding. */
export interface BindingSpec {
  policyName: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
  validationActions?: ('Deny' | 'Warn' | 'Audit')[];
}

/** Which objects are the parameters of a binding. */
export interface ParamRef {
  name?: string;
  /** Default: the namespace of the request. */
  namespace?: string;
  selector?: LabelSelector;
  parameterNotFoundAction?: 'Allow' | 'Deny';
}

/** Which requests a policy or binding is about. */
export interface MatchResources {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: RequestRule[];
  excludeResourceRules?: RequestRule[];
  matchPolicy?: string;
}

/** A policy with the bindings that put it in force. */
export interface BoundPolicy {
  readonly name: string;
  readonly spec: PolicySpec;
  readonly bindings: readonly { readonly name: string; readonly spec: BindingSpec }[];
}

/** All policies that are bound, as they are stored now. */
export function boundPolicies(cluster: ClusterView): BoundPolicy[] {
  const bindings = cluster.list({ group, plural: 'validatingadmissionpolicybindings' });
  if (bindings.length === 0) return [];
  return cluster.list({ group, plural: 'validatingadmissionpolicies' }).flatMap((policy) => {
    const { name } = policy.metadata;
    const own = bindings.map(named<BindingSpec>).filter(({ spec }) => spec.policyName === name);
    return own.length > 0 ? [{ name, spec: named<PolicySpec>(policy).spec, bindings: own }] : [];
  });
}

/** In the form that {@link import('./request-match.js').RequestMatcher} takes. */
export function criteriaOf(resources: MatchResources = {}): MatchCriteria {
  const { namespaceSelector, objectSelector, resourceRules, excludeResourceRules, matchPolicy } = resources;
  return { namespaceSelector, objectSelector, rules: resourceRules, excludedRules: excludeResourceRules, matchPolicy };
}

function named<Spec>({ metadata, spec }: ApiObject): { name: string; spec: Spec } {
  return { name: metadata.name, spec: spec as Spec };
}
