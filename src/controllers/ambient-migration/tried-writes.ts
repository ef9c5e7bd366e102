import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { Client } from '../../kube/client.js';
import { ApiError } from '../../kube/errors.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { NAMESPACE } from '../../kube/types.js';
import { asRecord } from '../../mesh/policy-object.js';
import type { Observed } from './observed.js';
import { WORKLOAD_TYPES, restartChanges } from './restart-write.js';
import { isPerWorkload } from './translation.js';
import type { Action } from './verdict.js';
import { workloadName } from './workloads.js';

const TIMEOUT_MS = 12_000;

/**
 * Tries a write in a dry run.
 *
 * @returns names of the fields that admission takes off again; none if the write would be stored as it is, or is refused, which
 *   the write itself will report
 * @throws {ApiError} the API server is in trouble
 */
export async function undoneFields(
  action: Action,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<string[]> {
  const write = writeOf(action, observed);
  if (!write) return [];
  const { type, ref, changes } = write;
  try {
    const fresh = await client.get(type, ref, { signal });
    const operations = guardedPatch(fresh, [...changes]);
    if (operations.length === 0) return [];
    const options = { dryRun: true, fieldManager: FIELD_MANAGER, signal, timeoutMs: TIMEOUT_MS };
    const answer = await client.jsonPatch(type, ref, operations, options);
    return changes.filter((change) => valueAt(answer, change.path) !== change.value).map(({ path }) => path.join('.'));
  } catch (error) {
    if (isRefusal(error)) return [];
    throw error;
  }
}

/** Name of what an action writes to, as the answers of dry runs have it. */
export function targetOf(action: Action, observed: Observed): string {
  return 'workload' in action ? workloadName(action.workload) : `Namespace/${observed.namespace.metadata.name}`;
}

interface TriedWrite {
  readonly type: ResourceType;
  readonly ref: { readonly namespace?: string; readonly name: string };
  readonly changes: readonly FieldChange[];
}

function writeOf(action: Action, observed: Observed): TriedWrite | undefined {
  const { name } = observed.namespace.metadata;
  switch (action.type) {
    case 'label-namespace':
      return { type: NAMESPACE, ref: { name }, changes: action.changes };
    case 'restart': {
      const { workload, mark } = action;
      const ref = { namespace: name, name: workload.name };
      const changes = restartChanges(workload, mark, { nowMs: observed.nowMs, enrols: isPerWorkload(observed) });
      return { type: WORKLOAD_TYPES[workload.kind], ref, changes };
    }
    default:
      return undefined;
  }
}

function valueAt(object: KubeObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => asRecord(value)[key], object);
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return [400, 403, 404, 409, 422].includes(error.code) || /failed calling webhook/.test(error.message);
}
