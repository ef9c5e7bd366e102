import { isNotFound } from '../../../../kube/errors.js';
import type { KubeObject } from '../../../../kube/resource.js';
import { NAMESPACE, POD, type Namespace, type Pod } from '../../../../kube/types.js';
import { discover, supports, type ApiResource } from '../api-resources.js';
import { fieldManager, serverMessage, type Cluster } from '../cluster.js';
import { ControlLoop, type Controller, type ControllerOptions } from '../control-loop.js';
import type { WorkloadCondition } from '../kinds.js';
import { deletionConditions, type Remainder } from './conditions.js';

/** What holds a namespace until its content is gone; in its spec, not in its metadata. */
const finalizer = 'kubernetes';

/** How long to wait before looking again whether the content is gone; the real controller waits for up to 16 s. */
const againMs = 1_000;

/** Empties namespaces that are being deleted, pods first, and lets them go. Rules: kubernetes/pkg/controller/namespace. */
export class NamespaceController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const namespaces = cluster.informer(NAMESPACE);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'namespace', [namespaces, pods], (name) => this.#sync(name));
    this.loops = [this.#loop];
    namespaces.onChange(({ object }) => {
      if (object.metadata.deletionTimestamp !== undefined) this.#loop.add(object.metadata.name);
    });
    pods.onChange(({ object, gone }) => {
      if (gone) this.#addIfDeleted(object);
    });
  }

  /** The rest of a namespace goes when its last pod is gone. */
  #addIfDeleted({ metadata: { namespace = '' } }: Pod): void {
    const found = this.#cluster.informer(NAMESPACE).get({ name: namespace });
    const pods = this.#cluster.informer(POD).list(namespace);
    if (found?.metadata.deletionTimestamp !== undefined && pods.length === 0) this.#loop.add(namespace);
  }

  async #sync(name: string): Promise<void> {
    let namespace: Namespace;
    try {
      namespace = await this.#cluster.client.get<Namespace>(NAMESPACE, { name });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (namespace.metadata.deletionTimestamp === undefined || !namespace.spec?.finalizers?.includes(finalizer)) return;
    const { remainders, failures, podsRemain } = await this.#deleteContent(name);
    const { conditions: before = [] } = (namespace.status ?? {}) as { conditions?: WorkloadCondition[] };
    // While pods remain, nothing else has been looked at.
    const told = podsRemain ? [] : remainders;
    const conditions = deletionConditions(before, told, failures, this.#cluster.now());
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    const current = await this.#cluster.setStatus(NAMESPACE, namespace, status);
    if (failures.length > 0) throw new Error(failures.join(', '));
    if (remainders.length === 0) return this.#finalize(current);
    this.#loop.addAfter(name, againMs);
  }

  async #deleteContent(
    namespace: string,
  ): Promise<{ remainders: Remainder[]; failures: string[]; podsRemain: boolean }> {
    const resources = (await discover(this.#cluster.client)).filter(
      (resource) => resource.namespaced && supports(resource, 'delete', 'list'),
    );
    const pods = resources.filter(({ group, plural }) => group === '' && plural === 'pods');
    const others = resources.filter((resource) => !pods.includes(resource));
    const failures: string[] = [];
    const first = await this.#deleteAll(pods, namespace, failures);
    if (first.length > 0) return { remainders: first, failures, podsRemain: true };
    return { remainders: await this.#deleteAll(others, namespace, failures), failures, podsRemain: false };
  }

  async #deleteAll(resources: readonly ApiResource[], namespace: string, failures: string[]): Promise<Remainder[]> {
    const remainders: Remainder[] = [];
    for (const resource of resources) {
      try {
        const left = await this.#deleteCollection(resource, namespace);
        if (left.length > 0) remainders.push(remainderOf(resource, left));
      } catch (error) {
        failures.push(serverMessage(error));
      }
    }
    return remainders;
  }

  /** Asks every object of the kind to go; returns those that have not gone. */
  async #deleteCollection(type: ApiResource, namespace: string): Promise<KubeObject[]> {
    const { items } = await this.#cluster.client.list<KubeObject>(type, { namespace });
    for (const object of items) {
      if (object.metadata.deletionTimestamp !== undefined) continue;
      try {
        const options = { propagationPolicy: 'Background' } as const;
        await this.#cluster.client.delete(type, object.metadata, options);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    if (items.length === 0) return [];
    const left = await this.#cluster.client.list<KubeObject>(type, { namespace });
    return left.items;
  }

  async #finalize(namespace: Namespace): Promise<void> {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((each) => each !== finalizer);
    const finalized = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await this.#cluster.client.replace(NAMESPACE, finalized, { fieldManager, subresource: 'finalize' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function remainderOf({ plural, group }: ApiResource, objects: readonly KubeObject[]): Remainder {
  const finalizers: Record<string, number> = {};
  for (const name of objects.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
    finalizers[name] = (finalizers[name] ?? 0) + 1;
  }
  return { resource: `${plural}.${group}`, count: objects.length, finalizers };
}
