import type { LabelSelector } from '../../../kube/selectors.js';
import { policyExpressionErrors } from '../admission/expression-validation.js';
import type { PolicySpec as ExpressionSpec } from '../admission/policy-configuration.js';
import type { FieldError } from '../errors.js';
import { subdomainName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { duplicate, forbidden, invalid, named, oneOf, required, unsupported } from './field-errors.js';
import { fill } from './pod-spec.js';
import { validateSelector } from './selector-validation.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { defaultRule, type OperationsRule, supported, validateOperationsRule } from './webhook-configurations.js';
import { specOf } from './workloads.js';

interface NamedRule extends OperationsRule {
  resourceNames?: string[];
}

interface MatchResources {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: NamedRule[];
  excludeResourceRules?: NamedRule[];
  matchPolicy?: string;
}

interface PolicySpec {
  failurePolicy?: string;
  paramKind?: { apiVersion?: string; kind?: string };
  matchConstraints?: MatchResources;
  validations?: { expression?: string; reason?: string }[];
  auditAnnotations?: { key: string; valueExpression: string }[];
  variables?: { name: string; expression: string }[];
}

interface BindingSpec {
  policyName?: string;
  paramRef?: { name?: string; namespace?: string; selector?: LabelSelector; parameterNotFoundAction?: string };
  matchResources?: MatchResources;
  validationActions?: string[];
}

const group = 'admissionregistration.k8s.io';
const actions = ['Audit', 'Deny', 'Warn'];

function defaultMatch(match: MatchResources | undefined): void {
  if (match === undefined) return;
  fill(match, { namespaceSelector: {}, objectSelector: {}, matchPolicy: 'Equivalent' });
  [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])].forEach(defaultRule);
}

function validateNamedRule(rule: NamedRule, path: string): FieldError[] {
  const names = rule.resourceNames ?? [];
  return [
    ...names.flatMap((name, index) =>
      names.indexOf(name) < index ? [duplicate(`${path}.resourceNames[${index}]`, name)] : [],
    ),
    ...validateOperationsRule(rule, path),
  ];
}

function validateMatch(match: MatchResources, path: string): FieldError[] {
  return [
    ...supported(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']),
    ...validateSelector(match.namespaceSelector, `${path}.namespaceSelector`),
    ...validateSelector(match.objectSelector, `${path}.objectSelector`),
    ...(match.resourceRules ?? []).flatMap((rule, index) => validateNamedRule(rule, `${path}.resourceRules[${index}]`)),
    ...(match.excludeResourceRules ?? []).flatMap((rule, index) =>
      validateNamedRule(rule, `${path}.excludeResourceRules[${index}]`),
    ),
  ];
}

function validatePolicy(policy: ApiObject): FieldError[] {
  const {
    matchConstraints,
    validations = [],
    auditAnnotations = [],
    paramKind,
    failurePolicy,
  } = specOf<PolicySpec>(policy);
  return [
    ...supported('spec.failurePolicy', failurePolicy, ['Fail', 'Ignore']),
    ...(paramKind && !paramKind.apiVersion ? [required('spec.paramKind.apiVersion')] : []),
    ...(paramKind && !paramKind.kind ? [required('spec.paramKind.kind')] : []),
    ...(matchConstraints
      ? validateMatch(matchConstraints, 'spec.matchConstraints')
      : [required('spec.matchConstraints')]),
    ...(matchConstraints && !matchConstraints.resourceRules?.length
      ? [required('spec.matchConstraints.resourceRules')]
      : []),
    ...(validations.length + auditAnnotations.length === 0
      ? [
          required('spec.validations', 'validations or auditAnnotations must contain at least one item'),
          required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'),
        ]
      : []),
    ...policyExpressionErrors(policy.metadata.name, policy.spec as ExpressionSpec),
  ];
}

function validateParamRef({
  name,
  selector,
  parameterNotFoundAction,
}: NonNullable<BindingSpec['paramRef']>): FieldError[] {
  const [path, exclusive] = ['spec.paramRef', 'name and selector are mutually exclusive'];
  return [
    ...(name && selector ? [forbidden(`${path}.name`, exclusive)] : []),
    ...validateSelector(selector, `${path}.selector`),
    ...(name && selector ? [forbidden(`${path}.selector`, exclusive)] : []),
    ...(name || selector ? [] : [required(path, 'one of name or selector must be specified')]),
    ...oneOf(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']),
  ];
}

function validateBinding(binding: ApiObject): FieldError[] {
  const { policyName, paramRef, matchResources, validationActions = [] } = specOf<BindingSpec>(binding);
  return [
    ...(policyName ? named('spec.policyName', policyName, subdomainName) : [required('spec.policyName')]),
    ...(paramRef ? validateParamRef(paramRef) : []),
    ...(matchResources ? validateMatch(matchResources, 'spec.matchResources') : []),
    ...(validationActions.length === 0
      ? [required('spec.validationActions', 'at least one validation action is required')]
      : []),
    ...validationActions.flatMap((action, index) => [
      ...(actions.includes(action) ? [] : [unsupported(`spec.validationActions[${index}]`, action, actions)]),
      ...(validationActions.indexOf(action) < index ? [duplicate(`spec.validationActions[${index}]`, action)] : []),
    ]),
    ...(validationActions.includes('Deny') && validationActions.includes('Warn')
      ? [
          invalid(
            'spec.validationActions',
            validationActions,
            'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
          ),
        ]
      : []),
  ];
}

/** `admissionregistration.k8s.io/v1` ValidatingAdmissionPolicy. */
export const validatingAdmissionPolicies: BuiltinKind = {
  group,
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
  categories: ['api-extensions'],
  subresources: ['status'],
  strategy: {
    hasGeneration: true,
    unconditionalUpdate: false,
    setDefaults: (policy) => {
      const spec = specOf<PolicySpec>(policy);
      fill(spec, { failurePolicy: 'Fail' });
      defaultMatch(spec.matchConstraints);
    },
    validate: validatePolicy,
    validateUpdate: (policy, _old, { subresource }) => (subresource === 'status' ? [] : validatePolicy(policy)),
  },
  table: {
    columns: [
      nameColumn,
      column(
        'Validations',
        'Validations indicates the number of validation rules defined in this configuration',
        'integer',
      ),
      column('ParamKind', 'ParamKind specifies the kind of resources used to parameterize this policy'),
      ageColumn,
    ],
    cells: (policy, now) => {
      const { validations = [], paramKind } = specOf<PolicySpec>(policy);
      return [
        policy.metadata.name,
        validations.length,
        paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : '<unset>',
        age(policy.metadata.creationTimestamp, now),
      ];
    },
  },
};

/** `admissionregistration.k8s.io/v1` ValidatingAdmissionPolicyBinding. */
export const validatingAdmissionPolicyBindings: BuiltinKind = {
  group,
  kind: 'ValidatingAdmissionPolicyBinding',
  namespaced: false,
  categories: ['api-extensions'],
  strategy: {
    hasGeneration: true,
    unconditionalUpdate: false,
    setDefaults: (binding) => {
      defaultMatch(specOf<BindingSpec>(binding).matchResources);
    },
    validate: validateBinding,
    validateUpdate: (binding) => validateBinding(binding),
  },
  table: {
    columns: [
      nameColumn,
      column('PolicyName', 'PolicyName indicates the policy definition which the policy binding binded to'),
      column('ParamRef', 'ParamRef indicates the param resource which sets the configration param'),
      ageColumn,
    ],
    cells: (binding, now) => {
      const { policyName, paramRef } = specOf<BindingSpec>(binding);
      return [
        binding.metadata.name,
        policyName,
        paramRef?.name ? `${paramRef.namespace ?? '*'}/${paramRef.name}` : '<unset>',
        age(binding.metadata.creationTimestamp, now),
      ];
    },
  },
};
