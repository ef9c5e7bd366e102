import { matchesSelector } from '../../../kube/selectors.js';
import type { BudgetSpec } from '../builtin/pod-disruption-budgets.js';
import { hasCondition, podStatus } from '../builtin/pod-status.js';
import { badRequest, forbidden, StatusError } from '../errors.js';
import type { ApiObject } from '../object.js';
import { timestamp } from '../writes/object-meta.js';
import type { DeleteOptions } from '../operations.js';
import type { Action, ActionRequest } from '../subresource.js';
import { setCondition } from './binding.js';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

const severalBudgets =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
const violation = "Cannot evict pod as it would violate the pod's disruption budget.";

/** Above, the controller has not kept up with evictions. */
const disruptedPodsLimit = 2000;

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

interface BudgetStatus {
  observedGeneration?: number;
  disruptionsAllowed?: number;
  currentHealthy?: number;
  desiredHealthy?: number;
  disruptedPods?: Record<string, string>;
  conditions?: Condition[];
}

const budgetStatus = (budget: ApiObject): BudgetStatus => budget.status ?? {};

/** 429 with the reason that clients such as `kubectl drain` show. */
function tooManyRequests(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError(429, 'TooManyRequests', violation, {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** Why a budget allows no disruption now. */
function refusal({ metadata: { name }, ...budget }: ApiObject): string {
  const { conditions = [], currentHealthy = 0, desiredHealthy = 0 } = budgetStatus({ ...budget } as ApiObject);
  const condition = conditions.find(
    ({ type, status, message }) => type === 'DisruptionAllowed' && status === 'False' && message,
  );
  if (condition?.reason === 'SyncFailed') {
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  }
  if (currentHealthy <= desiredHealthy) {
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  const allow = `The disruption budget ${name} does not allow evicting pods currently`;
  return condition ? `${allow} (${condition.reason}): ${condition.message}` : allow;
}

/** Takes one of the disruptions that a budget allows (`checkAndDecrement`). */
function takeDisruption(budget: ApiObject, pod: string, now: number): void {
  const status = budgetStatus(budget);
  const { name } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods = {} } = status;
  const resource = { group: 'policy', plural: 'poddisruptionbudget' };
  if (observedGeneration < (budget.metadata.generation ?? 0)) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (disruptionsAllowed < 0) throw forbidden(resource, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > disruptedPodsLimit) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw forbidden(resource, name, why);
  }
  if (disruptionsAllowed === 0) throw tooManyRequests(refusal(budget));
  status.disruptionsAllowed = disruptionsAllowed - 1;
  status.disruptedPods = { ...disruptedPods, [pod]: timestamp(now) };
  if (status.disruptionsAllowed === 0) disallow(status, budget.metadata.generation, now);
}

/** The condition says at once what the controller would say later (`UpdateDisruptionAllowedCondition`). */
function disallow(status: BudgetStatus, observedGeneration: number | undefined, now: number): void {
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration: observedGeneration ?? 0,
    lastTransitionTime: timestamp(now),
  };
  const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
  status.conditions = [...others, condition];
}

/** A pod that is not ready may go where its budget would not be hurt: it does not count as healthy. */
function mayGoUnready(pod: ApiObject, budget: ApiObject): boolean {
  if (hasCondition(podStatus(pod), 'Ready')) return false;
  if ((budget.spec as BudgetSpec).unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budgetStatus(budget);
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Pods that run nothing, or that go already, are not protected by budgets. */
function isUnprotected(pod: ApiObject): boolean {
  return (
    ['Succeeded', 'Failed', 'Pending'].includes(podStatus(pod).phase ?? '') ||
    pod.metadata.deletionTimestamp !== undefined
  );
}

function budgetsOf(pod: ApiObject, budgets: readonly ApiObject[]): ApiObject[] {
  return budgets.filter(({ spec }) => matchesSelector((spec as BudgetSpec | undefined)?.selector, pod.metadata.labels));
}

/** Asks the pod's budget; the one that applies gives a disruption. */
function askBudget(pod: ApiObject, request: ActionRequest, dryRun: boolean): void {
  const { operations, namespace, name, now } = request;
  const resource = operations.find('policy', 'poddisruptionbudgets')!;
  const [budget, ...more] = budgetsOf(pod, operations.list(resource, namespace));
  if (more.length > 0) throw new StatusError(500, '', severalBudgets);
  if (budget === undefined || mayGoUnready(pod, budget)) return;
  operations.update(resource, { namespace, name: budget.metadata.name }, (fresh) => takeDisruption(fresh, name, now), {
    dryRun,
    subresource: 'status',
  });
}

async function evict(request: ActionRequest): Promise<{ body: object }> {
  const { body, resource, namespace, name, now, operations } = request;
  if (body.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const { dryRun: dryRuns, ...options } = (body.deleteOptions ?? {}) as DeleteOptions & { dryRun?: string[] };
  const dryRun = request.dryRun || dryRuns?.includes('All') === true;
  const ref = { namespace, name };
  const pod = operations.get(resource, ref);
  if (!isUnprotected(pod)) askBudget(pod, request, dryRun);
  checkPreconditions(pod, options);
  if (!dryRun) {
    const reason = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };
    operations.update(
      resource,
      ref,
      (fresh) => setCondition(fresh, { type: 'DisruptionTarget', status: 'True', ...reason }, now),
      { subresource: 'eviction' },
    );
  }
  // The condition has just made a new version of the pod.
  const { uid } = options.preconditions ?? {};
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  await operations.delete(resource, ref, { ...withoutPreconditions(options), ...preconditions, dryRun });
  return { body: success };
}

function withoutPreconditions({ preconditions: _preconditions, ...options }: DeleteOptions): DeleteOptions {
  return options;
}

function checkPreconditions({ metadata }: ApiObject, options: DeleteOptions): void {
  const preconditions = options.preconditions ?? {};
  const check = (what: string, wanted: string | undefined, is: string, why: string): void => {
    if (!wanted || wanted === is) return;
    throw new StatusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on Pod ${JSON.stringify(metadata.name)}: the ${what} in the precondition (${wanted}) does not match the ${what} in record (${is}). The object might have been ${why}`,
      { name: metadata.name, kind: 'Pod' },
    );
  };
  check('UID', preconditions.uid, metadata.uid, 'deleted and then recreated');
  check('ResourceVersion', preconditions.resourceVersion, metadata.resourceVersion, 'modified');
}

/** Deletes a pod if its PodDisruptionBudget allows it: `kubectl drain`. */
export const eviction: Action = {
  type: 'action',
  kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
  create: evict,
};
