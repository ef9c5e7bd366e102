import { type PodOfContainers, type Resources, podAmounts } from './pod-resources.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from './policy-object.js';
import type { Amounts } from './quantity.js';

/** A pod that runs until it is stopped, as far as it decides which ResourceQuotas count it. */
export interface CountedPod {
  /** It requests no CPU and no memory, nor has it a limit of them. */
  readonly isBestEffort: boolean;
  readonly priorityClass?: string | undefined;
}

/** What a pod is called by the names that quotas have for it, besides what it requests. */
export const ONE_POD: Amounts = { pods: 1_000_000_000n, 'count/pods': 1_000_000_000n };

/**
 * Whether a ResourceQuota counts a pod; one without scopes counts them all.
 *
 * @see kubernetes/kubernetes pkg/quota/v1/evaluator/core/pods.go, podMatchesScopeFunc
 */
export function countsPod(quota: PolicyObject, { isBestEffort, priorityClass = '' }: CountedPod): boolean {
  return scopesOf(quota).every(({ name, operator, values }) => {
    switch (name) {
      case 'NotTerminating':
        return true;
      case 'BestEffort':
        return isBestEffort;
      case 'NotBestEffort':
        return !isBestEffort;
      case 'PriorityClass':
        return isOfClass(priorityClass, operator, values);
      // Terminating is about pods of Jobs, CrossNamespacePodAffinity about placing them.
      default:
        return false;
    }
  });
}

/** Whether a ResourceQuota is about some pods only, and so about nothing else. */
export const isScoped = (quota: PolicyObject): boolean => scopesOf(quota).length > 0;

/** Requests and limits by the names of quotas; requests of CPU and memory have two. */
export function quotaAmounts(requests: Amounts, limits: Amounts): Amounts {
  return Object.fromEntries([
    ...Object.entries(requests).flatMap(([name, amount]) => [
      [`requests.${name}`, amount],
      ...(['cpu', 'memory'].includes(name) ? [[name, amount]] : []),
    ]),
    ...Object.entries(limits).map(([name, amount]) => [`limits.${name}`, amount]),
  ]) as Amounts;
}

/**
 * Whether a pod asks for no CPU and no memory once the API server has filled in what it leaves open.
 *
 * @param defaults  of LimitRanges, for each container
 */
export function isBestEffort(pod: PodOfContainers, defaults: Required<Resources>): boolean {
  const { requests, limits } = podAmounts(pod, defaults);
  return [requests, limits].every(({ cpu = 0n, memory = 0n }) => cpu === 0n && memory === 0n);
}

interface Scope {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function scopesOf({ spec }: PolicyObject): Scope[] {
  const { scopes, scopeSelector } = asRecord(spec);
  return [
    ...asStrings(scopes).map((name) => ({ name, operator: 'Exists', values: [] })),
    ...asRecords(asRecord(scopeSelector)['matchExpressions']).map((expression) => ({
      name: stringAt(expression, 'scopeName') ?? '',
      operator: stringAt(expression, 'operator') ?? '',
      values: asStrings(expression['values']),
    })),
  ];
}

function isOfClass(name: string, operator: string, values: readonly string[]): boolean {
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
