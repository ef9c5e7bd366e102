import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '../../kube/resource.js';
import type { OpenApiSchema } from '../api-server/schema.js';

/** A schema as it is published: other definitions are named by `$ref`. */
export type PublishedSchema = Omit<OpenApiSchema, 'properties' | 'items' | 'additionalProperties' | 'allOf'> & {
  $ref?: string;
  allOf?: PublishedSchema[];
  properties?: Record<string, PublishedSchema>;
  items?: PublishedSchema;
  additionalProperties?: PublishedSchema | boolean;
};

/** What kube-apiserver publishes about the kinds that the sandbox holds. */
export interface PublishedOpenApi {
  /** Of the server that was asked, such as `v1.35.4`. */
  version: string;
  /** By name, such as `io.k8s.api.apps.v1.Deployment`. */
  definitions: Record<string, PublishedSchema>;
}

/**
 * The binary form in which kubectl sends what it creates: fields of messages by number, each `name type`. Messages are named
 * as in {@link PublishedOpenApi}; types are `string`, `bytes`, `bool`, `int`, `double` or a message, after `*` a list, after
 * `%` a map; without a name the fields of the message are the surrounding one's.
 */
export type ProtobufMessages = Record<string, Record<string, string>>;

/** Objects of Istio's charts, profile `ambient`. */
export interface IstioManifests {
  /** istiod's, without what would run it in the cluster; webhooks have URLs below {@link webhookUrlPlaceholder}. */
  istiod: KubeObject[];
  /** ztunnel and the CNI agent: ServiceAccounts, RBAC, DaemonSets. */
  nodeComponents: KubeObject[];
}

/** In {@link IstioManifests}: where the address of istiod belongs. */
export const webhookUrlPlaceholder = 'https://istiod.invalid';

/** Files in this folder, see README.md there. */
export const dataFiles = {
  openApi: 'openapi.json.gz',
  customResourceDefinitions: 'custom-resource-definitions.json.gz',
  istio: 'istio.json.gz',
  protobuf: 'protobuf.json.gz',
} as const;

const referencePrefix = '#/components/schemas/';

const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension';

/** Reads one of {@link dataFiles}. */
export function readData(name: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(new URL(name, import.meta.url))).toString()) as unknown;
}

/** The published definitions, references not resolved: what `/openapi/v3` shows. */
export function publishedOpenApi(): PublishedOpenApi {
  return (published ??= readData(dataFiles.openApi) as PublishedOpenApi);
}

/** Read once: a start of the sandbox needs it in several places. */
let published: PublishedOpenApi | undefined;

/** Schemas of built-in kinds by `group/version/kind` (core: `/v1/Pod`), references resolved. */
export function builtinSchemas(published = publishedOpenApi()): Map<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>();
  for (const schema of resolveDefinitions(published.definitions).values()) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      schemas.set(`${group}/${version}/${kind}`, schema);
    }
  }
  return schemas;
}

/** Messages of the kinds that the sandbox holds. */
export function protobufMessages(): ProtobufMessages {
  return readData(dataFiles.protobuf) as ProtobufMessages;
}

/** CustomResourceDefinitions of Istio and of Gateway API (standard channel); always the same objects. */
export function customResourceDefinitions(): readonly KubeObject[] {
  return (definitions ??= readData(dataFiles.customResourceDefinitions) as KubeObject[]);
}

/** Read once: they are created, and known to be right. */
let definitions: readonly KubeObject[] | undefined;

/** What Istio's charts install. */
export function istioManifests(): IstioManifests {
  return readData(dataFiles.istio) as IstioManifests;
}

/** Replaces references by what they name. Schemas may contain themselves (JSONSchemaProps), so the result is a graph. */
function resolveDefinitions(definitions: Record<string, PublishedSchema>): Map<string, OpenApiSchema> {
  const resolved = new Map<string, OpenApiSchema>(Object.keys(definitions).map((name) => [name, {}]));
  const references: (() => void)[] = [];
  const target = (reference: string): OpenApiSchema => {
    const found = resolved.get(reference.slice(referencePrefix.length));
    if (found === undefined) throw new Error(`the OpenAPI data has no definition ${reference}`);
    return found;
  };
  const resolve = (schema: PublishedSchema): OpenApiSchema => {
    if (schema.$ref !== undefined) return target(schema.$ref);
    const { properties, items, additionalProperties, allOf, ...rest } = schema;
    const own: OpenApiSchema = rest;
    if (properties) own.properties = mapValues(properties, resolve);
    if (items) own.items = resolve(items);
    if (additionalProperties !== undefined) {
      own.additionalProperties =
        typeof additionalProperties === 'boolean' ? additionalProperties : resolve(additionalProperties);
    }
    const [only] = allOf ?? [];
    if (only?.$ref === undefined) return own;
    // The published form of "this kind, but with a description and a default of its own".
    const merged: OpenApiSchema = {};
    references.push(() => Object.assign(merged, target(only.$ref!), own));
    return merged;
  };
  for (const [name, schema] of Object.entries(definitions)) Object.assign(resolved.get(name)!, resolve(schema));
  // Not published: server-side apply takes what Go keeps as raw JSON for one value.
  Object.assign(resolved.get(rawExtension) ?? {}, { 'x-kubernetes-map-type': 'atomic' });
  for (const follow of references) follow();
  return resolved;
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
