import { FIELD_MANAGER } from '../../api/field-managers.js';
import { isConflict } from '../../kube/errors.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import type { ReconcileContext } from '../../runtime/controller.js';

/** Patches fields of an object that is not ours; false if nothing was to be done, or somebody was faster. */
export async function patchGuarded<T extends KubeObject>(
  type: ResourceType<T>,
  fresh: T,
  changes: readonly FieldChange[],
  context: ReconcileContext,
): Promise<boolean> {
  const operations = guardedPatch(fresh, [...changes]);
  if (operations.length === 0) return false;
  const { namespace, name } = fresh.metadata;
  try {
    const patched = await context.client.jsonPatch(type, { namespace, name }, operations, {
      fieldManager: FIELD_MANAGER,
      signal: context.signal,
    });
    context.stores.of(type).record(patched);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}
