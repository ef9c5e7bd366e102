import type { KubeObject } from '../kube/resource.js';

/**
 * What a reconcile is asked to look at: a name, and nothing about the event that caused it (level-based).
 * `namespace` is undefined for cluster-scoped kinds.
 */
export interface Request {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The request for `object` itself. */
export function requestOf(object: KubeObject): Request {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}

/** `namespace/name`, or `name` for cluster-scoped kinds; unique within a kind, for neither part can hold a slash. */
export function keyOf(request: Request): string {
  return request.namespace ? `${request.namespace}/${request.name}` : request.name;
}

/** The inverse of `keyOf`. */
export function requestOfKey(key: string): Request {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
