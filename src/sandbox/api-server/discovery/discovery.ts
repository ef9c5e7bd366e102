import { createHash } from 'node:crypto';
import { publishedOpenApi } from '../../data/index.js';
import { StatusError } from '../errors.js';
import { byQuality } from '../http/media-types.js';
import { apiVersionOf } from '../../../kube/resource.js';
import type { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import type { Route, RouteAnswer, RouteRequest } from '../http/route.js';
import type { Kind } from '../subresource.js';

/** How a subresource is listed: its verbs, and its kind where it is not that of its resource. */
interface ListedSubresource {
  readonly verbs: readonly string[];
  readonly kind?: Kind;
}

const readAndWrite = ['get', 'patch', 'update'];

/** By name; what is not here is not listed. */
const subresources: Readonly<Record<string, ListedSubresource>> = {
  binding: { verbs: ['create'], kind: { group: '', version: '', kind: 'Binding' } },
  eviction: { verbs: ['create'], kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  scale: { verbs: readAndWrite, kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
  status: { verbs: readAndWrite },
  token: { verbs: ['create'], kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
};

function listed(resource: ServedResource): (ListedSubresource & { name: string })[] {
  // Definitions have an order of their own.
  const names = resource.custom ? [...resource.subresources] : [...resource.subresources].sort();
  return names.flatMap((name) => {
    const found = subresources[name];
    return found ? [{ name, ...found }] : [];
  });
}

/** Versions as clients prefer them: stable ones first, the newest of each first (`CompareKubeAwareVersionStrings`). */
function compareVersions(a: string, b: string): number {
  const rank = (version: string): number[] => {
    const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
    if (major === undefined) return [-1, 0, 0];
    return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  const at = left.findIndex((each, index) => each !== right[index]);
  return at < 0 ? (a < b ? -1 : a > b ? 1 : 0) : right[at]! - left[at]!;
}

/** What is served, by group and version; groups of custom resources come after the built-in ones. */
function groups(registry: Registry): Map<string, Map<string, ServedResource[]>> {
  const found = new Map<string, Map<string, ServedResource[]>>();
  for (const resource of registry.all()) {
    const versions = found.get(resource.group) ?? new Map<string, ServedResource[]>();
    found.set(resource.group, versions);
    versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource]);
  }
  for (const [group, versions] of found) {
    found.set(group, new Map([...versions].sort(([a], [b]) => compareVersions(a, b))));
  }
  return found;
}

function groupEntry(group: string, versions: Iterable<string>): object {
  const entries = [...versions].map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** `APIResourceList`: what a group has in a version. */
function resourceList(resources: readonly ServedResource[]): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(resources[0]!),
    resources: byPlural(resources).flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
        ...(resource.categories.length > 0 && { categories: resource.categories }),
      },
      ...listed(resource).map(({ name, verbs, kind }) => ({
        name: `${resource.plural}/${name}`,
        singularName: '',
        namespaced: resource.namespaced,
        ...(kind?.group && { group: kind.group, version: kind.version }),
        kind: kind?.kind ?? resource.kind,
        verbs,
      })),
    ]),
  };
}

const byPlural = (resources: readonly ServedResource[]): ServedResource[] =>
  [...resources].sort((a, b) => (a.plural < b.plural ? -1 : 1));

/** An entry of the aggregated form. */
function aggregatedResource(resource: ServedResource): object {
  // Built-in kinds leave out group and version where they are the surrounding ones.
  const own = resource.custom ? { group: resource.group, version: resource.version } : { group: '', version: '' };
  const below = listed(resource).map(({ name, verbs, kind }) => ({
    subresource: name,
    responseKind: kind ?? { ...own, kind: resource.kind },
    verbs,
  }));
  return {
    resource: resource.plural,
    responseKind: { ...own, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(below.length > 0 && { subresources: below }),
  };
}

function aggregated(found: Iterable<readonly [string, Map<string, ServedResource[]>]>): object {
  const items = [...found].map(([group, versions]) => ({
    metadata: group === '' ? {} : { name: group },
    versions: [...versions].map(([version, resources]) => ({
      version,
      resources: byPlural(resources).map(aggregatedResource),
      freshness: 'Current',
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function wantsAggregated({ headers }: RouteRequest): boolean {
  const first = byQuality(headers.accept ?? '').find(({ type, parameters }) => {
    const as = parameters.get('as');
    return (
      type === 'application/json' &&
      (as === undefined || (as === 'APIGroupDiscoveryList' && parameters.get('v') === 'v2'))
    );
  });
  return first?.parameters.get('as') !== undefined;
}

/** A document that clients keep: with a tag, and 304 for who has it already. */
function tagged(body: object, contentType: string, { headers }: RouteRequest): RouteAnswer {
  const text = Buffer.from(`${JSON.stringify(body)}\n`);
  const etag = `"${createHash('sha512').update(text).digest('hex').toUpperCase()}"`;
  if (headers['if-none-match'] === etag) return { code: 304, body: Buffer.alloc(0), headers: { etag, vary: 'Accept' } };
  return { code: 200, body: text, headers: { 'content-type': contentType, etag, vary: 'Accept' } };
}

const ok = (body: object): RouteAnswer => ({ code: 200, body });

const unknownResource = (): RouteAnswer => ({
  code: 404,
  body: new StatusError(404, 'NotFound', 'the server could not find the requested resource', {}).toStatus(),
});

/** `/version`, and what else a server says about itself. */
function aboutServer(registry: Registry): Route {
  const gitVersion = publishedOpenApi().version;
  const [major, minor] = gitVersion.slice(1).split('.') as [string, string];
  const version = {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: 'linux/amd64',
  };
  return ({ path }) => {
    if (path === '/version') return ok(version);
    if (['/healthz', '/livez', '/readyz'].includes(path)) return { code: 200, body: 'ok' };
    return path === '/' ? ok({ paths: paths(registry) }) : undefined;
  };
}

function paths(registry: Registry): string[] {
  const ofGroups = [...groups(registry)].flatMap(([group, versions]) =>
    group === ''
      ? ['/api', '/api/v1']
      : [`/apis/${group}`, ...[...versions.keys()].map((version) => `/apis/${group}/${version}`)],
  );
  const own = ['/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];
  return [...ofGroups, ...own].sort();
}

function core(registry: Registry): Route {
  return (request) => {
    const { path, headers } = request;
    const versions = groups(registry).get('')!;
    if (path === '/api' || path === '/api/') {
      if (wantsAggregated(request)) return tagged(aggregated([['', versions]]), aggregatedType, request);
      const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: headers.host ?? '127.0.0.1' }];
      return ok({ kind: 'APIVersions', versions: [...versions.keys()], serverAddressByClientCIDRs });
    }
    const [, version] = /^\/api\/([^/]+)\/?$/.exec(path) ?? [];
    if (version === undefined) return undefined;
    const resources = versions.get(version);
    return resources ? ok(resourceList(resources)) : unknownResource();
  };
}

function named(registry: Registry): Route {
  return (request) => {
    const { path } = request;
    const [, isRoot, group = '', version] = /^\/apis(\/?$|\/([^/]+)(?:\/([^/]+))?\/?$)/.exec(path) ?? [];
    if (isRoot === undefined) return undefined;
    const all = groups(registry);
    if (group === '') return rootOfGroups(all, request);
    const versions = all.get(group);
    if (versions === undefined) return undefined;
    if (version === undefined) return ok({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, versions.keys()) });
    const resources = versions.get(version);
    return resources ? ok(resourceList(resources)) : unknownResource();
  };
}

function rootOfGroups(all: Map<string, Map<string, ServedResource[]>>, request: RouteRequest): RouteAnswer {
  const found = [...all].filter(([group]) => group !== '');
  if (!wantsAggregated(request)) {
    const entries = found.map(([group, versions]) => groupEntry(group, versions.keys()));
    return ok({ kind: 'APIGroupList', apiVersion: 'v1', groups: entries });
  }
  const isCustom = ([, versions]: (typeof found)[number]): boolean => [...versions.values()][0]![0]!.custom;
  const custom = found.filter(isCustom).sort(([a], [b]) => (a < b ? -1 : 1));
  return tagged(aggregated([...found.filter((group) => !isCustom(group)), ...custom]), aggregatedType, request);
}

/** What is served, for clients that ask: `/version`, `/api`, `/apis` and below, plain and aggregated. */
export function discoveryRoutes(registry: Registry): Route[] {
  return [aboutServer(registry), core(registry), named(registry)];
}
