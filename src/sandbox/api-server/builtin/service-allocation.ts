import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { WriteContext } from '../resource.js';
import { invalid } from './field-errors.js';
import { isHeadless, needsClusterIp, needsNodePort, type ServiceSpec, serviceSpec } from './service-spec.js';

/** Addresses are from 10.96.0.0/16; the lower ones are left to those who ask for one, as upstream does. */
const range = '10.96.';
const firstAddress = 256;
const addresses = 65_535;
const nodePorts = { first: 30_000, last: 32_767 };

/** What all other Services hold, also those that are about to be stored. */
class Taken {
  readonly ips = new Set<string>();
  readonly nodePorts = new Set<number>();

  constructor(service: ApiObject, context: WriteContext) {
    for (const other of [...context.cluster.list({ group: '', plural: 'services' }), ...context.arriving()]) {
      const { namespace, name } = other.metadata;
      if (namespace === service.metadata.namespace && name === service.metadata.name) continue;
      const { clusterIPs = [], ports = [] } = serviceSpec(other);
      clusterIPs.forEach((ip) => this.ips.add(ip));
      ports.forEach(({ nodePort }) => nodePort !== undefined && this.nodePorts.add(nodePort));
    }
  }

  freeIp(): string {
    for (let number = firstAddress; number < addresses; number++) {
      const ip = `${range}${number >> 8}.${number & 255}`;
      if (!this.ips.has(ip)) return ip;
    }
    throw new Error('range is full');
  }

  freeNodePort(own: ReadonlySet<number>): number {
    for (let port = nodePorts.first; port <= nodePorts.last; port++) {
      if (!this.nodePorts.has(port) && !own.has(port)) return port;
    }
    throw new Error('range is full');
  }
}

/** Gives a Service what its type needs and nobody asked for: addresses, families, node ports. */
export function allocate(service: ApiObject, context: WriteContext): void {
  const spec = serviceSpec(service);
  const taken = new Taken(service, context);
  if (needsClusterIp(spec)) {
    if (!spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIP = taken.freeIp();
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
    setFamilies(spec);
  }
  if (!needsNodePort(spec)) return;
  const own = new Set((spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? []));
  for (const port of spec.ports ?? []) {
    port.nodePort ??= taken.freeNodePort(own);
    own.add(port.nodePort);
  }
}

/** The cluster has IPv4 only; what has no selector may be of both families, for nobody knows what it stands for. */
function setFamilies(spec: ServiceSpec): void {
  const open = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= open ? 'RequireDualStack' : 'SingleStack';
  if (spec.ipFamilies?.length) return;
  spec.ipFamilies = open && spec.ipFamilyPolicy !== 'SingleStack' ? ['IPv4', 'IPv6'] : ['IPv4'];
}

/** What is wrong with the addresses and node ports that a user has asked for. */
export function validateAllocation(service: ApiObject, context: WriteContext): FieldError[] {
  const spec = serviceSpec(service);
  const taken = new Taken(service, context);
  return [...validateIps(spec, taken), ...validateNodePorts(spec, taken)];
}

function validateIps(spec: ServiceSpec, taken: Taken): FieldError[] {
  if (!needsClusterIp(spec) || isHeadless(spec)) return [];
  const { clusterIPs = [] } = spec;
  const failed = (ip: string, why: string): FieldError =>
    invalid('spec.clusterIPs', clusterIPs, `failed to allocate IP ${ip}: ${why}`);
  return clusterIPs.flatMap((ip) => {
    if (!ip.startsWith(range)) return [failed(ip, 'the provided network does not match the current range')];
    return taken.ips.has(ip) ? [failed(ip, 'provided IP is already allocated')] : [];
  });
}

function validateNodePorts(spec: ServiceSpec, taken: Taken): FieldError[] {
  return (spec.ports ?? []).flatMap(({ nodePort }, index) => {
    if (nodePort === undefined) return [];
    const field = `spec.ports[${index}].nodePort`;
    const { first, last } = nodePorts;
    if (nodePort < first || nodePort > last) {
      const detail = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      return [invalid(field, nodePort, detail)];
    }
    return taken.nodePorts.has(nodePort) ? [invalid(field, nodePort, 'provided port is already allocated')] : [];
  });
}
