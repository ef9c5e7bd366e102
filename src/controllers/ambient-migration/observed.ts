import type { AmbientMigration, AmbientMigrationSpec } from '../../api/ambient-migration.js';
import type { Gateway, GatewayClass } from '../../api/gateway-api.js';
import type { EvictionAnswer } from '../../kube/eviction.js';
import type { LabelSelector } from '../../kube/selectors.js';
import type {
  MutatingWebhookConfiguration,
  Namespace,
  PodTemplate,
  Service,
  ServiceAccount,
} from '../../kube/types.js';
import type { Finding } from '../../mesh/findings.js';
import type { LabelOwner } from '../../mesh/findings/namespace.js';
import type { QuotaObject } from '../../mesh/findings/resource-quota.js';
import type { InjectionTemplates } from '../../mesh/findings/spire.js';
import type { Resources } from '../../mesh/pod-resources.js';
import type { MeshSettings } from '../../mesh/mesh-settings.js';
import type { Labels, PolicyObject } from '../../mesh/policy-object.js';
import type { CallerIdentity } from '../../mesh/waypoint-identity.js';
import type { PodView } from './pods.js';
import type { Snapshot } from './snapshot.js';
import type { Workload } from './workloads.js';

/** Everything one pass knows, read once from the caches: plain data, never changed afterwards. */
export interface Observed {
  readonly nowMs: number;
  readonly migration: AmbientMigration;
  readonly spec: AmbientMigrationSpec;
  /** Name of the AmbientMigration that is active in the namespace instead of this one; empty if that one has gone. */
  readonly supersededBy: string | undefined;
  readonly namespace: Namespace;
  /** The state before the migration that is under way; undefined before its first change, and after its rollback. */
  readonly snapshot: Snapshot | undefined;
  /** The newest snapshot, restored or not. */
  readonly lastSnapshot: Snapshot | undefined;
  /** Why the snapshot that exists cannot be read. */
  readonly snapshotProblem: string | undefined;
  /** Sorted by kind and name. */
  readonly workloads: readonly Workload[];
  /** Live pods of Jobs: they cannot be restarted, only awaited. */
  readonly jobPods: readonly PodView[];
  readonly cronJobs: readonly CronJobView[];
  /** Live pods that no workload of a known kind owns. */
  readonly strayPods: readonly PodView[];
  /** Pods that are being deleted, of whatever owner, until their grace period is over. */
  readonly draining: readonly PodView[];
  readonly budgets: readonly Budget[];
  /** HorizontalPodAutoscalers of the namespace. */
  readonly autoscalers: readonly PolicyObject[];
  readonly limitRanges: readonly PolicyObject[];
  readonly quotas: readonly QuotaObject[];
  readonly mesh: Mesh;
  /** Istio, Gateway API and NetworkPolicy objects of the whole cluster; what applies is decided by `src/mesh`. */
  readonly policies: readonly PolicyObject[];
  /** Policies and routes of the namespace that a migration has written, and what these name; not among `policies`. */
  readonly translated: readonly PolicyObject[];
  /** `namespace/name` of VirtualServices of other namespaces whose migrations have written HTTPRoutes for them. */
  readonly routedElsewhere: ReadonlySet<string>;
  /** By `Kind/name` of what is `translated`: since when no route of ours names it, ms since the epoch; absent: one does. */
  readonly unnamedSince: ReadonlyMap<string, number>;
  /** Accounts of pods with sidecars in other namespaces. */
  readonly sidecarAccounts: readonly CallerIdentity[];
  readonly waypoint: WaypointView;
  /** Answers to dry runs, once a step has asked for them in this pass. */
  readonly dryRuns: DryRuns | undefined;
  /** What the proof of the migration has found; empty once there is a snapshot, and on the way back. */
  readonly proven: readonly Finding[];
  /** Who owns labels of the namespace; empty unless a GitOps tool has marked it, and the plan is still to be made. */
  readonly labelOwners: readonly LabelOwner[];
  /** Field managers of what somebody reverts, once that has been seen; for the message only. */
  readonly managers: string | undefined;
}

/** Waypoints, and what may be bound to them. */
export interface WaypointView {
  /** The Gateway that the spec names, in whatever namespace. */
  readonly gateway: Gateway | undefined;
  /** The class that the spec names. */
  readonly gatewayClass: GatewayClass | undefined;
  /** What calls through that Gateway are addressed to, or through one that is created: `service`, `workload`, `all` or `none`. */
  readonly traffic: string;
  /** Pods of that Gateway that take traffic. */
  readonly available: number;
  /** That Gateway lets the namespace use it. */
  readonly admits: boolean;
  /** Every Gateway of the namespace. */
  readonly gateways: readonly Gateway[];
  /** By name of such a Gateway: what names it as its waypoint, in any namespace. */
  readonly namers: ReadonlyMap<string, readonly string[]>;
  readonly services: readonly Service[];
  /** By name of a Service: labels of the pods that EndpointSlices list which the cluster does not keep by its selector. */
  readonly listedPods: ReadonlyMap<string, readonly Labels[]>;
  readonly accounts: readonly ServiceAccount[];
  /** Services that the controller `service-account` is about to bind, or to let go. */
  readonly unsettled: readonly string[];
  /** What was deployed for a Gateway that is gone. */
  readonly orphans: readonly string[];
}

/** A CronJob of the namespace, as far as it decides what its next pods are like. */
export interface CronJobView {
  readonly name: string;
  readonly template: PodTemplate;
}

/** A PodDisruptionBudget of the namespace. */
export interface Budget {
  readonly name: string;
  readonly selects: (labels: Readonly<Record<string, string>>) => boolean;
  readonly disruptionsAllowed: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
}

/** The state of Istio as far as the namespace depends on it. */
export interface Mesh {
  /** Where istiod runs, and its ConfigMaps are. */
  readonly istioNamespace: string;
  /** Whose policies apply to the whole mesh. */
  readonly rootNamespace: string;
  readonly settings: MeshSettings;
  /** GatewayClass `istio-waypoint` is accepted: istiod runs with ambient support. */
  readonly ambientAccepted: boolean;
  /** Pods of a waypoint for which nobody asks for a number: as the class has it, or we. */
  readonly waypointReplicas: number;
  /** What the mesh gives to each pod of a waypoint. */
  readonly waypointResources: Resources;
  readonly injectionTemplates: InjectionTemplates;
  /** The injector gives new sidecars HBONE. */
  readonly injectsHbone: boolean;
  readonly injectors: readonly MutatingWebhookConfiguration[];
  /**
   * Revisions whose istiod validates configuration, so that a dry run of an invalid object shows whether it is alive;
   * empty: nothing can tell.
   */
  readonly validatingRevisions: readonly string[];
  /** What the CNI agent enrols; undefined: its configuration was not found. */
  readonly enrolment: EnrolmentConfig | undefined;
  /** Nodes with pods of the namespace where no ztunnel, or no CNI agent, is ready. */
  readonly nodesWithoutZtunnel: readonly string[];
  readonly nodesWithoutCni: readonly string[];
  /** `namespace/pod` of sidecars elsewhere that do not speak HBONE. */
  readonly oldSidecars: readonly string[];
}

/** Configuration of the CNI agent, ConfigMap `istio-cni-config`. */
export interface EnrolmentConfig {
  readonly enabled: boolean;
  readonly excludedNamespaces: readonly string[];
  /** A pod is enrolled if one of these matches it and its namespace; a selector that is absent matches everything. */
  readonly selectors: readonly { readonly podSelector?: LabelSelector; readonly namespaceSelector?: LabelSelector }[];
}

/** Answers of the API server to requests that write nothing. */
export interface DryRuns {
  /** By `Kind/name` of the workload. */
  readonly pods: ReadonlyMap<string, PodDryRun>;
  /** By `Kind/name` of the workload: what became of a pod that opts out of injection. Absent: of none was it asked. */
  readonly withoutSidecar?: ReadonlyMap<string, PodDryRun>;
  readonly istiod: 'alive' | 'down' | 'unknown' | 'not-asked';
  /** By `Kind/name` of each write that was tried: the fields that admission takes off again, or changes. Absent: none was tried. */
  readonly undone?: ReadonlyMap<string, readonly string[]>;
  /** By uid of the pod that would be evicted. */
  readonly evictions?: ReadonlyMap<string, EvictionDryRun>;
}

/** What the API server would do with an eviction; `refused`: something else than a budget is against it. */
export type EvictionDryRun = EvictionAnswer | { readonly kind: 'refused'; readonly message: string };

/** What became of a pod made from a workload's template, in a dry run. */
export type PodDryRun =
  | { readonly kind: 'created'; readonly sidecar: boolean }
  /** The injector's webhook was called and did not answer. */
  | { readonly kind: 'injector-down'; readonly message: string }
  /** Something else refused the pod: quota, Pod Security, another webhook. */
  | { readonly kind: 'refused'; readonly message: string };
