import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { AmbientMigrationSpecSchema, parseAmbientMigrationSpec } from './ambient-migration.js';
import { type StructuralSchema, structuralSchema } from './structural-schema.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

interface Example {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: unknown;
}

const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

function objectsIn(file: string): Example[] {
  const documents = parseAllDocuments(readFileSync(join(EXAMPLES, file), 'utf8'));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  return documents.map((document) => document.toJS() as Example);
}

/** Paths of fields that the schema does not have: kubectl refuses them. */
function unknownFields(schema: StructuralSchema | undefined, value: unknown, path: string): string[] {
  if (schema === undefined) return [path];
  if (Array.isArray(value))
    return value.flatMap((item, index) => unknownFields(schema.items, item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) =>
    unknownFields(schema.properties?.[name] ?? schema.additionalProperties, field, `${path}.${name}`),
  );
}

describe('examples', () => {
  test.each(files)('%s holds complete objects, each once', (file) => {
    const objects = objectsIn(file);
    for (const object of objects)
      expect(object).toMatchObject({
        apiVersion: expect.any(String),
        kind: expect.any(String),
        metadata: { name: expect.any(String) },
      });
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(files)('%s asks for nothing that the schema refuses', (file) => {
    for (const object of objectsIn(file).filter(({ kind }) => kind === 'AmbientMigration')) {
      expect(object.apiVersion).toBe('sidestep.dev/v1alpha1');
      expect(unknownFields(structuralSchema(AmbientMigrationSpecSchema, 'spec'), object.spec, 'spec')).toEqual([]);
      expect(() => parseAmbientMigrationSpec(object)).not.toThrow();
    }
  });

  it('migrate the namespace that the article calls legacy-apps', () => {
    const [namespace] = objectsIn('article/legacy-apps.yaml');
    const [migration] = objectsIn('migrate-legacy-apps.yaml');
    expect(namespace).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'legacy-apps', labels: { 'istio-injection': 'enabled' } },
    });
    expect(migration?.metadata).toEqual({ name: 'legacy-apps', namespace: 'legacy-apps' });
  });

  it('put the objects of each article namespace into it', () => {
    for (const name of ['legacy-apps', 'ambient-apps']) {
      const inside = objectsIn(`article/${name}.yaml`).filter(({ kind }) => kind !== 'Namespace');
      expect(new Set(inside.map(({ metadata }) => metadata.namespace))).toEqual(new Set([name]));
    }
  });
});
