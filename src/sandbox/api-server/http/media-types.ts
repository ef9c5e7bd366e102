import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '../errors.js';

/** Forms in which objects can be asked for. */
export type Form = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

/** What the client wants to get. */
export interface Wanted {
  readonly form: Form;
  readonly encoding: 'json' | 'yaml';
}

/** Media types of request bodies that carry objects, in the order in which messages list them. */
const protobuf = 'application/vnd.kubernetes.protobuf';
const bodyTypes = ['application/json', 'application/yaml', protobuf];

/** Forms that objects and lists can be shown in; lists besides objects where it matters. */
const forms: Readonly<Record<string, Form>> = {
  Table: 'Table',
  PartialObjectMetadata: 'PartialObjectMetadata',
  PartialObjectMetadataList: 'PartialObjectMetadataList',
};

/**
 * Picks the first of the `Accept` header that we have; protobuf we do not have, so clients that also accept JSON get it.
 *
 * @param allowed  forms besides the object itself
 * @throws {StatusError} 406
 */
export function negotiate(headers: IncomingHttpHeaders, allowed: readonly Form[]): Wanted {
  const clauses = byQuality(headers.accept ?? '*/*');
  if (!clauses.some(({ type }) => encodingOf(type) !== undefined || type === protobuf)) throw unroutable();
  for (const clause of clauses) {
    const encoding = encodingOf(clause.type);
    if (encoding === undefined) continue;
    const as = clause.parameters.get('as');
    if (as === undefined) return { form: 'object', encoding };
    const form = forms[as];
    const { g, v } = { g: clause.parameters.get('g'), v: clause.parameters.get('v') };
    const known = g === 'meta.k8s.io' && (v === 'v1' || v === 'v1beta1');
    if (form !== undefined && known && allowed.includes(form)) return { form, encoding };
  }
  throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${bodyTypes.join(', ')}`);
}

/** 406 of the router of apiserver, which looks at the bare types first. */
function unroutable(): StatusError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${bodyTypes.join(', ')}`;
  return new StatusError(406, 'NotAcceptable', message, {});
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The clauses of an `Accept` header, best first. */
export function byQuality(accept: string): Clause[] {
  const clauses = accept.split(',').map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
    return { type, parameters, quality: Number(parameters.get('q') ?? 1) };
  });
  return clauses.sort((a, b) => b.quality - a.quality);
}

function encodingOf(type: string): Wanted['encoding'] | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
    case '':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    default:
      return undefined;
  }
}

/**
 * How a body is encoded; JSON where the client does not say.
 *
 * @throws {StatusError} 415
 */
export function bodyEncoding(headers: IncomingHttpHeaders): 'json' | 'yaml' {
  const type = headers['content-type']?.split(';')[0]!.trim() ?? '';
  if (type === '' || type === 'application/json') return 'json';
  if (type === 'application/yaml') return 'yaml';
  throw new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${bodyTypes.join(', ')}`,
  );
}
