import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { manifests } from './install.js';

const OPTIONS = { image: 'sidestep:test', namespace: 'sidestep-system', istioNamespace: 'istio-system' };

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

describe('the install manifests', () => {
  const objects = parseAllDocuments(manifests(OPTIONS)).map(
    (document) => document.toJS() as { kind: string; metadata: { name: string; namespace?: string }; rules?: Rule[] },
  );
  const rules = objects.flatMap((object) => object.rules ?? []);

  it('name every object once', () => {
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? '-'}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('grant neither secrets nor anything by a wildcard', () => {
    expect(rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs])).not.toContain(
      '*',
    );
    expect(rules.flatMap(({ resources }) => resources)).not.toContain('secrets');
  });

  it('grant the same thing once', () => {
    const granted = rules.flatMap(({ apiGroups, resources }) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
    );
    const twice = granted.filter((grant, index) => granted.indexOf(grant) !== index);
    // The name of a Lease can be demanded once it exists, and not when it is created.
    // Of istiod's namespace ConfigMaps are watched; elsewhere one is read that a Gateway names.
    expect(twice).toEqual(['coordination.k8s.io/leases', '/configmaps']);
  });
});
