import * as z from 'zod';
import { duration, durationAtLeast } from './duration.js';
import { type ObjectOf, defineResource } from './resource.js';
import { Condition, atomicList, mapList, text, time, withRules } from './schema.js';
import { WaypointSchema, WaypointStatusSchema } from './waypoint-spec.js';

export { parseDuration } from './duration.js';
export { MAX_CONDITION_MESSAGE } from './schema.js';

/** Most codes of findings that a status lists; there are fewer. The API server refuses a longer list. */
const MAX_CODES = 200;

/** Longest message of a finding in a status, in characters. */
export const MAX_FINDING_MESSAGE = 1_000;

/** Most findings that a spec accepts one by one. */
const MAX_ACKNOWLEDGED = 200;

/** Most waypoints that a status lists. */
const MAX_WAYPOINTS = 16;

/** Most workloads that a spec puts in order. */
const MAX_LISTED = 200;

/** Most workloads that a status lists one by one; the API server refuses a longer list. */
export const MAX_NOT_DONE = 50;

const Acknowledgement = z.object({
  code: text(/^SST[0-9]{4}$/, 'must be the code of a finding, such as SST2001', 16).describe(
    'Code of the finding that is accepted, such as SST2001.',
  ),
  object: text(
    /^[A-Z][A-Za-z0-9]*(\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?){1,2}$/,
    'must be Kind/name, or Kind/namespace/name for an object of another namespace, such as AuthorizationPolicy/allow-web',
    400,
  )
    .exactOptional()
    .describe('The one object that it is accepted on, as Kind/name or Kind/namespace/name. Unset: on every object.'),
  reason: text(
    /[^\t\n\v\f\r ]/,
    'must say why the finding is accepted; it is kept for those who ask later',
    1_000,
  ).describe('Why it is accepted, for people who ask later.'),
});

const Policies = z.object({
  translation: z
    .enum(['Auto', 'Manual'])
    .default('Auto')
    .describe(
      'Who writes what a waypoint has to be told. Auto: the migration writes copies of policies for the waypoint, and what keeps others from the pods. Manual: people do.',
    ),
});

/** The kinds of top-level controllers that Sidestep restarts; a `Rollout` is that of Argo. */
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'] as const;

const WorkloadRef = z.object({
  kind: z.enum(WORKLOAD_KINDS).describe('Kind of the workload. Rollout is that of Argo.'),
  name: text(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of a workload, such as web', 253).describe(
    'Name of the workload.',
  ),
});

const RolloutFields = z.object({
  enrolment: z
    .enum(['Auto', 'Namespace', 'Workload'])
    .default('Auto')
    .describe(
      'How pods are switched. Namespace: by labels of the namespace, all at their next restart. Workload: by labels of each pod template, one workload after the other. Auto takes Workload where a policy needs a waypoint, else Namespace.',
    ),
  order: z
    .enum(['CallersFirst', 'Listed', 'Parallel'])
    .default('CallersFirst')
    .describe(
      'Which workloads are restarted first. CallersFirst: whoever may call a workload that only a waypoint can protect comes before it, the others by kind and name. Listed: as workloads says, then the others. Parallel: by kind and name, whoever calls whom. Going back it is the reverse.',
    ),
  workloads: atomicList(WorkloadRef)
    .max(MAX_LISTED)
    .default([])
    .describe('Workloads in the order in which they are restarted. Only with order Listed.'),
  maxConcurrent: z
    .int32()
    .min(1)
    .max(100)
    .default(1)
    .describe('How many workloads are restarted at the same time, from 1 to 100.'),
  progressDeadline: durationAtLeast('5s', 'a shorter deadline would stall before a pod could start')
    .default('10m')
    .describe(
      'How long a restarted workload may go without progress before the migration stalls, such as 90s or 10m. At least 5s.',
    ),
  soak: duration()
    .default('0s')
    .describe(
      'How long the migrated namespace is watched before it counts as ready, such as 30m. The default 0s is not at all.',
    ),
});

const Rollout = withRules(
  RolloutFields,
  {
    cel: "self.order == 'Listed' || size(self.workloads) == 0",
    holds: ({ order, workloads }) => order === 'Listed' || workloads.length === 0,
    message: 'is used with order Listed only: set spec.rollout.order to Listed, or remove spec.rollout.workloads',
    forbids: '.workloads',
  },
  {
    cel: "self.order != 'Listed' || size(self.workloads) > 0",
    holds: ({ order, workloads }) => order !== 'Listed' || workloads.length > 0,
    message:
      'order Listed needs the workloads: list them in spec.rollout.workloads, or set spec.rollout.order to CallersFirst',
  },
);

/** `spec` of an AmbientMigration. Only fields that the operator acts on. */
export const AmbientMigrationSpecSchema = withRules(
  z.object({
    dataplaneMode: z
      .enum(['Ambient', 'Sidecar'])
      .default('Ambient')
      .describe(
        'Where the namespace should be. Ambient migrates it; Sidecar brings back the state before the migration, as the snapshot holds it.',
      ),
    paused: z
      .boolean()
      .default(false)
      .describe('Holds the migration after its current step; deadlines and soak stand still meanwhile.'),
    approval: z
      .enum(['Automatic', 'Manual'])
      .default('Automatic')
      .describe('Automatic starts as soon as nothing blocks. Manual waits until approvedPlan equals status.plan.hash.'),
    approvedPlan: text(
      /^[0-9a-f]{12}$/,
      'must be the 12 hexadecimal digits of status.plan.hash; read it with: kubectl get am NAME -o jsonpath={.status.plan.hash}',
      64,
    )
      .exactOptional()
      .describe('Hash of the plan that may be carried out, copied from status.plan.hash. Only with approval Manual.'),
    acknowledge: atomicList(Acknowledgement)
      .max(MAX_ACKNOWLEDGED)
      .default([])
      .describe(
        'Findings that are accepted. A finding that blocks stops the migration until it is fixed or accepted here.',
      ),
    waypoint: WaypointSchema.prefault({}).describe(
      'The waypoint that decides what ztunnel cannot: policies and routes that look at requests.',
    ),
    policies: Policies.prefault({}).describe('What becomes of policies that only a waypoint can enforce.'),
    rollout: Rollout.prefault({}).describe('How workloads are restarted.'),
  }),
  {
    cel: "!has(self.approvedPlan) || self.approval == 'Manual'",
    holds: ({ approval, approvedPlan }) => approvedPlan === undefined || approval === 'Manual',
    message: 'is used with approval Manual only: set spec.approval to Manual, or remove spec.approvedPlan',
    forbids: '.approvedPlan',
  },
).describe('Where the namespace should be, and how it gets there.');

const Step = z.object({
  name: z.string().describe('Name of the step.'),
  state: z
    .enum(['Done', 'Current', 'Pending', 'Skipped'])
    .describe('Done, Current, Pending, or Skipped where the step has nothing to do.'),
  message: z.string().exactOptional().describe('What the step did, or waits for.'),
});

const FindingStatus = z.object({
  code: z.string().describe('Code of the finding, documented under that name.'),
  verdict: z
    .enum(['KEEP', 'CONVERT', 'WARN', 'BLOCK', 'DROP'])
    .describe('What is done about it: KEEP, CONVERT, WARN, BLOCK or DROP. Only BLOCK stops the migration.'),
  count: z.int32().min(1).describe('How many findings have this code.'),
  object: z
    .string()
    .describe(
      'An object that it was found on, as Kind/name or Kind/namespace/name: the first that spec.acknowledge does not accept.',
    ),
  message: z.string().describe('What was found on this object; cut at 1000 characters.'),
  fix: z.string().describe('What to do about it.'),
  acknowledged: z.boolean().describe('Whether spec.acknowledge accepts all of them.'),
});

const WorkloadStatus = z.object({
  kind: z.string().describe('Kind of the workload, such as Deployment.'),
  name: z.string().describe('Name of the workload.'),
  state: z.string().describe('What it is doing, one word.'),
  message: z
    .string()
    .describe('What it waits for, with the pod that is in the way; of a rollout, once no pod has moved for 10 s.'),
});

const count = (description: string): z.ZodInt32 => z.int32().min(0).describe(description);

/** `status` of an AmbientMigration. Every field may be missing: it is filled in pass by pass. */
export const AmbientMigrationStatusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .describe(
        'The metadata.generation that this status was computed from; an older one means that a change has not been looked at yet.',
      ),
    phase: z.string().describe('Where the migration is, one word for people. Scripts should use conditions.'),
    nextAction: z.string().describe('What happens next, or what a person has to do; one sentence for people.'),
    conditions: mapList(Condition, ['type'])
      .max(32)
      .describe('States of the migration. Ready, Reconciling and Stalled sum the others up.'),
    plan: z
      .object({
        hash: z
          .string()
          .describe('Hash of the plan, to be repeated in spec.approvedPlan. Another plan has another hash.'),
        findingSummary: z
          .string()
          .exactOptional()
          .describe('How many findings there are by verdict, such as "1 BLOCK, 2 WARN".'),
        steps: atomicList(Step).describe('The steps in order.'),
        findings: atomicList(FindingStatus)
          .max(MAX_CODES)
          .describe(
            'What was found in the namespace and its surroundings, by code, worst first. ConfigMap sidestep-findings lists every single finding.',
          ),
      })
      .describe('What is going to be done, and what was found.'),
    workloads: z
      .object({
        total: count('Workloads of the namespace.'),
        sidecar: count('Workloads whose pods all run with a sidecar, those that are rolling out left out.'),
        ambient: count('Workloads whose pods all run in ambient mode, those that are rolling out left out.'),
        pending: count('Workloads on their way.'),
        failed: count('Workloads that are stuck.'),
        progress: z.string().describe('Workloads that are where they should be, of all: 7/12.'),
        notDone: atomicList(WorkloadStatus)
          .max(MAX_NOT_DONE)
          .describe('The first 50 workloads that are not where they should be.'),
      })
      .describe('How far the workloads are. A workload is a Deployment, StatefulSet, DaemonSet or Rollout of Argo.'),
    waypoints: atomicList(WaypointStatusSchema)
      .max(MAX_WAYPOINTS)
      .describe('Waypoints that the migration uses or has created.'),
    snapshot: z
      .object({
        name: z.string().describe('Name of the ControllerRevision in the same namespace.'),
        createdAt: time().describe('When it was written, directly before the first change.'),
      })
      .describe('The state before the migration, which a rollback restores.'),
    startedAt: time().describe('When the migration made its first change.'),
    completedAt: time().describe('When the namespace was where spec.dataplaneMode wants it.'),
  })
  .partial()
  .describe('What the operator saw and did. Written by the operator only.');

/** AmbientMigration: moves the namespace that it lives in to ambient mode, and back. */
export const ambientMigration = defineResource({
  group: 'sidestep.dev',
  version: 'v1alpha1',
  kind: 'AmbientMigration',
  plural: 'ambientmigrations',
  shortNames: ['am'],
  namespaced: true,
  description:
    'AmbientMigration moves the namespace that it lives in from Istio sidecars to ambient mode, and back. One is active per namespace: the oldest.',
  spec: AmbientMigrationSpecSchema,
  status: AmbientMigrationStatusSchema,
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.dataplaneMode', description: 'Where the namespace should be.' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'Where the migration is.' },
    {
      name: 'Progress',
      type: 'string',
      jsonPath: '.status.workloads.progress',
      description: 'Workloads done, of all.',
    },
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether the namespace is where it should be.',
    },
    { name: 'Next', type: 'string', jsonPath: '.status.nextAction', description: 'What happens next, or what to do.' },
    {
      name: 'Waypoint',
      type: 'string',
      jsonPath: '.status.waypoints[*].name',
      description: 'Name of the waypoint.',
      priority: 1,
    },
    {
      name: 'Findings',
      type: 'string',
      jsonPath: '.status.plan.findingSummary',
      description: 'Findings by verdict.',
      priority: 1,
    },
    { name: 'Plan', type: 'string', jsonPath: '.status.plan.hash', description: 'Hash of the plan.', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the object.' },
  ],
});

/** The kind as the Kubernetes client addresses it. */
export const AMBIENT_MIGRATION = ambientMigration.type;

/** An AmbientMigration as the API server returns it. Its spec has all defaults, except in objects that we are given from files. */
export type AmbientMigration = ObjectOf<typeof ambientMigration>;

/** `spec` with every default filled in: what {@link parseAmbientMigrationSpec} returns. */
export type AmbientMigrationSpec = z.output<typeof AmbientMigrationSpecSchema>;

/** `status`; every field may be missing. */
export type AmbientMigrationStatus = z.output<typeof AmbientMigrationStatusSchema>;

/** Findings of one code as the status shows them. */
export type AmbientMigrationFinding = z.output<typeof FindingStatus>;

/** A step as the status shows it. */
export type AmbientMigrationStep = z.output<typeof Step>;

/** A workload as the status shows it. */
export type AmbientMigrationWorkload = z.output<typeof WorkloadStatus>;

/**
 * The spec of an object with the defaults that the API server would fill in.
 *
 * @throws {InvalidSpecError} naming each field that the API server would refuse, and why
 */
export const parseAmbientMigrationSpec: (object: { spec?: unknown }) => AmbientMigrationSpec =
  ambientMigration.parseSpec;
