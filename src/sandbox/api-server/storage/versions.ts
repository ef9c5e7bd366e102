import { cloneJson, deepFreeze } from '../json.js';
import type { ApiObject } from '../object.js';
import { apiVersionOf } from '../registry.js';
import type { ServedResource } from '../resource.js';

const served = new WeakMap<ApiObject, WeakMap<ServedResource, ApiObject>>();

/** A stored object as a version of its kind shows it: frozen, the same object for the same arguments. */
export function serve(resource: ServedResource, stored: ApiObject): ApiObject {
  const apiVersion = apiVersionOf(resource);
  if (stored.apiVersion === apiVersion && !resource.strategy.fromStorage) return stored;
  let versions = served.get(stored);
  if (!versions) served.set(stored, (versions = new WeakMap<ServedResource, ApiObject>()));
  let object = versions.get(resource);
  if (!object) {
    object = resource.strategy.fromStorage?.(cloneJson(stored)) ?? { ...stored, apiVersion, kind: resource.kind };
    versions.set(resource, deepFreeze(object));
  }
  return object;
}

/** The form in which an object of this version is stored. The object may be changed. */
export function toStored(resource: ServedResource, object: ApiObject): ApiObject {
  return resource.strategy.toStorage?.(object) ?? object;
}
