import { describe, expect, it, test } from 'vitest';
import * as z from 'zod';
import {
  AMBIENT_MIGRATION,
  AmbientMigrationSpecSchema,
  AmbientMigrationStatusSchema,
  ambientMigration,
  parseAmbientMigrationSpec,
} from './ambient-migration.js';
import { CONDITIONS, REASONS } from './conditions.js';
import { SERVING_REASONS } from './serving.js';
import { type StructuralSchema, structuralSchema, withDefaults } from './structural-schema.js';

const spec = structuralSchema(AmbientMigrationSpecSchema, 'spec');
const status = structuralSchema(AmbientMigrationStatusSchema, 'status');

/** Every field below a schema, with its path. */
function fields(schema: StructuralSchema, path: string): [string, StructuralSchema][] {
  const inside = schema.items
    ? fields(schema.items, `${path}[]`)
    : Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
        [`${path}.${name}`, field] as [string, StructuralSchema],
        ...fields(field, `${path}.${name}`),
      ]);
  return inside;
}

const problems = (value: unknown): string[] => {
  const { error } = AmbientMigrationSpecSchema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('the schema of AmbientMigration', () => {
  test.each([...fields(spec, 'spec'), ...fields(status, 'status')])('%s is described by a sentence', (_path, field) => {
    expect(field.description).toMatch(/^[A-Z].*\.$/s);
  });

  it('demands nothing of a spec, and code and reason of an acknowledgement', () => {
    expect(spec.required).toBeUndefined();
    expect(spec.properties?.['rollout']?.required).toBeUndefined();
    expect(spec.properties?.['acknowledge']?.items?.required).toEqual(['code', 'reason']);
  });

  it('has the fields that the operator acts on, and no other', () => {
    expect(fields(spec, 'spec').map(([path]) => path)).toEqual([
      'spec.dataplaneMode',
      'spec.paused',
      'spec.approval',
      'spec.approvedPlan',
      'spec.acknowledge',
      'spec.acknowledge[].code',
      'spec.acknowledge[].object',
      'spec.acknowledge[].reason',
      'spec.waypoint',
      'spec.waypoint.provision',
      'spec.waypoint.name',
      'spec.waypoint.namespace',
      'spec.waypoint.className',
      'spec.waypoint.scope',
      'spec.waypoint.replicas',
      'spec.waypoint.replicas.min',
      'spec.waypoint.replicas.max',
      'spec.waypoint.resources',
      'spec.waypoint.resources.requests',
      'spec.waypoint.resources.requests.cpu',
      'spec.waypoint.resources.requests.memory',
      'spec.waypoint.resources.limits',
      'spec.waypoint.resources.limits.cpu',
      'spec.waypoint.resources.limits.memory',
      'spec.policies',
      'spec.policies.translation',
      'spec.rollout',
      'spec.rollout.enrolment',
      'spec.rollout.order',
      'spec.rollout.workloads',
      'spec.rollout.workloads[].kind',
      'spec.rollout.workloads[].name',
      'spec.rollout.maxConcurrent',
      'spec.rollout.progressDeadline',
      'spec.rollout.soak',
    ]);
  });

  it('bounds every text and list that a rule walks over, or the API server refuses the cost', () => {
    const bounded = fields(spec, 'spec').filter(
      ([, { type, enum: values }]) => type === 'array' || (type === 'string' && !values),
    );
    for (const [path, { maxLength, maxItems }] of bounded) expect(maxLength ?? maxItems, path).toBeGreaterThan(0);
  });

  it('requires no field of the status, so that a first write may hold a single one', () => {
    expect(status.required).toBeUndefined();
  });

  it('prints the columns of the contract', () => {
    const columns = ambientMigration.definition.columns;
    expect(columns.filter(({ priority }) => !priority).map(({ name }) => name)).toEqual([
      'Mode',
      'Phase',
      'Progress',
      'Ready',
      'Next',
      'Age',
    ]);
    expect(columns.filter(({ priority }) => priority).map(({ name }) => name)).toEqual([
      'Waypoint',
      'Findings',
      'Plan',
    ]);
  });

  it('prints columns that lead to a field of the schema', () => {
    const known = new Set([...fields(spec, '.spec'), ...fields(status, '.status')].map(([path]) => path));
    const paths = ambientMigration.definition.columns.map(({ jsonPath }) => jsonPath.replace(/\[(\?.*|\*)\]/, '[]'));
    expect(paths.filter((path) => !path.startsWith('.metadata.') && !known.has(path))).toEqual([]);
  });

  it('is addressed as kubectl addresses it', () => {
    expect(AMBIENT_MIGRATION).toEqual({
      group: 'sidestep.dev',
      version: 'v1alpha1',
      plural: 'ambientmigrations',
      kind: 'AmbientMigration',
      namespaced: true,
    });
  });
});

describe('defaults', () => {
  test.each<object>([
    {},
    { rollout: {} },
    { rollout: { soak: '1m' } },
    { waypoint: { replicas: { max: 3 } } },
    { dataplaneMode: 'Sidecar', acknowledge: [{ code: 'SST2001', reason: 'known' }] },
  ])('are the same from the API server and from the parser: %j', (given) => {
    expect(parseAmbientMigrationSpec({ spec: given })).toEqual(withDefaults(spec, given));
  });

  it('are valid by the rules beside them', () => {
    for (const [path, field] of [
      ['spec', { ...spec, default: withDefaults(spec, {}) }] as const,
      ...fields(spec, 'spec'),
    ]) {
      if (field.default !== undefined && path === 'spec') expect(problems(field.default), path).toEqual([]);
      if (field.default !== undefined && path !== 'spec') {
        const nested = path
          .split('.')
          .slice(1)
          .reduceRight<unknown>((value, key) => ({ [key]: value }), field.default);
        expect(problems(nested), path).toEqual([]);
      }
    }
  });

  it('stand in for a spec that is missing', () => {
    expect(parseAmbientMigrationSpec({})).toEqual({
      dataplaneMode: 'Ambient',
      paused: false,
      approval: 'Automatic',
      acknowledge: [],
      waypoint: { provision: 'Auto', name: 'waypoint', className: 'istio-waypoint', scope: 'Namespace' },
      policies: { translation: 'Auto' },
      rollout: {
        enrolment: 'Auto',
        order: 'CallersFirst',
        workloads: [],
        maxConcurrent: 1,
        progressDeadline: '10m',
        soak: '0s',
      },
    });
  });
});

describe('bad input', () => {
  test.each<[object, string]>([
    [
      { rollout: { soak: '5 minutes' } },
      'rollout.soak: must be a duration such as 30s, 10m or 1h30m (units: h, m, s, ms)',
    ],
    [
      { rollout: { progressDeadline: '1s' } },
      'rollout.progressDeadline: must be at least 5s: a shorter deadline would stall before a pod could start',
    ],
    [
      { approvedPlan: '0123456789ab' },
      'approvedPlan: is used with approval Manual only: set spec.approval to Manual, or remove spec.approvedPlan',
    ],
    [
      { approval: 'Manual', approvedPlan: '0123' },
      'approvedPlan: must be the 12 hexadecimal digits of status.plan.hash',
    ],
    [
      { acknowledge: [{ code: 'SST2', reason: 'x' }] },
      'acknowledge.0.code: must be the code of a finding, such as SST2001',
    ],
    [{ acknowledge: [{ code: 'SST2001', reason: ' ' }] }, 'acknowledge.0.reason: must say why'],
    [{ waypoint: { name: 'none' } }, 'waypoint.name: must not be none, which Istio takes for "no waypoint"'],
    [{ waypoint: { name: 'Waypoint' } }, 'waypoint.name: must be a name of a Service'],
    [
      { waypoint: { namespace: 'infra', replicas: {} } },
      'waypoint.replicas: of another namespace is only bound to: remove it, or remove spec.waypoint.namespace',
    ],
    [{ waypoint: { namespace: 'infra', resources: {} } }, 'waypoint.resources: of another namespace is only bound to'],
    [{ waypoint: { namespace: 'infra', scope: 'ServiceAccount' } }, 'set scope to Namespace or Service'],
    [{ waypoint: { replicas: { min: 6 } } }, 'waypoint.replicas: min must not be above max'],
    [{ acknowledge: [{ code: 'SST2001', reason: 'x', object: 'web' }] }, 'acknowledge.0.object: must be Kind/name'],
  ])('%j is refused with the field and the fix', (given, message) => {
    expect(problems(given)).toEqual([expect.stringContaining(message)]);
  });

  test.each<object>([
    { dataplaneMode: 'Ambiant' },
    { rollout: { maxConcurrent: 0 } },
    { rollout: { maxConcurrent: 101 } },
    { rollout: { maxConcurrent: 1.5 } },
    { paused: 'yes' },
  ])('%j is refused', (given) => {
    expect(problems(given)).toHaveLength(1);
  });

  it('is named by its path in the error of the parser, which leaves unknown fields out', () => {
    expect(() => parseAmbientMigrationSpec({ spec: { acknowledge: [{ code: 'x', reason: 'y' }] } })).toThrow(
      'AmbientMigration is invalid: spec.acknowledge[0].code: must be the code',
    );
    expect(parseAmbientMigrationSpec({ spec: { later: 1 } })).not.toHaveProperty('later');
  });
});

describe('conditions and reasons', () => {
  test.each([CONDITIONS, REASONS, SERVING_REASONS].flatMap((table) => Object.entries(table)))(
    '%s is one CamelCase word, documented by a sentence',
    (name, sentence) => {
      expect(name).toMatch(/^[A-Z][A-Za-z]*$/);
      expect(sentence).toMatch(/^\S.*\.$/);
    },
  );

  it('fit the schema of the status', () => {
    const conditions = Object.keys(CONDITIONS).map((type) => ({
      type,
      status: 'Unknown',
      reason: 'NotStarted',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
    expect(z.safeParse(AmbientMigrationStatusSchema, { conditions }).success).toBe(true);
  });
});
