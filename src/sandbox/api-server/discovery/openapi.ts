import { createHash } from 'node:crypto';
import { publishedOpenApi, type PublishedSchema } from '../../data/index.js';
import { StatusError } from '../errors.js';
import { byQuality } from '../http/media-types.js';
import type { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import type { Route, RouteAnswer, RouteRequest } from '../http/route.js';
import { openApiProtobuf, type Swagger, toOpenApiProtobuf } from './openapi-protobuf.js';

type Definitions = Record<string, PublishedSchema>;

const references = '#/components/schemas/';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** A document and what its address carries, so that clients can keep it for ever. */
interface Document {
  readonly text: Buffer;
  readonly hash: string;
}

const refTo = (name: string): PublishedSchema => ({ $ref: `${references}${name}` });

/** Definitions that a definition needs, itself included. */
function closure(definitions: Definitions, roots: Iterable<string>): Definitions {
  const needed: Definitions = {};
  const visit = (name: string): void => {
    const schema = definitions[name];
    if (schema === undefined || name in needed) return;
    needed[name] = schema;
    for (const [, found] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) visit(found!);
  };
  for (const root of roots) visit(root);
  return needed;
}

/** `dev.sidestep.v1alpha1.AmbientMigration`: how the kind of a custom resource is called. */
function customName({ group, version, kind }: ServedResource): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** The published schema of a custom resource: the definition's own, with what every object has. */
function customDefinitions(resource: ServedResource): Definitions {
  const { group, version, kind } = resource;
  const name = customName(resource);
  const schema = resource.schema as PublishedSchema;
  const text = (description: string): PublishedSchema => ({ type: 'string', description });
  const head: Record<string, PublishedSchema> = {
    apiVersion: text('APIVersion defines the versioned schema of this representation of an object.'),
    kind: text('Kind is a string value representing the REST resource this object represents.'),
  };
  const ofKind = (of: string): PublishedSchema => ({
    'x-kubernetes-group-version-kind': [{ group, version, kind: of }],
  });
  return {
    [name]: {
      ...schema,
      properties: { ...schema.properties, ...head, metadata: { allOf: [refTo(`${meta}.ObjectMeta`)] } },
      ...ofKind(kind),
    },
    [`${name}List`]: {
      type: 'object',
      description: `${resource.listKind} is a list of ${kind}`,
      required: ['items'],
      properties: {
        ...head,
        items: { type: 'array', items: refTo(name) },
        metadata: { allOf: [refTo(`${meta}.ListMeta`)] },
      },
      ...ofKind(resource.listKind),
    },
  };
}

const parameter = (name: string, type: string): object => ({ name, in: 'query', schema: { type, uniqueItems: true } });
const writing = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => parameter(name, 'string'));
const applying = [...writing, parameter('force', 'boolean')];

const actions: Readonly<Record<string, { method: string; parameters: readonly object[] }>> = {
  get: { method: 'get', parameters: [] },
  update: { method: 'put', parameters: writing },
  patch: { method: 'patch', parameters: applying },
  delete: {
    method: 'delete',
    parameters: [parameter('gracePeriodSeconds', 'integer'), parameter('propagationPolicy', 'string')],
  },
  list: {
    method: 'get',
    parameters: ['fieldSelector', 'labelSelector', 'continue'].map((name) => parameter(name, 'string')),
  },
  create: { method: 'post', parameters: writing },
  deletecollection: {
    method: 'delete',
    parameters: ['fieldSelector', 'labelSelector'].map((name) => parameter(name, 'string')),
  },
};

/** Names of HTTP actions as `x-kubernetes-action` calls them. */
const actionNames: Readonly<Record<string, string>> = { update: 'put', create: 'post' };

function operation(resource: ServedResource, verb: string, schema: string): object {
  const { group, version, kind } = resource;
  const content = { 'application/json': { schema: refTo(schema) } };
  const hasBody = ['update', 'patch', 'create'].includes(verb);
  return {
    description: `${verb} ${kind}`,
    parameters: actions[verb]!.parameters,
    ...(hasBody && {
      requestBody: { content: { '*/*': { schema: refTo(verb === 'patch' ? `${meta}.Patch` : schema) } } },
    }),
    responses: { 200: { description: 'OK', content } },
    'x-kubernetes-action': actionNames[verb] ?? verb,
    'x-kubernetes-group-version-kind': { group, version, kind },
  };
}

function operations(resource: ServedResource, verbs: readonly string[], schema: string): object {
  return Object.fromEntries(
    verbs
      .filter((verb) => resource.verbs.includes(verb))
      .map((verb) => [actions[verb]!.method, operation(resource, verb, verb === 'list' ? `${schema}List` : schema)]),
  );
}

/** Paths of a resource, with what can be done there. */
function pathsOf(resource: ServedResource, schema: string): Record<string, object> {
  const { group, version, plural, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  return {
    ...(namespaced &&
      resource.verbs.includes('list') && { [`${root}/${plural}`]: operations(resource, ['list'], schema) }),
    [collection]: operations(resource, ['list', 'create', 'deletecollection'], schema),
    ...(resource.verbs.includes('get') && {
      [`${collection}/{name}`]: operations(resource, ['get', 'update', 'patch', 'delete'], schema),
    }),
    ...(resource.subresources.has('status') && {
      [`${collection}/{name}/status`]: operations(resource, ['get', 'update', 'patch'], schema),
    }),
  };
}

/** Documents of what is served now, made when they are asked for, and again when something comes or goes. */
class Documents {
  readonly #published = publishedOpenApi();
  /** Names of published definitions by group, version and kind. */
  readonly #names = new Map<string, string>();
  readonly #made = new Map<string, Document>();

  constructor(private readonly registry: Registry) {
    for (const [name, schema] of Object.entries(this.#published.definitions)) {
      for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
        this.#names.set(`${group}/${version}/${kind}`, name);
      }
    }
    registry.onChange(() => this.#forgetCustom());
  }

  get info(): { title: string; version: string } {
    return { title: 'Kubernetes', version: this.#published.version.slice(1).split('.').slice(0, 2).join('.') };
  }

  /** `api/v1`, `apis/apps/v1` …: where documents are. */
  paths(): string[] {
    return [...new Set(this.registry.all().map(documentPath))].sort();
  }

  /** The document of a group and version; undefined where nothing is served. */
  document(path: string): Document | undefined {
    let made = this.#made.get(path);
    const resources = this.registry.all().filter((resource) => documentPath(resource) === path);
    if (made === undefined && resources.length > 0) {
      const text = Buffer.from(JSON.stringify(this.#make(resources)));
      made = { text, hash: createHash('sha512').update(text).digest('hex').toUpperCase() };
      this.#made.set(path, made);
    }
    return made;
  }

  /** What is built in does not change. */
  #forgetCustom(): void {
    const builtin = new Set(this.registry.all().flatMap((each) => (each.custom ? [] : [documentPath(each)])));
    for (const path of this.#made.keys()) if (!builtin.has(path)) this.#made.delete(path);
  }

  /** The older form, of everything. */
  swagger(): Swagger {
    const all = this.registry.all().map((resource) => this.#schemaName(resource));
    const schemas = JSON.stringify(closure(this.#definitions(this.registry.all()), all));
    const definitions = JSON.parse(schemas.replaceAll(references, '#/definitions/')) as Definitions;
    return { swagger: '2.0', info: this.info, paths: {}, definitions };
  }

  /** The same for kubectl, which takes it as protobuf only. */
  swaggerProtobuf(): Buffer {
    const made = this.#made.get('v2') ?? { text: toOpenApiProtobuf(this.swagger()), hash: '' };
    this.#made.set('v2', made);
    return made.text;
  }

  #make(resources: readonly ServedResource[]): object {
    const definitions = this.#definitions(resources);
    const named = resources.map((resource) => [resource, this.#schemaName(resource)] as const);
    const shared = ['DeleteOptions', 'Patch', 'Status'].map((kind) => `${meta}.${kind}`);
    const roots = [...named.flatMap(([, name]) => [name, `${name}List`]), ...shared];
    return {
      openapi: '3.0.0',
      info: this.info,
      paths: Object.assign({}, ...named.map(([resource, name]) => pathsOf(resource, name))) as object,
      components: { schemas: closure(definitions, roots) },
    };
  }

  #definitions(resources: readonly ServedResource[]): Definitions {
    const custom = resources.filter((resource) => resource.custom).map(customDefinitions);
    return Object.assign({}, this.#published.definitions, ...custom) as Definitions;
  }

  #schemaName(resource: ServedResource): string {
    const { group, version, kind, custom } = resource;
    return custom ? customName(resource) : this.#names.get(`${group}/${version}/${kind}`)!;
  }
}

const documentPath = ({ group, version }: ServedResource): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

function asksFor({ headers }: RouteRequest, ...types: string[]): boolean {
  return byQuality(headers.accept ?? '*/*').some(({ type }) => types.includes(type));
}

const notAcceptable = (): RouteAnswer => ({
  code: 406,
  body: new StatusError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json',
  ).toStatus(),
});

function groupVersion(documents: Documents, request: RouteRequest): RouteAnswer {
  const document = documents.document(request.path.slice('/openapi/v3/'.length));
  if (document === undefined) return { code: 404, body: Buffer.alloc(0) };
  const etag = `"${document.hash}"`;
  if (request.headers['if-none-match'] === etag) return { code: 304, body: Buffer.alloc(0), headers: { etag } };
  const asked = request.query.get('hash');
  if (asked !== null && asked !== document.hash) {
    const location = `${request.path}?hash=${document.hash}`;
    return { code: 301, body: Buffer.alloc(0), headers: { location, etag, vary: 'Accept' } };
  }
  const headers = { 'content-type': 'application/json', etag, vary: 'Accept' };
  const kept = asked === null ? {} : { 'cache-control': 'public, immutable' };
  return { code: 200, body: document.text, headers: { ...headers, ...kept } };
}

function index(documents: Documents): RouteAnswer {
  const entries = documents.paths().map((path) => {
    const { hash } = documents.document(path)!;
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { code: 200, body: { paths: Object.fromEntries(entries) } };
}

/** `/openapi/v3` with its documents, and `/openapi/v2`; custom resources included. */
export function openApiRoutes(registry: Registry): Route[] {
  const documents = new Documents(registry);
  return [
    (request) => {
      if (!request.path.startsWith('/openapi/')) return undefined;
      if (request.path === '/openapi/v2' && asksFor(request, openApiProtobuf.asked, openApiProtobuf.answered)) {
        const headers = { 'content-type': openApiProtobuf.answered };
        return { code: 200, body: documents.swaggerProtobuf(), headers };
      }
      if (!asksFor(request, 'application/json', 'application/*', '*/*', '')) return notAcceptable();
      if (request.path === '/openapi/v2') return { code: 200, body: documents.swagger() };
      if (request.path === '/openapi/v3') return index(documents);
      return request.path.startsWith('/openapi/v3/') ? groupVersion(documents, request) : undefined;
    },
  ];
}
