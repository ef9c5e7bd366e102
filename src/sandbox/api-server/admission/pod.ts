import type { PodSpec } from '../builtin/pod-spec.js';
import type { ApiObject } from '../object.js';

/** The `spec` of a pod, to be changed; made if it is not there. */
export function podSpec(pod: ApiObject): PodSpec {
  return (pod['spec'] ??= {});
}
