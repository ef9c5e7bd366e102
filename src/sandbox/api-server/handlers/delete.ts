import { type Deleted, deleteObject } from '../writes/delete-object.js';
import { GoDecoding } from '../builtin/go-decoding.js';
import { badRequest, type FieldError, invalid, StatusError } from '../errors.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { bodyEncoding, negotiate } from '../http/media-types.js';
import { dryRunErrors, listOptions } from '../http/options.js';
import { parseTyped } from '../http/body.js';
import type { Parts, Write } from '../parts.js';
import { listForms, objectForms } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import type { DeleteOptions } from '../operations.js';
import { page } from './paging.js';
import { writeOf } from './write-request.js';

/** Answers a DELETE of an object. */
export async function remove(parts: Parts, resource: ServedResource, exchange: Exchange): Promise<Answer> {
  negotiate(exchange.headers, objectForms);
  const { options, orphanDependents, write } = deletion(resource, exchange);
  const deleted = await deleteObject(parts, write, options);
  const code = !deleted.gone && orphanDependents === false ? 202 : 200;
  if (!deleted.gone || resource.strategy.returnsDeleted) {
    return { type: 'object', code, resource, object: deleted.object };
  }
  return { type: 'plain', code, body: success(resource, deleted) };
}

/** Answers a DELETE of a collection. */
export async function removeCollection(parts: Parts, resource: ServedResource, exchange: Exchange): Promise<Answer> {
  negotiate(exchange.headers, listForms);
  const { options, write } = deletion(resource, exchange);
  const { namespace } = exchange.info;
  const { items, metadata } = page(parts, resource, namespace, { ...listOptions(exchange.query), watch: false });
  for (const { metadata: item } of items) {
    try {
      await deleteObject(
        parts,
        { ...write, name: item.name, namespace: item.namespace ?? '', collection: true },
        options,
      );
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
    }
  }
  return { type: 'list', resource, items, metadata };
}

/** `Status` of a deletion that is done. */
function success({ group, plural }: ServedResource, { object }: Deleted): object {
  const { name, uid } = object.metadata;
  const details = { name, ...(group !== '' && { group }), kind: plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

interface Deletion {
  readonly options: DeleteOptions;
  readonly orphanDependents: boolean | undefined;
  readonly write: Write;
}

function deletion(resource: ServedResource, exchange: Exchange): Deletion {
  const sent = exchange.body.length > 0 ? fromBody(exchange) : fromQuery(exchange.query);
  const errors = deleteErrors(sent);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  const { orphanDependents, gracePeriodSeconds, preconditions } = sent;
  const policy =
    sent.propagationPolicy ?? (orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background');
  const dryRun = (sent.dryRun ?? []).length > 0;
  const options: DeleteOptions = {
    dryRun,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(policy !== undefined && { propagationPolicy: policy as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(preconditions && { preconditions }),
  };
  const { kind: _kind, apiVersion: _apiVersion, ...object } = sent;
  return { options, orphanDependents, write: writeOf(exchange, resource, { dryRun, fieldManager: '', object }) };
}

/** `DeleteOptions` as they are sent. */
interface SentOptions {
  [field: string]: unknown;
  gracePeriodSeconds?: number;
  orphanDependents?: boolean;
  propagationPolicy?: string;
  preconditions?: NonNullable<DeleteOptions['preconditions']>;
  dryRun?: string[];
}

function fromBody(exchange: Exchange): SentOptions {
  let value: Record<string, unknown>;
  try {
    value = parseTyped(exchange.body.toString(), bodyEncoding(exchange.headers));
  } catch (error) {
    throw badRequest((error as Error).message);
  }
  const { kind = 'DeleteOptions', apiVersion = 'meta.k8s.io/v1' } = value as { kind?: string; apiVersion?: string };
  if (kind !== 'DeleteOptions') {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  const problem = GoDecoding.published.kindProblem(value, { group: '', version: 'v1', kind });
  if (problem !== undefined) throw badRequest(problem);
  exchange.requestObject = value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function fromQuery(query: URLSearchParams): SentOptions {
  const sent: SentOptions = {};
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null && grace !== '') {
    if (!/^-?\d+$/.test(grace)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    if (Math.abs(Number(grace)) >= 2 ** 63) {
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: value out of range`);
    }
    sent.gracePeriodSeconds = Number(grace);
  }
  const orphan = query.get('orphanDependents');
  if (orphan !== null) sent.orphanDependents = orphan !== 'false' && orphan !== '0';
  const policy = query.get('propagationPolicy');
  if (policy !== null && policy !== '') sent.propagationPolicy = policy;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.length > 0) sent.dryRun = dryRun;
  return sent;
}

function deleteErrors({ orphanDependents, propagationPolicy, dryRun }: SentOptions): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = { field: 'propagationPolicy', value: propagationPolicy };
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push({ ...wrong, type: 'Invalid value', detail });
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    const detail = 'supported values: "Foreground", "Background", "Orphan", "nil"';
    errors.push({ ...wrong, type: 'Unsupported value', detail });
  }
  return [...errors, ...dryRunErrors(dryRun ?? [])];
}
