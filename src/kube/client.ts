import { systemClock, type Clock } from '../clock.js';
import { silentLogger, type Logger } from '../log.js';
import { withoutManagedFields } from './answer.js';
import { Caller, type Call, type ResponseInfo } from './caller.js';
import type { Connection } from './connection.js';
import { ApiError, TransportError, isGone } from './errors.js';
import type { CallOptions, DeleteOptions, ListOptions, Page, WatchOptions, WriteOptions } from './options.js';
import type { JsonPatchOperation } from './patch.js';
import { apiVersionOf, describeRef, pathOf, resourceName } from './resource.js';
import type { KubeObject, ObjectRef, ResourceType } from './resource.js';
import { readWatch, type WatchEvent } from './watch-stream.js';

export type { ResponseInfo, Verb } from './caller.js';
export type { CallOptions, DeleteOptions, ListOptions, Page, WatchOptions, WriteOptions } from './options.js';
export type { JsonPatchOperation } from './patch.js';
export type { WatchEvent } from './watch-stream.js';

/** What a client is made from. */
export interface ClientOptions {
  connection: Connection;
  log?: Logger;
  clock?: Clock;
  /** Default: `sidestep`. */
  userAgent?: string;
  /** Called once per answer; must not throw. */
  onResponse?: (info: ResponseInfo) => void;
  /** Numbers in [0, 1) that spread out in time what would else happen all at once. Default: `Math.random`. */
  random?: () => number;
}

const pageSize = 500;

/**
 * A Kubernetes API client on plain JSON: objects are what the server sent, nothing is parsed away, times stay strings.
 *
 * Every call has a deadline. A call that the server refuses as too busy (429, and for calls that may be repeated also 5xx
 * with Retry-After) is made again when the server says, at most four times and never past the deadline; everything else
 * is the caller's to retry. All methods throw {@link ApiError} for an answer that is not a success, {@link TransportError}
 * for the lack of one, and the signal's reason for an abort.
 */
export class Client {
  /** As in {@link ClientOptions}, for what works with this client. */
  readonly random: () => number;
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #caller: Caller;
  readonly #guard: () => void;

  constructor(options: ClientOptions, derived: { caller?: Caller; guard?: () => void } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.#caller =
      derived.caller ??
      new Caller({
        connection: options.connection,
        clock: this.#clock,
        log: options.log ?? silentLogger,
        userAgent: options.userAgent ?? 'sidestep',
        onResponse: options.onResponse ?? (() => {}),
        random: this.random,
      });
    this.#guard = derived.guard ?? (() => {});
    this.#options = options;
  }

  /**
   * A client over the same connections that calls `guard` before every attempt to write. A guard that throws stops the
   * write: this is how a process that is no longer the leader is kept from writing.
   */
  guarded(guard: () => void): Client {
    const both = (): void => {
      this.#guard();
      guard();
    };
    return new Client(this.#options, { caller: this.#caller, guard: both });
  }

  /**
   * A client that is the same but for its connections, which are its own and to be closed with `close`: for what must get
   * through while slow requests hold all connections of this one. Credentials stay shared, also when they change.
   */
  apart(): Client {
    return new Client(this.#options, { guard: this.#guard });
  }

  /** Reads one object from the server. */
  async get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    const call: Call = {
      verb: 'get',
      method: 'GET',
      path: pathOf(type, ref),
      target: targetOf(type, ref),
      idempotent: true,
    };
    const object = await this.#object<T>(call, options);
    if (object.kind === type.kind) return object;
    throw new TransportError(`get ${call.target}: the answer is a ${object.kind}, no ${type.kind}`);
  }

  /** Reads a whole collection, page by page. */
  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<Page<T>> {
    let items: T[] = [];
    let resourceVersion = '';
    for await (const page of this.pages(type, options)) {
      if (page.restarted) items = [];
      for (const item of page.items) items.push(item);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  /**
   * Reads a collection one page at a time, so that a caller who keeps only part of each object never holds all of them.
   *
   * All pages show the collection at one version. When the server has forgotten that version half way (410), the
   * collection is read again in one piece: that page has `restarted` set, and replaces all before it. `timeoutMs` is for
   * each page.
   */
  async *pages<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
  ): AsyncGenerator<Page<T> & { restarted: boolean }> {
    let limit: number | undefined = options.limit ?? pageSize;
    let next: string | undefined;
    let restarted = false;
    do {
      try {
        const page = await this.#page(type, options, limit, next);
        next = page.next;
        yield { items: page.items, resourceVersion: page.resourceVersion, restarted };
        restarted = false;
      } catch (error) {
        if (!isGone(error) || next === undefined) throw error;
        // In one piece, as client-go does: by pages the same could happen again and again.
        next = limit = undefined;
        restarted = true;
      }
    } while (next !== undefined || restarted);
  }

  /** Creates an object; `subresource` posts to that of the object it names, such as a pod's `eviction`. */
  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    options: WriteOptions & { subresource?: string },
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const { subresource } = options;
    return this.#writeObject<T>(
      {
        verb: 'create',
        method: 'POST',
        path: pathOf(type, { namespace, ...(subresource !== undefined && { name, subresource }) }),
        query: writeQuery(options),
        body: JSON.stringify(object),
        contentType: 'application/json',
        target: targetOf(type, object.metadata, subresource),
        idempotent: false,
      },
      options,
    );
  }

  /**
   * Replaces a whole object, or a subresource of it such as `finalize`, by PUT.
   *
   * @param object  complete; with `metadata.resourceVersion` only that version is replaced
   * @throws {ApiError} 409 if it has another version by now
   */
  async replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions & { subresource?: string },
  ): Promise<T> {
    const { namespace, name, resourceVersion } = object.metadata;
    const { subresource } = options;
    return this.#writeObject<T>(
      {
        verb: 'replace',
        method: 'PUT',
        path: pathOf(type, { namespace, name, subresource }),
        query: writeQuery(options),
        body: JSON.stringify(object),
        contentType: 'application/json',
        target: targetOf(type, object.metadata, subresource),
        idempotent: resourceVersion !== undefined,
      },
      options,
    );
  }

  /**
   * Server-side apply: makes the fields in `object` so, creates the object if it is missing, and removes the fields that
   * this field manager applied before and leaves out now.
   *
   * @param object  only the fields to own; needs apiVersion, kind and metadata.name, and no managedFields
   * @throws {ApiError} 409 if another manager owns a field that would change and `force` is not set
   */
  async apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    options: WriteOptions & { force?: boolean; subresource?: string },
  ): Promise<T> {
    const { subresource, force } = options;
    return this.#writeObject<T>(
      {
        verb: 'apply',
        method: 'PATCH',
        path: pathOf(type, { namespace: object.metadata.namespace, name: object.metadata.name, subresource }),
        query: { ...writeQuery(options), force: force ? true : undefined },
        body: applyBody(object),
        contentType: 'application/apply-patch+yaml',
        target: targetOf(type, object.metadata, subresource),
        idempotent: true,
      },
      options,
    );
  }

  /**
   * Applies a JSON patch (RFC 6902), all of it or nothing.
   *
   * @throws {ApiError} 409 Conflict if a `test` of the patch fails (the server itself calls it 422)
   */
  async jsonPatch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    operations: JsonPatchOperation[],
    options: WriteOptions & { subresource?: string },
  ): Promise<T> {
    const { subresource } = options;
    const target = targetOf(type, ref, subresource);
    const call: Call = {
      verb: 'patch',
      method: 'PATCH',
      path: pathOf(type, { ...ref, subresource }),
      query: writeQuery(options),
      body: JSON.stringify(operations),
      contentType: 'application/json-patch+json',
      target,
      // A second run of a patch that was tied to a version finds the version gone.
      idempotent: operations[0]?.op === 'test' && operations[0].path === '/metadata/resourceVersion',
    };
    try {
      return await this.#writeObject<T>(call, options);
    } catch (error) {
      throw operations.some((operation) => operation.op === 'test') ? testFailureAsConflict(error, target) : error;
    }
  }

  /**
   * Deletes one object, only if it still has the given uid and version. Resolves as soon as the server has accepted it:
   * finalizers may keep the object around.
   *
   * @throws {ApiError} 404 if it is gone already, 409 if it is another object or another version by now
   */
  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun } = options;
    const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
    await this.#write(
      {
        verb: 'delete',
        method: 'DELETE',
        path: pathOf(type, ref),
        body: JSON.stringify({
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions,
          propagationPolicy,
          gracePeriodSeconds,
          dryRun: dryRun ? ['All'] : undefined,
        }),
        contentType: 'application/json',
        target: targetOf(type, ref),
        idempotent: uid !== undefined,
      },
      options,
    );
  }

  /**
   * Watches a collection on a connection of its own. The iteration ends when the server closes the stream, which it does
   * at the latest after `timeoutSeconds`; leaving the loop closes it too. Nothing is retried here: see `Reflector`.
   *
   * @throws {ApiError} the watch was refused, or the server sent an ERROR event; see `isGone`
   * @throws {TransportError} the stream broke off, was silent for `idleTimeoutMs`, or held something that is no event
   */
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const timeoutSeconds = options.timeoutSeconds ?? 300;
    const target = collectionOf(type, options.namespace);
    const call: Call = {
      verb: 'watch',
      method: 'GET',
      path: pathOf(type, { namespace: options.namespace }),
      query: {
        watch: true,
        allowWatchBookmarks: options.allowBookmarks ?? true,
        timeoutSeconds,
        resourceVersion: options.resourceVersion,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
      target,
      idempotent: true,
    };
    return readWatch<T>(() => this.#caller.stream(call, options), {
      clock: this.#clock,
      label: `watch ${target}`,
      signal: options.signal,
      keepManagedFields: options.managedFields ?? false,
      idleTimeoutMs: options.idleTimeoutMs ?? 75_000,
      // The margin is for a server that is late, not for one that ignores the limit.
      maxDurationMs: timeoutSeconds * 1000 + 30_000,
    });
  }

  /** Reads any path, such as `/version` or a discovery document; `accept` asks for another form of JSON. */
  async getJson(path: string, options: CallOptions & { accept?: string } = {}): Promise<unknown> {
    const { accept } = options;
    const form = accept === undefined ? {} : { accept };
    return this.#caller.json({ verb: 'get', method: 'GET', path, target: path, idempotent: true, ...form }, options);
  }

  /** Closes all connections. Calls in flight fail, later ones open new connections. */
  close(): void {
    this.#caller.close();
  }

  async #page<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions,
    limit: number | undefined,
    next: string | undefined,
  ): Promise<Page<T> & { next: string | undefined }> {
    const call: Call = {
      verb: 'list',
      method: 'GET',
      path: pathOf(type, { namespace: options.namespace }),
      query: {
        limit,
        continue: next,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        // The continue token holds the version; both together are refused.
        resourceVersion: next === undefined ? options.resourceVersion : undefined,
      },
      target: collectionOf(type, options.namespace),
      idempotent: true,
    };
    const list = await this.#caller.json(call, options);
    if (!isList<T>(list)) throw new TransportError(`list ${call.target}: the answer is no list`);
    const identity = { apiVersion: apiVersionOf(type), kind: type.kind };
    const items = (list.items ?? []).map((item) => {
      // The API leaves these two out of the items of most lists.
      const object = item.kind === undefined || item.apiVersion === undefined ? { ...identity, ...item } : item;
      return options.managedFields ? object : withoutManagedFields(object);
    });
    return {
      items,
      resourceVersion: list.metadata.resourceVersion ?? '',
      next: list.metadata.continue === '' ? undefined : list.metadata.continue,
    };
  }

  #writeObject<T extends KubeObject>(call: Call, options: CallOptions): Promise<T> {
    return this.#object({ ...call, guard: this.#guard }, options);
  }

  async #write(call: Call, options: CallOptions): Promise<void> {
    await this.#caller.json({ ...call, guard: this.#guard }, options);
  }

  async #object<T extends KubeObject>(call: Call, options: CallOptions): Promise<T> {
    const object = await this.#caller.json(call, options);
    if (!isObject(object)) throw new TransportError(`${call.verb} ${call.target}: the answer is no object`);
    return (options.managedFields ? object : withoutManagedFields(object)) as T;
  }
}

interface ListBody<T> {
  metadata: { resourceVersion?: string; continue?: string };
  /** Null for none, from some servers. */
  items: T[] | null;
}

/**
 * Whether the API server may have sent it. What stands between (a proxy that wants a login, a load balancer with nobody behind it) says 200
 * to anything; taken for an object or a list, that would be a TypeError far from here, or a collection that looks empty.
 */
function isObject(body: unknown): body is KubeObject {
  return isRecord(body) && isRecord(body['metadata']);
}

function isList<T extends KubeObject>(body: unknown): body is ListBody<T> {
  if (!isObject(body)) return false;
  const { items } = body as { items?: unknown };
  return items === null || (Array.isArray(items) && items.every(isObject));
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function writeQuery(options: WriteOptions): NonNullable<Call['query']> {
  return {
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    dryRun: options.dryRun ? 'All' : undefined,
  };
}

function targetOf(type: ResourceType, ref: ObjectRef, subresource?: string): string {
  const resource = subresource === undefined ? resourceName(type) : `${resourceName(type)}/${subresource}`;
  return `${resource} ${describeRef(ref)}`;
}

function collectionOf(type: ResourceType, namespace: string | undefined): string {
  return namespace ? `${resourceName(type)} in ${namespace}` : resourceName(type);
}

/**
 * JSON that is also YAML 1.1: the server reads the body of an apply as YAML, which folds some line separators that JSON
 * allows in strings and refuses some control characters.
 */
function applyBody(object: KubeObject): string {
  return JSON.stringify(object).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** All that the server says of a patch that cannot be applied, such as one whose `test` fails (`test/conformance/patches.test.ts`). */
const PATCH_REFUSED = '422 Invalid: the server rejected our request due to an error in our request';

/** Of 422s only the server's own word for a failed `test`: one of validation or of an admission webhook is a refusal for good. */
function testFailureAsConflict(error: unknown, target: string): unknown {
  if (!(error instanceof ApiError) || error.message !== `patch ${target}: ${PATCH_REFUSED}`) return error;
  return new ApiError(`patch ${target}: the object has changed since it was read`, {
    code: 409,
    reason: 'Conflict',
    cause: error,
  });
}
