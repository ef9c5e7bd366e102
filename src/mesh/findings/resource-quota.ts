import type { Finding } from '../findings.js';
import { type Resources, containerAmounts } from '../pod-resources.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { type Amounts, type Quantities, amountOf, combined, shownAmount, times } from '../quantity.js';
import type { NewWaypoint } from './limit-range.js';
import type { Requests } from './savings.js';

/** A ResourceQuota, and what is used of it. */
export interface QuotaObject extends PolicyObject {
  readonly status?: { readonly used?: Quantities };
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
 * What ResourceQuotas of the namespace count of sidecars, and what they have no room for: a waypoint comes before any sidecar goes.
 *
 * @param losing    replicas that lose their sidecar, and what one sidecar requests
 * @param waypoint  that is created there
 * @param defaults  what LimitRanges give to its container
 */
export function quotaFindings(
  quotas: readonly QuotaObject[],
  losing: readonly { readonly replicas: number; readonly requests: Requests }[],
  waypoint: NewWaypoint | undefined,
  defaults: Required<Resources>,
): Finding[] {
  const needed = waypoint && neededBy(waypoint, defaults);
  const ofSidecars = losing
    .map(({ replicas, requests: { cpu = '0', memory = '0' } }) =>
      times(compute({ cpu: amountOf(cpu), memory: amountOf(memory) }, {}), replicas),
    )
    .reduce<Amounts>((a, b) => combined(a, b, plus), {});
  return quotas.flatMap((quota) => {
    const object = `ResourceQuota/${quota.metadata.name}`;
    const hard = amountsIn(asRecord(asRecord(quota.spec)['hard']));
    const found = (code: 'SST4036' | 'SST5009', parts: readonly string[], text: string): Finding[] =>
      parts.length > 0 ? [{ code, object, message: `${object} ${text}: ${parts.join('; ')}` }] : [];
    const counted = countsPods(quota) ? Object.keys(hard).filter((name) => (ofSidecars[name] ?? 0n) > 0n) : [];
    return [
      ...found(
        'SST4036',
        counted.map(
          (name) =>
            `field spec.hard[${name}], ${shownAmount(name, ofSidecars[name] ?? 0n)} of ${shownAmount(name, hard[name] ?? 0n)}`,
        ),
        'counts sidecars',
      ),
      ...found('SST5009', needed ? lacks(quota, hard, needed) : [], `has no room for waypoint ${waypoint?.name ?? ''}`),
    ];
  });
}

/** What a waypoint uses up while it is rolled out, by the names of quotas. */
function neededBy({ min, resources }: NewWaypoint, defaults: Required<Resources>): { pods: Amounts; objects: Amounts } {
  const { requests, limits } = containerAmounts(resources, defaults);
  const pod = { pods: ONE, 'count/pods': ONE, ...compute(requests, limits) };
  // A change of the mesh, or of its size, is rolled out with one pod in four above that (Kubernetes docs, Deployment, Max Surge).
  return {
    pods: times(pod, min + Math.ceil(min / 4)),
    objects: Object.fromEntries(OBJECTS.map((name) => [name, ONE])),
  };
}

/** Requests and limits by the names of quotas; requests have two. */
function compute(requests: Amounts, limits: Amounts): Amounts {
  return Object.fromEntries([
    ...Object.entries(requests).flatMap(([name, amount]) => [
      [`requests.${name}`, amount],
      ...(['cpu', 'memory'].includes(name) ? [[name, amount]] : []),
    ]),
    ...Object.entries(limits).map(([name, amount]) => [`limits.${name}`, amount]),
  ]) as Amounts;
}

function lacks(quota: QuotaObject, hard: Amounts, needed: { pods: Amounts; objects: Amounts }): string[] {
  const used = amountsIn(quota.status?.used ?? {});
  const all = countsPods(quota) ? { ...needed.objects, ...needed.pods } : isScoped(quota) ? {} : needed.objects;
  return Object.entries(hard).flatMap(([name, limit]) => {
    const field = `field spec.hard[${name}]`;
    const wanted = all[name];
    if (wanted === undefined) {
      const isMissing = countsPods(quota) && MUST_BE_NAMED.includes(name);
      return isMissing ? [`${field}, of which its container says nothing`] : [];
    }
    const left = limit - (used[name] ?? 0n);
    if (wanted <= left) return [];
    const room = shownAmount(name, left > 0n ? left : 0n);
    return [`${field}, ${shownAmount(name, wanted)} of the ${room} that are left`];
  });
}

/** Whether a quota counts ordinary pods that request something and run until they are stopped. */
function countsPods({ spec }: QuotaObject): boolean {
  const { scopes, scopeSelector } = asRecord(spec);
  const expressions = asRecords(asRecord(scopeSelector)['matchExpressions']);
  const named = [
    ...asStrings(scopes),
    ...expressions.map((one) => (one['operator'] === 'Exists' ? (stringAt(one, 'scopeName') ?? '') : '')),
  ];
  return named.every((scope) => scope === 'NotTerminating' || scope === 'NotBestEffort');
}

const isScoped = ({ spec }: QuotaObject): boolean =>
  asRecord(spec)['scopes'] !== undefined || asRecord(spec)['scopeSelector'] !== undefined;

const amountsIn = (quantities: Readonly<Record<string, unknown>>): Amounts =>
  Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, amountOf(String(quantity))]));

const plus = (a: bigint, b: bigint): bigint => a + b;
