import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import { PROXY_CONFIG } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import { SERVING } from '../../api/serving.js';
import { findCondition } from '../../kube/conditions.js';
import { CONFIG_MAP, NAMESPACE, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { asRecord, stringAt } from '../../mesh/policy-object.js';
import type { ProxyConfigObject } from '../../mesh/proxy-config.js';
import { accountTaken } from '../../mesh/waypoint-binding.js';
import { namesOurParameters, servingOf, WAYPOINT_CLASS } from '../../mesh/waypoint-gateway.js';
import { configMapsOf, MeshConfigurationError, waypointInputs, withProxyConfigs } from '../../mesh/waypoint-inputs.js';
import { isKnownTemplate } from '../../mesh/waypoint-template.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { keyOf, type Request, requestOf } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { type MeshLocation, parsedKey, revisionOf } from '../istio-configuration.js';
import { isHeld } from './decision.js';
import { DEPLOYED_KINDS, isOwnedBy } from './deployed-kinds.js';
import { classDefaults, namedParameters, sizingConfigMap } from './observe-parameters.js';
import { usersOf } from './observe-users.js';
import type { Observed, Problem } from './observed.js';
import { BOUND_INDEX, namesOf } from './watches.js';

/**
 * What there is of a Gateway and around it; undefined if it is gone, or none that we may serve or have served.
 *
 * @throws {ApiError} a ConfigMap of the Gateway's namespace cannot be read
 */
export async function observe(
  request: Request,
  context: ReconcileContext,
  location: MeshLocation,
): Promise<Observed | undefined> {
  const { stores, clock } = context;
  const gateway = stores.of(GATEWAY).get(request);
  if (!gateway || !isConcerned(gateway)) return undefined;
  const own = await namedParameters(gateway, context);
  const problem = 'problem' in own ? own : undefined;
  return {
    gateway,
    inputs: problem ?? inputsOf(gateway, stores, location),
    defaults: classDefaults(stores, location),
    parameters: 'found' in own ? own.found : [],
    sizes: await sizingConfigMap(gateway, context),
    live: liveObjects(gateway, stores),
    bound: stores
      .of(SERVICE)
      .byIndex(BOUND_INDEX, keyOf(requestOf(gateway)))
      .map(({ metadata: { namespace, name } }) =>
        namespace === gateway.metadata.namespace ? name : `${namespace}/${name}`,
      ),
    ...usersOf(gateway, stores),
    taken: accountTaken(
      gateway,
      stores.of(SERVICE_ACCOUNT).list(gateway.metadata.namespace),
      stores.of(GATEWAY).list(gateway.metadata.namespace),
    ),
    nowMs: clock.now(),
  };
}

/** Whether we serve the Gateway, or have left something behind that says that we did. */
function isConcerned(gateway: Gateway): boolean {
  const isMarked = isHeld(gateway) || namesOurParameters(gateway);
  return (
    isMarked || servingOf(gateway) !== undefined || findCondition(gateway.status?.conditions, SERVING) !== undefined
  );
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

function liveObjects(gateway: Gateway, stores: Stores): Observed['live'] {
  const names = namesOf(gateway);
  return DEPLOYED_KINDS.flatMap((type) =>
    stores
      .of(type)
      .list(gateway.metadata.namespace)
      .filter((object) => names.has(object.metadata.name) || isOwnedBy(object, gateway))
      .map((object) => ({ type, object })),
  );
}
