import { type PodGroup, type TargetService } from './selection.js';

/** Ports of a Service, as text. */
export interface ServicePorts {
  readonly own: ReadonlySet<string>;
  /** By port of its pods: those that lead there. */
  readonly leadingTo: ReadonlyMap<string, readonly string[]>;
}

/**
 * Which ports of a Service lead to which ports of its pods: a sidecar decides by the port of the pod, a waypoint by that of the Service.
 *
 * @param pods  those that the Service selects
 * @returns the name of a target port instead, where pods have different ports of that name, or nobody knows of one
 * @see istio-ambient facts, 5.1, `destination.port` after a waypoint
 */
export function servicePorts({ spec }: TargetService, pods: readonly PodGroup[]): ServicePorts | string {
  const tcp = (spec?.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  const leadingTo = new Map<string, string[]>();
  for (const { port, targetPort = port } of tcp) {
    const targets = typeof targetPort === 'number' ? [targetPort] : portsNamed(targetPort, pods);
    if (targets.length !== 1) return String(targetPort);
    for (const target of targets.map(String)) leadingTo.set(target, [...(leadingTo.get(target) ?? []), String(port)]);
  }
  return { own: new Set(tcp.map(({ port }) => String(port))), leadingTo };
}

/** A pod without such a port is not called by that port of the Service; of some pods it is not known which they have. */
function portsNamed(name: string, pods: readonly PodGroup[]): number[] {
  return [
    ...new Set(
      pods.flatMap(({ ports }) => ports.filter((port) => port.name === name).map(({ containerPort }) => containerPort)),
    ),
  ];
}
