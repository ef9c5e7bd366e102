import { describe, expect, test } from 'vitest';
import { publishedOpenApi } from '../../data/index.js';
import { CanonicalForms, DecodingError } from './canonical-form.js';

const forms = new CanonicalForms(publishedOpenApi().definitions);

function formed(group: string, version: string, kind: string, fields: object): Record<string, unknown> {
  const object = { metadata: { name: 'x' }, ...fields };
  forms.apply(object, { group, version, kind });
  return object;
}

describe('the canonical form', () => {
  test('unknown fields and nulls vanish, also deep inside', () => {
    const pod = formed('', 'v1', 'Pod', {
      spec: { nonsense: 1, nodeName: null, containers: [{ name: 'a', env: null, odd: {} }] },
    });
    expect(pod.spec).toEqual({ containers: [{ name: 'a', resources: {} }] });
  });

  test('empty values vanish where Go omits them, and stay where it has pointers', () => {
    const pod = formed('', 'v1', 'Pod', {
      spec: {
        hostNetwork: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 0,
        nodeSelector: {},
        containers: [],
      },
    });
    expect(pod.spec).toEqual({ enableServiceLinks: false, terminationGracePeriodSeconds: 0, containers: null });
  });

  test('what has its form is left as it is', () => {
    const pod = formed('', 'v1', 'Pod', { spec: { containers: [{ name: 'a', env: [{ name: 'B' }] }] } });
    const { spec, status } = pod;
    forms.apply(pod, { group: '', version: 'v1', kind: 'Pod' });
    expect(pod.spec).toBe(spec);
    expect(pod.status).toBe(status);
  });

  test('structs appear, with the zeros that Go shows', () => {
    expect(formed('apps', 'v1', 'ReplicaSet', { spec: { replicas: 0 } })).toMatchObject({
      spec: { replicas: 0, template: { metadata: {}, spec: { containers: null } } },
      status: { replicas: 0 },
    });
    expect(formed('rbac.authorization.k8s.io', 'v1', 'Role', {})).toHaveProperty('rules', null);
  });

  test('what may hold anything is left as it is', () => {
    const data = { a: null, b: {}, c: [], d: '' };
    expect(formed('apps', 'v1', 'ControllerRevision', { data, revision: 0 })).toMatchObject({ data, revision: 0 });
  });

  test('times and quantities are printed in one way, or refused', () => {
    const lease = formed('coordination.k8s.io', 'v1', 'Lease', {
      spec: { renewTime: '2026-01-01T01:00:00.123456+01:00' },
    });
    expect(lease.spec).toEqual({ renewTime: '2026-01-01T00:00:00.123456Z' });
    const limits = { limits: { cpu: 0.1, memory: '2048Mi' } };
    const pod = formed('', 'v1', 'Pod', { spec: { containers: [{ name: 'a', resources: limits }] } });
    expect(pod).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: '100m', memory: '2Gi' } } }] } });
    expect(() => formed('', 'v1', 'ResourceQuota', { spec: { hard: { cpu: 'much' } } })).toThrow(DecodingError);
    expect(() => formed('', 'v1', 'Event', { firstTimestamp: 'yesterday' })).toThrow('cannot parse "yesterday"');
  });

  test('a second time changes nothing', () => {
    const first = formed('apps', 'v1', 'Deployment', { spec: { template: { spec: { containers: [{ name: 'a' }] } } } });
    const copy = structuredClone(first);
    forms.apply(copy, { group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(copy).toEqual(first);
  });
});
