/**
 * Condition types of an AmbientMigration, each with the sentence that says what `True` means. `Ready`, `Reconciling` and
 * `Stalled` follow kstatus; the others are states of the steps, in the order of the steps.
 *
 * @see kubernetes-sigs/cli-utils pkg/kstatus/README.md
 */
export const CONDITIONS = {
  Ready: 'The namespace is where spec.dataplaneMode wants it, and nothing is left to do.',
  Reconciling: 'Work is under way, or something is awaited that comes without a person.',
  Stalled: 'Nothing moves until a person acts; the message says what to do.',
  PreflightPassed: 'Cluster and namespace are fit for the migration.',
  PlanReady: 'The plan is computed, and no finding blocks it.',
  Approved: 'The plan may be carried out: spec.approval is Automatic, or spec.approvedPlan names its hash.',
  RollbackAvailable: 'The state before the migration is kept, so that spec.dataplaneMode: Sidecar brings it back.',
  TunnelReady: 'Every sidecar of the namespace speaks HBONE, so that ambient pods reach it with mTLS.',
  WaypointReady: 'The waypoint takes traffic, or none is needed.',
  PoliciesTranslated: 'What ambient mode needs beside the policies of the namespace is there, or nothing is needed.',
  WaypointBound: 'Every Service that is meant to uses the waypoint and every policy is attached, or none is needed.',
  Enrolled: 'The namespace carries the labels of ambient mode.',
  WorkloadsMigrated: 'Every pod that counts runs without sidecar, captured by ztunnel, and is ready.',
  EnforcementCovered: 'Whatever only the waypoint can protect takes calls of the waypoint only.',
  Verified: 'The soak is over, and nothing drifted meanwhile.',
  Paused: 'spec.paused holds the migration after its current step; clocks stand still.',
} as const satisfies Record<string, string>;

/** A condition type that an AmbientMigration reports. */
export type ConditionType = keyof typeof CONDITIONS;

/**
 * Reasons of those conditions, each with the sentence that the documentation prints. Names are a promise to users, who
 * match them in scripts and alerts: one is never given a second meaning.
 */
export const REASONS = {
  // Preflight
  Passed: 'All checks passed.',
  ClusterNotReady: 'Istio, a node or the injector is not fit yet; the migration goes on by itself once it is.',

  // Plan and approval
  Planned: 'The plan stands, and nothing blocks it.',
  BlockedByFindings: 'A finding needs a fix, or an entry in spec.acknowledge.',
  Automatic: 'spec.approval is Automatic: no approval is asked for.',
  Approved: 'spec.approvedPlan names the current plan.',
  AwaitingApproval: 'spec.approval is Manual, and spec.approvedPlan does not name the current plan.',

  // Snapshot
  SnapshotKept: 'The state before is kept in a ControllerRevision of the namespace.',
  SnapshotUnreadable: 'The snapshot is not one that this version of Sidestep can read.',
  SnapshotMissing: 'The state before is not written down yet; nothing is changed until it is.',
  NothingToRollBack: 'Nothing was changed, so there is nothing to bring back.',

  // Waypoint
  NotNeeded: 'No waypoint is asked for, and no policy or route needs one.',
  WaypointReady: 'The waypoint takes traffic.',
  WaypointMissing: 'The Gateway of the waypoint is about to be created, or changed.',
  WaypointNotReady: 'The waypoint does not take traffic yet; the message says what is missing.',
  WaypointBound: 'The Services use the waypoint, and policies are attached to it.',
  BindingMissing: 'Labels that bind to the waypoint are about to be set, or removed.',
  AwaitingIstiod: 'istiod has not bound a Service to the waypoint, or attached a policy to it.',
  ScopeChanged:
    'spec.waypoint.scope was changed while pods are ambient, and does not reach all Services that are bound.',
  PolicyNotAccepted: 'istiod does not attach a policy to the waypoint; what was bound is let go again.',
  WaypointInUse: 'The waypoint stays until nothing names it any more.',
  WaypointLeaving: 'The waypoint is being deleted.',

  // Policies
  PoliciesTranslated: 'Copies for the waypoint and what goes with them are there.',
  PoliciesMissing: 'Policies or routes for the waypoint are about to be written.',
  BackendsSettling:
    'Services that routes are to name are a few seconds old, or no route has named them for a few seconds: proxies are to know of it.',
  WaypointChanged:
    'spec.waypoint names another waypoint, while policies that were written for the former one protect ambient pods.',
  PoliciesLeaving: 'Policies that the migration has written are about to be deleted.',
  Guarded: 'Guards choose every pod that the waypoint protects.',
  GuardsLoose: 'Guards are about to choose other pods.',

  // Labels
  EnrolledByWorkload:
    'Workloads are enrolled one after the other, by labels of their pod templates; the namespace follows.',
  LabelsSet: 'The namespace has the labels that it should have.',
  LabelsMissing: 'Labels of the namespace are about to be set.',
  FieldReverted:
    'Somebody sets back what the migration writes, or admission takes it off; the message names who, and what to do.',
  ControlPlaneDown: 'istiod does not answer; nothing is changed until it does.',

  // Workloads
  AllSpeakHbone: 'Every sidecar of the namespace speaks HBONE.',
  AllAmbient: 'Every workload runs in ambient mode.',
  AllSidecar: 'Every workload runs with its sidecar again.',
  Restarting: 'A workload is about to be restarted.',
  RolloutInProgress: 'A restarted workload has not finished its rollout.',
  RolloutBlocked:
    'A workload cannot be rolled out: it is paused or partitioned, its pod template is unknown, or its pods cannot be evicted.',
  BudgetExhausted: 'A PodDisruptionBudget allows no disruption now, or refuses an eviction.',
  InjectorDown: 'The sidecar injector does not answer: a restarted pod could not be created.',
  InjectorNotInjecting: 'A new pod would not get the sidecar that it should get.',
  InjectorStillInjects: 'A new pod would still get a sidecar; the API server has not seen the labels yet.',
  PodRefused: 'The API server would refuse a new pod of a workload: quota, Pod Security or another webhook.',
  ProgressDeadlineExceeded: 'A rollout made no progress for spec.rollout.progressDeadline.',
  WrongModeAfterRestart: 'A workload was restarted twice, and its pods still have the wrong mode.',

  // Verification
  Soaking: 'The namespace is watched for spec.rollout.soak before it counts as ready.',
  Verified: 'The namespace was watched for spec.rollout.soak.',

  // Rollback
  RolledBack: 'The namespace is in the state before its migration.',
  HeldByPods: 'Pods still need what the step changes, such as the data-plane label, until they have gone.',
  InjectionNotRestored: 'A workload that had a sidecar would get none: the injection labels were changed by hand.',
  WouldLeaveMesh: 'A workload that came during the migration would leave the mesh with the label.',

  // The migration as a whole
  Migrated: 'The namespace is in ambient mode.',
  Progressing: 'A step is under way.',
  Held: 'ztunnel, the CNI agent or istiod is not fit; forward steps go on by themselves once they are.',
  NotStarted: 'An earlier step is not done.',
  Superseded: 'An older AmbientMigration is active in this namespace.',
  Paused: 'spec.paused is true.',
  NotPaused: 'spec.paused is false.',
  SpecChanged: 'The spec was changed, and has not been looked at yet.',
  ReconcileFailed: 'The last pass ended with an error; it is repeated.',
} as const satisfies Record<string, string>;

/** A reason that a condition gives. */
export type Reason = keyof typeof REASONS;
