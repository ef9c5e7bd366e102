import { type FindingKind, FROM_PODS, MUST_FIX, NEEDS_WAYPOINT, kind } from '../finding-kind.js';

/** The findings about waypoints, and about policies behind one. */
export const WAYPOINT_FINDINGS = {
  SST2005: kind(
    'BLOCK',
    'Pods behind a waypoint see its identity instead of that of the caller, and a policy would refuse it, or ask a provider about it.',
    'Allow the principal that the message names in that policy, or except it from what the policy denies or asks about (notPrincipals): Sidestep writes the copy for the waypoint then.',
    'istio/istio issue 57315; istio-ambient facts 5.3',
  ),
  SST2006: kind(
    'BLOCK',
    'A policy decides by the caller, whom only the waypoint can tell once there is one: pods would take every caller for the waypoint.',
    'Copy the policy for the waypoint (targetRefs with its Gateway instead of the selector), then acknowledge; or use no waypoint.',
    'istio.io, ambient/usage/l4-policy, allowed policy attributes and waypoints; istio-ambient facts 5.3',
  ),
  SST5001: kind(
    'KEEP',
    'A policy has targetRefs: sidecars do not know it, and the waypoint enforces it from its binding on.',
    'Check that it says what you want; set spec.waypoint.provision to Never if it is not meant yet.',
    'istio.io, ambient/usage/waypoint, policy attachment',
    NEEDS_WAYPOINT,
  ),
  SST5002: kind(
    'KEEP',
    'A route has Services as parents: the waypoint carries it out for callers without a sidecar.',
    'Nothing: it keeps its effect.',
    'istio.io, ambient/usage/l7-features',
    NEEDS_WAYPOINT,
  ),
  SST5003: kind(
    'KEEP',
    'The namespace or a Service names the waypoint already.',
    'Nothing: the label stays, also after a rollback.',
    'istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go',
    NEEDS_WAYPOINT,
  ),
  SST5004: kind(
    'BLOCK',
    'The GatewayClass of the waypoint is missing, or makes no waypoints.',
    'Set spec.waypoint.className to a class that makes waypoints, such as istio-waypoint.',
    'istio/istio pilot/pkg/config/kube/gatewaycommon/classinfo.go',
    MUST_FIX,
  ),
  SST5005: kind(
    'BLOCK',
    'The Gateway that spec.waypoint names is no waypoint, or nobody serves it: whatever is bound to it would be cut off.',
    'Choose another name in spec.waypoint.name, or mend the Gateway.',
    'istio-ambient facts 3.7, option F',
    MUST_FIX,
  ),
  SST5006: kind(
    'BLOCK',
    'The Gateway of another namespace that spec.waypoint names is not there, or does not let this namespace use it.',
    'Create it, and allow this namespace in listeners[].allowedRoutes.namespaces.',
    'istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go',
    MUST_FIX,
  ),
  SST5007: kind(
    'BLOCK',
    'A label istio.io/use-waypoint of somebody else on the namespace keeps its Services from the waypoint that a policy or a route needs.',
    'Remove that label, or name its waypoint in spec.waypoint.name; or set spec.waypoint.scope to Service or ServiceAccount, whose labels beat it.',
    'istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go',
    MUST_FIX,
  ),
  SST5008: kind(
    'BLOCK',
    'A LimitRange of the namespace would refuse the pods of the waypoint that the migration creates.',
    'Change the bound that the message names, or set spec.waypoint.resources so that it is kept.',
    'Kubernetes docs, Limit Ranges',
    MUST_FIX,
  ),
  SST5009: kind(
    'BLOCK',
    'A ResourceQuota of the namespace has no room for the waypoint that the migration creates, before the first sidecar goes.',
    'Raise the quota until the migration is Ready; or lower spec.waypoint.replicas or spec.waypoint.resources, or name a waypoint of another namespace (spec.waypoint.namespace).',
    'Kubernetes docs, Resource Quotas',
    { ...MUST_FIX, ...FROM_PODS },
  ),
} satisfies Record<string, FindingKind>;
