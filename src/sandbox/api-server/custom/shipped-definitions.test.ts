import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { customResourceDefinitions, publishedOpenApi } from '../../data/index.js';
import { CanonicalForms } from '../builtin/canonical-form.js';
import { cloneJson, isRecord } from '../json.js';
import type { ApiObject } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { compiledRules } from './compiled-rules.js';
import { customResources } from './custom-resource.js';
import { definitionStrategy } from './definition.js';
import { definitionStatus } from './definition-names.js';
import type { Definition } from './definition-object.js';
import { foundErrors } from './version-validation.js';

const ours = parse(
  readFileSync(new URL('../../../../crds/sidestep.dev_ambientmigrations.yaml', import.meta.url), 'utf8'),
) as ApiObject;
const shipped = [...(customResourceDefinitions() as ApiObject[]), ours];

const context = {
  user: { name: 'admin', groups: [] },
  now: 0,
  dryRun: false,
  subresource: '',
  cluster: { get: () => undefined, list: () => [] },
  arriving: () => [],
};

/** A definition as a client creates it, and what is wrong with it. */
function created(object: ApiObject): { definition: Definition; errors: unknown[] } {
  const definition = cloneJson(object) as Definition;
  definitionStrategy.setDefaults!(definition);
  definitionStrategy.prepareForCreate!(definition, context);
  return { definition, errors: definitionStrategy.validate!(definition, context) };
}

/** All schemas within one that have rules. */
function withRules(schema: OpenApiSchema): OpenApiSchema[] {
  const { items, additionalProperties, properties = {} } = schema;
  const inner = [...Object.values(properties), items, additionalProperties].filter(isRecord) as OpenApiSchema[];
  return [...(schema['x-kubernetes-validations'] ? [schema] : []), ...inner.flatMap(withRules)];
}

describe('definitions of Istio, of Gateway API and of ours', () => {
  it('are many', () => {
    const groups = new Set(shipped.map((definition) => (definition as Definition).spec.group));
    expect([...groups]).toEqual(
      expect.arrayContaining(['gateway.networking.k8s.io', 'networking.istio.io', 'security.istio.io', 'sidestep.dev']),
    );
  });

  it.each(shipped.map((definition) => [definition.metadata.name, definition]))(
    '%s is accepted and served',
    (_, object) => {
      const { definition, errors } = created(object);
      expect(errors).toEqual([]);
      const established = definitionStatus(definition, [], 0) as Definition;
      const served = customResources(established);
      expect(served.map(({ version }) => version)).toEqual(
        definition.spec.versions.filter((version) => version.served).map(({ name }) => name),
      );
      for (const resource of served) expect(resource.columns.length).toBeGreaterThan(1);
    },
  );

  it.each(shipped.map((definition) => [definition.metadata.name, definition]))(
    '%s: its schemas are right, whoever has accepted them before',
    (_, object) => {
      for (const { schema } of (object as Definition).spec.versions) {
        const root = schema!.openAPIV3Schema!;
        expect(foundErrors(root, JSON.stringify(root), 'schema')).toEqual([]);
      }
    },
  );

  it('have their canonical form, so that they are known again', () => {
    const forms = new CanonicalForms(publishedOpenApi().definitions);
    const kind = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' };
    for (const object of customResourceDefinitions() as unknown as Definition[]) {
      const copy = cloneJson(object);
      forms.apply(copy, kind);
      expect(JSON.stringify(copy.spec.versions)).toBe(JSON.stringify(object.spec.versions));
    }
  });

  it('have rules, and all of them compile', () => {
    const schemas = shipped.flatMap((definition) =>
      (definition as Definition).spec.versions.flatMap(({ schema }) => {
        const root = schema!.openAPIV3Schema!;
        return withRules(root).map((inner) => [inner, inner === root] as const);
      }),
    );
    const rules = schemas.flatMap(([schema, isRoot]) => compiledRules(schema, isRoot));
    expect(rules.length).toBeGreaterThan(100);
    expect(rules.filter(({ error, messageError }) => error !== undefined || messageError !== undefined)).toEqual([]);
  });
});
