import type { KubeObject, OwnerReference, ResourceType } from '../../../../kube/resource.js';

/** An object, as far as owners and dependents matter. */
export interface Node {
  type: ResourceType;
  object: KubeObject;
}

/** Which objects there are and which of them own which, by uid. An owner may be one that has not been seen. */
export class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  /** Takes in an object as it is now. */
  put(node: Node): void {
    const { uid = '' } = node.object.metadata;
    this.#unlink(uid);
    this.#nodes.set(uid, node);
    for (const owner of ownersOf(node.object)) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
  }

  /** Forgets an object that is gone; its dependents stay. */
  remove(uid: string): void {
    this.#unlink(uid);
    this.#nodes.delete(uid);
  }

  /** The objects that name `uid` as an owner. */
  dependentsOf(uid: string): Node[] {
    return [...(this.#dependents.get(uid) ?? [])].sort().flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  #unlink(uid: string): void {
    const node = this.#nodes.get(uid);
    for (const owner of node ? ownersOf(node.object) : []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** The owners of an object. */
export const ownersOf = ({ metadata }: KubeObject): OwnerReference[] => metadata.ownerReferences ?? [];

/** Finalizers by which a deletion waits for the dependents, or for their being let go. */
export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

const isBeingDeleted = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

/** Whether the object goes once its dependents are gone. */
export const deletesDependents = (object: KubeObject): boolean =>
  isBeingDeleted(object) && (object.metadata.finalizers ?? []).includes(foregroundFinalizer);

/** Whether the object goes once its dependents are let go. */
export const orphansDependents = (object: KubeObject): boolean =>
  isBeingDeleted(object) && (object.metadata.finalizers ?? []).includes(orphanFinalizer);

/** Dependents for which the deletion of their owner waits. */
export function blockingDependents(graph: Graph, uid: string): Node[] {
  return graph
    .dependentsOf(uid)
    .filter(({ object }) => ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
}

/** Owners of an object, by what has become of them. */
export interface Classified {
  /** They are there, and the object stays because of them. */
  solid: OwnerReference[];
  /** They are gone. */
  dangling: OwnerReference[];
  /** They wait until the object is gone. */
  waiting: OwnerReference[];
}

/** What happens to an object because of its owners. */
export type Judgement =
  | { do: 'nothing' }
  /** The object stays, without these owners. */
  | { do: 'drop-owners'; uids: string[] }
  | { do: 'delete'; propagation: 'Background' | 'Foreground' | 'Orphan'; unblock: boolean };

/**
 * Whether an object is garbage.
 *
 * Rules: `attemptToDeleteItem` in kubernetes/pkg/controller/garbagecollector/garbagecollector.go.
 *
 * @param dependents  those of the object
 */
export function judge(object: KubeObject, owners: Classified, dependents: readonly Node[]): Judgement {
  const { solid, dangling, waiting } = owners;
  if (solid.length > 0) {
    const uids = [...dangling, ...waiting].map(({ uid }) => uid);
    return uids.length === 0 ? { do: 'nothing' } : { do: 'drop-owners', uids };
  }
  if (waiting.length > 0 && dependents.length > 0) {
    // Owners that wait for each other in a circle would wait for ever.
    const unblock = dependents.some((dependent) => deletesDependents(dependent.object));
    return { do: 'delete', propagation: 'Foreground', unblock };
  }
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(orphanFinalizer)) return { do: 'delete', propagation: 'Orphan', unblock: false };
  const propagation = finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
  return { do: 'delete', propagation, unblock: false };
}
