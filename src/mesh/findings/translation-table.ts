import { FROM_PODS, type FindingKind, MUST_FIX, NEEDS_WAYPOINT, kind } from '../finding-kind.js';

/** The findings about what Sidestep writes for policies that a waypoint is to enforce. */
export const TRANSLATION_FINDINGS = {
  SST2032: kind(
    'CONVERT',
    'Only a waypoint can enforce a policy of pods, or run a filter of theirs: Sidestep writes copies of it for the waypoint, lets the waypoint reach the pods, and keeps others from them as soon as they are ambient.',
    'Nothing; set spec.policies.translation to Manual to write the copies yourself.',
    'istio-ambient facts 5.2, 5.3, 5.6',
    NEEDS_WAYPOINT,
  ),
  SST2033: kind(
    'CONVERT',
    'A policy decides about pods behind a waypoint: Sidestep writes copies of it for the waypoint, which alone sees the caller, and lets the waypoint reach the pods.',
    'Nothing; set spec.policies.translation to Manual to write the copies yourself.',
    'istio-ambient facts 5.3; istio/istio issue 57315',
  ),
  SST2034: kind(
    'BLOCK',
    'An ALLOW AuthorizationPolicy cannot be copied for the waypoint, and others for the same namespace are: the waypoint would refuse what only this one allows.',
    'Change what the message names, or write its copy (targetRefs) yourself and acknowledge.',
    'istio-ambient facts 5.2, step 10',
  ),
  SST2035: kind(
    'BLOCK',
    'Pods with sidecars in other namespaces may call a workload that only a waypoint can protect: they call it past the waypoint, and are refused once it is ambient.',
    'Migrate the namespaces that the message names first, or acknowledge that their calls are refused until then.',
    'istio-ambient facts 5.6, 6.1',
    FROM_PODS,
  ),
  SST2036: kind(
    'WARN',
    'Callers outside the mesh may call a workload that only a waypoint can protect: they call it past the waypoint, and are refused once it is ambient.',
    'Bring them into the mesh, or let them come through an ingress gateway.',
    'istio-ambient facts 5.6, 6.2',
  ),
  SST2037: kind(
    'BLOCK',
    'Workloads that only a waypoint can protect may call each other, so that none can be the last to lose its sidecar: calls of those that still have theirs are refused.',
    'Acknowledge that calls between them may be refused while they are restarted, or have their policies name their callers.',
    'istio-ambient facts 5.6, steps 4 and 5',
  ),
  SST2038: kind(
    'BLOCK',
    'spec.rollout.enrolment is Namespace, and a policy asks for a guard, which chooses ambient pods by a label of their templates.',
    'Set spec.rollout.enrolment to Auto or Workload.',
    'istio-ambient facts 5.6, steps 2 and 3',
    MUST_FIX,
  ),
  SST2039: kind(
    'BLOCK',
    'Workloads are enrolled one by one, by labels of their pod templates, and a change of its template starts the steps of a Rollout of Argo.',
    'Set spec.policies.translation to Manual, or run the workload by a Deployment.',
    'argoproj/argo-rollouts docs, features/restart.md',
    MUST_FIX,
  ),
  SST2040: kind(
    'BLOCK',
    'Sidestep would write a policy of a name that another has.',
    'Rename or remove the policy that the message names, or set spec.policies.translation to Manual.',
    'Kubernetes docs, Object Names and IDs',
    MUST_FIX,
  ),
  SST2041: kind(
    'BLOCK',
    'spec.rollout.order lets a workload that only a waypoint can protect lose its sidecar before some that may call it with one: their calls are refused until they have lost theirs.',
    'Set spec.rollout.order to CallersFirst, or list the callers first; or acknowledge the refusals.',
    'istio-ambient facts 5.6, step 4',
  ),
  SST2042: kind(
    'BLOCK',
    'A request that was refused before would be let in at a moment of the migration.',
    'Change what the message names, so that the step has no such moment; acknowledge only if nobody minds that request.',
    'istio-ambient facts 5.6',
  ),
  SST2043: kind(
    'WARN',
    'A request that is let in today would be refused at a moment of the migration, or from then on.',
    'Check whether anybody asks so; migrate callers first, or change what the message names.',
    'istio-ambient facts 5.6',
  ),
  SST2044: kind(
    'BLOCK',
    'spec.rollout.workloads names a workload that the namespace does not have.',
    'Correct its kind or name, or remove it from the list; acknowledge if it comes later.',
    'Sidestep, reference of AmbientMigration',
  ),
  SST2045: kind(
    'CONVERT',
    'A Telemetry says what sidecars of pods log, count and trace: Sidestep writes copies of it for the waypoint, which does so for requests to their Services.',
    'Check dashboards and alerts: the waypoint reports as reporter="waypoint", and what pods call is reported by the waypoints of those whom they call.',
    'istio-ambient facts 5.8',
  ),
  SST2046: kind(
    'BLOCK',
    'What is written for a waypoint does not keep everything that a filter does in sidecars, or that a provider is told by them: nobody knows what its code looks at.',
    'Read what the message names, and acknowledge if the filter or provider does not need it; a spec.match with mode SERVER says that a filter is for what pods receive.',
    'istio/istio pilot/pkg/networking/core/listener_waypoint.go; istio-ambient facts 5.8',
  ),
  SST2047: kind(
    'BLOCK',
    'It could not be decided whether requests that were refused before would be let in at a moment of the migration.',
    'Make the policies of the namespace simpler, or acknowledge after asking about single requests with sidestep can-i.',
    'Sidestep, src/mesh/proof',
  ),
  SST2048: kind(
    'BLOCK',
    'Two namespaces wait for each other: each has workloads that only a waypoint can protect, and that pods with sidecars of the other may call, so that calls of the one that migrates last are refused until it has.',
    'Migrate both soon after each other, and acknowledge in the first that calls of the other are refused until then; or have the policies name their callers.',
    'istio-ambient facts 5.6, 6.1',
    FROM_PODS,
  ),
} satisfies Record<string, FindingKind>;
