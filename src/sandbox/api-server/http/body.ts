import { parseDocument } from 'yaml';
import { badRequest } from '../errors.js';
import { isRecord } from '../json.js';
import { bodyEncoding } from './media-types.js';
import type { Exchange } from './exchange.js';
import type { ApiObject } from '../object.js';
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
  /** Whether there is a built-in kind. */
  readonly knows?: (group: string, version: string, kind: string) => boolean;
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
  const value = decode(text, encoding, expected.kind);
  const apiVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  if (custom && !value.kind) throw unrecognized(text, expected.kind, `Object 'Kind' is missing in '${text}'`);
  value.apiVersion ??= apiVersion;
  value.kind ??= expected.kind;
  checkKind(value as unknown as Typed, expected, apiVersion, decoding);
  value.metadata ??= {};
  if (!isRecord(value.metadata)) {
    const found = Array.isArray(value.metadata) ? 'array' : typeof value.metadata;
    const field = `Go struct field ${expected.kind}.metadata of type v1.ObjectMeta`;
    throw badRequest(`${cannotBe(value as unknown as Typed, expected)} json: cannot unmarshal ${found} into ${field}`);
  }
  const { apiVersion: first, kind, metadata, ...rest } = value;
  const object = { kind, apiVersion: first, metadata, ...rest } as unknown as ApiObject;
  object.metadata.name ??= '';
  return { object, text, encoding };
}

function decode(text: string, encoding: 'json' | 'yaml', kind: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = encoding === 'json' ? JSON.parse(text) : parseYaml(text);
  } catch (error) {
    throw unrecognized(text, kind, `couldn't get version/kind; json parse error: ${goMessage(text, error as Error)}`);
  }
  if (value === null) return {};
  if (!isRecord(value)) {
    const go =
      'Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    const what = Array.isArray(value) ? 'array' : typeof value;
    throw unrecognized(
      text,
      kind,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into ${go}`,
    );
  }
  return value;
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
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
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

function checkKind(value: Typed, expected: Kind, apiVersion: string, { custom, knows }: Decoding): void {
  if (value.apiVersion === apiVersion && value.kind === expected.kind) return;
  const version = value.apiVersion.split('/').at(-1)!;
  const group = value.apiVersion.includes('/') ? value.apiVersion.split('/')[0]! : '';
  // Another kind in the right version is found by validation.
  if (custom && value.apiVersion === apiVersion) return;
  if (custom) {
    if (value.apiVersion === apiVersion) return;
    const wrong = `the API version in the data (${value.apiVersion}) does not match the expected API version (${apiVersion})`;
    throw badRequest(wrong);
  }
  const start = cannotBe(value, expected);
  if (knows?.(group, version, value.kind)) {
    const [from, to] = [`${version}.${value.kind}`, `${expected.group.split('.')[0] || 'core'}.${expected.kind}`];
    throw badRequest(`${start} converting (${from}) to (${to}): unknown conversion`);
  }
  const why = `no kind "${value.kind}" is registered for version "${value.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
  throw badRequest(`${start} ${why}`);
}
