import { createObject } from './create-object.js';
import { deleteObject } from './delete-object.js';
import { conflict, notFound } from '../errors.js';
import { cloneJson } from '../json.js';
import type { ApiObject } from '../object.js';
import type { Parts, Write } from '../parts.js';
import type { ServedResource, User } from '../resource.js';
import { keyOf } from '../storage/storage.js';
import type { Operations } from '../operations.js';
import { isDone, optimisticLockMessage, settleUpdate } from './update-object.js';
import { serve, toStored } from '../versions.js';

/** On whose behalf the server changes objects by itself. */
const server: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** The pipelines for parts of the server that write by themselves. */
export function operationsOf(parts: Parts): Operations {
  const { storage, registry } = parts;
  const storedIn = (resource: ServedResource, ref: { namespace?: string; name: string }): ApiObject => {
    const stored = storage.get(resource.storageKey, keyOf(resource.namespaced ? ref.namespace : undefined, ref.name));
    if (!stored) throw notFound(resource, ref.name);
    return stored;
  };
  return {
    get: (resource, ref) => serve(resource, storedIn(resource, ref)),
    list: (resource, namespace) => parts.view.list(resource, namespace).map((stored) => serve(resource, stored)),
    find: (group, plural) => registry.findAny(group, plural),
    update(resource, ref, change, { dryRun = false, subresource = '' } = {}) {
      const stored = storedIn(resource, ref);
      const live = serve(resource, stored);
      const next = subresource === 'status' ? withOwnStatus(live) : cloneJson(live);
      change(next);
      const write = internalWrite(resource, ref, { dryRun, subresource });
      const settled = settleUpdate(parts, write, next, live);
      if (settled === live || dryRun) return settled;
      const key = keyOf(resource.namespaced ? ref.namespace : undefined, ref.name);
      if (isDone(resource, settled)) {
        storage.delete(resource.storageKey, key, stored);
        return settled;
      }
      const written = storage.update(resource.storageKey, key, stored, toStored(resource, settled));
      if (!written) throw conflict(resource, ref.name, optimisticLockMessage);
      return serve(resource, written);
    },
    create(resource, object) {
      const { name, namespace } = object.metadata;
      const ref = { name, ...(namespace !== undefined && { namespace }) };
      return createObject(parts, internalWrite(resource, ref, { dryRun: false }), object);
    },
    async delete(resource, ref, options) {
      const write = internalWrite(resource, ref, { dryRun: options.dryRun ?? false });
      return (await deleteObject(parts, write, options)).object;
    },
  };
}

/** A copy whose metadata and status may be changed; the rest is that of the frozen object. */
function withOwnStatus(live: ApiObject): ApiObject {
  return { ...live, metadata: cloneJson(live.metadata), ...('status' in live && { status: cloneJson(live.status) }) };
}

function internalWrite(
  resource: ServedResource,
  ref: { namespace?: string; name: string },
  { dryRun, subresource = '' }: { dryRun: boolean; subresource?: string },
): Write {
  return {
    resource,
    subresource,
    kind: resource,
    namespace: ref.namespace ?? '',
    name: ref.name,
    user: server,
    dryRun,
    options: {},
    manager: 'kube-apiserver',
    skipAdmission: true,
    warn: () => undefined,
  };
}
