import equal from 'fast-deep-equal';
import { InputError } from './failures.js';
import { groupOf, isOfCluster, knownKind } from './manifest-kinds.js';
import type { Manifest, SourcedManifest } from './manifests.js';

/**
 * Every object once, where one is given several times.
 *
 * @param namespace  of objects that name none
 * @throws {InputError} two of the same name say different things: which of them is in force depends on who applies them, and in which order
 */
export function eachOnce(found: readonly SourcedManifest[], namespace: string): SourcedManifest[] {
  const byName = new Map<string, SourcedManifest>();
  for (const one of found) {
    const name = nameOf(one.manifest, namespace);
    const key = `${groupOf(one.manifest)} ${name}`;
    const known = byName.get(key);
    if (known && !equal(placed(known.manifest, namespace), placed(one.manifest, namespace))) {
      throw new InputError(
        `${place(one)}: ${name} is in ${place(known)}, too, and says something else there: give one of them`,
      );
    }
    if (!known) byName.set(key, one);
  }
  return [...byName.values()];
}

function nameOf(manifest: Manifest, namespace: string): string {
  const { name, namespace: own = namespace } = manifest.metadata;
  const kind = knownKind(manifest);
  return isOfCluster(kind) ? `${kind} ${name}` : `${kind} ${own}/${name}`;
}

const placed = (manifest: Manifest, namespace: string): Manifest => ({
  ...manifest,
  metadata: { namespace, ...manifest.metadata },
});

const place = ({ source }: SourcedManifest): string => (source ? `${source.file}:${source.line}` : 'standard input');
