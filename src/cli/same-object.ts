import equal from 'fast-deep-equal';
import { InputError } from './failures.js';
import { asRecord } from '../mesh/policy-object.js';
import { groupOf, groupsOf, isOfCluster, knownKind } from './manifest-kinds.js';
import type { Manifest, SourcedManifest } from './manifests.js';

/**
 * Every object once, where one is given several times; of kinds that nobody reads the first.
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
    if (known && isRead(one.manifest) && !equal(meant(known.manifest, namespace), meant(one.manifest, namespace))) {
      throw new InputError(
        `${place(one)}: ${name} is in ${place(known)}, too, and says something else there: give one of them`,
      );
    }
    // How it is tells more of a budget, or of a pod.
    if (!known || (known.manifest['status'] === undefined && one.manifest['status'] !== undefined))
      byName.set(key, one);
  }
  return [...byName.values()];
}

function nameOf(manifest: Manifest, namespace: string): string {
  const { name, namespace: own = namespace } = manifest.metadata;
  const kind = knownKind(manifest);
  return isOfCluster(kind) ? `${kind} ${name}` : `${kind} ${own}/${name}`;
}

const isRead = (manifest: Manifest): boolean => groupsOf(knownKind(manifest)) !== undefined;

/** Of an object what people mean by it: neither what a cluster has noted on it, nor how it is. */
function meant({ status: _status, ...manifest }: Manifest, namespace: string): unknown {
  const { annotations, ...metadata } = manifest.metadata;
  const own = Object.entries(asRecord(annotations)).filter(([key]) => key !== LAST_APPLIED);
  const named = Object.entries(metadata).filter(([key]) => !NOTED.has(key));
  return {
    ...manifest,
    metadata: { namespace, ...Object.fromEntries(named), annotations: Object.fromEntries(own) },
  };
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Fields of metadata that the API server writes. */
const NOTED: ReadonlySet<string> = new Set([
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'selfLink',
]);

const place = ({ source }: SourcedManifest): string => (source ? `${source.file}:${source.line}` : 'standard input');
