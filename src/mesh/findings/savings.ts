import type { Finding } from '../findings.js';
import { amountOf, shownAmount } from '../quantity.js';

/** What a container requests, as Kubernetes quantities; what is absent is not requested. */
export interface Requests {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
}

/** The waypoint that a migration creates. */
export interface AddedWaypoint {
  readonly name: string;
  /** Replicas that there always are. */
  readonly min: number;
  /** Of each replica; undefined: what the mesh gives to waypoints. */
  readonly requests: Requests | undefined;
}

/**
 * What the sidecars of a namespace request, and what comes instead; nothing if they request nothing. ztunnel has its share on every
 * node already.
 *
 * @param workloads  that lose their sidecar: replicas, and what one sidecar requests
 * @param waypoint   that is created
 */
export function savingFindings(
  namespace: string,
  workloads: readonly { readonly replicas: number; readonly requests: Requests }[],
  waypoint: AddedWaypoint | undefined,
): Finding[] {
  const freed = total(workloads.map(({ replicas, requests }) => [replicas, requests]));
  if (freed === '') return [];
  const sidecars = workloads.reduce((sum, { replicas }) => sum + replicas, 0);
  const verb = sidecars === 1 ? 'sidecar requests' : 'sidecars request';
  const added = waypoint ? `; ${addedBy(waypoint)}` : '';
  return [
    {
      code: 'SST4027',
      object: `Namespace/${namespace}`,
      message: `${sidecars} ${verb} ${freed}, which becomes free${added}`,
    },
  ];
}

function addedBy({ name, min, requests }: AddedWaypoint): string {
  const sum = requests && total([[min, requests]]);
  return `waypoint ${name} adds ${sum ? `at least ${sum}` : `${min} replicas or more, as large as the mesh says`}`;
}

function total(parts: readonly (readonly [times: number, requests: Requests])[]): string {
  const sum = (of: keyof Requests): bigint =>
    parts.reduce((all, [times, { [of]: quantity }]) => all + BigInt(times) * amountOf(quantity ?? '0'), 0n);
  const [cpu, memory] = [sum('cpu'), sum('memory')];
  return [
    ...(cpu > 0n ? [`${shownAmount('cpu', cpu)} of CPU`] : []),
    ...(memory > 0n ? [`${shownAmount('memory', memory)} of memory`] : []),
  ].join(' and ');
}
