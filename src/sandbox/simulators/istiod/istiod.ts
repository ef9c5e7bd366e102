import type { Clock } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import { ApiError, isConflict, isNotFound } from '../../../kube/errors.js';
import type { KubeObject } from '../../../kube/resource.js';
import { POD, type Pod } from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import { type Informer, Informers } from '../informers.js';
import { KeyedWork } from '../keyed-work.js';
import { NODE, type Node } from '../nodes.js';
import { ambientWorkload, type AmbientWorkload } from './ambient-index.js';
import { withConditions } from './conditions.js';
import { classOfController, gatewayClasses, managedLabel } from './gateway-classes.js';
import { GatewayDeployer, renderedKinds } from './gateway-deployer.js';
import { gatewayStatus } from './gateway-status.js';
import { AUTHORIZATION_POLICY, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE, type Gateway } from './kinds.js';
import { MeshState } from './mesh-state.js';
import { policyCondition } from './policy-conditions.js';
import { isOfDefaultRevision } from './revision.js';
import { RootCertificates } from './root-certificates.js';
import { attachedRoutes, routeParents } from './route-status.js';
import { waypointBound } from './service-conditions.js';
import { StatusWriter } from './status-writer.js';

/** What {@link Istiod} is made from. */
export interface IstiodOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  /** PEM of the certificate that proxies are to trust. */
  certificate: string;
}

/** Kinds of objects that istiod works on, one at a time. */
type Kind = 'GatewayClass' | 'Gateway' | 'Service' | 'AuthorizationPolicy' | 'HTTPRoute' | 'Namespace';

/**
 * The controllers of istiod (revision `default`, profile `ambient`): classes of Gateways, proxies for Gateways, and the
 * conditions that it writes on Gateways, Services, AuthorizationPolicies and HTTPRoutes. Nothing is configured, for
 * there are no proxies.
 */
export class Istiod {
  readonly #options: IstiodOptions;
  readonly #informers: Informers;
  readonly #state: MeshState;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #deployer: GatewayDeployer;
  readonly #status: StatusWriter;
  readonly #certificates: RootCertificates;
  readonly #work: KeyedWork;

  constructor(options: IstiodOptions) {
    const { client, clock, log, certificate } = options;
    this.#options = options;
    this.#informers = new Informers({ client, clock, log });
    this.#state = new MeshState(this.#informers);
    this.#pods = this.#informers.of(POD);
    this.#nodes = this.#informers.of(NODE);
    this.#deployer = new GatewayDeployer({ client, log, informers: this.#informers, state: this.#state });
    this.#status = new StatusWriter(client);
    this.#certificates = new RootCertificates(client, this.#state, certificate);
    this.#work = new KeyedWork({ run: (key) => this.#reconcile(key), clock, log });
    this.#watch();
  }

  /** The state that webhooks and debugging read. */
  get state(): MeshState {
    return this.#state;
  }

  /** Workloads as ztunnel would get them. */
  ambientIndex(): AmbientWorkload[] {
    return this.#pods.list().flatMap((pod) => ambientWorkload(pod) ?? []);
  }

  /** All nodes that istiod knows of. */
  nodes(): Node[] {
    return this.#nodes.list();
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    for (const name of Object.keys(gatewayClasses)) this.#work.add(`GatewayClass//${name}`);
    await this.#informers.run(signal);
    this.#work.stop();
  }

  /** Resolves when everything has been seen once. */
  whenSynced(): Promise<void> {
    return this.#informers.whenSynced();
  }

  /** What each change may change elsewhere. */
  #watch(): void {
    const { gateways, classes, services, namespaces, policies, routes, slices, configMaps } = this.#state;
    classes.onChange(({ object }) => {
      this.#add('GatewayClass', object);
      this.#addAll('Gateway', gateways);
    });
    gateways.onChange(({ object }) => {
      this.#add('Gateway', object);
      this.#addBound();
      this.#addAll('HTTPRoute', routes);
    });
    services.onChange(({ object }) => {
      const { namespace } = object.metadata;
      this.#add('Service', object);
      this.#addAll('Gateway', gateways, namespace);
      this.#addAll('AuthorizationPolicy', policies, namespace);
      this.#addAll('HTTPRoute', routes);
    });
    namespaces.onChange(({ object, gone }) => {
      const { name } = object.metadata;
      if (!gone) this.#add('Namespace', object);
      this.#addAll('Gateway', gateways, name);
      this.#addBound(name);
      this.#addAll('HTTPRoute', routes);
    });
    policies.onChange(({ object }) => this.#add('AuthorizationPolicy', object));
    routes.onChange(({ object }) => {
      this.#add('HTTPRoute', object);
      this.#addAll('Gateway', gateways);
    });
    slices.onChange(({ object }) => this.#addAll('Gateway', gateways, object.metadata.namespace));
    configMaps.onChange(({ object }) => {
      const { namespace, name } = object.metadata;
      // The configuration of the mesh is every Gateway's.
      this.#addAll('Gateway', gateways, namespace === this.#state.rootNamespace ? undefined : namespace);
      const home = name.startsWith('istio-ca-') && this.#state.namespace(namespace ?? '');
      if (home) this.#add('Namespace', home);
    });
    for (const type of Object.values(renderedKinds)) {
      this.#informers.of(type).onChange(({ object }) => {
        if (object.metadata.labels?.[managedLabel] !== undefined) {
          this.#addAll('Gateway', gateways, object.metadata.namespace);
        }
      });
    }
  }

  /** Whatever may be bound to a waypoint. */
  #addBound(namespace?: string): void {
    this.#addAll('Service', this.#state.services, namespace);
    this.#addAll('AuthorizationPolicy', this.#state.policies, namespace);
  }

  #add(kind: Kind, { metadata }: KubeObject): void {
    this.#work.add(`${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
  }

  #addAll(kind: Kind, informer: { list(namespace?: string): KubeObject[] }, namespace?: string): void {
    for (const object of informer.list(namespace)) this.#add(kind, object);
  }

  async #reconcile(key: string): Promise<void> {
    const [kind, namespace = '', name = ''] = key.split('/') as [Kind, string, string];
    try {
      await this.#reconcilers[kind]({ namespace, name });
    } catch (error) {
      // Gone, or changed meanwhile, or its namespace is going: its own event asks again.
      const isRefused = error instanceof ApiError && error.code === 403;
      if (!isNotFound(error) && !isConflict(error) && !isRefused) throw error;
    }
  }

  readonly #reconcilers: Record<Kind, (ref: { namespace: string; name: string }) => Promise<void>> = {
    GatewayClass: ({ name }) => this.#reconcileClass(name),
    Gateway: async (ref) => {
      const gateway = this.#state.gateways.get(ref);
      if (gateway !== undefined) await this.#reconcileGateway(gateway);
    },
    Service: async (ref) => {
      const service = this.#state.services.get(ref);
      if (service === undefined) return;
      const wanted = waypointBound(service, this.#state);
      await this.#status.serviceCondition(this.#state.services, service, wanted, this.#options.clock.now());
    },
    AuthorizationPolicy: async (ref) => {
      const policy = this.#state.policies.get(ref);
      if (policy === undefined) return;
      const wanted = policyCondition(policy, this.#state);
      const { policies } = this.#state;
      await this.#status.policyCondition(AUTHORIZATION_POLICY, policies, policy, wanted, this.#options.clock.now());
    },
    HTTPRoute: async (ref) => {
      const route = this.#state.routes.get(ref);
      if (route === undefined) return;
      const parents = routeParents(route, this.#state, this.#options.clock.now());
      await this.#status.write(HTTP_ROUTE, this.#state.routes, route, { ...route.status, parents });
    },
    Namespace: async ({ name }) => {
      const namespace = this.#state.namespace(name);
      if (namespace !== undefined) await this.#certificates.publish(namespace);
    },
  };

  /** A class of Istio's that is missing is made; one whose controller is Istio's is accepted. */
  async #reconcileClass(name: string): Promise<void> {
    const { classes } = this.#state;
    await classes.whenSynced();
    const found = classes.get({ name });
    const info = gatewayClasses[name];
    if (found === undefined && info !== undefined) {
      const spec = { controllerName: info.controller, description: info.description };
      const object = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GatewayClass', metadata: { name }, spec };
      classes.written(await this.#options.client.create(GATEWAY_CLASS, object, { fieldManager: 'pilot-discovery' }));
      return;
    }
    if (found === undefined || classOfController(found.spec.controllerName) === undefined) return;
    const message = 'Handled by Istio controller';
    const wanted = [{ type: 'Accepted', status: 'True' as const, reason: 'Accepted', message }];
    const old = found.status?.conditions;
    const conditions = withConditions(old, wanted, found.metadata.generation, this.#options.clock.now());
    await this.#status.write(GATEWAY_CLASS, classes, found, { ...found.status, conditions });
  }

  async #reconcileGateway(gateway: Gateway): Promise<void> {
    const { namespace = '', name } = gateway.metadata;
    const info = this.#state.classInfo(gateway.spec.gatewayClassName);
    const isMine = isOfDefaultRevision(gateway, this.#state.namespace(namespace));
    if (info === undefined || !isMine || gateway.metadata.deletionTimestamp !== undefined) return;
    await this.#deployer.deploy(gateway, info);
    const current = this.#state.gateway(namespace, name);
    if (current === undefined) return;
    const status = gatewayStatus(current, info, {
      services: this.#state,
      hasConfigMap: (map) => this.#state.configMaps.get({ namespace, name: map }) !== undefined,
      attachedRoutes: (listener) =>
        attachedRoutes({ namespace, name }, listener, this.#state.routes.list(), this.#state),
      nowMs: this.#options.clock.now(),
    });
    await this.#status.write(GATEWAY, this.#state.gateways, current, status ?? {});
  }
}
