import type { LabelRequirement, LabelSelector } from '../kube/selectors.js';

/** `key in (a,b)` and `key notin (a,b)`. */
const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;

/** `key=value`, `key==value`, `key!=value`. */
const EQUALITY = /^([^\s=!]+)\s*(=|==|!=)\s*([^\s=!]*)$/;

/** `key` and `!key`. */
const EXISTENCE = /^(!?)\s*([^\s=!(),]+)$/;

/**
 * A label selector as it stands in a query (`a=b,c in (d,e),!f`), for code that has to evaluate it.
 *
 * @throws {Error} names the part that is no requirement
 * @see Kubernetes docs, "Labels and Selectors", section "Set-based requirement"
 */
export function parseSelector(selector: string): LabelSelector {
  // Commas within parentheses separate values.
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  return { matchExpressions: parts.filter((part) => part !== '').map(parseRequirement) };
}

function parseRequirement(part: string): LabelRequirement {
  const [, setKey, set, values] = SET.exec(part) ?? [];
  if (setKey !== undefined && values !== undefined) {
    return {
      key: setKey,
      operator: set === 'in' ? 'In' : 'NotIn',
      values: values.split(',').map((value) => value.trim()),
    };
  }
  const [, key, sign, value] = EQUALITY.exec(part) ?? [];
  if (key !== undefined && value !== undefined)
    return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
  const [, not, label] = EXISTENCE.exec(part) ?? [];
  if (label !== undefined) return { key: label, operator: not === '!' ? 'DoesNotExist' : 'Exists' };
  throw new Error(`"${part}" is no requirement of a label selector`);
}
