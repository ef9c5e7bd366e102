import { LABEL } from '../../api/labels.js';
import type { ResourceType } from '../../kube/resource.js';
import { NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { type LabelOwner, trackerOf } from '../../mesh/findings/namespace.js';
import { asRecord } from '../../mesh/policy-object.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { managersIn, owns } from '../managed-fields.js';
import type { Observed } from './observed.js';

/** Fields of an object. */
export interface Fields {
  readonly type: ResourceType;
  readonly ref: { readonly namespace?: string | undefined; readonly name: string };
  /** Keys from the root of the object. */
  readonly paths: readonly (readonly string[])[];
}

/**
 * Who else manages the fields, or what is below them, from managedFields; for the message of `FieldReverted`. Whoever takes a
 * field away leaves no trace there: but he mostly manages what is around it. Empty if nobody does.
 */
export async function managersOf({ type, ref, paths }: Fields, context: ReconcileContext): Promise<string> {
  const object = await context.client.get(type, ref, { signal: context.signal, managedFields: true });
  const names = managersIn(object)
    .filter(({ fields }) => paths.some((path) => owns(fields, path)))
    .sort((a, b) => (a.time < b.time ? 1 : -1))
    .map(({ manager }) => manager);
  return names.length > 0 ? `field manager ${[...new Set(names)].join(', ')}` : '';
}

/**
 * Adds the owners of the namespace's labels, which the caches leave out, where a GitOps tool may be one of them. After the
 * first change the plan is that of the snapshot, and nobody is asked.
 */
export async function withLabelOwners(observed: Observed, context: ReconcileContext): Promise<Observed> {
  if (observed.snapshot || !trackerOf(observed.namespace)) return observed;
  const ref = { name: observed.namespace.metadata.name };
  const namespace = await context.client.get(NAMESPACE, ref, { signal: context.signal, managedFields: true });
  const labelOwners = managersIn(namespace).map(({ manager, fields }): LabelOwner => {
    return { manager, labels: ownedLabels(fields) };
  });
  return { ...observed, labelOwners };
}

/** The labels of a namespace that a migration changes. */
export function labelsOf(observed: Observed): Fields {
  const keys = [LABEL.injection, LABEL.dataplaneMode, LABEL.useWaypoint];
  const { name } = observed.namespace.metadata;
  return { type: NAMESPACE, ref: { name }, paths: keys.map((key) => ['metadata', 'labels', key]) };
}

/** Of the kinds whose labels name waypoints, those that may be read with their managers. */
const READABLE: readonly ResourceType[] = [NAMESPACE, SERVICE, SERVICE_ACCOUNT];

/**
 * The labels by which an object names a waypoint.
 *
 * @param namer  `Kind namespace/name`, or `Namespace name`
 */
export function labelNaming(namer: string): Fields | undefined {
  const [kind, key = ''] = namer.split(' ');
  const type = READABLE.find((each) => each.kind === kind);
  const [name = '', namespace] = key.split('/').toReversed();
  const keys = [LABEL.useWaypoint, LABEL.useWaypointCanary];
  return type && { type, ref: { namespace, name }, paths: keys.map((label) => ['metadata', 'labels', label]) };
}

function ownedLabels(fields: unknown): string[] {
  const labels = asRecord(asRecord(asRecord(fields)['f:metadata'])['f:labels']);
  return Object.keys(labels).flatMap((key) => (key.startsWith('f:') ? [key.slice(2)] : []));
}
