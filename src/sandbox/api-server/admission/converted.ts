import { cloneJson } from '../json.js';
import type { ApiObject } from '../object.js';
import type { ServedResource } from '../resource.js';

/** An object as another version of its kind shows it; the same object where it is in that version, or of another kind. */
export function inVersion(object: ApiObject, from: ServedResource, to: ServedResource): ApiObject {
  if (from === to || object.kind !== from.kind) return object;
  const copy = cloneJson(object);
  const stored = from.strategy.toStorage?.(copy) ?? copy;
  const apiVersion = to.group === '' ? to.version : `${to.group}/${to.version}`;
  return to.strategy.fromStorage?.(stored) ?? { ...stored, apiVersion, kind: to.kind };
}
