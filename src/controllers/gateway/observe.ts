import { parse } from 'yaml';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { PROXY_CONFIG } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import { isNotFound } from '../../kube/errors.js';
import { CONFIG_MAP, type ConfigMap, NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { asRecord, stringAt } from '../../mesh/policy-object.js';
import type { ProxyConfigObject } from '../../mesh/proxy-config.js';
import { accountTaken } from '../../mesh/waypoint-binding.js';
import { isServable } from '../../mesh/waypoint-gateway.js';
import { configMapsOf, MeshConfigurationError, waypointInputs, withProxyConfigs } from '../../mesh/waypoint-inputs.js';
import { isKnownTemplate } from '../../mesh/waypoint-template.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { keyOf, type Request, requestOf } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { CLASS_DEFAULTS_LABEL, type MeshLocation, parsedKey, revisionOf } from '../istio-configuration.js';
import { DEPLOYED_KINDS, isOwnedBy } from './deployed-kinds.js';
import { isHeld } from './decide.js';
import type { Problem, LiveObject, Observed } from './observed.js';
import { BOUND_INDEX, namesOf } from './watches.js';

/** The class whose defaults count for our waypoints. */
const WAYPOINT_CLASS = 'istio-waypoint';

/**
 * What there is of a Gateway and around it; undefined if it is gone, or none that we may serve or have served.
 *
 * @throws {ApiError} the ConfigMap that it names cannot be read
 */
export async function observe(
  request: Request,
  context: ReconcileContext,
  location: MeshLocation,
): Promise<Observed | undefined> {
  const { stores, clock } = context;
  const gateway = stores.of(GATEWAY).get(request);
  if (!gateway || !(isServable(gateway) || isHeld(gateway))) return undefined;
  const own = await parametersRef(gateway, context);
  const defaults = classDefaults(stores, location);
  const problem = 'problem' in own ? own : undefined;
  return {
    gateway,
    inputs: problem ?? inputsOf(gateway, stores, location),
    parameters: [...defaults, ...('found' in own ? own.found : [])],
    live: liveObjects(gateway, stores),
    bound: stores
      .of(SERVICE)
      .byIndex(BOUND_INDEX, keyOf(requestOf(gateway)))
      .map(({ metadata: { namespace, name } }) =>
        namespace === gateway.metadata.namespace ? name : `${namespace}/${name}`,
      ),
    taken: accountTaken(
      gateway,
      stores.of(SERVICE_ACCOUNT).list(gateway.metadata.namespace),
      stores.of(GATEWAY).list(gateway.metadata.namespace),
    ),
    nowMs: clock.now(),
  };
}

/** @see istio/istio pkg/revisions/tag_watcher.go, IsMine */
function revisionOfGateway({ metadata }: Gateway, stores: Stores): string {
  const namespace = stores.of(NAMESPACE).get({ name: metadata.namespace ?? '' });
  const label = metadata.labels?.[LABEL.revision] ?? namespace?.metadata.labels?.[LABEL.revision];
  return label === undefined ? 'default' : revisionOf(label, stores);
}

function inputsOf(gateway: Gateway, stores: Stores, { istioNamespace }: MeshLocation): Observed['inputs'] {
  const revision = revisionOfGateway(gateway, stores);
  const names = configMapsOf(revision);
  const [mesh, injector] = [names.mesh, names.injector].map((name) =>
    stores.of(CONFIG_MAP).get({ namespace: istioNamespace, name }),
  );
  if (!mesh || !injector) {
    const missing = mesh ? names.injector : names.mesh;
    return invalid(`ConfigMap ${istioNamespace}/${missing} is missing: is there an istiod of revision ${revision}?`);
  }
  const template = stringAt(asRecord(asRecord(parsedKey(injector, 'config', '{}'))['templates']), 'waypoint') ?? '';
  if (!isKnownTemplate(template)) {
    const message =
      `the waypoint template of revision ${revision} is not one that this version of Sidestep knows: ` +
      `use class ${WAYPOINT_CLASS}, which istiod deploys`;
    return { problem: { reason: 'UnknownTemplate', message } };
  }
  try {
    const inputs = waypointInputs(
      asRecord(parsedKey(mesh, 'mesh', '{}')),
      asRecord(parsedKey(injector, 'values', '{}')),
    );
    const { name, namespace = '' } = gateway.metadata;
    const proxyConfigs = stores.of(PROXY_CONFIG).list() as readonly ProxyConfigObject[];
    return { found: withProxyConfigs(inputs, proxyConfigs, { name, namespace }) };
  } catch (error) {
    if (!(error instanceof MeshConfigurationError)) throw error;
    return invalid(error.message);
  }
}

function invalid(message: string): { problem: Problem } {
  return { problem: { reason: 'MeshConfigurationInvalid', message } };
}

/** Of several ConfigMaps for the class the oldest counts. */
function classDefaults(stores: Stores, { istioNamespace }: MeshLocation): Parameters[] {
  const [oldest] = stores
    .of(CONFIG_MAP)
    .list(istioNamespace)
    .filter(({ metadata }) => metadata.labels?.[CLASS_DEFAULTS_LABEL] === WAYPOINT_CLASS)
    .sort((a, b) => age(a).localeCompare(age(b)));
  return oldest ? [parametersOf(oldest, (key) => parsedKey(oldest, key, ''))] : [];
}

const age = ({ metadata }: ConfigMap): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;

/** What the Gateway's `infrastructure.parametersRef` names. It may be anywhere, so it is read and not watched. */
async function parametersRef(
  { metadata, spec }: Gateway,
  { client, signal }: ReconcileContext,
): Promise<{ found: Parameters[] } | { problem: Problem }> {
  const ref = spec.infrastructure?.parametersRef;
  if (!ref) return { found: [] };
  const refuse = (text: string): { problem: Problem } => ({
    problem: { reason: 'ParametersInvalid', message: `spec.infrastructure.parametersRef: ${text}` },
  });
  if (ref.group !== '' || ref.kind !== 'ConfigMap') return refuse('group must be "" and kind ConfigMap');
  const { namespace } = metadata;
  const configMap = await client.get(CONFIG_MAP, { namespace, name: ref.name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  if (!configMap) return refuse(`there is no ConfigMap ${namespace}/${ref.name}; create it or remove the field`);
  try {
    return { found: [parametersOf(configMap, (key) => parse(configMap.data?.[key] ?? ''))] };
  } catch (error) {
    return refuse(
      `ConfigMap ${namespace}/${ref.name} is no YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function parametersOf(configMap: ConfigMap, value: (key: string) => unknown): Parameters {
  const { namespace, name } = configMap.metadata;
  const data = Object.fromEntries(Object.keys(configMap.data ?? {}).map((key) => [key, value(key)]));
  return { source: `ConfigMap ${namespace}/${name}`, data };
}

function liveObjects(gateway: Gateway, stores: Stores): LiveObject[] {
  const names = namesOf(gateway);
  return DEPLOYED_KINDS.flatMap((type) =>
    stores
      .of(type)
      .list(gateway.metadata.namespace)
      .filter((object) => names.has(object.metadata.name) || isOwnedBy(object, gateway))
      .map((object) => ({ type, object })),
  );
}
