import { cloneJson, deepFreeze } from './json.js';
import type { ApiObject } from './object.js';
import { apiVersionOf } from '../../kube/resource.js';
import type { ServedResource } from './resource.js';

const served = new WeakMap<ApiObject, WeakMap<ServedResource, ApiObject>>();

/** A stored object as a version of its kind shows it: frozen, the same object for the same arguments. */
export function serve(resource: ServedResource, stored: ApiObject): ApiObject {
  if (stored.apiVersion === apiVersionOf(resource) && !resource.strategy.fromStorage) return stored;
  let versions = served.get(stored);
  if (!versions) served.set(stored, (versions = new WeakMap<ServedResource, ApiObject>()));
  let object = versions.get(resource);
  if (!object) {
    object = fromStored(resource, resource.strategy.fromStorage ? cloneJson(stored) : stored);
    versions.set(resource, deepFreeze(object));
  }
  return object;
}

/** The form in which an object of this version is stored. The object may be changed. */
export function toStored(resource: ServedResource, object: ApiObject): ApiObject {
  return resource.strategy.toStorage?.(object) ?? object;
}

/** An object as another version of its kind shows it; the same object where it is in that version, or of another kind. */
export function inVersion(object: ApiObject, from: ServedResource, to: ServedResource): ApiObject {
  if (from === to || object.kind !== from.kind) return object;
  return fromStored(to, toStored(from, cloneJson(object)));
}

function fromStored(resource: ServedResource, stored: ApiObject): ApiObject {
  const { strategy, kind } = resource;
  return strategy.fromStorage?.(stored) ?? { ...stored, apiVersion: apiVersionOf(resource), kind };
}
