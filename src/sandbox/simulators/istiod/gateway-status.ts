import { isIP } from 'node:net';
import { withConditions, type Wanted } from './conditions.js';
import type { ClassInfo } from './gateway-classes.js';
import { gatewayInstances, type GatewayInstances, type ServiceView } from './gateway-instances.js';
import { gatewayHosts, type ReasonAndMessage } from './gateway-names.js';
import type { Address, Gateway } from './kinds.js';
import { judgeListener, type JudgedListener } from './listener-status.js';

/** What a Gateway's status depends on besides itself. */
export interface GatewaySurroundings {
  services: ServiceView;
  /** Whether the ConfigMap is there, in the Gateway's namespace. */
  hasConfigMap(name: string): boolean;
  /** How many routes each listener has, by its name. */
  attachedRoutes(listener: string): number;
  nowMs: number;
}

/**
 * The status that istiod writes for a Gateway of one of its classes.
 *
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, reportGatewayStatus
 */
export function gatewayStatus(gateway: Gateway, info: ClassInfo, around: GatewaySurroundings): Gateway['status'] {
  if (info.template === undefined) return remoteStatus(gateway, around.nowMs);
  const { hosts, problem: addressProblem } = gatewayHosts(gateway, info);
  const listeners = gateway.spec.listeners.map((_, index) => judgeListener(gateway, index, info, around.nowMs));
  const ports = hosts.length === 0 ? [] : gateway.spec.listeners.map(({ port }) => port);
  const instances = gatewayInstances(around.services, gateway.metadata.namespace ?? '', hosts, ports);
  const problem = addressProblem ?? parametersProblem(gateway, around);
  const wanted = [
    accepted(listeners, problem),
    programmed(hosts, instances),
    { type: 'ResolvedRefs', status: 'True' as const, reason: 'ResolvedRefs', message: 'All references resolved' },
  ];
  const addresses = addressesToTell(gateway, info, instances);
  return {
    ...gateway.status,
    // Once there has been an address it stays: proxies may still be there.
    ...(addresses.length > 0 && { addresses }),
    conditions: withConditions(gateway.status?.conditions, wanted, gateway.metadata.generation, around.nowMs),
    listeners: listeners.map(({ status }) => ({ ...status, attachedRoutes: around.attachedRoutes(status.name) })),
  };
}

/** A Gateway of another cluster: istiod says yes to everything. */
function remoteStatus(gateway: Gateway, nowMs: number): Gateway['status'] {
  const message = 'This Gateway is remote; Istio will not program it';
  const wanted: Wanted[] = [
    { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'Resource accepted' },
    { type: 'Programmed', status: 'True', reason: 'Programmed', message },
  ];
  const { addresses } = gateway.spec;
  return {
    ...(addresses !== undefined && { addresses }),
    conditions: withConditions(gateway.status?.conditions, wanted, gateway.metadata.generation, nowMs),
  };
}

function parametersProblem(gateway: Gateway, around: GatewaySurroundings): ReasonAndMessage | undefined {
  const reference = gateway.spec.infrastructure?.parametersRef;
  if (reference === undefined) return undefined;
  const { group, kind, name } = reference;
  if (group !== '' || kind !== 'ConfigMap') {
    const message = `Unsupported parametersRef group/kind ${group}/${kind}, only ConfigMap is supported`;
    return { reason: 'InvalidParameters', message };
  }
  if (around.hasConfigMap(name)) return undefined;
  const message = `parametersRef ConfigMap ${gateway.metadata.namespace}/${name} does not exist`;
  return { reason: 'InvalidParameters', message };
}

/** Only a Gateway without any valid listener is refused. */
function accepted(listeners: JudgedListener[], problem: ReasonAndMessage | undefined): Wanted {
  const type = 'Accepted';
  if (problem !== undefined) return { type, status: 'False', ...problem };
  const valid = listeners.filter(({ isValid }) => isValid).length;
  if (valid === listeners.length) return { type, status: 'True', reason: 'Accepted', message: 'Resource accepted' };
  const reason = 'ListenersNotValid';
  return valid === 0
    ? { type, status: 'False', reason, message: "None of the Gateway's listeners are valid" }
    : { type, status: 'True', reason, message: "One or more of the Gateway's listeners are invalid" };
}

function programmed(hosts: string[], { internal, warnings, allUsable }: GatewayInstances): Wanted {
  const type = 'Programmed';
  const nowhere = 'Failed to assign to any requested addresses';
  if (hosts.length === 0) return { type, status: 'False', reason: 'UnsupportedAddress', message: nowhere };
  const assigned = `ssigned to service(s) ${joined(internal)}`;
  if (warnings.length === 0) {
    const message = internal.length > 0 ? `Resource programmed, a${assigned}` : 'Resource programmed';
    return { type, status: 'True', reason: 'Programmed', message };
  }
  const partly = internal.length > 0 ? `A${assigned}, but failed to assign to all requested addresses` : nowhere;
  const reason = allUsable ? 'AddressNotAssigned' : 'AddressNotUsable';
  return { type, status: 'False', reason, message: `${partly}: ${warnings.join('; ')}` };
}

function addressesToTell(gateway: Gateway, info: ClassInfo, found: GatewayInstances): Address[] {
  const type = gateway.metadata.annotations?.['networking.istio.io/address-type'] ?? info.addressType;
  const inside = [
    ...(type === 'Hostname' ? [] : found.internalIps),
    ...(type === 'IPAddress' ? [] : found.internal.map((hostAndPort) => hostAndPort.replace(/:\d+$/, ''))),
  ].filter((host) => !found.pending.includes(host));
  const values = new Set(found.external.length > 0 ? found.external : inside);
  return [...values].map((value) => ({ type: isIP(value) === 0 ? 'Hostname' : 'IPAddress', value }));
}

/** `a`, `a and b`, `a, b, and c`. */
function joined(words: string[]): string {
  if (words.length < 3) return words.join(' and ');
  return `${words.slice(0, -1).join(', ')}, and ${words.at(-1)}`;
}
