/** What a request's path and method say, as `RequestInfo` of apiserver. */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create` …; for paths that are not about resources the method in lower case. */
  readonly verb: string;
  readonly path: string;
  /** Whether the path is below `/api/VERSION` or `/apis/GROUP/VERSION`. */
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  /** The one object that a collection is narrowed to by `fieldSelector=metadata.name=NAME`; else {@link name}. */
  readonly selectedName: string;
  readonly subresource: string;
  /** How many segments follow the subresource: more than none names nothing that we serve. */
  readonly rest: number;
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
};

/** Subresources of namespaces: in `/api/v1/namespaces/NAME/WORD` other words are resources in the namespace. */
const ofNamespaces = new Set(['status', 'finalize']);

/**
 * Takes a request line apart; apiserver's `request.RequestInfoFactory` is the model.
 *
 * @throws {URIError} a path with escapes that mean nothing
 */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const segments = decodeURIComponent(path).split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  const nothing = { namespace: '', resource: '', name: '', selectedName: '', subresource: '', rest: 0 };
  const plain = { verb: method.toLowerCase(), path, isResource: false, group: '', version: '', ...nothing };
  const core = segments[0] === 'api';
  const start = core ? 2 : 3;
  if ((!core && segments[0] !== 'apis') || segments.length <= start) return plain;
  const group = core ? '' : segments[1]!;
  const version = segments[start - 1]!;
  const named = locate(segments.slice(start));
  const selectedName = named.name || selectedBy(query.get('fieldSelector') ?? '');
  return { path, isResource: true, group, version, ...named, selectedName, verb: verbOf(method, named, query) };
}

function selectedBy(fieldSelector: string): string {
  return /(?:^|,)metadata\.name==?([^,=\\]+)(?:,|$)/.exec(fieldSelector)?.[1] ?? '';
}

type Place = Pick<RequestInfo, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'>;

function locate(parts: string[]): Place {
  let namespace = '';
  let rest = parts;
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !ofNamespaces.has(parts[2]!)) rest = parts.slice(2);
  }
  const [resource = '', name = '', subresource = '', ...more] = rest;
  return { namespace, resource, name, subresource, rest: more.length };
}

function verbOf(method: string, { name }: { name: string }, query: URLSearchParams): string {
  const verb = verbs[method] ?? '';
  if (name !== '') return verb;
  if (verb === 'delete') return 'deletecollection';
  if (verb !== 'get') return verb;
  const watch = query.get('watch');
  return watch !== null && isTrue(watch) ? 'watch' : 'list';
}

/** How booleans in queries are read: everything but `false` and `0` is true, also the empty value. */
export function isTrue(value: string): boolean {
  return value !== 'false' && value !== '0';
}
