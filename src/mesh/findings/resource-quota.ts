import type { Finding } from '../findings.js';
import { type PodOfContainers, type Resources, containerAmounts } from '../pod-resources.js';
import { type PolicyObject, asRecord } from '../policy-object.js';
import { type Amounts, type Quantities, amountOf, combined, shownAmount, times } from '../quantity.js';
import { ONE_POD, countsPod, isBestEffort, isScoped, quotaAmounts } from '../quota-scope.js';
import type { NewWaypoint } from './limit-range.js';
import type { Requests } from './savings.js';

/** A ResourceQuota, and what is used of it. */
export interface QuotaObject extends PolicyObject {
  readonly status?: { readonly used?: Quantities };
}

/** A workload that loses its sidecar, as far as quotas count its pods. */
export interface CountedWorkload {
  /** `Kind/name`. */
  readonly name: string;
  readonly replicas: number;
  /** Of one sidecar. */
  readonly requests: Requests;
  readonly spec: PodOfContainers & { readonly priorityClassName?: string | undefined };
}

/** Objects that a waypoint consists of besides its pods, one of each. */
const OBJECTS = [
  'services',
  'count/services',
  'count/serviceaccounts',
  'count/deployments.apps',
  'count/replicasets.apps',
  'count/horizontalpodautoscalers.autoscaling',
  'count/poddisruptionbudgets.policy',
  'count/gateways.gateway.networking.k8s.io',
];

/** What a container must name where a quota counts it. @see kubernetes/kubernetes pkg/quota/v1/evaluator/core/pods.go, Constraints */
const MUST_BE_NAMED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

const ONE = 1_000_000_000n;

/**
 * What ResourceQuotas of the namespace count of sidecars, and what they have no room for: a waypoint, which comes before any sidecar
 * goes, and pods that request nothing without theirs.
 *
 * @param losing    workloads that lose their sidecar
 * @param waypoint  that is created there
 * @param defaults  what LimitRanges give to containers
 */
export function quotaFindings(
  quotas: readonly QuotaObject[],
  losing: readonly CountedWorkload[],
  waypoint: NewWaypoint | undefined,
  defaults: Required<Resources>,
): Finding[] {
  const needed = waypoint && neededBy(waypoint, defaults);
  return quotas.flatMap((quota) => {
    const object = `ResourceQuota/${quota.metadata.name}`;
    const hard = amountsIn(asRecord(asRecord(quota.spec)['hard']));
    const found = (code: 'SST4036' | 'SST4039' | 'SST5009', parts: readonly string[], text: string): Finding[] =>
      parts.length > 0 ? [{ code, object, message: `${object} ${text}: ${parts.join('; ')}` }] : [];
    const newcomers = losing.filter((workload) => isNewTo(quota, workload, defaults));
    return [
      ...found('SST4036', sidecarsIn(quota, hard, losing), 'counts sidecars'),
      ...found('SST4039', shortOf(quota, hard, newcomers), `has no room for pods of ${namesOf(newcomers)}`),
      ...found('SST5009', needed ? lacks(quota, hard, needed) : [], `has no room for waypoint ${waypoint?.name ?? ''}`),
    ];
  });
}

/** What of a quota sidecars use. */
function sidecarsIn(quota: QuotaObject, hard: Amounts, losing: readonly CountedWorkload[]): string[] {
  const amounts = losing
    .filter(({ spec }) => countsPod(quota, { isBestEffort: false, priorityClass: spec.priorityClassName }))
    .map(({ replicas, requests: { cpu = '0', memory = '0' } }) =>
      times(quotaAmounts({ cpu: amountOf(cpu), memory: amountOf(memory) }, {}), replicas),
    )
    .reduce<Amounts>((a, b) => combined(a, b, plus), {});
  return Object.keys(hard)
    .filter((name) => (amounts[name] ?? 0n) > 0n)
    .map(
      (name) =>
        `field spec.hard[${name}], ${shownAmount(name, amounts[name] ?? 0n)} of ${shownAmount(name, hard[name] ?? 0n)}`,
    );
}

/** Whether a quota counts the pods of a workload only once their sidecar has gone. */
function isNewTo(quota: QuotaObject, { requests, spec }: CountedWorkload, defaults: Required<Resources>): boolean {
  const { cpu = '0', memory = '0' } = requests;
  if (amountOf(cpu) + amountOf(memory) === 0n || !isBestEffort(spec, defaults)) return false;
  const counts = (isBestEffort: boolean): boolean =>
    countsPod(quota, { isBestEffort, priorityClass: spec.priorityClassName });
  return counts(true) && !counts(false);
}

/** What a quota lacks for pods of which it counts none yet. */
function shortOf(quota: QuotaObject, hard: Amounts, newcomers: readonly CountedWorkload[]): string[] {
  const pods = newcomers.reduce((sum, { replicas }) => sum + replicas, 0);
  return missing(quota, hard, times(ONE_POD, pods));
}

/** What a waypoint uses up while it is rolled out, by the names of quotas. */
interface Needed {
  readonly pods: Amounts;
  readonly objects: Amounts;
  readonly isBestEffort: boolean;
}

function neededBy({ min, resources }: NewWaypoint, defaults: Required<Resources>): Needed {
  const { requests, limits } = containerAmounts(resources, defaults);
  const pod = { ...ONE_POD, ...quotaAmounts(requests, limits) };
  // A change of the mesh, or of its size, is rolled out with one pod in four above that (Kubernetes docs, Deployment, Max Surge).
  return {
    pods: times(pod, min + Math.ceil(min / 4)),
    objects: Object.fromEntries(OBJECTS.map((name) => [name, ONE])),
    isBestEffort: isBestEffort({ containers: [{ resources }] }, defaults),
  };
}

function lacks(quota: QuotaObject, hard: Amounts, { pods, objects, isBestEffort }: Needed): string[] {
  const counts = countsPod(quota, { isBestEffort });
  const all = { ...(isScoped(quota) ? {} : objects), ...(counts ? pods : {}) };
  const unnamed = Object.keys(hard).filter((name) => counts && all[name] === undefined && MUST_BE_NAMED.includes(name));
  return [
    ...missing(quota, hard, all),
    ...unnamed.map((name) => `field spec.hard[${name}], of which its container says nothing`),
  ];
}

/** What of a quota is left, where more is wanted. */
function missing({ status }: QuotaObject, hard: Amounts, wanted: Amounts): string[] {
  const used = amountsIn(status?.used ?? {});
  return Object.entries(hard).flatMap(([name, limit]) => {
    const amount = wanted[name] ?? 0n;
    const left = limit - (used[name] ?? 0n);
    if (amount === 0n || amount <= left) return [];
    const room = shownAmount(name, left > 0n ? left : 0n);
    return [`field spec.hard[${name}], ${shownAmount(name, amount)} of the ${room} that are left`];
  });
}

/** Most workloads that a message names. */
const MAX_NAMES = 3;

function namesOf(workloads: readonly CountedWorkload[]): string {
  const rest = workloads.length > MAX_NAMES ? ` and ${workloads.length - MAX_NAMES} more` : '';
  const names = workloads.slice(0, MAX_NAMES).map(({ name }) => name);
  return `${names.join(', ')}${rest}, which request nothing without sidecar`;
}

const amountsIn = (quantities: Readonly<Record<string, unknown>>): Amounts =>
  Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, amountOf(String(quantity))]));

const plus = (a: bigint, b: bigint): bigint => a + b;
