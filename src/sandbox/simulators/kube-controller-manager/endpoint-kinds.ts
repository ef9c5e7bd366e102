import { namespaced, type KubeObject } from '../../../kube/resource.js';
import type * as kube from '../../../kube/types.js';

/* Services, and the two kinds that tell of the pods behind them. */

/** `v1` Service. */
export interface Service extends Omit<kube.Service, 'spec'> {
  spec: kube.Service['spec'] & { ipFamilies?: ('IPv4' | 'IPv6')[] };
}

/** One port of an endpoint. */
export interface EndpointPort {
  name?: string;
  port?: number;
  protocol?: string;
  appProtocol?: string;
}

/** A pod, as the target of an endpoint. */
export interface TargetReference {
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

/** One address of an {@link EndpointSubset}. */
export interface EndpointAddress {
  ip: string;
  hostname?: string;
  nodeName?: string;
  targetRef: TargetReference;
}

/** Addresses that have their ports in common. */
export interface EndpointSubset {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: EndpointPort[];
}

/** `v1` Endpoints. */
export interface Endpoints extends KubeObject {
  subsets?: EndpointSubset[];
}

/** A pod behind a Service. */
export interface Endpoint {
  addresses: string[];
  conditions: { ready: boolean; serving: boolean; terminating: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  targetRef: TargetReference;
}

/** `discovery.k8s.io/v1` EndpointSlice. */
export interface EndpointSlice extends KubeObject {
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  endpoints: Endpoint[] | null;
  ports?: EndpointPort[] | null;
}

export const SERVICE = namespaced<Service>('', 'v1', 'services', 'Service');
export const ENDPOINTS = namespaced<Endpoints>('', 'v1', 'endpoints', 'Endpoints');
export const ENDPOINT_SLICE = namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
