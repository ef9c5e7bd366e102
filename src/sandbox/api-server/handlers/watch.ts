import type { ServerResponse } from 'node:http';
import type { Commit } from '../storage/cluster-view.js';
import { StatusError } from '../errors.js';
import type { Exchange, StreamAnswer } from '../http/exchange.js';
import { textOf } from '../json.js';
import { negotiate } from '../http/media-types.js';
import type { ApiObject } from '../object.js';
import { type ListOptions, listOptions } from '../http/options.js';
import type { Parts } from '../parts.js';
import { apiVersionOf } from '../../../kube/resource.js';
import { type IncludedObject, includedObject, objectForms, partial, table } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import { parseResourceVersion, tooLarge } from '../http/resource-version.js';
import { type Selection, selection } from '../selectors/selection.js';
import { keyOfObject } from '../storage/storage.js';
import { serve } from '../versions.js';

/** How often a watch that wants bookmarks gets one: apiserver's minute. */
const bookmarkEveryMs = 60_000;

/** How long before its end a watch gets its last bookmark. */
const lastBookmarkMs = 2_000;

/** How long a watch lasts that does not say: apiserver's minimum is 30 min, and up to twice that. */
const defaultTimeoutSeconds = 2_700;

/** How much a client may leave unread of what changes, in characters; beyond it the watch ends, as clients know it. */
const unreadLimit = 16 * 1024 * 1024;

/** The streams that are open, to be ended with the server. */
export interface OpenWatches {
  add(end: () => void): () => void;
  /** Called for each event that is written. */
  onEvent(): void;
}

/**
 * Answers a watch: the events of a collection, one JSON object a line, until the client leaves or its time is over.
 *
 * @throws {StatusError} 400, 406, 422; later errors are events
 */
export function watch(parts: Parts, resource: ServedResource, exchange: Exchange, open: OpenWatches): StreamAnswer {
  const options = listOptions(exchange.query);
  const { form } = negotiate(exchange.headers, objectForms);
  const selected = selection(resource, exchange.info.namespace, options);
  const from = watchedFrom(options.resourceVersion);
  const show =
    form === 'Table'
      ? tables(parts, resource, includedObject(exchange.query))
      : form === 'object'
        ? textOf
        : partialText;
  const stream = new WatchStream(parts, resource, selected, exchange.response, show, open);
  stream.start(options, from);
  return { type: 'stream' };
}

/** Watches read the version where lists do, but say less about it. */
function watchedFrom(resourceVersion: string): number {
  try {
    return parseResourceVersion(resourceVersion);
  } catch (error) {
    throw new StatusError(500, '', (error as Error).message.replace('invalid resource version: ', ''));
  }
}

type Show = (object: ApiObject) => string;

const partialText: Show = (object) => JSON.stringify(partial(object));

/** The first event of a table has the columns, the others leave them out. */
function tables({ clock }: Parts, resource: ServedResource, include: IncludedObject): Show {
  let withColumns = true;
  return (object) => {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    // A bookmark is no object that could have a row.
    const rows = object.metadata.uid === undefined ? [] : [object];
    const text = JSON.stringify(table(resource, rows, metadata, include, clock.now(), withColumns));
    withColumns = false;
    return text;
  };
}

/** One running watch. */
class WatchStream {
  #ended = false;
  readonly #undo: (() => void)[] = [];
  /** Characters since the client last had taken all; what is there at the beginning does not count. */
  #unread = 0;
  #cancelBookmark = (): void => undefined;

  constructor(
    private readonly parts: Parts,
    private readonly resource: ServedResource,
    private readonly selected: Selection,
    private readonly response: ServerResponse,
    private readonly show: Show,
    private readonly open: OpenWatches,
  ) {}

  start(options: ListOptions, from: number): void {
    const { storage, clock } = this.parts;
    const { storageKey } = this.resource;
    this.response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.response.flushHeaders();
    this.#undo.push(this.open.add(() => this.#end()));
    this.response.once('close', () => this.#end());
    // The client may have left before.
    if (this.response.destroyed) return this.#end();
    this.response.on('drain', () => (this.#unread = 0));
    // A kind that is defined anew is another one.
    const { registry } = this.parts;
    const { group, version, plural } = this.resource;
    this.#undo.push(registry.onChange(() => registry.find(group, version, plural) !== this.resource && this.#end()));
    const seconds = options.timeoutSeconds || defaultTimeoutSeconds;
    this.#undo.push(clock.schedule(seconds * 1_000, () => this.#end()));
    const initial = options.sendInitialEvents ?? from === 0;
    if (initial && from > storage.revision) return this.#fail(tooLarge(from, storage.revision));
    const oldest = storage.oldestRevision(storageKey);
    if (!initial && from > 0 && from < oldest) {
      return this.#fail(new StatusError(410, 'Expired', `too old resource version: ${from} (${oldest})`));
    }
    if (initial) this.#initialEvents();
    // A version that is yet to come: events up to it are not for this watch.
    const after = initial || from === 0 ? storage.revision : from;
    for (const commit of storage.changesSince(storageKey, after)) this.#commit(commit);
    this.#unread = 0;
    this.#undo.push(storage.watch(storageKey, (commit) => commit.revision > after && this.#change(commit)));
    if (!options.allowWatchBookmarks) return;
    if (initial) this.#bookmark(true);
    this.#bookmarks(after, clock.now() + seconds * 1_000 - lastBookmarkMs);
  }

  #initialEvents(): void {
    for (const stored of this.parts.storage.list(this.resource.storageKey, this.selected.prefix)) {
      const object = serve(this.resource, stored);
      if (this.selected.matches(object)) this.#event('ADDED', this.show(object));
    }
  }

  /** A client that does not read is left behind. */
  #change(commit: Commit): void {
    this.#commit(commit);
    if (this.#unread > unreadLimit) this.#end();
  }

  /** Selectors make events of their own: who begins to match is added, who does not any more is deleted. */
  #commit({ type, object: stored, previous }: Commit): void {
    if (!keyOfObject(stored).startsWith(this.selected.prefix)) return;
    const object = serve(this.resource, stored);
    const before = previous === undefined ? undefined : serve(this.resource, previous);
    const matched = before !== undefined && this.selected.matches(before);
    const matches = type !== 'DELETED' && this.selected.matches(object);
    if (matches) this.#event(matched ? 'MODIFIED' : 'ADDED', this.show(object));
    else if (matched) this.#event('DELETED', this.show(type === 'DELETED' ? object : lastMatching(before, object)));
  }

  /**
   * @param after   the version that the watch began at; there is none of before
   * @param lastAt  when the last one is due, shortly before the end
   */
  #bookmarks(after: number, lastAt: number): void {
    const untilLastMs = lastAt - this.parts.clock.now();
    const delayMs = untilLastMs > 0 ? Math.min(untilLastMs, bookmarkEveryMs) : bookmarkEveryMs;
    this.#cancelBookmark = this.parts.clock.schedule(delayMs, () => {
      if (this.parts.storage.revision >= after) this.#bookmark(false);
      this.#bookmarks(after, lastAt);
    });
  }

  #bookmark(endOfInitialEvents: boolean): void {
    const metadata = {
      resourceVersion: String(this.parts.storage.revision),
      ...(endOfInitialEvents && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
    };
    const object = { kind: this.resource.kind, apiVersion: apiVersionOf(this.resource), metadata };
    this.#event('BOOKMARK', this.show(object as unknown as ApiObject));
  }

  /** The stream has begun: errors are events. */
  #fail(error: StatusError): void {
    this.#event('ERROR', JSON.stringify(error.toStatus()));
    this.#end();
  }

  #event(type: string, object: string): void {
    if (this.#ended) return;
    this.open.onEvent();
    const taken = this.response.write(`{"type":"${type}","object":${object}}\n`);
    if (!taken) this.#unread += object.length;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const undo of this.#undo) undo();
    this.#cancelBookmark();
    this.response.end();
  }
}

/** An object that has left the selection: as it was, with the version of its leaving. */
function lastMatching(before: ApiObject, { metadata: { resourceVersion } }: ApiObject): ApiObject {
  return { ...before, metadata: { ...before.metadata, resourceVersion } };
}
