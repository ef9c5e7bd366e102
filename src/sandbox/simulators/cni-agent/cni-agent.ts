import type { Clock } from '../../../clock.js';
import type { Client, JsonPatchOperation } from '../../../kube/client.js';
import { isNotFound } from '../../../kube/errors.js';
import { guardedPatch } from '../../../kube/patch.js';
import { Reflector, type ReflectorHandler } from '../../../kube/reflector.js';
import { NAMESPACE, POD, type Namespace, type Pod } from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import { KeyedWork } from '../keyed-work.js';
import { enrolmentChange, isTerminal, redirectionAnnotation, shouldBeEnrolled } from './enrolment.js';

/** What a {@link CniAgent} is made from. */
export interface CniAgentOptions {
  client: Client;
  clock: Clock;
  log: Logger;
}

/** Pod condition of the kubelet: sandbox and network are there, containers may start. */
const sandboxCondition = 'PodReadyToStartContainers';

const agentFieldManager = 'istio-cni';
const kubeletFieldManager = 'kubelet';

/**
 * Stands in for Istio's CNI agent and its plugin, on all nodes at once, where pods do not really run.
 *
 * Two things happen, as in a real cluster. Before the containers of a scheduled pod start, the plugin reads pod and
 * namespace from the API server, not from a cache, and captures the pod if it is selected; only then does the kubelet
 * report that the sandbox is ready (condition `PodReadyToStartContainers`), which here is our task, too. And pods that
 * run already are captured or released in place when labels change. "Captured" is the annotation
 * `ambient.istio.io/redirection: enabled`, written through `pods/status` like the agent does.
 *
 * NOTE: while this agent is down no pod starts at all. In a real cluster only pods that are to be captured wait.
 */
export class CniAgent {
  readonly #options: CniAgentOptions;
  readonly #work: KeyedWork;
  readonly #namespaces = new Map<string, Namespace>();
  /** By namespace, then by name. */
  readonly #pods = new Map<string, Map<string, Pod>>();
  readonly #reflectors: [Reflector<Namespace>, Reflector<Pod>];

  constructor(options: CniAgentOptions) {
    const { client, clock, log } = options;
    this.#options = options;
    this.#work = new KeyedWork({ run: (key) => this.#reconcile(key), clock, log });
    this.#reflectors = [
      new Reflector({ client, clock, log, type: NAMESPACE, handler: this.#namespaceHandler() }),
      new Reflector({ client, clock, log, type: POD, handler: this.#podHandler(), transform: whatIsRead }),
    ];
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
    this.#work.stop();
  }

  /** Resolves when all namespaces and pods have been seen once. */
  async whenSynced(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.whenSynced()));
  }

  async #reconcile(key: string): Promise<void> {
    const pod = this.#podOf(key);
    if (pod?.spec.nodeName === undefined) return;
    if (hasSandbox(pod)) await this.#reconcileRunning(pod);
    else await this.#startSandbox(pod);
  }

  async #startSandbox(seen: Pod): Promise<void> {
    if (seen.metadata.deletionTimestamp !== undefined || isTerminal(seen)) return;
    const found = await this.#read(seen);
    if (found === undefined || hasSandbox(found.pod)) return;
    if (shouldBeEnrolled(found.pod, found.namespace.metadata.labels)) {
      await this.#annotate(found.pod, 'enabled');
    }
    await this.#reportSandbox(found.pod);
  }

  async #reconcileRunning(pod: Pod): Promise<void> {
    const namespace = this.#namespaces.get(pod.metadata.namespace ?? '');
    // Pods and namespaces come by two watches; the namespace's own event asks again.
    if (namespace === undefined) return;
    const change = enrolmentChange(pod, namespace.metadata.labels);
    if (change !== 'none') await this.#annotate(pod, change === 'enrol' ? 'enabled' : undefined);
  }

  /** Pod and namespace as the API server has them now; undefined when either is gone, or the name is another pod's by now. */
  async #read(seen: Pod): Promise<{ pod: Pod; namespace: Namespace } | undefined> {
    const { namespace = '', name, uid } = seen.metadata;
    try {
      const [pod, owner] = await Promise.all([
        this.#options.client.get<Pod>(POD, { namespace, name }),
        this.#options.client.get<Namespace>(NAMESPACE, { name: namespace }),
      ]);
      return pod.metadata.uid === uid ? { pod, namespace: owner } : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #annotate(pod: Pod, value: 'enabled' | undefined): Promise<void> {
    const { namespace, name } = pod.metadata;
    const change = { path: ['metadata', 'annotations', redirectionAnnotation], value };
    const operations: JsonPatchOperation[] = guardedPatch(pod, [change]);
    if (operations.length === 0) return;
    const options = { fieldManager: agentFieldManager, subresource: 'status' };
    await this.#unlessGone(() => this.#options.client.jsonPatch(POD, { namespace, name }, operations, options));
    this.#options.log.info({ pod: `${namespace}/${name}`, redirection: value ?? 'removed' }, 'pod annotated');
  }

  async #reportSandbox(pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const lastTransitionTime = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const status = { conditions: [{ type: sandboxCondition, status: 'True', lastTransitionTime }] };
    // The uid keeps this from a pod that took the name of the one we looked at.
    const metadata = { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata, status };
    const options = { fieldManager: kubeletFieldManager, force: true, subresource: 'status' };
    await this.#unlessGone(() => this.#options.client.apply(POD, object, options));
  }

  async #unlessGone(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #podOf(key: string): Pod | undefined {
    const [namespace = '', name = ''] = key.split('/');
    return this.#pods.get(namespace)?.get(name);
  }

  #podHandler(): ReflectorHandler<Pod> {
    const upsert = (pod: Pod): void => {
      const { namespace = '', name } = pod.metadata;
      const pods = this.#pods.get(namespace) ?? new Map<string, Pod>();
      this.#pods.set(namespace, pods.set(name, pod));
      this.#work.add(`${namespace}/${name}`);
    };
    return {
      upsert,
      replace: (pods) => {
        this.#pods.clear();
        for (const pod of pods) upsert(pod);
      },
      remove: ({ metadata: { namespace = '', name } }) => {
        const pods = this.#pods.get(namespace);
        pods?.delete(name);
        if (pods?.size === 0) this.#pods.delete(namespace);
      },
    };
  }

  #namespaceHandler(): ReflectorHandler<Namespace> {
    const upsert = (namespace: Namespace): void => {
      const { name } = namespace.metadata;
      this.#namespaces.set(name, namespace);
      for (const pod of this.#pods.get(name)?.keys() ?? []) this.#work.add(`${name}/${pod}`);
    };
    return {
      upsert,
      replace: (namespaces) => {
        this.#namespaces.clear();
        for (const namespace of namespaces) upsert(namespace);
      },
      remove: ({ metadata: { name } }) => void this.#namespaces.delete(name),
    };
  }
}

function hasSandbox(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === sandboxCondition && status === 'True') ?? false;
}

/** The fields that this file reads; pods are large, and a cluster has many. */
function whatIsRead({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels, annotations, deletionTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: withoutUndefined({ name, namespace, uid, resourceVersion, labels, annotations, deletionTimestamp }),
    spec: withoutUndefined({ containers: [], nodeName: spec.nodeName, hostNetwork: spec.hostNetwork }),
    status: withoutUndefined({
      phase: status?.phase,
      podIP: status?.podIP,
      podIPs: status?.podIPs,
      conditions: status?.conditions?.filter(({ type }) => type === sandboxCondition),
    }),
  };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
