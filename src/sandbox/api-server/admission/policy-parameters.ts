import { apiVersionOf } from '../../../kube/resource.js';
import { matchesSelector } from '../../../kube/selectors.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import type { ParamRef, PolicySpec } from './policy-configuration.js';

/**
 * Objects that a policy is evaluated with, once for each: `null` where it takes none, empty where there are none and that
 * is allowed.
 *
 * @returns a text where the binding cannot be used (the failure policy decides)
 * @see apiserver, pkg/admission/plugin/policy/generic/policy_dispatcher.go, CollectParams
 */
export function collectParameters(
  cluster: ClusterView,
  registry: Registry,
  paramKind: PolicySpec['paramKind'],
  paramRef: ParamRef | undefined,
  namespace: string,
): (ApiObject | null)[] | string {
  if (paramKind === undefined || paramRef === undefined) return [null];
  const kind = registry
    .all()
    .find((each) => each.kind === paramKind.kind && apiVersionOf(each) === paramKind.apiVersion && !each.answer);
  if (kind === undefined) return `paramKind kind \`${paramKind.apiVersion}, Kind=${paramKind.kind}\` not known`;
  if (paramRef.namespace && !kind.namespaced) {
    return 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`';
  }
  const within = kind.namespaced ? paramRef.namespace || namespace : undefined;
  if (within === '') return 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources';
  const found = find(cluster, kind, paramRef, within);
  if (found.length > 0 || paramRef.parameterNotFoundAction !== 'Deny') return found;
  return 'no params found for policy binding with `Deny` parameterNotFoundAction';
}

function find(
  cluster: ClusterView,
  kind: { group: string; plural: string },
  { name, selector }: ParamRef,
  namespace: string | undefined,
): ApiObject[] {
  if (name) {
    const object = cluster.get(kind, { namespace, name });
    return object ? [object] : [];
  }
  return cluster.list(kind, namespace).filter(({ metadata }) => matchesSelector(selector ?? {}, metadata.labels));
}
