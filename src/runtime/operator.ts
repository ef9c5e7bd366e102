import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import type { V1CustomResourceDefinitionVersion } from '@kubernetes/client-node';
import equal from 'fast-deep-equal';
import { parse } from 'yaml';
import type { Client } from '../kube/client.js';
import type { EventRecorder } from '../kube/events.js';
import { pathOf, type KubeObject, type ResourceType } from '../kube/resource.js';
import type { CustomResourceDefinition } from '../kube/types.js';
import type { Logger } from '../log.js';
import type { Backoff } from './backoff.js';
import type { ControllerSpec, ReconcileContext } from './controller.js';
import { applyCrd } from './crd-installer.js';
import { Manager, type ManagerOptions } from './manager.js';
import {
  Operator,
  ResourceMetaImpl,
  type OperatorLogger,
  type ResourceEvent,
  type ResourceEventType,
  type ResourceMeta,
} from './operator-package.js';
import { keyOf } from './request.js';
import { ResourceEvents, type ResourceChange } from './resource-events.js';
import { awaitChange } from './result.js';
import { toSelf, watch } from './watch.js';

/** What a `ManagedOperator` runs on: a manager's options but for the controllers, which it registers in `init`. */
export interface ManagedOperatorOptions extends Omit<ManagerOptions, 'controllers'> {
  /** For handlers given to `watchResource`. Default concurrency is 1 per kind, as handlers of the package expect; others as `ControllerSpec`. */
  readonly handlers?: { readonly concurrency?: number; readonly timeoutMs?: number; readonly backoff?: Backoff };
  /** Kinds that `watchResource` need not ask the API server about: so it may be away at the start, or not serve them yet. */
  readonly types?: readonly ResourceType[];
}

/** The package's type of the client for an object: as ours, with times as Date, which nothing here touches. */
type KubernetesObject = ResourceEvent['object'];

/** The package's type for `spec.versions` of a CRD; it is protected there. */
type CrdVersions = V1CustomResourceDefinitionVersion[];

interface ObjectWithStatus extends KubeObject {
  status?: unknown;
}

/**
 * An operator written with `@dot-i/k8s-operator`, run by our manager. The shape of the package stays: extend, register
 * watches in `init`, `start`, `stop`, events, finalizers. What is replaced: the transport, the queue of events (keyed, retried
 * with backoff, deletes seen at relist are told), writes (guarded by resourceVersion, errors are thrown instead of
 * logged), the installation of CRDs, and the exits: the process is never ended from here.
 *
 * NOTE: handlers of the package and controllers of ours see the same engine; a new controller should be a `ControllerSpec`.
 */
export abstract class ManagedOperator extends Operator {
  readonly #options: ManagedOperatorOptions;
  readonly #controllers: ControllerSpec[] = [];
  /** Kinds found so far, by `plural.group/version`. */
  readonly #types = new Map<string, ResourceType>();
  readonly #stop = new AbortController();
  /** The run in which a handler was called, for its writes end with it. */
  readonly #run = new AsyncLocalStorage<ReconcileContext>();
  #manager: Manager | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ManagedOperatorOptions) {
    super(operatorLogger(options.log));
    this.#options = options;
    for (const type of options.types ?? []) this.#types.set(idOf(type), type);
  }

  /**
   * Calls `init`, then runs everything it registered until `stop`; resolves after the drain.
   *
   * @throws what `init` throws, and see `Manager.run`
   */
  override start(): Promise<void> {
    this.#running ??= this.#start();
    return this.#running;
  }

  /** Ends everything in order: what is under way ends first, then `start` resolves. Returns at once. */
  override stop(): void {
    this.#stop.abort();
  }

  /** The manager, from the end of `init` on: its state and the address of its probes. */
  get manager(): Manager | undefined {
    return this.#manager;
  }

  /** The client to use in handlers: refuses once the handler is over its deadline or the Lease is lost. */
  protected get client(): Client {
    return this.#run.getStore()?.client ?? this.#manager?.client ?? this.#options.client;
  }

  /**
   * Tells people of something; in handlers only.
   *
   * @throws {Error} no handler is running
   */
  protected get events(): EventRecorder {
    const run = this.#run.getStore();
    if (!run) throw new Error('Events are emitted by handlers, while they run');
    return run.events;
  }

  /** Registers a controller; in `init` only. */
  protected registerController(spec: ControllerSpec): void {
    if (this.#manager) throw new Error('controllers and watches are registered in init()');
    this.#controllers.push(spec);
  }

  /**
   * Calls `onEvent` for each object that is added, modified or deleted. For one object never twice at a time; if it throws,
   * again after a while with what there is then. It gets a copy of the object, which it may change.
   *
   * @throws {Error} the API server does not serve the kind (and it is not one of `types`), or the call comes after `init`
   */
  protected override async watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace?: string,
  ): Promise<void> {
    const type = await this.#typeOf(group, version, plural);
    const id = idOf(type);
    const events = new ResourceEvents();
    const note = (change: Parameters<ResourceEvents['note']>[0]): boolean => {
      events.note(change);
      return true;
    };
    this.registerController({
      concurrency: 1,
      ...this.#options.handlers,
      name: namespace ? `${id}/${namespace}` : id,
      primary: watch({ type, map: toSelf, predicate: note, ...(namespace !== undefined && { namespace }) }),
      watches: [],
      reconcile: async (request, context) => {
        const key = keyOf(request);
        const current = (): KubeObject | undefined => context.primary.get(request);
        for (let change = events.next(key, current()); change; change = events.next(key, current())) {
          await this.#run.run(context, () => onEvent(toResourceEvent(id, change)));
          events.handled(key, change);
        }
        return awaitChange();
      },
    });
  }

  /**
   * Replaces the status.
   *
   * @returns the new meta; `meta` itself if nothing had to be written
   * @throws {ApiError} 409 if the object changed since `meta`; any other refusal too
   */
  protected override setResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta> {
    return this.#writeStatus(meta, () => status);
  }

  /** As `setResourceStatus`, with a JSON merge patch (RFC 7386). */
  protected override patchResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta> {
    return this.#writeStatus(meta, (live) => mergePatch(live, status));
  }

  /**
   * Replaces the list of finalizers.
   *
   * @throws {ApiError} 409 if the object changed since `meta`, so nobody else's finalizer is lost
   */
  protected override async setResourceFinalizers(meta: ResourceMeta, finalizers: string[]): Promise<void> {
    await this.client.jsonPatch(
      typeOfMeta(meta),
      meta,
      [
        { op: 'test', path: '/metadata/resourceVersion', value: meta.resourceVersion },
        { op: 'add', path: '/metadata/finalizers', value: finalizers },
      ],
      { fieldManager: this.#options.component },
    );
  }

  /** As the package's, on a copy: that one changes the object it is given. */
  protected override handleResourceFinalizer(
    event: ResourceEvent,
    finalizer: string,
    deleteAction: (event: ResourceEvent) => Promise<void>,
  ): Promise<boolean> {
    return super.handleResourceFinalizer({ ...event, object: structuredClone(event.object) }, finalizer, deleteAction);
  }

  /**
   * Applies a CRD and waits until the API server serves it; one that exists is updated.
   *
   * @param crdFile  path of a YAML file with one CustomResourceDefinition
   * @throws {Error} it is no CRD, its names are taken, or it is not Established after 30 s
   */
  protected override async registerCustomResourceDefinition(
    crdFile: string,
  ): Promise<{ group: string; versions: CrdVersions; plural: string }> {
    const crd = parse(await readFile(crdFile, 'utf8')) as CustomResourceDefinition;
    const { clock, component } = this.#options;
    await applyCrd(crd, { client: this.client, clock, signal: this.#stop.signal, fieldManager: component });
    const { group, versions, names, scope } = crd.spec;
    for (const { name: version } of versions) {
      const type = { group, version, plural: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' };
      this.#types.set(idOf(type), type);
    }
    return { group, versions: versions as unknown as CrdVersions, plural: names.plural };
  }

  /** The path of a collection, for `client.getJson`; without a server, for nothing but our client should be used. */
  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    return pathOf({ group, version, plural, kind: '', namespaced: namespace !== undefined }, { namespace });
  }

  async #start(): Promise<void> {
    await this.init();
    const { handlers: _, types: __, ...options } = this.#options;
    this.#manager = new Manager({ ...options, controllers: this.#controllers });
    await this.#manager.run(this.#stop.signal);
  }

  /** The package names a kind by its URL only; the rest is asked from the server. */
  async #typeOf(group: string, version: string, plural: string): Promise<ResourceType> {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const known = this.#types.get(idOf({ group, version, plural }));
    if (known) return known;
    const { resources } = (await this.client.getJson(path)) as {
      resources: { name: string; kind: string; namespaced: boolean }[];
    };
    const found = resources.find(({ name }) => name === plural);
    if (!found) throw new Error(`the API server does not serve ${plural} in ${path}; is its CRD installed?`);
    const type = { group, version, plural, kind: found.kind, namespaced: found.namespaced };
    this.#types.set(idOf(type), type);
    return type;
  }

  async #writeStatus(meta: ResourceMeta, change: (live: unknown) => unknown): Promise<ResourceMeta> {
    const type = typeOfMeta(meta);
    const live = await this.client.get(type, meta);
    const status = change(live.status);
    if (live.metadata.resourceVersion === meta.resourceVersion && equal(status, live.status)) return meta;
    const written = await this.client.jsonPatch(
      type,
      meta,
      [
        { op: 'test', path: '/metadata/resourceVersion', value: meta.resourceVersion },
        { op: 'add', path: '/status', value: status },
      ],
      { fieldManager: this.#options.component, subresource: 'status' },
    );
    return metaOf(meta.id, written);
  }
}

// The base constructor reads a kubeconfig from wherever it finds one and makes a client of it. With none, or a broken one, it
// throws, and what it reads need not be what our client uses. It assigns to these fields and then calls `loadFromDefault`
// and `makeApiClient`, so accessors on the prototype keep it from both; a field declared in the class could not.
for (const field of ['kubeConfig', 'k8sApi']) {
  Object.defineProperty(ManagedOperator.prototype, field, { get: () => UNSERVED, set: () => {} });
}

const UNSERVED = new Proxy(
  { loadFromDefault: () => {}, makeApiClient: () => undefined },
  {
    get(target, property) {
      if (property in target) return target[property as keyof typeof target];
      throw new Error(
        `a ManagedOperator has no client of @kubernetes/client-node (${String(property)}): use this.client`,
      );
    },
  },
);

/** As `ResourceMeta.id`. */
function idOf({ group, version, plural }: Pick<ResourceType, 'group' | 'version' | 'plural'>): string {
  return `${plural}.${group === '' ? version : `${group}/${version}`}`;
}

function toResourceEvent(id: string, { type, object }: ResourceChange): ResourceEvent {
  return {
    type: type as ResourceEventType,
    object: structuredClone(object) as unknown as KubernetesObject,
    meta: metaOf(id, object),
  };
}

function metaOf(id: string, object: KubeObject): ResourceMeta {
  return ResourceMetaImpl.createWithId(id, object as unknown as KubernetesObject);
}

/** A meta's id is `plural.apiVersion`, and no plural holds a dot. */
function typeOfMeta({ id, apiVersion, kind, namespace }: ResourceMeta): ResourceType<ObjectWithStatus> {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { group, version, plural: id.slice(0, id.indexOf('.')), kind, namespaced: namespace !== undefined };
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = mergePatch(merged[field], value);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function operatorLogger(log: Logger): OperatorLogger {
  return {
    debug: (message) => log.debug({}, message),
    info: (message) => log.info({}, message),
    // Our logs have no level between; what the package warns of is no failure.
    warn: (message) => log.info({}, message),
    error: (message) => log.error({}, message),
  };
}
