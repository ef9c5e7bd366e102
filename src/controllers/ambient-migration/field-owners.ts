import { LABEL } from '../../api/labels.js';
import { NAMESPACE } from '../../kube/types.js';
import { type LabelOwner, trackerOf } from '../../mesh/findings/namespace.js';
import { asRecord } from '../../mesh/policy-object.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { Observed } from './observed.js';

/** Who else owns the namespace's labels of injection, data plane and waypoint, from managedFields; for the message of `FieldReverted`. */
export async function labelManagersOf(observed: Observed, context: ReconcileContext): Promise<string | undefined> {
  const owners = (await labelOwnersOf(observed, context))
    .filter(({ labels }) => OURS.some((key) => labels.includes(key)))
    .map(({ manager }) => manager);
  return owners.length > 0 ? `field manager ${[...new Set(owners)].join(', ')}` : undefined;
}

/**
 * Adds the owners of the namespace's labels, which the caches leave out, where a GitOps tool may be one of them. After the
 * first change the plan is that of the snapshot, and nobody is asked.
 */
export async function withLabelOwners(observed: Observed, context: ReconcileContext): Promise<Observed> {
  if (observed.snapshot || !trackerOf(observed.namespace)) return observed;
  return { ...observed, labelOwners: await labelOwnersOf(observed, context) };
}

const OURS: readonly string[] = [LABEL.injection, LABEL.dataplaneMode, LABEL.useWaypoint];

async function labelOwnersOf(observed: Observed, context: ReconcileContext): Promise<LabelOwner[]> {
  const ref = { name: observed.namespace.metadata.name };
  const namespace = await context.client.get(NAMESPACE, ref, { signal: context.signal, managedFields: true });
  return (namespace.metadata.managedFields ?? [])
    .map(asRecord)
    .filter((entry) => entry['manager'] !== FIELD_MANAGER)
    .map((entry) => ({ manager: String(entry['manager']), labels: ownedLabels(entry['fieldsV1']) }));
}

function ownedLabels(fields: unknown): string[] {
  const labels = asRecord(asRecord(asRecord(fields)['f:metadata'])['f:labels']);
  return Object.keys(labels).flatMap((key) => (key.startsWith('f:') ? [key.slice(2)] : []));
}
