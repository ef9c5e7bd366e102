import { badRequest } from '../errors.js';
import type { ListMetadata } from '../http/exchange.js';
import { isRecord } from '../json.js';
import type { ApiObject } from '../object.js';
import type { ListOptions } from '../http/options.js';
import type { Parts } from '../parts.js';
import type { ServedResource } from '../resource.js';
import { expired, parseResourceVersion, tooLarge } from '../http/resource-version.js';
import { selection } from '../selectors/selection.js';
import { keyOfObject } from '../storage/storage.js';
import { serve } from '../versions.js';

/** Objects of a collection, and the metadata of the list that they make. */
export interface Page {
  readonly items: readonly ApiObject[];
  readonly metadata: ListMetadata;
}

/** Where a page starts. */
interface Start {
  /** Key of the last object before it. */
  readonly after: string;
  /** The revision at which the list is read; absent: now. */
  readonly at?: number;
}

/**
 * The objects of a collection that the options name, all or a page.
 *
 * @throws {import('../errors.js').StatusError} 400, 410 for a version that is forgotten, 504 for one that is yet to come
 */
export function page(parts: Parts, resource: ServedResource, namespace: string, options: ListOptions): Page {
  const { storage } = parts;
  const selected = selection(resource, namespace, options);
  const start = startOf(parts, resource, selected.prefix, options);
  const revision = start.at ?? storage.revision;
  const where = { after: start.after, ...(start.at !== undefined && { at: start.at }) };
  const limit = limitOf(resource, options);
  const items: ApiObject[] = [];
  let rest = 0;
  let last = '';
  for (const stored of storage.list(resource.storageKey, selected.prefix, where)) {
    const object = serve(resource, stored);
    if (!selected.matches(object)) continue;
    if (limit > 0 && items.length === limit) {
      rest += 1;
      if (selected.selective) break;
      continue;
    }
    items.push(object);
    last = keyOfObject(stored);
  }
  // Lists of custom resources always have the field.
  const metadata: ListMetadata = { ...(resource.custom && { continue: '' }), resourceVersion: String(revision) };
  if (rest > 0) {
    metadata.continue = encodeToken(revision, last, selected.prefix);
    if (!selected.selective) metadata.remainingItemCount = rest;
  }
  return { items, metadata };
}

/** Version 0 is answered from the watch cache, which knows no limit; there is none for events. */
function limitOf({ storageKey }: ServedResource, { limit, resourceVersion }: ListOptions): number {
  return resourceVersion === '0' && storageKey !== '/events' ? 0 : limit;
}

function startOf({ storage }: Parts, { storageKey }: ServedResource, prefix: string, options: ListOptions): Start {
  const oldest = storage.oldestRevision(storageKey);
  if (options.continue !== '') return continued(options, prefix, oldest, storage.revision);
  const asked = parseResourceVersion(options.resourceVersion);
  if (asked > storage.revision) throw tooLarge(asked, storage.revision);
  // A limit together with a version has always meant exactly that version.
  const exact = options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === '' && options.limit > 0);
  if (asked === 0 || !exact) return { after: '' };
  if (asked < oldest) throw expired('The resourceVersion for the provided list is too old.');
  return { after: '', at: asked };
}

function continued(
  { continue: token, resourceVersion }: ListOptions,
  prefix: string,
  oldest: number,
  now: number,
): Start {
  const { after, revision } = decodeToken(token, prefix);
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  // Version -1: whoever came late goes on with the state of now.
  if (revision < 0) return { after };
  if (revision >= oldest && revision <= now) return { after, at: revision };
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  );
  error.listMetadata = { continue: encodeToken(-1, after, prefix) };
  throw error;
}

/** Tokens look like those of apiserver (`storage.EncodeContinue`); the key is relative to the collection. */
function encodeToken(revision: number, last: string, prefix: string): string {
  const token = { v: 'meta.k8s.io/v1', rv: revision, start: `${last.slice(prefix.length)}\0` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function decodeToken(text: string, prefix: string): { after: string; revision: number } {
  const invalid = (why: string): Error => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const json = Buffer.from(text, 'base64url').toString();
  let token: unknown;
  try {
    token = JSON.parse(json);
  } catch {
    throw invalid(
      `invalid character ${JSON.stringify(json[0] ?? '').replaceAll('"', "'")} looking for beginning of value`,
    );
  }
  if (!isRecord(token) || typeof token.rv !== 'number' || typeof token.start !== 'string') {
    throw invalid('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  return { revision: token.rv, after: prefix + token.start.replace(/\0$/, '') };
}
