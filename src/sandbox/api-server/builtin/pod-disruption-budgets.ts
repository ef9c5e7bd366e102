import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { atMost100Percent, intOrPercent, invalid, unsupported } from './field-errors.js';
import type { IntOrString } from './pod-spec.js';
import { validateSelector } from './selector-validation.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { counts, specOf } from './workloads.js';

/** Spec of a PodDisruptionBudget. */
export interface BudgetSpec {
  minAvailable?: IntOrString;
  maxUnavailable?: IntOrString;
  selector?: LabelSelector;
  unhealthyPodEvictionPolicy?: string;
}

const policies = ['AlwaysAllow', 'IfHealthyBudget'];

function validate(budget: ApiObject): FieldError[] {
  const spec = specOf<BudgetSpec>(budget);
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [invalid('spec', upstreamSpec(spec), 'minAvailable and maxUnavailable cannot be both set')]
      : []),
    ...intOrPercent('spec.minAvailable', minAvailable),
    ...atMost100Percent('spec.minAvailable', minAvailable),
    ...intOrPercent('spec.maxUnavailable', maxUnavailable),
    ...atMost100Percent('spec.maxUnavailable', maxUnavailable),
    ...validateSelector(selector, 'spec.selector'),
    ...(policy !== undefined && !policies.includes(policy)
      ? [unsupported('spec.unhealthyPodEvictionPolicy', policy, policies)]
      : []),
  ];
}

/** As upstream's struct is printed. */
function upstreamSpec({ minAvailable, selector, maxUnavailable, unhealthyPodEvictionPolicy }: BudgetSpec): object {
  return {
    MinAvailable: minAvailable,
    Selector: selector ?? null,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
  };
}

/** `policy/v1` PodDisruptionBudget. */
export const podDisruptionBudgets: BuiltinKind = {
  group: 'policy',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
  subresources: ['status'],
  strategy: {
    hasGeneration: true,
    unconditionalUpdate: false,
    validate,
    validateUpdate: (budget, _old, { subresource }) => (subresource === 'status' ? [] : validate(budget)),
  },
  table: {
    columns: [
      nameColumn,
      column('Min Available', 'The minimum number of pods that must be available.'),
      column('Max Unavailable', 'The maximum number of pods that may be unavailable.'),
      column('Allowed Disruptions', 'Calculated number of pods that may be disrupted at this time.', 'integer'),
      ageColumn,
    ],
    cells: (budget, now) => {
      const { minAvailable, maxUnavailable } = specOf<BudgetSpec>(budget);
      return [
        budget.metadata.name,
        String(minAvailable ?? 'N/A'),
        String(maxUnavailable ?? 'N/A'),
        counts(budget).disruptionsAllowed,
        age(budget.metadata.creationTimestamp, now),
      ];
    },
  },
};
