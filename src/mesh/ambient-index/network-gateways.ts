import { ANNOTATION, LABEL } from '../../api/labels.js';
import type { GatewayAddress, LocalWorkload } from '../ztunnel-config.js';
import { formatAddress, parseAddress } from './ip-address.js';
import { namespaceOf } from './namespaces.js';
import type { IndexedGateway, IndexSettings } from './objects.js';

/** Where traffic enters another network. */
export interface NetworkGateway {
  readonly network: string;
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const REMOTE_CLASS = 'istio-remote';

/**
 * The ways into other networks: Gateways of class `istio-remote` with the network's label and a listener for HBONE.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/networks.go
 */
export function readNetworkGateways(gateways: readonly IndexedGateway[]): NetworkGateway[] {
  const remote = gateways.filter(({ spec }) => spec.gatewayClassName === REMOTE_CLASS);
  return remote.sort(compareName).flatMap((gateway) => {
    const { metadata, spec, status } = gateway;
    const network = metadata.labels?.[LABEL.network] ?? '';
    const listener = spec.listeners.find(({ protocol }) => protocol === 'HBONE');
    if (network === '' || !listener) return [];
    const serviceAccount =
      metadata.annotations?.[ANNOTATION.gatewayServiceAccount] || `${metadata.name}-${REMOTE_CLASS}`;
    return (status?.addresses ?? [])
      .filter(({ type }) => type === 'IPAddress' || type === 'Hostname')
      .map(({ value }) => ({
        network,
        address: value,
        port: listener.port,
        namespace: namespaceOf(gateway),
        serviceAccount,
      }));
  });
}

/** istiod's order is any. */
function compareName(a: IndexedGateway, b: IndexedGateway): number {
  const [first, second] = [a, b].map((gateway) => `${namespaceOf(gateway)}/${gateway.metadata.name}`);
  return first! < second! ? -1 : 1;
}

/** The way into a network; of several the first. */
export function networkGatewayOf(network: string, gateways: readonly NetworkGateway[]): GatewayAddress | undefined {
  const gateway = gateways.find((some) => some.network === network);
  if (!gateway) return undefined;
  const address = parseAddress(gateway.address);
  const destination = address ? `${network}/${formatAddress(address)}` : `${gateway.namespace}/${gateway.address}`;
  return { destination, hboneMtlsPort: gateway.port };
}

/** Each of them is a workload too, so that ztunnel knows who answers there. */
export function gatewayWorkloads(gateways: readonly NetworkGateway[], { trustDomain }: IndexSettings): LocalWorkload[] {
  return gateways.map(({ network, address, port, namespace, serviceAccount }) => {
    const uid = `NetworkGateway/${network}/${address}/${port}`;
    const ip = parseAddress(address);
    return {
      uid,
      name: uid,
      namespace,
      workloadIps: ip ? [formatAddress(ip)] : [],
      ...(!ip && { hostname: address }),
      trustDomain,
      serviceAccount,
      network,
      clusterId: 'Kubernetes',
      workloadType: 'deployment',
      services: {},
    };
  });
}
