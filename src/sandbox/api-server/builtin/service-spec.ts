import type { ApiObject } from '../object.js';
import type { IntOrString } from './pod-spec.js';

/** A port of a Service. */
export interface ServicePort {
  name?: string;
  protocol?: string;
  port: number;
  targetPort?: IntOrString;
  nodePort?: number;
}

/** Spec of a Service, as far as the API server looks into it. */
export interface ServiceSpec {
  type?: string;
  selector?: Record<string, string>;
  ports?: ServicePort[];
  clusterIP?: string;
  clusterIPs?: string[];
  externalIPs?: string[];
  externalName?: string;
  sessionAffinity?: string;
  sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  externalTrafficPolicy?: string;
  internalTrafficPolicy?: string;
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  allocateLoadBalancerNodePorts?: boolean;
  loadBalancerClass?: string;
}

/** Spec of a Service; what is absent is empty. */
export function serviceSpec(service: ApiObject): ServiceSpec {
  return service.spec ?? {};
}

/** Whether a Service has an address in the cluster, `None` included. */
export const needsClusterIp = ({ type }: ServiceSpec): boolean => type !== 'ExternalName';

/** Whether a Service has a port on every node. */
export function needsNodePort({ type, allocateLoadBalancerNodePorts: allocate }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocate !== false);
}

/** Whether a Service is reached from outside of the cluster. */
export function isExternal({ type, externalIPs = [] }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && externalIPs.length > 0);
}

/** A Service without an address of its own. */
export const isHeadless = ({ clusterIPs = [], clusterIP }: ServiceSpec): boolean =>
  clusterIP === 'None' || clusterIPs[0] === 'None';
