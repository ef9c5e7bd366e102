/*
 * Half of the suites does not use everything that the operator is granted, as `verb resource.group[/subresource]`. What one half
 * does not use the other one must: nothing may be in both lists.
 */

/** What suites about migrations do not use: the objects of a waypoint. */
export const UNUSED_BY_MIGRATIONS: readonly string[] = [
  'create deployments.apps',
  'create horizontalpodautoscalers.autoscaling',
  'create poddisruptionbudgets.policy',
  'create serviceaccounts',
  'delete deployments.apps',
  'delete horizontalpodautoscalers.autoscaling',
  'delete poddisruptionbudgets.policy',
  'delete serviceaccounts',
  'patch deployments.apps/scale',
  'patch horizontalpodautoscalers.autoscaling',
  'patch poddisruptionbudgets.policy',
];

/** What suites about waypoints do not use: snapshots, dry runs and restarts. */
export const UNUSED_BY_WAYPOINTS: readonly string[] = [
  'create authorizationpolicies.security.istio.io',
  'create controllerrevisions.apps',
  'create destinationrules.networking.istio.io',
  'create httproutes.gateway.networking.k8s.io',
  'create pods',
  'create pods/eviction',
  'create requestauthentications.security.istio.io',
  'create telemetries.telemetry.istio.io',
  'create trafficextensions.extensions.istio.io',
  'create wasmplugins.extensions.istio.io',
  'delete authorizationpolicies.security.istio.io',
  'delete destinationrules.networking.istio.io',
  'delete httproutes.gateway.networking.k8s.io',
  'delete requestauthentications.security.istio.io',
  'delete telemetries.telemetry.istio.io',
  'delete trafficextensions.extensions.istio.io',
  'delete wasmplugins.extensions.istio.io',
  'get daemonsets.apps',
  'get deployments.apps',
  'get rollouts.argoproj.io',
  'get statefulsets.apps',
  'patch ambientmigrations.sidestep.dev/status',
  'patch authorizationpolicies.security.istio.io',
  'patch controllerrevisions.apps',
  'patch daemonsets.apps',
  'patch destinationrules.networking.istio.io',
  'patch httproutes.gateway.networking.k8s.io',
  'patch requestauthentications.security.istio.io',
  'patch rollouts.argoproj.io',
  'patch statefulsets.apps',
  'patch telemetries.telemetry.istio.io',
  'patch trafficextensions.extensions.istio.io',
  'patch wasmplugins.extensions.istio.io',
  'watch rollouts.argoproj.io',
];
