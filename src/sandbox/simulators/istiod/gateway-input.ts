import type { ServicePort } from '../../../kube/types.js';
import type { InjectionConfig } from '../injector/injection-config.js';
import type { ClassInfo } from './gateway-classes.js';
import { deploymentName, serviceAccountName } from './gateway-names.js';
import type { Gateway } from './kinds.js';

/** What the objects of a Gateway are rendered from. */
export interface GatewayInput {
  gateway: Gateway;
  info: ClassInfo;
  config: InjectionConfig;
  namespace: string;
  /** Name of Deployment and Service. */
  name: string;
  serviceAccount: string;
  /** Labels for all rendered objects. */
  labels: Record<string, string>;
  /** Annotations for all rendered objects. */
  annotations: Record<string, string>;
  ports: ServicePort[];
  serviceType: string;
}

const ownPrefix = 'gateway.networking.k8s.io/';

/** Annotations of a Gateway that mean nothing on what is rendered for it. */
const notCopied = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'gateway.istio.io/name-override',
  'gateway.istio.io/service-account',
  'gateway.istio.io/controller-version',
];

/** @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go, configureIstioGateway */
export function gatewayInput(gateway: Gateway, info: ClassInfo, config: InjectionConfig): GatewayInput {
  const { metadata, spec } = gateway;
  const { labels, annotations } = spec.infrastructure ?? {};
  return {
    gateway,
    info,
    config,
    namespace: metadata.namespace ?? '',
    name: deploymentName(gateway, info),
    serviceAccount: serviceAccountName(gateway, info),
    labels: {
      ...without((key) => key.startsWith(ownPrefix) && labels !== undefined, labels ?? metadata.labels),
      ...dataplaneMode(gateway, info),
    },
    annotations: without(
      (key) => notCopied.includes(key) || (key.startsWith(ownPrefix) && annotations !== undefined),
      annotations ?? metadata.annotations,
    ),
    ports: servicePorts(gateway),
    serviceType: metadata.annotations?.['networking.istio.io/service-type'] ?? info.serviceType,
  };
}

/** Labels that every rendered object has. */
export function objectLabels({ gateway, labels }: GatewayInput): Record<string, string> {
  return {
    ...labels,
    [`${ownPrefix}gateway-name`]: gateway.metadata.name,
    [`${ownPrefix}gateway-class-name`]: gateway.spec.gatewayClassName,
  };
}

/** By which pods belong to a Gateway. */
export function podSelector({ gateway }: GatewayInput): Record<string, string> {
  return { [`${ownPrefix}gateway-name`]: gateway.metadata.name };
}

/** A proxy that is no waypoint is kept out of ambient mode, unless somebody says otherwise. */
function dataplaneMode({ metadata, spec }: Gateway, info: ClassInfo): Record<string, string> {
  const label = 'istio.io/dataplane-mode';
  if (info.template === 'waypoint' || metadata.labels?.[label] || spec.infrastructure?.labels?.[label]) return {};
  return { [label]: 'none' };
}

/** The port for health, and one for each port of a listener. */
function servicePorts({ spec }: Gateway): ServicePort[] {
  const ports: ServicePort[] = [{ name: 'status-port', port: 15021, protocol: 'TCP', appProtocol: 'tcp' }];
  for (const { name, port, protocol } of spec.listeners) {
    if (ports.some((other) => other.port === port && other.name !== 'status-port')) continue;
    const plain = name.replaceAll('.', '-').slice(0, 63);
    const isTaken = ports.some((other) => other.name === plain);
    const unique = isTaken ? `${plain.slice(0, 62 - String(port).length)}-${port}` : plain;
    ports.push({ name: unique, port, protocol: 'TCP', appProtocol: protocol.toLowerCase() });
  }
  return ports;
}

function without(drops: (key: string) => boolean, map: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !drops(key)));
}
