import { parseDocument } from 'yaml';
import { apiVersionOf } from '../../../kube/resource.js';
import { GoDecoding, jsonName } from '../builtin/go-decoding.js';
import { badRequest } from '../errors.js';
import { isRecord } from '../json.js';
import { bodyEncoding } from './media-types.js';
import type { Exchange } from './exchange.js';
import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import type { Kind } from '../subresource.js';

/** A decoded body and what it was decoded from. */
export interface DecodedBody {
  readonly object: ApiObject;
  readonly text: string;
  readonly encoding: 'json' | 'yaml';
}

/** What decoding may know besides the kind that is expected. */
export interface Decoding {
  /** Custom resources are decoded without knowing their kind, and so with other messages. */
  readonly custom?: boolean;
  /** Says which other kinds there are. */
  readonly registry?: Registry;
}

/**
 * Decodes a body into an object of the expected kind: what it leaves out of apiVersion and kind is filled in, `metadata` is
 * always there.
 *
 * @throws {import('../errors.js').StatusError} 400, 415
 */
export function decodeObject(exchange: Exchange, expected: Kind, decoding: Decoding = {}): DecodedBody {
  const { custom = false } = decoding;
  const encoding = bodyEncoding(exchange.headers);
  const text = exchange.body.toString();
  let value: Record<string, unknown>;
  try {
    value = parseTyped(text, encoding);
  } catch (error) {
    throw unrecognized(text, expected.kind, (error as Error).message);
  }
  const apiVersion = apiVersionOf(expected);
  if (custom && !value.kind) throw unrecognized(text, expected.kind, `Object 'Kind' is missing in '${text}'`);
  value.apiVersion = custom ? (value.apiVersion ?? apiVersion) : value.apiVersion || apiVersion;
  value.kind ||= expected.kind;
  checkKind(value as unknown as Typed, expected, apiVersion, decoding);
  value.metadata ??= {};
  if (!isRecord(value.metadata)) {
    const found = jsonName(value.metadata);
    const field = `Go struct field ${expected.kind}.metadata of type v1.ObjectMeta`;
    throw badRequest(`${cannotBe(value as unknown as Typed, expected)} json: cannot unmarshal ${found} into ${field}`);
  }
  const types = GoDecoding.published;
  const problem = custom ? types.metadataProblem(value.metadata) : types.kindProblem(value, expected);
  if (problem !== undefined) throw badRequest(`${cannotBe(value as unknown as Typed, expected)} ${problem}`);
  const { apiVersion: first, kind, metadata, ...rest } = value;
  const object = { kind, apiVersion: first, metadata, ...rest } as unknown as ApiObject;
  object.metadata.name ??= '';
  return { object, text, encoding };
}

const unreadable = "couldn't get version/kind; json parse error:";

/**
 * A body that says which kind it is: an object whose apiVersion and kind, if it has them, are text.
 *
 * @throws {Error} in the words of Go
 */
export function parseTyped(text: string, encoding: 'json' | 'yaml'): Record<string, unknown> {
  let value: unknown;
  try {
    value = encoding === 'json' ? parseJson(text) : parseYaml(text);
  } catch (error) {
    throw new Error(`${unreadable} ${goMessage(text, error as Error)}`, { cause: error });
  }
  if (value === null) return {};
  if (!isRecord(value)) {
    const go =
      'Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    throw new Error(`${unreadable} json: cannot unmarshal ${jsonName(value)} into ${go}`);
  }
  checkTyped(value);
  return value;
}

/** @throws {Error} apiVersion or kind is something else than text */
export function checkTyped(value: Record<string, unknown>): void {
  for (const field of ['apiVersion', 'kind']) {
    if (typeof (value[field] ?? '') === 'string') continue;
    const type = `json: cannot unmarshal ${jsonName(value[field])} into Go struct field .${field} of type string`;
    throw new Error(`${unreadable} ${type}`);
  }
}

/** How deep JSON may nest. Go's limit is ten times that, but what walks through objects here does so recursively. */
const depthLimit = 1_000;

/** @throws {Error} what is no JSON, or nests too deep */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  checkDepth(text);
  return value;
}

/** @throws {Error} valid JSON that nests too deep */
function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '"') at = endOfText(text, at);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > depthLimit) throw new Error(`invalid character '${character}' exceeded max depth`);
  }
}

/** Where the text in JSON ends that begins here. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** Any YAML document, duplicate keys allowed: field validation reports those. @throws {Error} */
export function parseYaml(text: string): unknown {
  const json = parsedJson(text);
  if (json !== undefined) return json;
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length > 0) throw document.errors[0]!;
  return document.toJS();
}

/** What programs send as YAML is mostly JSON, which is read a hundred times faster; undefined if it is none. */
function parsedJson(text: string): unknown {
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  checkDepth(text);
  return value;
}

function unrecognized(text: string, kind: string, why: string): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(text)})`);
}

/** The beginning of a body as messages show it: text if it looks like JSON, else hexadecimal. */
function summary(text: string): string {
  if (text === '') return '<empty>';
  const shown = (part: string): string => (text.startsWith('{') ? part : Buffer.from(part).toString('hex'));
  return text.length > 30 ? `${shown(text.slice(0, 30))} ...` : shown(text);
}

/** Go's words for the commonest errors in JSON. */
export function goMessage(text: string, error: Error): string {
  const ends = text.trim() === '' || /end of JSON input|Unterminated/.test(error.message);
  const at = /at position (\d+)/.exec(error.message);
  const character = at ? text[Number(at[1])] : undefined;
  if (ends || (at && character === undefined)) return 'unexpected end of JSON input';
  if (character === undefined) return error.message;
  if (/after JSON/.test(error.message)) return `invalid character '${character}' after top-level value`;
  const where = /property name/.test(error.message) ? 'object key string' : 'value';
  return `invalid character '${character}' looking for beginning of ${where}`;
}

interface Typed {
  apiVersion: string;
  kind: string;
}

function cannotBe({ apiVersion, kind }: Typed, expected: Kind): string {
  const version = JSON.stringify(apiVersion.split('/').at(-1));
  return `${kind} in version ${version} cannot be handled as a ${expected.kind}:`;
}

function checkKind(value: Typed, expected: Kind, apiVersion: string, { custom, registry }: Decoding): void {
  if (value.apiVersion === apiVersion && value.kind === expected.kind) return;
  const version = value.apiVersion.split('/').at(-1)!;
  const group = value.apiVersion.includes('/') ? value.apiVersion.split('/')[0]! : '';
  // Another kind in the right version is found by validation.
  if (custom && value.apiVersion === apiVersion) return;
  if (custom) {
    const wrong = `the API version in the data (${value.apiVersion}) does not match the expected API version (${apiVersion})`;
    throw badRequest(wrong);
  }
  const start = cannotBe(value, expected);
  if (registry?.hasBuiltinKind(group, version, value.kind)) {
    const [from, to] = [`${version}.${value.kind}`, `${expected.group.split('.')[0] || 'core'}.${expected.kind}`];
    throw badRequest(`${start} converting (${from}) to (${to}): unknown conversion`);
  }
  const why = `no kind "${value.kind}" is registered for version "${value.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
  throw badRequest(`${start} ${why}`);
}
