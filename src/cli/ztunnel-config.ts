import { parse } from 'yaml';
import { type ZtunnelVersion, ztunnelConfigJson, ztunnelConfigYaml, versionOf } from '../../cdk8s/ztunnel-config.js';
import { GATEWAY, GATEWAY_CLASS } from '../api/gateway-api.js';
import { AUTHORIZATION_POLICY, PEER_AUTHENTICATION, SERVICE_ENTRY, WORKLOAD_ENTRY } from '../api/istio.js';
import type { Client } from '../kube/client.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { CONFIG_MAP, DAEMON_SET, ENDPOINT_SLICE, NAMESPACE, NODE, POD, SERVICE } from '../kube/types.js';
import { asRecord } from '../mesh/policy-object.js';
import { configMapsOf } from '../mesh/waypoint-inputs.js';
import {
  FOREIGN_SLICES,
  type IstiodConfiguration,
  type ViewSource,
  indexSettings,
  ztunnelRevision,
  ztunnelTags,
  ztunnelView,
} from '../mesh/ztunnel-view.js';
import { checkNamespace, type ClusterOptions, list, unlessMissing, withClient } from './cluster.js';
import { CommandError } from './failures.js';

/** Options of `sidestep ztunnel-config`. */
export interface ZtunnelConfigOptions extends ClusterOptions {
  readonly namespace: string;
  readonly istioNamespace: string;
  /** Undefined: that of the ztunnel in the cluster. */
  readonly ztunnelVersion?: ZtunnelVersion;
  readonly output: 'yaml' | 'json';
}

/**
 * What ztunnel knows of a namespace, as text.
 *
 * @throws {CommandError} there is no such namespace, or no Istio; the message says what to do
 * @throws {ApiError} the cluster refuses to show something
 * @throws {TransportError} the cluster cannot be reached
 * @throws {Error} the kubeconfig cannot be used
 */
export async function ztunnelConfig(options: ZtunnelConfigOptions): Promise<string> {
  const { namespace, istioNamespace, output } = options;
  return withClient(options, async (client) => {
    await checkNamespace(client, namespace);
    const daemonSets = await list(client, DAEMON_SET, { namespace: istioNamespace });
    const istiod = await istiodConfiguration(client, istioNamespace, ztunnelRevision(daemonSets));
    const source = await viewSource(client);
    const config = await ztunnelView(source, namespace, indexSettings(istiod, istioNamespace));
    const version = options.ztunnelVersion ?? versionOf(ztunnelTags(daemonSets, istiod));
    return output === 'json' ? ztunnelConfigJson(config, version) : ztunnelConfigYaml(config, version);
  });
}

async function istiodConfiguration(client: Client, namespace: string, revision: string): Promise<IstiodConfiguration> {
  const names = configMapsOf(revision);
  const read = async (name: string, key: string): Promise<Readonly<Record<string, unknown>>> => {
    const found = await unlessMissing(client.get(CONFIG_MAP, { namespace, name }));
    if (!found) {
      throw new CommandError(
        `there is no ConfigMap ${name} in namespace ${namespace}: is istiod in another one? --istio-namespace names it`,
      );
    }
    return asRecord(parse(found.data?.[key] ?? ''));
  };
  return { mesh: await read(names.mesh, 'mesh'), values: await read(names.injector, 'values') };
}

async function viewSource(client: Client): Promise<ViewSource> {
  const everywhere = <T extends KubeObject>(type: ResourceType<T>): Promise<T[]> => list(client, type, {});
  const [namespaces, nodes, serviceEntries, workloadEntries] = await Promise.all([
    everywhere(NAMESPACE),
    everywhere(NODE),
    everywhere(SERVICE_ENTRY),
    everywhere(WORKLOAD_ENTRY),
  ]);
  const [gateways, gatewayClasses, authorizationPolicies, peerAuthentications] = await Promise.all([
    everywhere(GATEWAY),
    everywhere(GATEWAY_CLASS),
    everywhere(AUTHORIZATION_POLICY),
    everywhere(PEER_AUTHENTICATION),
  ]);
  return {
    mesh: {
      namespaces,
      nodes,
      serviceEntries: serviceEntries as ViewSource['mesh']['serviceEntries'],
      workloadEntries: workloadEntries as ViewSource['mesh']['workloadEntries'],
      gateways,
      gatewayClasses,
      authorizationPolicies,
      peerAuthentications,
    },
    within: async (namespace) => ({
      pods: await list(client, POD, { namespace }),
      services: await list(client, SERVICE, { namespace }),
      endpointSlices: await list(client, ENDPOINT_SLICE, { namespace, labelSelector: FOREIGN_SLICES }),
    }),
  };
}
