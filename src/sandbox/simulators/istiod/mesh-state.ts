import { CONFIG_MAP, NAMESPACE, SERVICE, type ConfigMap, type Namespace, type Service } from '../../../kube/types.js';
import { injectionConfig, type InjectionConfig } from '../injector/injection-config.js';
import type { Informer, Informers } from '../informers.js';
import type { ServiceView } from './gateway-instances.js';
import {
  AUTHORIZATION_POLICY,
  ENDPOINT_SLICE,
  GATEWAY,
  GATEWAY_CLASS,
  HTTP_ROUTE,
  type AuthorizationPolicy,
  type EndpointSlice,
  type Gateway,
  type GatewayClass,
  type HttpRoute,
} from './kinds.js';
import { classOfController, gatewayClasses, type ClassInfo } from './gateway-classes.js';
import type { RouteLookup } from './route-status.js';

/** Namespace of Istio, which is also the root namespace of the mesh. */
export const systemNamespace = 'istio-system';

/** What istiod knows of the cluster. */
export class MeshState implements RouteLookup, ServiceView {
  readonly rootNamespace = systemNamespace;
  readonly gateways: Informer<Gateway>;
  readonly classes: Informer<GatewayClass>;
  readonly services: Informer<Service>;
  readonly namespaces: Informer<Namespace>;
  readonly policies: Informer<AuthorizationPolicy>;
  readonly routes: Informer<HttpRoute>;
  readonly slices: Informer<EndpointSlice>;
  readonly configMaps: Informer<ConfigMap>;
  #config: { istio: ConfigMap; injector: ConfigMap; parsed: InjectionConfig } | undefined;

  constructor(informers: Informers) {
    this.gateways = informers.of(GATEWAY);
    this.classes = informers.of(GATEWAY_CLASS);
    this.services = informers.of(SERVICE);
    this.namespaces = informers.of(NAMESPACE);
    this.policies = informers.of(AUTHORIZATION_POLICY);
    this.routes = informers.of(HTTP_ROUTE);
    this.slices = informers.of(ENDPOINT_SLICE);
    this.configMaps = informers.of(CONFIG_MAP);
  }

  gateway(namespace: string, name: string): Gateway | undefined {
    return this.gateways.get({ namespace, name });
  }

  gatewayClass(name: string): GatewayClass | undefined {
    return this.classes.get({ name });
  }

  service(namespace: string, name: string): Service | undefined {
    return this.services.get({ namespace, name });
  }

  namespace(name: string): Namespace | undefined {
    return this.namespaces.get({ name });
  }

  endpointSlices(namespace: string, service: string): EndpointSlice[] {
    return this.slices
      .list(namespace)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service);
  }

  /** A GatewayClass object decides by its controller; without one the names of Istio's classes do. */
  classInfo(name: string): ClassInfo | undefined {
    const found = this.gatewayClass(name);
    return found === undefined ? gatewayClasses[name] : classOfController(found.spec.controllerName);
  }

  /** What Istio is configured by; undefined while its ConfigMaps are not there. */
  config(): InjectionConfig | undefined {
    const istio = this.configMaps.get({ namespace: systemNamespace, name: 'istio' });
    const injector = this.configMaps.get({ namespace: systemNamespace, name: 'istio-sidecar-injector' });
    if (istio === undefined || injector === undefined) return undefined;
    if (this.#config?.istio !== istio || this.#config.injector !== injector) {
      this.#config = { istio, injector, parsed: injectionConfig(istio, injector) };
    }
    return this.#config.parsed;
  }
}
