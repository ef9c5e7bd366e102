import { isNotFound } from '../../../kube/errors.js';
import type { KubeObject, OwnerReference, ResourceType } from '../../../kube/resource.js';
import { matchesSelector, type LabelSelector } from '../../../kube/selectors.js';
import type { Cluster } from './cluster.js';
import { keyOf } from './control-loop.js';

/** The owner that manages an object, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether `owner` manages `object`. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** Keys of the owners that an object concerns: the one that manages it, or for an orphan all whose selector matches. */
export function ownerKeys(
  cluster: Cluster,
  ownerType: ResourceType<KubeObject & { spec: { selector: LabelSelector } }>,
  dependent: KubeObject,
): string[] {
  const { namespace, labels } = dependent.metadata;
  const controller = controllerOf(dependent);
  if (controller !== undefined) return controller.kind === ownerType.kind ? [`${namespace}/${controller.name}`] : [];
  const owners = cluster.informer(ownerType).list(namespace);
  return owners.filter(({ spec }) => matchesSelector(spec.selector, labels)).map(keyOf);
}

/** The reference by which `owner` manages objects. */
export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind } = owner;
  const { name, uid = '' } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** An owner, and the objects that may be its own. */
export interface Claim<O extends KubeObject, T extends KubeObject> {
  cluster: Cluster;
  ownerType: ResourceType<O>;
  owner: O;
  type: ResourceType<T>;
  candidates: readonly T[];
  /** Whether an object should belong to the owner. */
  matches: (object: T) => boolean;
}

/**
 * The objects that belong to an owner: those that it manages and that match. Orphans that match are adopted, objects that
 * do not match any more are released; an owner that is being deleted does neither.
 *
 * Rules: `BaseControllerRefManager.ClaimObject` in kubernetes/pkg/controller/controller_ref_manager.go.
 */
export async function claim<O extends KubeObject, T extends KubeObject>(request: Claim<O, T>): Promise<T[]> {
  const claimed: T[] = [];
  for (const object of request.candidates) {
    const kept = await claimOne(request, object);
    if (kept !== undefined) claimed.push(kept);
  }
  return claimed;
}

async function claimOne<O extends KubeObject, T extends KubeObject>(
  request: Claim<O, T>,
  object: T,
): Promise<T | undefined> {
  const { owner, matches } = request;
  const controller = controllerOf(object);
  const ownerIsDeleted = owner.metadata.deletionTimestamp !== undefined;
  if (controller !== undefined) {
    if (controller.uid !== owner.metadata.uid) return undefined;
    if (matches(object)) return object;
    if (!ownerIsDeleted) await setOwners(request, object, ownersWithout(object, owner));
    return undefined;
  }
  if (ownerIsDeleted || object.metadata.deletionTimestamp !== undefined || !matches(object)) return undefined;
  if (!(await mayAdopt(request))) return undefined;
  return setOwners(request, object, [...(object.metadata.ownerReferences ?? []), controllerReference(owner)]);
}

/** The cache may not know yet that the owner is being deleted; orphaning its objects and adopting them would race. */
async function mayAdopt<O extends KubeObject, T extends KubeObject>(request: Claim<O, T>): Promise<boolean> {
  const { cluster, ownerType, owner } = request;
  try {
    const fresh = await cluster.client.get<O>(ownerType, owner.metadata);
    return fresh.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

const ownersWithout = (object: KubeObject, owner: KubeObject): OwnerReference[] =>
  (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);

async function setOwners<O extends KubeObject, T extends KubeObject>(
  { cluster, type }: Claim<O, T>,
  object: T,
  owners: OwnerReference[],
): Promise<T | undefined> {
  const value = owners.length === 0 ? undefined : owners;
  try {
    return await cluster.change(type, object, [{ path: ['metadata', 'ownerReferences'], value }]);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
