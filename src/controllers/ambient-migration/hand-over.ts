import { LABEL } from '../../api/labels.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Service } from '../../kube/types.js';
import { isHeldByAccount, isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { namesWaypoint } from '../../mesh/waypoint-needs.js';
import { type BindingChange, type Target, hasAddress, selects } from './binding.js';
import type { Observed } from './observed.js';
import type { Waypoint } from './intended-waypoint.js';

/** A target, and what is to be written on it. */
export interface Pending {
  readonly target: Target;
  readonly change: BindingChange;
}

/**
 * Services with pods that only labels of another scope bind to the waypoint: without these, traffic to them would go around it. The new
 * scope has labelled whatever it reaches by then.
 */
export function leftBehind(observed: Observed, waypoint: Waypoint, pending: readonly Pending[]): Service[] {
  const leaving = pending.filter(({ target: { kind }, change }) => kind !== waypoint.scope && isLettingGo(change));
  const goes = (object: KubeObject): boolean => leaving.some(({ target }) => target.object === object);
  const accountsGo = leaving.some(({ target }) => target.kind === 'ServiceAccount');
  const { namespace } = observed;
  return observed.waypoint.services.filter((service) => {
    const isLabelled = service.metadata.labels?.[LABEL.useWaypoint] !== undefined;
    const followsAccount = isHeldByAccount(service) && !isHeldByMigration(service);
    const keepsLabel = isLabelled && !goes(service) && !(accountsGo && followsAccount);
    const isNamed = namesWaypoint(isLabelled ? service : namespace, waypoint);
    const staysNamed = keepsLabel
      ? namesWaypoint(service, waypoint)
      : !goes(namespace) && namesWaypoint(namespace, waypoint);
    return isNamed && !staysNamed && hasAddress(service) && isBacked(service, observed);
  });
}

function isLettingGo({ labels }: BindingChange): boolean {
  return LABEL.useWaypoint in labels && labels[LABEL.useWaypoint] === undefined;
}

/** Whether there is anything behind a Service: what has no selector may have endpoints that somebody writes by hand. */
function isBacked(service: Service, { workloads, jobPods, strayPods }: Observed): boolean {
  const pods = [...workloads.flatMap((workload) => workload.pods), ...jobPods, ...strayPods];
  const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
  return !hasSelector || pods.some((pod) => pod.live && selects(service, pod.labels));
}
