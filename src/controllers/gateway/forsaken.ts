import { GATEWAY } from '../../api/gateway-api.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { DEPLOYED_KINDS, forsakenBy } from './deployed-kinds.js';

/**
 * Takes away what was deployed for a Gateway that is gone, and that nobody else would take away. Without the Gateway istiod sends no traffic
 * there. The API server is asked once more, for a cache that lacks a Gateway would cost a waypoint that serves.
 *
 * @throws {ApiError} something cannot be read or deleted; the queue retries the pass
 */
export async function removeForsaken({ namespace, name }: Request, context: ReconcileContext): Promise<void> {
  const { client, stores, signal, log } = context;
  if (namespace === undefined || stores.of(GATEWAY).absent || stores.of(GATEWAY).get({ namespace, name })) return;
  const left = DEPLOYED_KINDS.flatMap((type) =>
    stores
      .of(type)
      .list(namespace)
      .filter((object) => forsakenBy(object) === name && object.metadata.deletionTimestamp === undefined)
      .map((object) => ({ type, object })),
  );
  if (left.length === 0) return;
  const isThere = await client.get(GATEWAY, { namespace, name }, { signal }).then(
    () => true,
    (error: unknown) => {
      if (!isNotFound(error)) throw error;
      return false;
    },
  );
  if (isThere) return;
  for (const { type, object } of left) {
    const { name: own, uid } = object.metadata;
    await client.delete(type, { namespace, name: own }, { ...(uid && { uid }), signal }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
    log.info({ kind: type.kind, name: own }, 'deleted what was left of a waypoint whose Gateway is gone');
  }
}
