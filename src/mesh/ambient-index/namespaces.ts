import { LABEL } from '../../api/labels.js';
import { bySelector } from '../by-selector.js';
import type { Labels } from '../policy-object.js';
import type { IndexedMetadata, IndexSettings, MeshObjects, Visibility } from './objects.js';
import { matchesSelector } from './label-selector.js';

/** What namespaces say about the objects in them. */
export interface Namespaces {
  readonly settings: IndexSettings;
  /** Name of the network that the cluster is in; the default network has the empty name. */
  readonly network: string;
  /** Labels of a namespace; undefined if there is none of that name. */
  readonly labelsOf: (namespace: string) => Labels | undefined;
  readonly annotationsOf: (namespace: string) => Labels;
  /** Who sees the ServiceEntries of a namespace. */
  readonly visibilityOf: (namespace: string) => Exclude<Visibility, 'UNSPECIFIED'>;
}

/** Reads the namespaces of a mesh. */
export function readNamespaces({ namespaces }: Pick<MeshObjects, 'namespaces'>, settings: IndexSettings): Namespaces {
  const byName = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata]));
  const labelsOf = (name: string): Labels | undefined => {
    const found = byName.get(name);
    return found && (found.labels ?? {});
  };
  return {
    settings,
    network: labelsOf(settings.systemNamespace)?.[LABEL.network] ?? '',
    labelsOf,
    annotationsOf: (name) => byName.get(name)?.annotations ?? {},
    visibilityOf: (name) => visibility(settings, labelsOf(name) ?? {}),
  };
}

/** The namespace of an object; empty for a cluster-scoped one. */
export function namespaceOf({ metadata }: { readonly metadata: IndexedMetadata }): string {
  return metadata.namespace ?? '';
}

/** Objects by their namespace. */
export function byNamespace<T extends { readonly metadata: { readonly namespace?: string | undefined } }>(
  objects: readonly T[],
): (namespace: string) => readonly T[] {
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const namespace = object.metadata.namespace ?? '';
    const group = groups.get(namespace);
    if (group) group.push(object);
    else groups.set(namespace, [object]);
  }
  return (namespace) => groups.get(namespace) ?? [];
}

/** By namespace and labels those objects whose selector chooses the labels, in their order; an empty one chooses all. */
export function selectingIn<T extends { readonly metadata: { readonly namespace?: string | undefined } }>(
  objects: readonly T[],
  selectorOf: (object: T) => Labels,
): (namespace: string, labels: Labels) => readonly T[] {
  const inNamespace = byNamespace(objects);
  const finders = new Map<string, (labels: Labels) => readonly T[]>();
  return (namespace, labels) => {
    const find = finders.get(namespace) ?? bySelector(inNamespace(namespace), selectorOf);
    finders.set(namespace, find);
    return find(labels);
  };
}

/** Oldest first. Of the same second istiod takes any: here the name decides, so that the answer is always the same. */
export function compareAge(a: { readonly metadata: Aged }, b: { readonly metadata: Aged }): number {
  const [first, second] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`);
  return first! < second! ? -1 : first! > second! ? 1 : 0;
}

interface Aged {
  readonly name: string;
  readonly creationTimestamp?: string | undefined;
}

/** @see istio/istio pilot/pkg/model/serviceentry_visibility.go */
function visibility(settings: IndexSettings, labels: Labels): Exclude<Visibility, 'UNSPECIFIED'> {
  const { policies = [], defaultVisibility } = settings.serviceEntryVisibility ?? {};
  const policy = policies.find(({ matchingRules = [] }) =>
    matchingRules.every(({ namespaceSelector }) => matchesSelector(namespaceSelector, labels)),
  );
  const found = policy ? policy.visibility : defaultVisibility;
  return found === undefined || found === 'UNSPECIFIED' ? 'PUBLIC' : found;
}
