import { beforeAll, describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { installManifests } from './install.js';
import type { Manifest } from './objects.js';

const OPTIONS = {
  image: 'sidestep:test',
  namespace: 'sidestep-system',
  istioNamespace: 'istio-system',
  access: {
    cluster: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    namespaces: {
      'sidestep-system': [
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get'], resourceNames: ['sidestep'] },
      ],
      'istio-system': [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }],
    },
  },
  dryRunOnly: [{ apiGroup: '', apiVersion: 'v1', resource: 'pods', label: 'pods' }],
} as const;

describe('install manifests', () => {
  let objects: Manifest[] = [];

  beforeAll(() => {
    objects = installManifests(OPTIONS);
  });

  it('are these', async () => {
    await expect(objects.map((object) => stringify(object)).join('---\n')).toMatchFileSnapshot(
      '__snapshots__/install.yaml',
    );
  });

  it('come out the same each time, and survive YAML', () => {
    expect(JSON.stringify(installManifests(OPTIONS))).toBe(JSON.stringify(objects));
    for (const object of objects) expect(parse(stringify(object))).toEqual(object);
  });

  it('put the namespace, the rights and the admission policy before the Deployment', () => {
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds[0]).toBe('Namespace');
    expect(kinds.at(-1)).toBe('Deployment');
  });

  test.each(['istio-system', 'kube-system', 'default'])('leave the namespace %s as it is', (namespace) => {
    const kinds = installManifests({ ...OPTIONS, namespace }).map(({ kind }) => kind);
    expect(kinds).not.toContain('Namespace');
    expect(kinds).toContain('Deployment');
  });

  it('give every namespaced object a namespace', () => {
    const clusterScoped = [
      'Namespace',
      'ClusterRole',
      'ClusterRoleBinding',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ];
    for (const { kind, metadata } of objects)
      expect(metadata.namespace === undefined, kind).toBe(clusterScoped.includes(kind));
  });

  test.each(['cluster', 'sidestep-system', 'istio-system'])('bind the account to its rules in %s', (scope) => {
    const namespace = scope === 'cluster' ? undefined : scope;
    const binding = objects.find(({ kind, metadata }) => /RoleBinding$/.test(kind) && metadata.namespace === namespace);
    expect(binding).toMatchObject({
      subjects: [{ kind: 'ServiceAccount', name: 'sidestep', namespace: 'sidestep-system' }],
    });
  });

  it('name each port, protocol and environment variable once', () => {
    const text = JSON.stringify(objects.at(-1));
    const names = [...text.matchAll(/\{"name":"([A-Z_]+)"/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(text).toContain('"protocol":"TCP"');
  });
});
