import { renderPolicy } from '../../../cdk8s/policies.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY } from '../../api/gateway-api.js';
import type { Client } from '../../kube/client.js';
import { ApiError } from '../../kube/errors.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import type { KubeObject, ObjectRef, ResourceType } from '../../kube/resource.js';
import { uncoveredFields } from '../../kube/subset.js';
import { CONTROLLER_REVISION, NAMESPACE } from '../../kube/types.js';
import { asRecord } from '../../mesh/policy-object.js';
import { fieldChanges } from './binding.js';
import type { Observed } from './observed.js';
import { hasOwnLists, policyType } from './policy-act.js';
import { WORKLOAD_TYPES, restartChanges } from './restart-write.js';
import { closedAnnotations } from './snapshot.js';
import { isPerWorkload } from './translation.js';
import type { TriedAction } from './verdict.js';
import { BOUND_TYPES } from './waypoint-act.js';

const TIMEOUT_MS = 12_000;

/**
 * Tries a write in a dry run.
 *
 * @returns names of the fields that admission takes off again, or changes; none if the write would be stored as it is, or is
 *   refused, which the write itself will report
 * @throws {ApiError} the API server is in trouble
 */
export async function undoneFields(
  action: TriedAction,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    const fields = await tryWrite(action, observed, client, signal);
    return fields.map((path) => path.join('.'));
  } catch (error) {
    if (isRefusal(error)) return [];
    throw error;
  }
}

async function tryWrite(
  action: TriedAction,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<readonly string[][]> {
  const options = { dryRun: true, fieldManager: FIELD_MANAGER, signal, timeoutMs: TIMEOUT_MS };
  switch (action.type) {
    case 'create-gateway':
      return uncoveredFields(action.manifest, await client.create(GATEWAY, action.manifest, options));
    case 'apply-gateway':
      return uncoveredFields(
        action.manifest,
        await client.apply(GATEWAY, action.manifest, { ...options, force: true }),
      );
    case 'apply-policy': {
      const { manifest } = action;
      const forced = { ...options, force: true };
      const answer = await client.apply(policyType(manifest.kind), renderPolicy(manifest), forced);
      return uncoveredFields(manifest, answer, { ownLists: hasOwnLists(manifest.kind) });
    }
    case 'close-snapshot': {
      const ref = { namespace: observed.namespace.metadata.name, name: action.name };
      // Snapshots are known from the cache, and may not be read beside it; other annotations are not lost, for nothing is stored.
      const annotations = closedAnnotations(observed.nowMs);
      const operations = [{ op: 'add', path: '/metadata/annotations', value: annotations } as const];
      return uncoveredFields(
        { metadata: { annotations } },
        await client.jsonPatch(CONTROLLER_REVISION, ref, operations, options),
      );
    }
    default: {
      const { type, ref, changes, repeated = changes } = patchOf(action, observed);
      const fresh = await client.get(type, ref, { signal });
      const operations = guardedPatch(fresh, [...changes]);
      if (operations.length === 0) return [];
      const answer = await client.jsonPatch(type, ref, operations, options);
      return repeated.filter(({ path, value }) => valueAt(answer, path) !== value).map(({ path }) => path);
    }
  }
}

interface TriedPatch {
  readonly type: ResourceType;
  readonly ref: ObjectRef;
  readonly changes: readonly FieldChange[];
  /** Those of them that a pass would write again. (all) */
  readonly repeated?: readonly FieldChange[];
}

function patchOf(
  action: Exclude<TriedAction, { readonly manifest: unknown } | { readonly type: 'close-snapshot' }>,
  observed: Observed,
): TriedPatch {
  const { name: namespace } = observed.namespace.metadata;
  switch (action.type) {
    case 'label-namespace':
      return { type: NAMESPACE, ref: { name: namespace }, changes: action.changes };
    case 'size-gateway':
      return { type: GATEWAY, ref: { namespace, name: action.name }, changes: action.changes };
    case 'bind': {
      const { kind, object, change } = action;
      const changes = fieldChanges(change);
      // A label that comes back without our mark is no longer ours, and stays.
      const repeated = changes.filter(({ path, value }) => value !== undefined || path[1] !== 'labels');
      const ref = kind === 'Namespace' ? { name: namespace } : { namespace, name: object.metadata.name };
      return { type: BOUND_TYPES[kind], ref, changes, repeated };
    }
    case 'restart': {
      const { workload, mark } = action;
      const changes = restartChanges(workload, mark, { nowMs: observed.nowMs, enrols: isPerWorkload(observed) });
      return { type: WORKLOAD_TYPES[workload.kind], ref: { namespace, name: workload.name }, changes };
    }
  }
}

function valueAt(object: KubeObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => asRecord(value)[key], object);
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return [400, 403, 404, 409, 422].includes(error.code) || /failed calling webhook/.test(error.message);
}
