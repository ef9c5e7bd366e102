import type { Finding } from '../../mesh/findings.js';
import { type NewWaypoint, containerDefaults, limitRangeFindings } from '../../mesh/findings/limit-range.js';
import { type CountedWorkload, quotaFindings } from '../../mesh/findings/resource-quota.js';
import { type Requests, savingFindings } from '../../mesh/findings/savings.js';
import type { Observed } from './observed.js';
import { wantedWaypoint } from './scope.js';
import { type Workload, workloadName } from './workloads.js';

/**
 * What becomes of CPU and memory: what the sidecars free, what a waypoint adds, and what quotas and limits say to both. Pure.
 *
 * @param losing  workloads that lose their sidecar
 */
export function resourceFindings(observed: Observed, losing: readonly Workload[]): Finding[] {
  const { limitRanges, quotas, namespace } = observed;
  const sidecars = losing.map(sidecarsOf);
  const waypoint = newWaypoint(observed);
  return [
    ...savingFindings(namespace.metadata.name, sidecars, waypoint && { ...waypoint, requests: requestsOf(waypoint) }),
    ...limitRangeFindings(limitRanges, sidecars, waypoint),
    ...quotaFindings(quotas, sidecars, waypoint, containerDefaults(limitRanges)),
  ];
}

function sidecarsOf(workload: Workload): CountedWorkload {
  const { replicas, pods, template } = workload;
  const requests = pods.find(({ sidecarRequests }) => sidecarRequests)?.sidecarRequests ?? {};
  return { name: workloadName(workload), replicas, requests, spec: template.spec };
}

function newWaypoint(observed: Observed): NewWaypoint | undefined {
  const waypoint = wantedWaypoint(observed);
  if (!waypoint?.own || observed.waypoint.gateway) return undefined;
  const { name, min, sizing } = waypoint;
  const ofMesh = observed.mesh.waypointResources;
  // The sizing of a Gateway changes single fields of what the mesh gives.
  const requests = { ...ofMesh.requests, ...sizing?.resources.requests };
  const limits = { ...ofMesh.limits, ...sizing?.resources.limits };
  return { name, min, resources: { requests, limits } };
}

function requestsOf({ resources: { requests = {} } }: NewWaypoint): Requests | undefined {
  return Object.keys(requests).length > 0 ? { cpu: requests['cpu'], memory: requests['memory'] } : undefined;
}
