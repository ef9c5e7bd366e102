import type { ApiObject } from '../object.js';
import { type PodSpec, allContainers } from '../builtin/pod-spec.js';
import { podSpec } from './pod.js';

/** `spec` of a ResourceQuota. */
export interface QuotaSpec {
  hard?: Record<string, string>;
  scopes?: string[];
  scopeSelector?: { matchExpressions?: { scopeName: string; operator: string; values?: string[] }[] };
}

/** Whether a quota is about an object: quotas with scopes are about pods only, and not all of them. */
export function isInScope(spec: QuotaSpec, plural: string, object: ApiObject): boolean {
  const required = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists', values: [] as string[] })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
  if (required.length === 0) return true;
  if (plural !== 'pods') return false;
  const pod = podSpec({ ...object });
  return required.every(({ scopeName, operator, values = [] }) => {
    if (scopeName === 'PriorityClass') return hasClass(pod.priorityClassName ?? '', operator, values);
    return (scopes[scopeName]?.(pod) ?? false) === (operator !== 'DoesNotExist');
  });
}

const scopes: Readonly<Record<string, (pod: PodSpec) => boolean>> = {
  Terminating: isTerminating,
  NotTerminating: (pod) => !isTerminating(pod),
  BestEffort: isBestEffort,
  NotBestEffort: (pod) => !isBestEffort(pod),
};

function isTerminating(pod: PodSpec): boolean {
  return pod['activeDeadlineSeconds'] !== undefined;
}

function isBestEffort(pod: PodSpec): boolean {
  return allContainers(pod).every(({ resources = {} }) =>
    [resources.requests, resources.limits].every((amounts) => Object.keys(amounts ?? {}).length === 0),
  );
}

function hasClass(name: string, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return values.includes(name);
    case 'NotIn':
      return !values.includes(name);
    case 'Exists':
      return name !== '';
    default:
      return name === '';
  }
}
