import { LABEL } from '../../api/labels.js';
import { NAMESPACE } from '../../kube/types.js';
import { asRecord } from '../../mesh/policy-object.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { Observed } from './observed.js';

/** Who else owns the namespace's labels of injection, data plane and waypoint, from managedFields; for the message of `FieldReverted`. */
export async function labelManagersOf(observed: Observed, context: ReconcileContext): Promise<string | undefined> {
  const ref = { name: observed.namespace.metadata.name };
  const namespace = await context.client.get(NAMESPACE, ref, { signal: context.signal, managedFields: true });
  const owners = (namespace.metadata.managedFields ?? [])
    .map(asRecord)
    .filter((entry) => entry['manager'] !== FIELD_MANAGER && ownsLabel(entry['fieldsV1']))
    .map((entry) => String(entry['manager']));
  return owners.length > 0 ? `field manager ${[...new Set(owners)].join(', ')}` : undefined;
}

function ownsLabel(fields: unknown): boolean {
  const labels = asRecord(asRecord(asRecord(fields)['f:metadata'])['f:labels']);
  return [LABEL.injection, LABEL.dataplaneMode, LABEL.useWaypoint].some((key) => labels[`f:${key}`] !== undefined);
}
