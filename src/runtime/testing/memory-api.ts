import type { Client, JsonPatchOperation, WatchEvent } from '../../kube/client.js';
import { ApiError, TransportError } from '../../kube/errors.js';
import { resourceName, type KubeObject, type ObjectRef, type ResourceType } from '../../kube/resource.js';
import { keyOf } from '../request.js';

/** A call that is about to reach the memory API; a hook may delay it, or throw to make it fail. */
export interface Call {
  readonly verb: string;
  readonly kind: string;
  readonly name: string | undefined;
}

type Hook = (call: Call) => Promise<void> | void;
type AnyObject = KubeObject & Record<string, unknown>;

const WRITES = new Set(['create', 'apply', 'jsonPatch', 'delete']);

/**
 * A Kubernetes API in memory, without HTTP and without timers, so that tests of the runtime run on a fake clock. It knows what
 * the runtime relies on: resource versions, generations, 404, 409, watches from a version, kinds that are not served.
 */
export class MemoryApi {
  readonly #objects = new Map<string, Map<string, AnyObject>>();
  readonly #log: { kind: string; version: number; event: WatchEvent }[] = [];
  readonly #watchers = new Set<() => void>();
  /** Every write that was carried out, as `verb kind key`. */
  readonly writes: string[] = [];
  #version = 0;
  /** How often all watches were broken. */
  #breaks = 0;

  /** Makes a kind exist. */
  serve(...types: ResourceType[]): this {
    for (const type of types) this.#objects.set(resourceName(type), new Map());
    return this;
  }

  /** A client of its own for one process; `hook` is its network. */
  client(hook: Hook = () => {}): Client {
    return this.#handle(hook, () => {}) as unknown as Client;
  }

  get(type: ResourceType, key: string): AnyObject | undefined {
    return structuredClone(this.#objects.get(resourceName(type))?.get(key));
  }

  /** Creates or replaces an object, as kubectl would; `generation` grows when anything but metadata and status changes. */
  put(type: ResourceType, object: Partial<AnyObject> & { metadata: KubeObject['metadata'] }): AnyObject {
    const collection = this.#collection(type);
    const key = keyOf(object.metadata);
    const old = collection.get(key);
    const { metadata: _old, status: _oldStatus, ...oldBody } = old ?? ({} as AnyObject);
    const {
      metadata: _new,
      status: _newStatus,
      ...newBody
    } = { apiVersion: versionOf(type), kind: type.kind, ...object } as AnyObject;
    const isSame = JSON.stringify(oldBody) === JSON.stringify(newBody);
    this.#version += 1;
    const stored = structuredClone({ apiVersion: versionOf(type), kind: type.kind, ...object }) as AnyObject;
    stored.metadata = {
      ...stored.metadata,
      uid: old?.metadata.uid ?? `uid-${this.#version}`,
      generation: (old?.metadata.generation ?? 0) + (isSame ? 0 : 1),
      resourceVersion: String(this.#version),
    };
    collection.set(key, stored);
    this.#publish(type, old ? 'MODIFIED' : 'ADDED', stored);
    return structuredClone(stored);
  }

  delete(type: ResourceType, key: string): void {
    const object = this.#collection(type).get(key);
    if (!object) return;
    this.#collection(type).delete(key);
    this.#version += 1;
    this.#publish(type, 'DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#version) },
    });
  }

  /** Breaks all watches, as an API server that goes away. */
  breakWatches(): void {
    this.#breaks += 1;
    for (const wake of [...this.#watchers]) wake();
  }

  #publish(type: ResourceType, kind: 'ADDED' | 'MODIFIED' | 'DELETED', object: AnyObject): void {
    this.#log.push({
      kind: resourceName(type),
      version: this.#version,
      event: { type: kind, object: structuredClone(object) },
    });
    for (const wake of [...this.#watchers]) wake();
  }

  #collection(type: ResourceType): Map<string, AnyObject> {
    const collection = this.#objects.get(resourceName(type));
    if (!collection)
      throw new ApiError(`the server does not serve ${resourceName(type)}`, { code: 404, reason: 'NotFound' });
    return collection;
  }

  #existing(type: ResourceType, ref: ObjectRef): AnyObject {
    const object = this.#collection(type).get(keyOf(ref));
    if (!object) throw new ApiError(`${type.kind} ${keyOf(ref)} not found`, { code: 404, reason: 'NotFound' });
    return object;
  }

  #handle(hook: Hook, guard: () => void): object {
    const call = async (
      verb: string,
      type: ResourceType,
      ref: ObjectRef | undefined,
      signal: AbortSignal | undefined,
      act: () => unknown,
    ) => {
      signal?.throwIfAborted();
      if (WRITES.has(verb)) guard();
      await untilAborted(signal, hook({ verb, kind: resourceName(type), name: ref?.name }));
      signal?.throwIfAborted();
      const answer = act();
      if (WRITES.has(verb)) this.writes.push(`${verb} ${resourceName(type)} ${ref ? keyOf(ref) : ''}`);
      return structuredClone(answer);
    };
    const list = (type: ResourceType, options: { signal?: AbortSignal; namespace?: string } = {}) =>
      call('list', type, undefined, options.signal, () => ({
        items: [...this.#collection(type).values()].filter(
          ({ metadata }) => !options.namespace || metadata.namespace === options.namespace,
        ),
        resourceVersion: String(this.#version),
        restarted: false,
      }));
    return {
      random: Math.random,
      guarded: (next: () => void) =>
        this.#handle(hook, () => {
          guard();
          next();
        }),
      apart: () => this.#handle(hook, guard),
      get: (type: ResourceType, ref: ObjectRef, options: { signal?: AbortSignal } = {}) =>
        call('get', type, ref, options.signal, () => this.#existing(type, ref)),
      list,
      pages: async function* pages(type: ResourceType, options: { signal?: AbortSignal; namespace?: string } = {}) {
        yield await list(type, options);
      },
      watch: (
        type: ResourceType,
        options: { signal?: AbortSignal; namespace?: string; resourceVersion?: string } = {},
      ) =>
        this.#watch(type, options, () =>
          call('watch', type, undefined, options.signal, () => this.#collection(type) && undefined),
        ),
      create: (type: ResourceType, object: AnyObject, options: { signal?: AbortSignal }) =>
        call('create', type, object.metadata, options.signal, () => {
          if (this.#collection(type).has(keyOf(object.metadata)))
            throw new ApiError('already exists', { code: 409, reason: 'AlreadyExists' });
          return this.put(type, object);
        }),
      apply: (type: ResourceType, object: AnyObject, options: { signal?: AbortSignal }) =>
        call('apply', type, object.metadata, options.signal, () => {
          const old = this.#collection(type).get(keyOf(object.metadata));
          return this.put(type, { ...old, ...object, metadata: { ...old?.metadata, ...object.metadata } });
        }),
      jsonPatch: (
        type: ResourceType,
        ref: ObjectRef,
        operations: JsonPatchOperation[],
        options: { signal?: AbortSignal },
      ) =>
        call('jsonPatch', type, ref, options.signal, () =>
          this.put(type, patched(this.#existing(type, ref), operations)),
        ),
      delete: (type: ResourceType, ref: ObjectRef, options: { signal?: AbortSignal } = {}) =>
        call('delete', type, ref, options.signal, () => {
          this.#existing(type, ref);
          this.delete(type, keyOf(ref));
        }),
      close: () => {},
    };
  }

  async *#watch(
    type: ResourceType,
    options: { signal?: AbortSignal; namespace?: string; resourceVersion?: string },
    open: () => Promise<unknown>,
  ): AsyncGenerator<WatchEvent> {
    const { signal, namespace } = options;
    await open();
    const breaks = this.#breaks;
    let after = Number(options.resourceVersion ?? 0);
    for (;;) {
      if (this.#breaks > breaks) throw new TransportError('the stream broke off');
      for (const { kind, version, event } of this.#log.filter((entry) => entry.version > after)) {
        after = version;
        const isWanted = event.type !== 'BOOKMARK' && (!namespace || event.object.metadata.namespace === namespace);
        if (kind === resourceName(type) && isWanted) yield structuredClone(event);
      }
      await new Promise<void>((resolve, reject) => {
        const wake = (): void => {
          this.#watchers.delete(wake);
          signal?.removeEventListener('abort', wake);
          if (signal?.aborted) reject(signal.reason as Error);
          else resolve();
        };
        this.#watchers.add(wake);
        signal?.addEventListener('abort', wake);
        if (signal?.aborted || this.#breaks > breaks || this.#log.some((entry) => entry.version > after)) wake();
      });
    }
  }
}

/** A request under way ends with its signal, as one over HTTP does. */
async function untilAborted(signal: AbortSignal | undefined, work: Promise<void> | void): Promise<void> {
  if (!signal || !work) return work;
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function versionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

function patched(object: AnyObject, operations: JsonPatchOperation[]): AnyObject {
  const result = structuredClone(object);
  for (const operation of operations) {
    const segments = operation.path
      .slice(1)
      .split('/')
      .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = segments.pop() as string;
    const parent = segments.reduce<Record<string, unknown>>(
      (at, segment) => at[segment] as Record<string, unknown>,
      result,
    );
    if (operation.op === 'test') {
      if (parent[last] !== operation.value)
        throw new ApiError(`test of ${operation.path} failed`, { code: 409, reason: 'Conflict' });
    } else if (operation.op === 'remove') delete parent[last];
    else parent[last] = structuredClone(operation.value);
  }
  return result;
}
