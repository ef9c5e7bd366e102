import { YAMLParseError } from 'yaml';
import type { Parameters } from '../../../cdk8s/waypoint-parameters.js';
import type { Gateway } from '../../api/gateway-api.js';
import { PROXY_CONFIG } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import { type ConfigMap, NAMESPACE } from '../../kube/types.js';
import { revisionOf } from '../../mesh/revision.js';
import { asRecord, stringAt } from '../../mesh/policy-object.js';
import { type ProxyConfigObject, wideProxyConfig } from '../../mesh/proxy-config.js';
import { WAYPOINT_CLASS } from '../../mesh/waypoint-gateway.js';
import {
  configMapsOf,
  MeshConfigurationError,
  type WaypointInputs,
  waypointInputs,
  withProxyConfigs,
} from '../../mesh/waypoint-inputs.js';
import { isKnownTemplate } from '../../mesh/waypoint-template.js';
import type { Stores } from '../../runtime/stores.js';
import { type MeshLocation, configuration, parsedKey, revisionObjects } from '../istio-configuration.js';
import { meshHash } from './observe-turns.js';
import type { Problem } from './observed.js';

/** What a revision of the mesh says of all its waypoints. */
interface Mesh {
  readonly inputs: WaypointInputs;
  /** Tells what is rendered from them apart. */
  readonly hash: string;
}

type Found = { readonly found: Mesh } | { readonly problem: Problem };

/** By version of the ConfigMap `istio-sidecar-injector[-REV]`: every pass asks, and for every waypoint. */
const known = new WeakMap<
  ConfigMap,
  { mesh: ConfigMap; defaults: readonly Parameters[]; wide: ProxyConfigObject | undefined; result: Found }
>();

/**
 * The mesh's configuration for a Gateway, by its revision.
 *
 * @param defaults  of the class; the same object as long as they are the same
 */
export function meshOf(
  gateway: Gateway,
  defaults: readonly Parameters[],
  stores: Stores,
  location: MeshLocation,
): Found {
  const { istioNamespace } = location;
  const revision = revisionOf(revisionLabel(gateway, stores), revisionObjects(stores, location));
  const names = configMapsOf(revision);
  const [mesh, injector] = [names.mesh, names.injector].map((name) =>
    configuration(stores, { istioNamespace }).get({ namespace: istioNamespace, name }),
  );
  if (!mesh || !injector) {
    const missing = mesh ? names.injector : names.mesh;
    return invalid(`ConfigMap ${istioNamespace}/${missing} is missing: is there an istiod of revision ${revision}?`);
  }
  const before = known.get(injector);
  const proxyConfigs = proxyConfigsIn(stores);
  if (before?.mesh === mesh && before.defaults === defaults && before.wide === wideOf(before.result, proxyConfigs))
    return before.result;
  const result = read(revision, mesh, injector, defaults, proxyConfigs);
  known.set(injector, { mesh, defaults, wide: wideOf(result, proxyConfigs), result });
  return result;
}

const proxyConfigsIn = (stores: Stores): readonly ProxyConfigObject[] =>
  stores.of(PROXY_CONFIG).list() as readonly ProxyConfigObject[];

/** The ProxyConfig that counts for the whole mesh. */
function wideOf(result: Found, proxyConfigs: readonly ProxyConfigObject[]): ProxyConfigObject | undefined {
  return 'found' in result ? wideProxyConfig(proxyConfigs, result.found.inputs.rootNamespace) : undefined;
}

/** With the ProxyConfigs that concern the Gateway. */
export function ofGateway(inputs: WaypointInputs, { metadata }: Gateway, stores: Stores): WaypointInputs {
  const { name, namespace = '' } = metadata;
  return withProxyConfigs(inputs, proxyConfigsIn(stores), { name, namespace });
}

/** The Gateway's own, else its Namespace's as it is now. */
function revisionLabel({ metadata }: Gateway, stores: Stores): string | undefined {
  const namespace = stores.of(NAMESPACE).get({ name: metadata.namespace ?? '' });
  return metadata.labels?.[LABEL.revision] ?? namespace?.metadata.labels?.[LABEL.revision];
}

function read(
  revision: string,
  mesh: ConfigMap,
  injector: ConfigMap,
  defaults: readonly Parameters[],
  proxyConfigs: readonly ProxyConfigObject[],
): Found {
  try {
    const template = stringAt(asRecord(asRecord(parsedKey(injector, 'config', '{}'))['templates']), 'waypoint') ?? '';
    if (!isKnownTemplate(template)) {
      const message =
        `the waypoint template of revision ${revision} is not one that this version of Sidestep knows: ` +
        `use class ${WAYPOINT_CLASS}, which istiod deploys`;
      return { problem: { reason: 'UnknownTemplate', message } };
    }
    const inputs = waypointInputs(
      asRecord(parsedKey(mesh, 'mesh', '{}')),
      asRecord(parsedKey(injector, 'values', '{}')),
    );
    return { found: { inputs, hash: meshHash(inputs, proxyConfigs, defaults) } };
  } catch (error) {
    if (!(error instanceof MeshConfigurationError || error instanceof YAMLParseError)) throw error;
    return invalid(error.message);
  }
}

function invalid(message: string): { problem: Problem } {
  return { problem: { reason: 'MeshConfigurationInvalid', message } };
}
