import type { MeshPicture, PictureService, PictureWaypoint, PictureWorkload } from '../picture.js';
import { type PolicyObject, asRecord, selects } from '../policy-object.js';
import { targetsOf } from '../waypoint-needs.js';

/*
 * Which policies a proxy reads. An AuthorizationPolicy and a RequestAuthentication are attached alike.
 * Source: istio/istio pilot/pkg/model/policyattachment.go; istio-ambient facts, 5.0
 */

/** What a policy of a waypoint may name to be for all waypoints. */
const WAYPOINT_CLASS = 'istio-waypoint';

/** Those that a sidecar reads: of its namespace and of the root namespace, without `targetRefs`, whose selector chooses the pod. */
export function policiesOfSidecar<T extends PolicyObject>(
  policies: readonly T[],
  { namespace, labels }: Pick<PictureWorkload, 'namespace' | 'labels'>,
  { settings }: Pick<MeshPicture, 'settings'>,
): T[] {
  return policies.filter(
    (policy) =>
      [namespace, settings.rootNamespace].includes(policy.metadata.namespace ?? '') &&
      targetsOf(policy).length === 0 &&
      selects(asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']), labels),
  );
}

/**
 * Those that a waypoint reads for a Service: with `targetRefs` to it, of its namespace; to the Gateway, of the Gateway's; to the class, of
 * the root namespace. Never one with a selector, and never one without either.
 *
 * @param service  undefined for traffic to the address of a pod
 */
export function policiesOfWaypoint<T extends PolicyObject>(
  policies: readonly T[],
  waypoint: Pick<PictureWaypoint, 'name' | 'namespace'>,
  service: Pick<PictureService, 'name' | 'namespace'> | undefined,
  { settings }: Pick<MeshPicture, 'settings'>,
): T[] {
  return policies.filter((policy) => {
    const { namespace } = policy.metadata;
    return targetsOf(policy).some(({ kind, name }) => {
      switch (kind) {
        case 'Service':
          return service !== undefined && namespace === service.namespace && name === service.name;
        case 'Gateway':
          return namespace === waypoint.namespace && name === waypoint.name;
        case 'GatewayClass':
          return namespace === settings.rootNamespace && name === WAYPOINT_CLASS;
        default:
          return false;
      }
    });
  });
}
