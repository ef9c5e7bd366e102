import type { FieldError } from '../errors.js';
import { labelValueRule } from '../writes/names.js';
import { validateLabels } from '../writes/object-meta.js';
import { qualifiedName } from '../writes/names.js';
import { forbidden, invalid, named, required } from './field-errors.js';
import type { LabelSelector } from './pod-spec.js';

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

/** What is wrong with a label selector (`ValidateLabelSelector` of apimachinery). */
export function validateSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(selector?.matchLabels ?? {}, `${path}.matchLabels`),
    ...(selector?.matchExpressions ?? []).flatMap((expression, index) =>
      validateExpression(expression, `${path}.matchExpressions[${index}]`),
    ),
  ];
}

function validateExpression({ key, operator, values = [] }: Expression, path: string): FieldError[] {
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

/** Whether labels meet a selector. An absent selector selects nothing. */
export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>> = {}): boolean {
  if (selector === undefined) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every((expression) => meets(expression, labels))
  );
}

function meets({ key, operator, values = [] }: Expression, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** A selector as text, as in the `labelSelector` of a query (`FormatLabelSelector`). */
export function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '<none>';
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = (selector.matchExpressions ?? []).map((each) => ({ key: each.key, text: expressionText(each) }));
  const all = [...labels, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return all.length === 0 ? '<none>' : all.map(({ text }) => text).join(',');
}

function expressionText({ key, operator, values = [] }: Expression): string {
  const list = `(${[...values].sort().join(',')})`;
  switch (operator) {
    case 'In':
      return `${key} in ${list}`;
    case 'NotIn':
      return `${key} notin ${list}`;
    case 'Exists':
      return key;
    default:
      return `!${key}`;
  }
}
