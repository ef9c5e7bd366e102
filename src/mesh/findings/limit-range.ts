import type { Finding } from '../findings.js';
import {
  type PodAmounts,
  type PodOfContainers,
  type Resources,
  containerAmounts,
  podAmounts,
} from '../pod-resources.js';
import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import { type Amounts, type Quantities, amountOf, shownAmount } from '../quantity.js';

/** A pod template of a workload that loses its sidecar. */
export interface LosingWorkload {
  /** `Kind/name`. */
  readonly name: string;
  readonly spec: PodOfContainers;
}

/** The waypoint that a migration creates, as far as its pods must be admitted. */
export interface NewWaypoint {
  readonly name: string;
  /** Pods that there always are. */
  readonly min: number;
  /** Of its one container. */
  readonly resources: Resources;
}

type Fields = Readonly<Record<string, unknown>>;

/** Most workloads that a message names. */
const MAX_NAMES = 3;

/**
 * What LimitRanges of the namespace would refuse: pods without their sidecar, which counts in the sum of a pod today, and pods of
 * the waypoint.
 *
 * @param ranges    LimitRanges of the namespace
 * @param losing    workloads that lose their sidecar
 * @param waypoint  that is created there
 * @see kubernetes/kubernetes plugin/pkg/admission/limitranger/admission.go, PodValidateLimitFunc
 */
export function limitRangeFindings(
  ranges: readonly PolicyObject[],
  losing: readonly LosingWorkload[],
  waypoint: NewWaypoint | undefined,
): Finding[] {
  const defaults = containerDefaults(ranges);
  const pods = losing.map(({ name, spec }) => ({ name, amounts: podAmounts(spec, defaults) }));
  return ranges.flatMap((range) => {
    const object = `LimitRange/${range.metadata.name}`;
    const items = itemsOf(range).map((item, index) => ({ item, path: `spec.limits[${index}]` }));
    const refused = items
      .filter(({ item }) => item['type'] === 'Pod')
      .flatMap(({ item, path }) => refusals(item, path, pods));
    const ofWaypoint = items
      .filter(({ item }) => waypoint && (item['type'] === 'Pod' || item['type'] === 'Container'))
      .flatMap(({ item, path }) => broken(item, path, containerAmounts(waypoint?.resources, defaults)));
    return [
      ...(refused.length > 0
        ? [
            {
              code: 'SST4035' as const,
              object,
              message: `${object} would refuse pods without sidecar: ${refused.join('; ')}`,
            },
          ]
        : []),
      ...(ofWaypoint.length > 0
        ? [
            {
              code: 'SST5008' as const,
              object,
              message: `${object} would refuse pods of waypoint ${waypoint?.name ?? ''}: ${ofWaypoint.join('; ')}`,
            },
          ]
        : []),
    ];
  });
}

/** What the API server writes into containers that leave it open; of several LimitRanges the last one wins. */
export function containerDefaults(ranges: readonly PolicyObject[]): Required<Resources> {
  const items = ranges.flatMap(itemsOf).filter(({ type }) => type === 'Container');
  const merged = (field: string): Quantities =>
    Object.assign({}, ...items.map((item) => asRecord(item[field]))) as Quantities;
  return { requests: merged('defaultRequest'), limits: merged('default') };
}

const itemsOf = ({ spec }: PolicyObject): readonly Fields[] => asRecords(asRecord(spec)['limits']);

function refusals(item: Fields, path: string, pods: readonly { name: string; amounts: PodAmounts }[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, amounts } of pods) {
    for (const reason of broken(item, path, amounts)) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, names]) => {
    const rest = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
    return `${names.slice(0, MAX_NAMES).join(', ')}${rest}, field ${reason}`;
  });
}

/** The bounds of an entry that are not kept: path, and what is asked for instead. */
function broken(item: Fields, path: string, { requests, limits }: PodAmounts): string[] {
  const bounds = (field: string, problem: (name: string, bound: bigint) => string | undefined): string[] =>
    Object.entries(asRecord(item[field])).flatMap(([name, quantity]) => {
      const found = problem(name, amountOf(String(quantity)));
      return found === undefined ? [] : [`${path}.${field}.${name}: ${String(quantity)}, but ${found}`];
    });
  const shown = (what: string, name: string, amount: bigint): string => `${what} ${shownAmount(name, amount)}`;
  return [
    ...bounds('min', (name, bound) => {
      const [request, limit] = amountsAt(name, requests, limits);
      if (request === undefined) return 'they request none';
      if (request < bound) return shown('they request', name, request);
      return limit !== undefined && limit < bound ? shown('their limit is', name, limit) : undefined;
    }),
    ...bounds('max', (name, bound) => {
      const [request, limit] = amountsAt(name, requests, limits);
      if (limit === undefined) return 'they have no limit';
      if (limit > bound) return shown('their limit is', name, limit);
      return request !== undefined && request > bound ? shown('they request', name, request) : undefined;
    }),
    ...bounds('maxLimitRequestRatio', (name, bound) => {
      const [request = 0n, limit = 0n] = amountsAt(name, requests, limits);
      if (request === 0n || limit === 0n) return 'they have no request or no limit';
      return limit * 1_000_000_000n > bound * request ? 'their limit is further above their request' : undefined;
    }),
  ];
}

const amountsAt = (name: string, requests: Amounts, limits: Amounts): readonly (bigint | undefined)[] => [
  requests[name],
  limits[name],
];
