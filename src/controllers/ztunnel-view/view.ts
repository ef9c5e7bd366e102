import { type ZtunnelVersion, versionOf, ztunnelConfigYaml } from '../../../cdk8s/ztunnel-config.js';
import { GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import { AUTHORIZATION_POLICY, PEER_AUTHENTICATION, SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import { CONFIG_MAP, DAEMON_SET, ENDPOINT_SLICE, NAMESPACE, NODE, POD, SERVICE } from '../../kube/types.js';
import type { IndexSettings } from '../../mesh/ambient-index.js';
import { asRecord } from '../../mesh/policy-object.js';
import { configMapsOf } from '../../mesh/waypoint-inputs.js';
import { type ViewSource, indexSettings, ztunnelRevision, ztunnelTags, ztunnelView } from '../../mesh/ztunnel-view.js';
import type { Stores } from '../../runtime/stores.js';
import { type MeshLocation, parsedKey } from '../istio-configuration.js';

/** The istiod that ztunnel asks, as far as it decides what it is told. */
export interface Istiod {
  readonly settings: IndexSettings;
  /** Of ztunnel. */
  readonly version: ZtunnelVersion;
}

/**
 * Reads istiod's configuration; undefined if it is not there.
 *
 * @throws {YAMLParseError} it is no YAML
 */
export function istiodOf(stores: Stores, { istioNamespace }: MeshLocation): Istiod | undefined {
  const daemonSets = stores.of(DAEMON_SET).list(istioNamespace);
  const names = configMapsOf(ztunnelRevision(daemonSets));
  const mesh = stores.of(CONFIG_MAP).get({ namespace: istioNamespace, name: names.mesh });
  const injector = stores.of(CONFIG_MAP).get({ namespace: istioNamespace, name: names.injector });
  if (!mesh || !injector) return undefined;
  const configuration = {
    mesh: asRecord(parsedKey(mesh, 'mesh', '{}')),
    values: asRecord(parsedKey(injector, 'values', '{}')),
  };
  return {
    settings: indexSettings(configuration, istioNamespace),
    version: versionOf(ztunnelTags(daemonSets, configuration)),
  };
}

/** What ztunnel knows of a namespace, as its file. */
export async function viewOf(namespace: string, { settings, version }: Istiod, stores: Stores): Promise<string> {
  return ztunnelConfigYaml(await ztunnelView(sourceOf(stores), namespace, settings), version);
}

function sourceOf(stores: Stores): ViewSource {
  return {
    mesh: {
      namespaces: stores.of(NAMESPACE).list(),
      nodes: stores.of(NODE).list(),
      // Their specs are read field by field.
      serviceEntries: stores.of(SERVICE_ENTRY).list() as ViewSource['mesh']['serviceEntries'],
      workloadEntries: stores.of(WORKLOAD_ENTRY).list() as ViewSource['mesh']['workloadEntries'],
      gateways: stores.of(GATEWAY).list(),
      gatewayClasses: stores.of(GATEWAY_CLASS).list(),
      authorizationPolicies: stores.of(AUTHORIZATION_POLICY).list(),
      peerAuthentications: stores.of(PEER_AUTHENTICATION).list(),
    },
    within: async (namespace) => ({
      pods: stores.of(POD).list(namespace),
      services: stores.of(SERVICE).list(namespace),
      endpointSlices: stores.of(ENDPOINT_SLICE).list(namespace),
    }),
  };
}
