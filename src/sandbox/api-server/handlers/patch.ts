import { checkTyped, goMessage, parseJson, parseYaml } from '../http/body.js';
import { badRequest, conflict, invalid, notFound, StatusError } from '../errors.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { report } from '../writes/field-strictness.js';
import { duplicates, patchProblems, unknownFields } from '../writes/field-validation.js';
import { cloneJson, isRecord } from '../json.js';
import { negotiate } from '../http/media-types.js';
import { applyPatch } from '../merge/apply.js';
import { jsonPatch } from '../merge/json-patch.js';
import { mergePatch } from '../merge/merge-patch.js';
import { strategicMergePatch } from '../merge/strategic-merge-patch.js';
import type { ApiObject, Json, StoredMeta } from '../object.js';
import { type WriteOptions, writeOptions } from '../http/options.js';
import { mergedKindOf, type Parts, type Write } from '../parts.js';
import { apiVersionOf } from '../../../kube/resource.js';
import { objectForms } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import type { Projection } from '../subresource.js';
import { updateObject } from '../writes/update-object.js';
import { checkName, projected, updatedAnswer } from './update.js';
import { writeOf } from './write-request.js';

const applyType = 'application/apply-patch+yaml';
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  applyType,
];

/** Answers a PATCH of an object or of a subresource, of all four types. */
export async function patch(
  parts: Parts,
  resource: ServedResource,
  exchange: Exchange,
  projection?: Projection,
): Promise<Answer> {
  const type = patchTypeOf(exchange, resource);
  negotiate(exchange.headers, objectForms);
  const options = writeOptions(exchange.query, 'PatchOptions', type === applyType);
  const body = decodePatch(exchange, type);
  exchange.requestObject = body;
  const write = writeOf(exchange, resource, options, { kind: projection?.kind, projection });
  const patched = type === applyType ? apply : edit;
  const next = (live: ApiObject | undefined): ApiObject =>
    patched({ parts, exchange, write, options, type, body, projection }, live);
  const applies = type === applyType;
  const result = await updateObject(parts, write, { next, createsMissing: applies, tracked: applies });
  return updatedAnswer(resource, result, projection);
}

interface Patch {
  readonly parts: Parts;
  readonly exchange: Exchange;
  readonly write: Write;
  readonly options: WriteOptions;
  readonly type: string;
  readonly body: Json;
  readonly projection: Projection | undefined;
}

function patchTypeOf({ headers }: Exchange, { custom }: ServedResource): string {
  const type = headers['content-type']?.split(';')[0]!.trim() ?? '';
  const allowed = custom ? patchTypes.filter((other) => !other.includes('strategic')) : patchTypes;
  if (allowed.includes(type)) return type;
  if (patchTypes.includes(type)) {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${allowed.join(', ')}`,
    );
  }
  throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

function decodePatch({ body }: Exchange, type: string): Json {
  const text = body.toString();
  try {
    return (type === applyType ? parseYaml(text) : parseJson(text)) as Json;
  } catch (error) {
    const start =
      type === applyType ? 'error decoding YAML: ' : type.includes('strategic') ? '' : 'error decoding patch: ';
    throw badRequest(`${start}${goMessage(text, error as Error)}`);
  }
}

/** JSON, merge and strategic-merge patches. */
function edit(patch: Patch, live: ApiObject | undefined): ApiObject {
  const { write, type, body, projection } = patch;
  const { resource } = write;
  if (!live) throw notFound(resource, write.name);
  const before = projection ? projection.read(live, resource) : live;
  let result: Json;
  if (type === 'application/json-patch+json') result = jsonPatch(before as unknown as Json, body);
  else if (type === 'application/merge-patch+json') result = mergePatch(before as unknown as Json, body);
  else result = strategicMergePatch(before as unknown as Json, body, projection?.schema ?? resource.schema);
  const object = asObject(cloneJson(result), before, resource.custom);
  if (!projection) checkPatched(patch, object);
  checkName(patch.exchange, object);
  return projection ? projected(projection, resource, live, object) : object;
}

/** Whether the patched object is one of its kind: problems are told as those of the patch. */
function checkPatched({ exchange, write, options, type, body }: Patch, object: ApiObject): void {
  const { resource } = write;
  const shown = type.includes('strategic') ? goText(body) : JSON.stringify(object);
  if (options.fieldValidation !== 'Ignore') {
    const text = exchange.body.toString();
    const own = type.includes('json-patch') ? patchProblems(body, text) : duplicates(text, 'json');
    const problems = [...own, ...unknownFields(object, resource)];
    report(exchange, problems, options.fieldValidation, (error) => wrongPatch(shown, error));
  }
  try {
    resource.strategy.setDefaults?.(cloneJson(object));
  } catch (error) {
    const why =
      error instanceof StatusError ? / cannot be handled as a \w+: ([\s\S]*)$/.exec(error.message)?.[1] : undefined;
    throw why === undefined ? error : wrongPatch(shown, why);
  }
}

/** JSON as Go prints maps. */
function goText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isRecord(value)) return value === null ? '<nil>' : String(value);
  const entries = Object.entries(value as Record<string, Json>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

/** A patch cannot make an object of another kind; of custom resources validation says so. */
function asObject(value: Json, before: ApiObject, custom: boolean): ApiObject {
  if (!isRecord(value)) throw wrongPatch(JSON.stringify(value), 'json: cannot unmarshal into an object');
  const object = value as ApiObject;
  if (!isRecord(object.metadata)) object.metadata = { name: '' } as StoredMeta;
  object.apiVersion ??= before.apiVersion;
  object.kind ??= before.kind;
  if (custom) return asTyped(object);
  if (object.apiVersion !== before.apiVersion || object.kind !== before.kind) {
    const why = `no kind "${object.kind}" is registered for version "${object.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
    throw wrongPatch(JSON.stringify(value), why);
  }
  return object;
}

/** @throws {StatusError} 422 */
function asTyped(object: ApiObject): ApiObject {
  try {
    checkTyped(object);
  } catch (error) {
    throw wrongPatch(JSON.stringify(object), (error as Error).message);
  }
  return object;
}

/** @param shown  the patched object, or the patch, as text */
function wrongPatch(shown: string, detail: string): StatusError {
  const error = { type: 'Invalid value', field: 'patch', value: shown, detail } as const;
  return invalid({ group: '', kind: '' }, '', [error]);
}

/** Server-side apply. */
function apply(patch: Patch, live: ApiObject | undefined): ApiObject {
  const { parts, exchange, write, options, body, projection } = patch;
  const { resource } = write;
  if (options.fieldValidation !== 'Ignore') {
    const twice = duplicates(exchange.body.toString(), 'yaml');
    const start = 'error strict decoding YAML: error converting YAML to JSON';
    report(exchange, twice, options.fieldValidation, () => badRequest(`${start}: ${twice[0]!.error}`));
  }
  const applied = asConfiguration(body, exchange);
  if (!live && applied.metadata.uid) {
    const why = `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`;
    throw conflict(resource, write.name, why);
  }
  const configuration = projection ? unprojected(projection, resource, applied) : applied;
  return cloneJson(
    applyPatch({
      kind: mergedKindOf(parts, write),
      ...(live && { live }),
      applied: configuration,
      manager: write.manager,
      force: options.force ?? false,
      now: parts.clock.now(),
    }),
  );
}

function asConfiguration(body: Json, exchange: Exchange): ApiObject {
  if (!isRecord(body)) {
    const what = Array.isArray(body) ? 'array' : body === null ? 'null' : typeof body;
    const go = `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${go}`);
  }
  const applied = cloneJson(body) as unknown as ApiObject;
  if (!isRecord(applied.metadata)) applied.metadata = {} as StoredMeta;
  applied.metadata.name ??= exchange.info.name;
  checkName(exchange, applied);
  return applied;
}

/** The part of the object that a subresource's form stands for. */
function unprojected(projection: Projection, resource: ServedResource, form: ApiObject): ApiObject {
  const object = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: form.metadata,
  } as ApiObject;
  projection.write(object, form, resource);
  return object;
}
