import { qualifiedName } from '../writes/names.js';
import type { ApiObject } from '../object.js';

const standard = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/**
 * Warnings about finalizers that a custom resource has now and had not before.
 *
 * Source: apiextensions-apiserver, pkg/registry/customresource/validator.go (validateKubeFinalizerName)
 */
export function finalizerWarnings(object: ApiObject, old?: ApiObject): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(object.metadata.finalizers ?? [])].filter((name) => !before.has(name)).sort();
  return added.flatMap((name) => {
    const start = `metadata.finalizers: ${JSON.stringify(name)}:`;
    const problems = qualifiedName(name).map((problem) => `${start} ${problem}`);
    if (name.includes('/') || standard.has(name)) return problems;
    const how = name.includes('.')
      ? 'a domain-qualified finalizer name including a path (/)'
      : 'a domain-qualified finalizer name';
    return [...problems, `${start} prefer ${how} to avoid accidental conflicts with other finalizer writers`];
  });
}
