import { isDisruptionRefused } from './answer.js';
import type { Client, WriteOptions } from './client.js';
import { ApiError, isConflict, isNotFound } from './errors.js';
import { POD } from './types.js';

/** The pod to evict: only the one with this uid, for a StatefulSet gives the next one the same name. */
export interface EvictedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What became of an eviction. */
export type EvictionAnswer =
  /** The pod is being deleted, or would be. */
  | { readonly kind: 'accepted' }
  /** A PodDisruptionBudget does not allow it now; `message` is the API server's, and names the budget. */
  | { readonly kind: 'budget'; readonly message: string }
  /** No pod of that name, or another one. */
  | { readonly kind: 'gone' };

/**
 * Evicts a pod (`policy/v1`): the API server deletes it if the PodDisruptionBudget over it allows that.
 *
 * @throws {ApiError} every other answer; 500 where more than one budget selects the pod
 * @see Kubernetes docs, "API-initiated Eviction"
 */
export async function evict(client: Client, pod: EvictedPod, options: WriteOptions): Promise<EvictionAnswer> {
  const { namespace, name, uid } = pod;
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await client.create(POD, eviction, { ...options, subresource: 'eviction' });
    return { kind: 'accepted' };
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return { kind: 'gone' };
    if (error instanceof ApiError && isDisruptionRefused(error))
      return { kind: 'budget', message: causeOf(error) ?? error.message };
    throw error;
  }
}

/** The message of a Status says only that there is a budget; the cause says which, and what it needs. */
function causeOf({ details }: ApiError): string | undefined {
  const { causes = [] } = (details ?? {}) as { causes?: { reason?: string; message?: string }[] };
  return causes.find(({ reason }) => reason === 'DisruptionBudget')?.message;
}
