import { stringify } from 'yaml';
import { StatusError } from '../errors.js';
import type { Answer, Exchange, ListAnswer } from './exchange.js';
import { textOf } from '../json.js';
import { type Form, negotiate, type Wanted } from './media-types.js';
import type { ApiObject } from '../object.js';
import { apiVersionOf } from '../../../kube/resource.js';
import type { ServedResource } from '../resource.js';

/** Forms that single objects and watches can be asked for in. */
export const objectForms: readonly Form[] = ['Table', 'PartialObjectMetadata'];
/** Forms that lists can be asked for in. */
export const listForms: readonly Form[] = ['Table', 'PartialObjectMetadataList'];

/** What goes with the objects in a table's rows. */
export type IncludedObject = 'None' | 'Metadata' | 'Object';

/** A finished body. */
export interface Body {
  readonly text: string;
  readonly contentType: string;
}

/**
 * An answer in the form and encoding that the request accepts.
 *
 * @param now  milliseconds since the epoch, for ages in tables
 * @throws {StatusError} 400, 406
 */
export function represent(answer: Exclude<Answer, { type: 'stream' }>, exchange: Exchange, now: number): Body {
  if (answer.type === 'plain') return encode(JSON.stringify(answer.body), encodingFor(exchange));
  const wanted = negotiate(exchange.headers, answer.type === 'list' ? listForms : objectForms);
  const text =
    answer.type === 'list' ? listText(answer, exchange, wanted, now) : objectText(answer, exchange, wanted, now);
  return encode(text, wanted.encoding);
}

function encodingFor(exchange: Exchange): Wanted['encoding'] {
  try {
    return negotiate(exchange.headers, ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']).encoding;
  } catch {
    return 'json';
  }
}

function encode(text: string, encoding: Wanted['encoding']): Body {
  if (encoding === 'json') return { text: `${text}\n`, contentType: 'application/json' };
  return { text: stringify(JSON.parse(text), { sortMapEntries: true, lineWidth: 0 }), contentType: 'application/yaml' };
}

function objectText(
  { resource, object }: { resource: ServedResource; object: ApiObject },
  exchange: Exchange,
  { form }: Wanted,
  now: number,
): string {
  if (form === 'Table') {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return JSON.stringify(table(resource, [object], metadata, includedObject(exchange.query), now));
  }
  return form === 'PartialObjectMetadata' ? JSON.stringify(partial(object)) : frozenText(object);
}

/** Only frozen texts are remembered: dry runs answer with objects that nobody keeps. */
function frozenText(object: ApiObject): string {
  return Object.isFrozen(object) ? textOf(object) : JSON.stringify(object);
}

function listText(
  { resource, items, metadata }: ListAnswer,
  exchange: Exchange,
  { form }: Wanted,
  now: number,
): string {
  if (form === 'Table') return JSON.stringify(table(resource, items, metadata, includedObject(exchange.query), now));
  if (form === 'PartialObjectMetadataList') {
    const head = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata };
    return JSON.stringify({ ...head, items: items.map(partial) });
  }
  const head = JSON.stringify({ kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata }).slice(0, -1);
  return `${head},"items":[${items.map((item) => itemText(resource, item)).join(',')}]}`;
}

const itemTexts = new WeakMap<ApiObject, string>();

/** Items of lists of built-in kinds have neither kind nor apiVersion. */
function itemText(resource: ServedResource, item: ApiObject): string {
  if (resource.custom) return textOf(item);
  let text = itemTexts.get(item);
  if (text === undefined) {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = item;
    itemTexts.set(item, (text = JSON.stringify(rest)));
  }
  return text;
}

/** An object without everything but its metadata. */
export function partial({ metadata }: ApiObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

/** A `Table` (`kubectl get`). */
export function table(
  resource: ServedResource,
  objects: readonly ApiObject[],
  metadata: object,
  include: IncludedObject,
  now: number,
  withColumns = true,
): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? resource.columns : null,
    rows: objects.map((object) => ({ cells: resource.cells(object, now), ...included(object, include) })),
  };
}

function included(object: ApiObject, include: IncludedObject): object {
  if (include === 'None') return { object: null };
  return { object: include === 'Object' ? object : partial(object) };
}

/** The `includeObject` parameter. @throws {StatusError} 400 */
export function includedObject(query: URLSearchParams): IncludedObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  const wrong = `includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw new StatusError(400, 'BadRequest', `Unable to convert to Table as requested: ${wrong}`);
}
