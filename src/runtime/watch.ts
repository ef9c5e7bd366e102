import equal from 'fast-deep-equal';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { requestOf, type Request } from './request.js';
import type { Change, IndexFunction } from './store.js';
import type { Stores } from './stores.js';

/**
 * One kind a controller looks at, and whom a change of it concerns. All watches of a kind with the same scope
 * (`namespace`, `labelSelector`) share one stream and one store.
 */
export interface WatchSpec<T extends KubeObject = KubeObject> {
  readonly type: ResourceType<T>;
  /**
   * The keys of the primary kind that `object` concerns. Runs on the old and on the new object, so that a key which an
   * object stops pointing at hears of it too. Pure; `stores` are synced when it is called.
   */
  readonly map: (object: T, stores: Stores) => readonly Request[];
  /** False drops the change for this controller; default: nothing is dropped. Objects found at start pass as `{ new }`. */
  readonly predicate?: (change: Change<T>) => boolean;
  /**
   * What to keep of an object, before it is stored: memory per object is what limits a cluster's size. Must keep apiVersion,
   * kind, metadata.name, .namespace, .uid and .resourceVersion. All watches of a kind must name the same function.
   */
  readonly transform?: (object: T) => T;
  /** Index name → values of an object, for `Store.byIndex`. Pure. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Default: all namespaces. */
  readonly namespace?: string;
  /** Default: all objects. Server-side; objects that stop matching are seen as deleted. */
  readonly labelSelector?: string;
}

/** Declares a watch: TypeScript infers the kind from `type` and checks the functions against it. */
export function watch<T extends KubeObject>(spec: WatchSpec<T>): WatchSpec {
  // Controllers hold watches of many kinds in one list. Each spec is only ever given objects of its own `type`.
  return spec as unknown as WatchSpec;
}

/** Mapping for the primary kind: an object concerns itself. */
export function toSelf(object: KubeObject): readonly Request[] {
  return [requestOf(object)];
}

/**
 * Mapping for what a controller creates: the owner of `owner`'s kind that is marked `controller`. The version is not
 * compared, for references written by an older release stay as they are.
 */
export function toController(owner: ResourceType): (object: KubeObject) => readonly Request[] {
  return (object) =>
    (object.metadata.ownerReferences ?? [])
      .filter(
        (reference) =>
          reference.controller === true &&
          reference.kind === owner.kind &&
          groupOf(reference.apiVersion) === owner.group,
      )
      .map((reference) => ({
        namespace: owner.namespaced ? object.metadata.namespace : undefined,
        name: reference.name,
      }));
}

/**
 * Predicate: added, deleted, spec changed, or deletion requested. Writes of the status do not pass, so a controller does
 * not wake itself by reporting. Only for kinds that have a generation.
 */
export function generationChanged(change: Change<KubeObject>): boolean {
  const { old, new: now } = change;
  if (!old || !now) return true;
  return (
    old.metadata.generation !== now.metadata.generation ||
    old.metadata.deletionTimestamp !== now.metadata.deletionTimestamp ||
    old.metadata.uid !== now.metadata.uid
  );
}

/**
 * Predicate: added, deleted, deletion requested, or labels, annotations, finalizers or owners changed. For kinds without
 * a generation (Namespace, ServiceAccount).
 */
export function metadataChanged(change: Change<KubeObject>): boolean {
  const { old, new: now } = change;
  return !old || !now || !equal(userMetadata(old), userMetadata(now));
}

/** Predicate: `generationChanged` or `metadataChanged`; the right one for a primary kind that reads annotations. */
export function generationOrMetadataChanged(change: Change<KubeObject>): boolean {
  return generationChanged(change) || metadataChanged(change);
}

function userMetadata({ metadata }: KubeObject): readonly unknown[] {
  const { uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp } = metadata;
  return [uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp];
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
