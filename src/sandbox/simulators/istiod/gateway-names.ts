import { type ClassInfo } from './gateway-classes.js';
import type { Gateway } from './kinds.js';

const domain = 'svc.cluster.local';

/**
 * Whether istiod deploys a proxy for the Gateway: it has no address, or one that is an IP address.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/gateway_utils.go, IsManaged
 */
export function isManaged({ spec: { addresses = [] } }: Gateway): boolean {
  const [first, second] = addresses;
  if (first === undefined) return true;
  return second === undefined && (first.type === undefined || first.type === 'IPAddress');
}

/** Name of the Deployment and the Service of a managed Gateway. */
export function deploymentName(gateway: Gateway, info: ClassInfo): string {
  return gateway.metadata.annotations?.['gateway.istio.io/name-override'] ?? defaultName(gateway, info);
}

/** Name of the ServiceAccount of a managed Gateway. */
export function serviceAccountName(gateway: Gateway, info: ClassInfo): string {
  return gateway.metadata.annotations?.['gateway.istio.io/service-account'] ?? defaultName(gateway, info);
}

function defaultName({ metadata, spec }: Gateway, info: ClassInfo): string {
  return info.hasSuffix ? `${metadata.name}-${spec.gatewayClassName}` : metadata.name;
}

/** The DNS name of a Service. */
function hostOf(name: string, namespace: string): string {
  return `${name}.${namespace}.${domain}`;
}

/** The Service behind a DNS name of the cluster; undefined for other names. */
export function serviceOfHost(host: string): { name: string; namespace: string } | undefined {
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host) ?? [];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

/** DNS names of the Services that a Gateway is served by, and what is wrong with how it names them. */
export function gatewayHosts(gateway: Gateway, info: ClassInfo): { hosts: string[]; problem?: ReasonAndMessage } {
  const { namespace = '' } = gateway.metadata;
  if (isManaged(gateway)) return { hosts: [hostOf(deploymentName(gateway, info), namespace)] };
  const { addresses = [] } = gateway.spec;
  const isHost = ({ type }: { type?: string }): boolean => type === undefined || type === 'Hostname';
  const hosts = addresses.filter(isHost).map(({ value }) => (value.includes('.') ? value : hostOf(value, namespace)));
  const skipped = addresses.filter((address) => !isHost(address)).map(({ value }) => value);
  if (skipped.length === 0) return { hosts };
  const message = `only Hostname is supported, ignoring [${skipped.join(' ')}]`;
  return { hosts, problem: { reason: 'UnsupportedAddress', message } };
}

/** Why a condition is False. */
export interface ReasonAndMessage {
  reason: string;
  message: string;
}
