import { isEqual } from '../json.js';
import { GoDecoding } from '../builtin/go-decoding.js';
import { badRequest, forbidden } from '../errors.js';
import type { ApiObject } from '../object.js';
import { apiVersionOf } from '../../../kube/resource.js';
import type { ServedResource, Strategy, WriteContext } from '../resource.js';
import type { OpenApiSchema } from '../schema.js';
import { applyDefaults } from './defaulting.js';
import { type Definition, type DefinitionVersion, isTrue, storageVersion } from './definition-object.js';
import { finalizerWarnings } from './finalizer-warnings.js';
import { parseJsonPath } from './json-path.js';
import { customTable } from './printer-columns.js';
import { prune } from './pruning.js';
import { validateCustomResource } from './resource-validation.js';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/**
 * What a CustomResourceDefinition serves: one resource for each served version; nothing before its names are established.
 *
 * @param object  as it is stored
 */
export function customResources(object: ApiObject): ServedResource[] {
  const definition = object as Definition;
  if (!isTrue(definition, 'Established')) return [];
  return definition.spec.versions.filter(({ served }) => served).map((version) => servedVersion(definition, version));
}

function servedVersion(definition: Definition, version: DefinitionVersion): ServedResource {
  const { group, scope } = definition.spec;
  const names = { ...definition.spec.names, ...definition.status?.acceptedNames };
  const { subresources = {} } = version;
  const table = customTable(version.additionalPrinterColumns);
  return {
    group,
    version: version.name,
    plural: names.plural,
    singular: names.singular ?? '',
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs,
    schema: schemaOf(version),
    storageKey: `${group}/${names.plural}`,
    subresources: new Set([...(subresources.status ? ['status'] : []), ...(subresources.scale ? ['scale'] : [])]),
    ...(subresources.scale && { scale: subresources.scale }),
    strategy: strategyOf(definition, version),
    columns: table.columns,
    cells: (resource, now) => table.cells(resource, now),
    custom: true,
  };
}

/** A version's schema; one that tells nothing keeps everything. */
function schemaOf(version: DefinitionVersion): OpenApiSchema {
  return version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

function strategyOf(definition: Definition, version: DefinitionVersion): Strategy {
  const schema = schemaOf(version);
  const { group, names } = definition.spec;
  const apiVersion = apiVersionOf({ group, version: version.name });
  const served = {
    apiVersion,
    kind: names.kind,
    schema,
    ...(version.subresources?.scale && { scale: version.subresources.scale }),
  };
  const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => ({
    name: jsonPath.replace(/^\./, ''),
    find: parseJsonPath(jsonPath),
  }));
  const warning = version.deprecationWarning ?? `${apiVersion} ${names.kind} is deprecated`;
  return {
    setDefaults: (object) => {
      const problem = GoDecoding.published.metadataProblem(object.metadata);
      if (problem !== undefined) {
        const what = `${names.kind} in version ${JSON.stringify(version.name)} cannot be handled as a ${names.kind}`;
        throw badRequest(`${what}: ${problem}`);
      }
      prune(object, schema);
      applyDefaults(object, schema);
    },
    prepareForCreate: (object) => {
      if (isTrue(definition, 'Terminating')) {
        const why = 'create not allowed while custom resource definition is terminating';
        throw forbidden({ group, plural: names.plural }, object.metadata.name, why);
      }
      object.metadata.generation = 1;
    },
    prepareForUpdate: raiseGeneration,
    validate: (object) => validateCustomResource(object, served),
    validateUpdate: (object, old, { subresource }) =>
      validateCustomResource(object, served, old, subresource === 'status'),
    warnings: finalizerWarnings,
    ...(version.deprecated && { requestWarnings: [warning] }),
    selectableFieldNames: selectable.map(({ name }) => name),
    selectableFields: (object) => Object.fromEntries(selectable.map(({ name, find }) => [name, text(find(object)[0])])),
    fromStorage: (object) => fromStorage(definition, object, apiVersion),
    toStorage: (object) => ({
      ...object,
      apiVersion: apiVersionOf({ group, version: storageVersion(definition)?.name ?? version.name }),
    }),
  };
}

const text = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** Whatever changes besides metadata; the status only where it is no subresource, as it is kept otherwise. */
function raiseGeneration(object: ApiObject, old: ApiObject, { subresource }: WriteContext): void {
  if (subresource === 'status') return;
  const content = ({ metadata: _metadata, ...rest }: ApiObject): object => rest;
  if (!isEqual(content(object), content(old))) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** Stored objects are pruned and get defaults by the schema of the version in which they are stored, then are called another. */
function fromStorage(definition: Definition, object: ApiObject, apiVersion: string): ApiObject {
  const stored = definition.spec.versions.find(({ name }) => object.apiVersion.endsWith(`/${name}`));
  if (stored) {
    prune(object, schemaOf(stored));
    applyDefaults(object, schemaOf(stored));
  }
  object.apiVersion = apiVersion;
  return object;
}
