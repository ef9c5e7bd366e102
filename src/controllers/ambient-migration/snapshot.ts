import { createHash } from 'node:crypto';
import * as z from 'zod';
import { WORKLOAD_KINDS } from '../../api/ambient-migration.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION, OWN_LABEL } from '../../api/own-labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { ControllerRevision } from '../../kube/types.js';
import type { Finding, FindingCode } from '../../mesh/findings.js';
import { FINDINGS } from '../../mesh/findings.js';

/** Name of a namespace's first snapshot; it has no owner, so that it outlives every AmbientMigration. */
export const SNAPSHOT_NAME = 'sidestep-before';

/** A later one, after a rollback, is `sidestep-before-2`, and so on. */
const SNAPSHOT_PATTERN = /^sidestep-before(?:-(\d+))?$/;

/** The namespace labels that Sidestep may change, and that a rollback restores. */
const MANAGED_LABELS = [
  LABEL.injection,
  LABEL.revision,
  LABEL.dataplaneMode,
  LABEL.useWaypoint,
  LABEL.useWaypointNamespace,
] as const;

const SnapshotSchema = z.object({
  version: z.literal(1),
  namespace: z.object({
    /** The labels of injection, data plane and waypoint as they were; a label that was absent is absent. */
    labels: z.record(z.string(), z.string()),
  }),
  workloads: z.array(
    z.object({
      kind: z.enum(WORKLOAD_KINDS),
      name: z.string(),
      /** The injector gave its pods a sidecar. */
      injected: z.boolean(),
      templateLabels: z.record(z.string(), z.string()),
    }),
  ),
  policies: z.array(z.object({ object: z.string(), hash: z.string(), spec: z.unknown() })),
  /** Findings as they were accepted; health of the cluster left out. */
  findings: z.array(z.object({ code: z.string(), object: z.string(), message: z.string() })),
});

/** The state of a namespace before the migration, as kept in the snapshot's `data`. Holds no Secret. */
export type SnapshotData = z.output<typeof SnapshotSchema>;

/** A snapshot that exists in the cluster. */
export interface Snapshot {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly data: SnapshotData;
  /** A rollback has brought this state back: the next migration starts from the state of then, with a snapshot of its own. */
  readonly restored: boolean;
}

/** Number of a snapshot by its name, from 1; undefined for any other ControllerRevision. */
export function snapshotNumber(name: string): number | undefined {
  const match = SNAPSHOT_PATTERN.exec(name);
  return match ? Number(match[1] ?? 1) : undefined;
}

/** Name of the snapshot after `last`. */
export function nextSnapshotName(last: Snapshot | undefined): string {
  return last ? `${SNAPSHOT_NAME}-${(snapshotNumber(last.name) ?? 1) + 1}` : SNAPSHOT_NAME;
}

/** The ControllerRevision to write. Its data is immutable in the API server, so a second writer cannot change it. */
export function snapshotObject(namespace: string, name: string, data: SnapshotData): ControllerRevision {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace,
      labels: { [LABEL.managedBy]: 'sidestep', [OWN_LABEL.snapshot]: 'before' },
      annotations: { [OWN_ANNOTATION.contentHash]: contentHash(data) },
    },
    revision: 1,
    data,
  };
}

/** The changes that close a snapshot: only metadata, for the data of a ControllerRevision cannot be changed. */
export function closingChanges(nowMs: number): FieldChange[] {
  return Object.entries(closedAnnotations(nowMs)).map(([key, value]) => ({
    path: ['metadata', 'annotations', key],
    value,
  }));
}

/** What says of a snapshot that it is closed. */
export function closedAnnotations(nowMs: number): Readonly<Record<string, string>> {
  return { [OWN_ANNOTATION.restored]: new Date(nowMs).toISOString() };
}

/**
 * Reads a snapshot back.
 *
 * @throws {Error} the object is not one that Sidestep wrote; the message names the field
 */
export function parseSnapshot(revision: ControllerRevision): Snapshot {
  const parsed = SnapshotSchema.safeParse(revision.data);
  if (!parsed.success) {
    throw new Error(
      `ControllerRevision ${revision.metadata.name} is not a snapshot that this version reads: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { name, creationTimestamp, annotations } = revision.metadata;
  const restored = annotations?.[OWN_ANNOTATION.restored] !== undefined;
  return { name, createdAt: creationTimestamp ?? '', data: parsed.data, restored };
}

/** The findings kept in a snapshot. Codes that this version no longer knows are left out. */
export function snapshotFindings(snapshot: Snapshot): Finding[] {
  return snapshot.data.findings.filter(
    (finding): finding is Finding & { code: FindingCode } => finding.code in FINDINGS,
  );
}

/** The labels that a rollback restores: those of `labels` that Sidestep may change. */
export function managedLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(MANAGED_LABELS.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}

/** 12 hexadecimal digits of the SHA-256 of a value's JSON. Equal values in another key order differ: build them in order. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
