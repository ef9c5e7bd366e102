import { setImmediate } from 'node:timers/promises';
import { type ZtunnelVersion, versionOf, ztunnelConfigPieces } from '../../../cdk8s/ztunnel-config.js';
import { GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import { AUTHORIZATION_POLICY, PEER_AUTHENTICATION, SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import { DAEMON_SET, ENDPOINT_SLICE, NAMESPACE, NODE, POD, SERVICE } from '../../kube/types.js';
import type { IndexSettings } from '../../mesh/ambient-index.js';
import { type ViewSource, indexSettings, ztunnelTags, ztunnelView } from '../../mesh/ztunnel-view.js';
import type { LocalConfig } from '../../mesh/ztunnel-config.js';
import type { Stores } from '../../runtime/stores.js';
import { type MeshLocation, istiodConfiguration } from '../istio-configuration.js';

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
export function istiodOf(stores: Stores, location: MeshLocation): Istiod | undefined {
  const { istioNamespace } = location;
  const parsed = istiodConfiguration(stores, location);
  if (!parsed) return undefined;
  const daemonSets = stores.of(DAEMON_SET).list(istioNamespace);
  return {
    settings: indexSettings(parsed, istioNamespace),
    version: versionOf(ztunnelTags(daemonSets, parsed)),
  };
}

/**
 * What ztunnel knows of a namespace.
 *
 * @param onRead  told of each namespace whose objects may count
 */
export async function viewOf(
  namespace: string,
  { settings }: Istiod,
  stores: Stores,
  onRead: (namespace: string) => void = () => undefined,
): Promise<LocalConfig> {
  return ztunnelView(sourceOf(stores, onRead), namespace, settings);
}

/** Characters of a file after which others have their turn: 20 ms of work. */
const PAUSE_AFTER = 50_000;

/** A view as ztunnel's file. */
export async function fileOf(view: LocalConfig, { version }: Istiod): Promise<string> {
  let file = '';
  let pausedAt = 0;
  for (const piece of ztunnelConfigPieces(view, version)) {
    file += piece;
    if (file.length - pausedAt < PAUSE_AFTER) continue;
    pausedAt = file.length;
    await setImmediate();
  }
  return file;
}

function sourceOf(stores: Stores, onRead: (namespace: string) => void): ViewSource {
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
    within: async (namespace) => {
      onRead(namespace);
      return {
        pods: stores.of(POD).list(namespace),
        services: stores.of(SERVICE).list(namespace),
        endpointSlices: stores.of(ENDPOINT_SLICE).list(namespace),
      };
    },
  };
}
