import { formatSelector, type LabelRequirement, type LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import { labelValueRule } from '../writes/names.js';
import { validateLabels } from '../writes/object-meta.js';
import { qualifiedName } from '../writes/names.js';
import { forbidden, invalid, named, required } from './field-errors.js';

/** What is wrong with a label selector (`ValidateLabelSelector` of apimachinery). */
export function validateSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(selector?.matchLabels ?? {}, `${path}.matchLabels`),
    ...(selector?.matchExpressions ?? []).flatMap((expression, index) =>
      validateExpression(expression, `${path}.matchExpressions[${index}]`),
    ),
  ];
}

function validateExpression({ key, operator, values = [] }: LabelRequirement, path: string): FieldError[] {
  return [
    ...validateOperator(operator, values, path),
    ...named(`${path}.key`, key, qualifiedName),
    ...values.flatMap((value, index) => named(`${path}.values[${index}]`, value, labelValueRule)),
  ];
}

function validateOperator(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? []
        : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return [invalid(`${path}.operator`, operator, 'not a valid selector operator')];
  }
}

/** Whether a selector has no requirements: it selects everything. */
export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

/** A selector as text, as in the `labelSelector` of a query, in the order of its keys (`FormatLabelSelector`). */
export function selectorText(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {});
  const expressions = selector?.matchExpressions ?? [];
  const requirements = [
    ...labels.map(([key, value]) => ({ key, selector: { matchLabels: { [key]: value } } })),
    ...expressions.map((each) => ({ key: each.key, selector: { matchExpressions: [withSortedValues(each)] } })),
  ].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return requirements.map((each) => formatSelector(each.selector)).join(',') || '<none>';
}

function withSortedValues(requirement: LabelRequirement): LabelRequirement {
  return { ...requirement, values: [...(requirement.values ?? [])].sort() };
}
