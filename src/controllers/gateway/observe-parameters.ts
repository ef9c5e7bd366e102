import { parse } from 'yaml';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import type { Gateway } from '../../api/gateway-api.js';
import { SERVING, SIZING_REASONS } from '../../api/serving.js';
import { findCondition } from '../../kube/conditions.js';
import { isNotFound } from '../../kube/errors.js';
import { CONFIG_MAP, type ConfigMap } from '../../kube/types.js';
import { namesOurParameters, parametersName, servingOf } from '../../mesh/waypoint-gateway.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { parametersOf } from '../class-parameters.js';
import type { Problem } from './observed.js';

/**
 * What a person has named in the Gateway's `infrastructure.parametersRef`, if we deploy it. It may be anywhere, so it is read and not
 * watched.
 *
 * @throws {ApiError} it cannot be read
 */
export async function namedParameters(
  gateway: Gateway,
  context: ReconcileContext,
): Promise<{ found: Parameters[] } | { problem: Problem }> {
  const ref = gateway.spec.infrastructure?.parametersRef;
  if (!ref || namesOurParameters(gateway) || servingOf(gateway)?.kind !== 'deployed') return { found: [] };
  const refuse = (text: string): { problem: Problem } => ({
    problem: { reason: 'ParametersInvalid', message: `spec.infrastructure.parametersRef: ${text}` },
  });
  if (ref.group !== '' || ref.kind !== 'ConfigMap') return refuse('group must be "" and kind ConfigMap');
  const { namespace } = gateway.metadata;
  const configMap = await read(namespace, ref.name, context);
  if (!configMap) return refuse(`there is no ConfigMap ${namespace}/${ref.name}; create it or remove the field`);
  try {
    return { found: [parametersOf(configMap, (key) => parse(configMap.data?.[key] ?? ''))] };
  } catch (error) {
    return refuse(
      `ConfigMap ${namespace}/${ref.name} is no YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/**
 * The ConfigMap by which we size the Gateway's waypoint, where there may be one: we size it, or have done so.
 *
 * @throws {ApiError} it cannot be read
 */
export async function sizingConfigMap(gateway: Gateway, context: ReconcileContext): Promise<ConfigMap | undefined> {
  const serving = servingOf(gateway);
  const reason = findCondition(gateway.status?.conditions, SERVING)?.reason;
  const isSizedByUs = serving?.kind === 'sized' || namesOurParameters(gateway);
  // What is said last goes last: as long as it is there, so may be the ConfigMap.
  const hasBeen = SIZING_REASONS.some((each) => each === reason) || (serving === undefined && reason !== undefined);
  return isSizedByUs || hasBeen ? read(gateway.metadata.namespace, parametersName(gateway), context) : undefined;
}

async function read(
  namespace: string | undefined,
  name: string,
  { client, signal }: ReconcileContext,
): Promise<ConfigMap | undefined> {
  return client.get(CONFIG_MAP, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
}
