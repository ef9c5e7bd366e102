import { isNotFound } from '../../../../kube/errors.js';
import { resourceName, type KubeObject, type OwnerReference } from '../../../../kube/resource.js';
import { CUSTOM_RESOURCE_DEFINITION, type CustomResourceDefinition } from '../../../../kube/types.js';
import type { Change } from '../../informers.js';
import { discover, findKind, supports, type ApiResource } from '../api-resources.js';
import type { Cluster } from '../cluster.js';
import { ControlLoop, type Controller, type ControllerOptions } from '../control-loop.js';
import {
  blockingDependents,
  deletesDependents,
  foregroundFinalizer,
  Graph,
  judge,
  orphanFinalizer,
  orphansDependents,
  ownersOf,
  type Classified,
  type Node,
} from './graph.js';

const refresh = 'refresh';

/** Definitions often come many at once; the real controller looks every 30 s. */
const refreshAfterMs = 50;

/**
 * Deletes objects whose owners are gone, and carries out foreground and orphaning deletions, for all kinds that the server
 * serves. Rules: kubernetes/pkg/controller/garbagecollector.
 */
export class GarbageCollector implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #graph = new Graph();
  /** Keys are uids. */
  readonly #items: ControlLoop;
  readonly #orphaning: ControlLoop;
  readonly #discovery: ControlLoop;
  #resources: ApiResource[] = [];
  readonly #watched = new Set<string>();

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const definitions = cluster.informer(CUSTOM_RESOURCE_DEFINITION);
    const options = { cluster, log };
    this.#items = new ControlLoop(options, 'garbage-collector', [definitions], (uid) => this.#attempt(uid));
    this.#orphaning = new ControlLoop(options, 'orphaning', [definitions], (uid) => this.#orphanDependents(uid));
    this.#discovery = new ControlLoop(options, 'api-resources', [definitions], () => this.#watchAll());
    this.loops = [this.#items, this.#orphaning, this.#discovery];
    this.#discovery.add(refresh);
    definitions.onChange(({ object, before }) => {
      if (isServed(before) !== isServed(object)) this.#discovery.addAfter(refresh, refreshAfterMs);
    });
  }

  async #watchAll(): Promise<void> {
    this.#resources = (await discover(this.#cluster.client)).filter((resource) =>
      supports(resource, 'delete', 'list', 'watch'),
    );
    for (const type of this.#resources) {
      if (this.#watched.has(resourceName(type))) continue;
      this.#watched.add(resourceName(type));
      const informer = this.#cluster.informer<KubeObject>(type);
      // What other controllers have seen before we began to listen.
      for (const object of informer.list()) this.#notice(type, { object, before: undefined, gone: false });
      informer.onChange((change) => this.#notice(type, change));
    }
  }

  #notice(type: ApiResource, { object, before, gone }: Change<KubeObject>): void {
    const { uid = '' } = object.metadata;
    if (gone) this.#graph.remove(uid);
    else this.#graph.put({ type, object });
    this.#wakeOwners(object, before, gone);
    if (gone) {
      for (const dependent of this.#graph.dependentsOf(uid)) this.#items.add(uidOf(dependent));
      return;
    }
    const known = new Set(before && ownersOf(before).map((owner) => owner.uid));
    const unseen = ownersOf(object).some((owner) => !known.has(owner.uid) && !this.#canOwn(owner.uid, object));
    if (unseen) this.#items.add(uid);
    if (orphansDependents(object)) this.#orphaning.add(uid);
    if (deletesDependents(object)) {
      this.#items.add(uid);
      if (before === undefined || !deletesDependents(before)) {
        for (const dependent of this.#graph.dependentsOf(uid)) this.#items.add(uidOf(dependent));
      }
    }
  }

  /** Whether there is such an owner, as far as is known; one in another namespace is none. */
  #canOwn(uid: string, { metadata }: KubeObject): boolean {
    const owner = this.#graph.get(uid)?.object.metadata;
    return owner !== undefined && (owner.namespace === undefined || owner.namespace === metadata.namespace);
  }

  /** Owners that wait for their dependents look again when one is gone or does not block them any more. */
  #wakeOwners(object: KubeObject, before: KubeObject | undefined, gone: boolean): void {
    const owners = before === undefined || gone ? ownersOf(object) : ownersOf(before);
    for (const { uid } of owners) {
      const owner = this.#graph.get(uid);
      if (owner !== undefined && deletesDependents(owner.object)) this.#items.add(uid);
    }
  }

  async #attempt(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    const { deletionTimestamp } = node.object.metadata;
    if (deletionTimestamp !== undefined && !deletesDependents(node.object)) return;
    const object = await this.#fresh(node);
    if (object === undefined) return;
    if (deletesDependents(object)) return this.#advanceForeground(node.type, object);
    if (ownersOf(object).length === 0) return;
    const owners = await this.#classify(object);
    const judgement = judge(object, owners, this.#graph.dependentsOf(uid));
    if (judgement.do === 'nothing') return;
    if (judgement.do === 'drop-owners') return this.#dropOwners(node.type, object, judgement.uids);
    const current = judgement.unblock ? await this.#unblockOwners(node.type, object) : object;
    await this.#delete(node.type, current, judgement.propagation);
  }

  /** The object as the server has it now; undefined if it is gone. */
  async #fresh({ type, object }: Node): Promise<KubeObject | undefined> {
    try {
      const fresh = await this.#cluster.client.get<KubeObject>(type, object.metadata);
      return fresh.metadata.uid === object.metadata.uid ? fresh : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #advanceForeground(type: ApiResource | Node['type'], object: KubeObject): Promise<void> {
    const blocking = blockingDependents(this.#graph, object.metadata.uid ?? '');
    if (blocking.length === 0) return this.#removeFinalizer(type, object, foregroundFinalizer);
    for (const dependent of blocking) if (!deletesDependents(dependent.object)) this.#items.add(uidOf(dependent));
  }

  async #classify(object: KubeObject): Promise<Classified> {
    const owners: Classified = { solid: [], dangling: [], waiting: [] };
    for (const reference of ownersOf(object)) {
      const owner = await this.#ownerOf(object, reference);
      if (owner === undefined) owners.dangling.push(reference);
      else (deletesDependents(owner) ? owners.waiting : owners.solid).push(reference);
    }
    return owners;
  }

  async #ownerOf(object: KubeObject, reference: OwnerReference): Promise<KubeObject | undefined> {
    const type = findKind(this.#resources, reference);
    if (type === undefined) throw new Error(`no kind ${reference.kind} in ${reference.apiVersion}`);
    const { namespace } = object.metadata;
    if (type.namespaced && namespace === undefined) throw new Error('a cluster-scoped object with a namespaced owner');
    try {
      const owner = await this.#cluster.client.get<KubeObject>(type, {
        name: reference.name,
        ...(type.namespaced && { namespace }),
      });
      return owner.metadata.uid === reference.uid ? owner : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #delete(type: Node['type'], object: KubeObject, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') {
    const { uid, resourceVersion } = object.metadata;
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    await this.#unlessGone(() =>
      this.#cluster.client.delete(type, object.metadata, { ...preconditions, propagationPolicy }),
    );
  }

  async #dropOwners(type: Node['type'], object: KubeObject, uids: readonly string[]): Promise<void> {
    const owners = ownersOf(object).filter(({ uid }) => !uids.includes(uid));
    const change = { path: ['metadata', 'ownerReferences'], value: owners.length === 0 ? undefined : owners };
    await this.#unlessGone(() => this.#cluster.change(type, object, [change]));
  }

  async #unblockOwners(type: Node['type'], object: KubeObject): Promise<KubeObject> {
    const value = ownersOf(object).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
    return this.#cluster.change(type, object, [{ path: ['metadata', 'ownerReferences'], value }]);
  }

  async #orphanDependents(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined || !orphansDependents(node.object)) return;
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const fresh = await this.#fresh(dependent);
      if (fresh !== undefined) await this.#dropOwners(dependent.type, fresh, [uid]);
    }
    const owner = await this.#fresh(node);
    if (owner !== undefined) await this.#removeFinalizer(node.type, owner, orphanFinalizer);
  }

  async #removeFinalizer(type: Node['type'], object: KubeObject, finalizer: string): Promise<void> {
    const left = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    const change = { path: ['metadata', 'finalizers'], value: left.length === 0 ? undefined : left };
    await this.#unlessGone(() => this.#cluster.change(type, object, [change]));
  }

  async #unlessGone(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const isServed = (definition: CustomResourceDefinition | undefined): boolean =>
  definition?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;

const uidOf = ({ object }: Node): string => object.metadata.uid ?? '';
