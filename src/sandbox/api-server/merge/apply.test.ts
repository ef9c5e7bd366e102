import { describe, expect, it } from 'vitest';
import { builtinSchemas } from '../../data/index.js';
import type { ApiObject } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { applyPatch } from './apply.js';
import { FieldSet } from './field-set.js';
import { mergeType } from './merge-type.js';
import type { MergedKind } from './merged-kind.js';
import { trackUpdate } from './track-update.js';

const now = Date.parse('2026-01-02T03:04:05.678Z');

/** A custom kind whose versions have these schemas of `spec`; the first is that of the request. */
function kindOf(versions: Record<string, OpenApiSchema>): MergedKind {
  const whole = (spec: OpenApiSchema): OpenApiSchema => ({
    type: 'object',
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, spec },
  });
  const [apiVersion] = Object.keys(versions) as [string];
  return {
    apiVersion,
    kind: 'Thing',
    subresource: '',
    custom: true,
    schema: whole(versions[apiVersion]!),
    reset: new FieldSet(),
    type: (asked) => (versions[asked] ? mergeType(whole(versions[asked])) : undefined),
  };
}

const open: OpenApiSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const thing = (spec: object, apiVersion = 'e/v1'): object => ({
  apiVersion,
  kind: 'Thing',
  metadata: { name: 'x' },
  spec,
});

const managers = (object: ApiObject): unknown[] =>
  (object.metadata.managedFields ?? []).map(({ manager, operation, apiVersion, fieldsV1 }) => [
    manager,
    operation,
    apiVersion,
    fieldsV1,
  ]);

const apply = (kind: MergedKind, spec: object, live?: ApiObject, manager = 'one', force = false): ApiObject =>
  applyPatch({ kind, applied: thing(spec, kind.apiVersion), manager, force, now, ...(live && { live }) });

describe('applyPatch', () => {
  it('leaves its arguments alone', () => {
    const kind = kindOf({ 'e/v1': open });
    const live = apply(kind, { a: { b: 1 } });
    const text = JSON.stringify(live);
    const next = apply(kind, { a: { c: 1 } }, live);
    expect(JSON.stringify(live)).toBe(text);
    (next.spec as { a: object }).a = {};
    expect(JSON.stringify(live)).toBe(text);
  });

  it('writes whole seconds', () => {
    const [entry] = apply(kindOf({ 'e/v1': open }), { a: 1 }).metadata.managedFields!;
    expect(entry!.time).toBe('2026-01-02T03:04:05Z');
  });

  it('gives a manager that changes nothing no time', () => {
    const kind = kindOf({ 'e/v1': open });
    const second = apply(kind, { a: 1 }, apply(kind, { a: 1 }), 'two');
    expect(second.metadata.managedFields!.map(({ manager, time }) => [manager, time !== undefined])).toEqual([
      ['two', false],
      ['one', true],
    ]);
  });

  it('forgets managers in versions that are not served any more', () => {
    const v1 = apply(kindOf({ 'e/v1': open }), { a: 1 }, undefined, 'old');
    const kind = kindOf({ 'e/v2': open });
    const next = apply(kind, { b: 1 }, { ...v1, apiVersion: 'e/v2' });
    expect(managers(next)).toEqual([['one', 'Apply', 'e/v2', { 'f:spec': { 'f:b': {} } }]]);
    expect(next.spec).toEqual({ a: 1, b: 1 });
  });

  it('removes what the same manager applied in another version', () => {
    const v1 = apply(kindOf({ 'e/v1': open }), { a: 1, b: 1 });
    const kind = kindOf({ 'e/v2': open, 'e/v1': open });
    expect(apply(kind, { a: 1 }, { ...v1, apiVersion: 'e/v2' }).spec).toEqual({ a: 1 });
  });

  it('gives owners of parts the whole when a list has become atomic', () => {
    const items: OpenApiSchema = { type: 'array', items: { type: 'string' } };
    const spec = (type: 'set' | 'atomic'): OpenApiSchema => ({
      type: 'object',
      properties: { tags: { ...items, 'x-kubernetes-list-type': type } },
    });
    const before = apply(kindOf({ 'e/v1': spec('set') }), { tags: ['a'] }, undefined, 'first');
    const kind = kindOf({ 'e/v1': spec('atomic') });
    expect(() => apply(kind, { tags: ['b'] }, before)).toThrow(
      'Apply failed with 1 conflict: conflict with "first": .spec.tags',
    );
    expect(apply(kind, { tags: ['b'] }, before, 'one', true).spec).toEqual({ tags: ['b'] });
  });

  it('creates nothing out of an object that is none', () => {
    const kind = kindOf({ 'e/v1': open });
    for (const applied of [null, [], 'x', {}]) {
      expect(() => applyPatch({ kind, applied, manager: 'one', force: false, now })).toThrow();
    }
  });
});

describe('trackUpdate', () => {
  const schema = builtinSchemas().get('apps/v1/ControllerRevision')!;
  const revisions: MergedKind = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    subresource: '',
    custom: false,
    schema,
    reset: new FieldSet(),
    type: (apiVersion) => (apiVersion === 'apps/v1' ? mergeType(schema) : undefined),
  };
  const revision = (rest: object): ApiObject =>
    ({ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'x' }, ...rest }) as ApiObject;

  it('takes raw JSON for one value, and the zero of a field for none', () => {
    const next = trackUpdate({
      kind: revisions,
      next: revision({ revision: 0, data: { a: { b: 1 } } }),
      manager: 'm',
      now,
    });
    expect(managers(next)).toEqual([['m', 'Update', 'apps/v1', { 'f:data': {} }]]);
  });

  it('names a manager without name', () => {
    const next = trackUpdate({ kind: revisions, next: revision({ revision: 1 }), manager: '', now });
    expect(managers(next)).toEqual([['unknown', 'Update', 'apps/v1', { 'f:revision': {} }]]);
  });

  it('takes the managers that are stored where the client sends garbage', () => {
    const live = trackUpdate({ kind: revisions, next: revision({ revision: 1 }), manager: 'm', now });
    const garbage = { name: 'x', managedFields: [{ manager: 'z', operation: 'Turn' }] };
    const next = trackUpdate({
      kind: revisions,
      live,
      next: { ...live, metadata: garbage } as never,
      manager: 'm',
      now,
    });
    expect(managers(next)).toEqual(managers(live));
  });
});
