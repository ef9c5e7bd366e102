import type { Service } from '../../../kube/types.js';
import { managedLabel } from './gateway-classes.js';
import { serviceOfHost } from './gateway-names.js';
import type { EndpointSlice } from './kinds.js';

/** What is known about a Service. */
export interface ServiceView {
  service(namespace: string, name: string): Service | undefined;
  /** EndpointSlices of a Service. */
  endpointSlices(namespace: string, service: string): EndpointSlice[];
}

/** Where a Gateway can be reached. */
export interface GatewayInstances {
  /** `host:port` of Services with pods, sorted. */
  internal: string[];
  /** Cluster addresses of these Services, sorted. */
  internalIps: string[];
  /** Addresses of load balancers, sorted. */
  external: string[];
  /** Hosts of Services whose load balancer has no address yet. */
  pending: string[];
  /** For people, sorted. */
  warnings: string[];
  /** False if something is named that is not there, rather than not ready. */
  allUsable: boolean;
}

/**
 * Looks for what serves the ports of a Gateway at the hosts that it names.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/context.go, ResolveGatewayInstances
 */
export function gatewayInstances(
  services: ServiceView,
  namespace: string,
  hosts: readonly string[],
  ports: readonly number[],
): GatewayInstances {
  const found = new Found();
  for (const host of hosts) {
    const ref = serviceOfHost(host);
    const service = ref && services.service(ref.namespace, ref.name);
    if (ref === undefined || service === undefined) {
      found.unusable(`hostname "${host}" not found`);
    } else if (ref.namespace !== namespace) {
      const elsewhere = `but it was found in namespace(s) "${ref.namespace}"`;
      found.unusable(`hostname "${host}" not found in namespace "${namespace}", ${elsewhere}`);
    } else {
      for (const port of new Set(ports))
        lookAt(found, host, port, service, services.endpointSlices(ref.namespace, ref.name));
    }
  }
  return found.sorted();
}

class Found {
  readonly internal = new Set<string>();
  readonly internalIps = new Set<string>();
  readonly external = new Set<string>();
  readonly pending = new Set<string>();
  readonly warnings: string[] = [];
  #allUsable = true;

  unusable(warning: string): void {
    this.warnings.push(warning);
    this.#allUsable = false;
  }

  sorted(): GatewayInstances {
    return {
      internal: [...this.internal].sort(),
      internalIps: [...this.internalIps].sort(),
      external: [...this.external].sort(),
      pending: [...this.pending].sort(),
      warnings: this.warnings.toSorted(),
      allUsable: this.#allUsable,
    };
  }
}

function lookAt(found: Found, host: string, port: number, service: Service, slices: EndpointSlice[]): void {
  if (endpointPorts(service, port, slices).length > 0) {
    found.internal.add(`${host}:${port}`);
    for (const ip of service.spec.clusterIPs ?? []) if (ip !== 'None') found.internalIps.add(ip);
    const ingress = service.status?.loadBalancer?.ingress ?? [];
    for (const { ip, hostname } of ingress) found.external.add(ip ?? hostname ?? '');
    if (service.spec.type === 'LoadBalancer' && ingress.length === 0 && !found.pending.has(host)) {
      found.warnings.push(`address pending for hostname "${host}"`);
      found.pending.add(host);
    }
    return;
  }
  if (!slices.some(hasReady)) {
    found.warnings.push(`no instances found for hostname "${host}"`);
    return;
  }
  const ports = service.spec.ports ?? [];
  const meant = ports.filter((other) => endpointPorts(service, other.port, slices).includes(port));
  if (meant.length > 0) {
    const hint = `hint: the service port should be specified, not the workload port`;
    const numbers = meant.map((other) => other.port).sort();
    found.unusable(
      `port ${port} not found for hostname "${host}" (${hint}. Did you mean one of these ports: [${numbers.join(' ')}]?)`,
    );
    return;
  }
  const isComing = service.metadata.labels?.[managedLabel] !== undefined && ports.some((other) => other.port === port);
  if (!isComing) found.unusable(`port ${port} not found for hostname "${host}"`);
}

/** Ports of the ready pods behind a port of a Service. */
function endpointPorts(service: Service, port: number, slices: EndpointSlice[]): number[] {
  const servicePort = service.spec.ports?.find((other) => other.port === port);
  if (servicePort === undefined) return [];
  const name = servicePort.name ?? '';
  const named = slices.filter(hasReady).flatMap(({ ports }) => ports ?? []);
  return named.filter((other) => (other.name ?? '') === name).map((other) => other.port ?? 0);
}

function hasReady({ endpoints }: EndpointSlice): boolean {
  return endpoints?.some(({ conditions }) => conditions?.ready !== false) ?? false;
}
