import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { uniqueName, type Answer, type Server, type Watch } from '../conformance/server.js';
import { isReady, type Any } from './any-object.js';
import { outcomeOf, type OutcomeOptions } from './outcome.js';

/** Where the kinds are that scenarios use. */
export const paths: Readonly<Record<string, string>> = {
  Pod: 'api/v1/pods',
  Service: 'api/v1/services',
  ConfigMap: 'api/v1/configmaps',
  ServiceAccount: 'api/v1/serviceaccounts',
  Endpoints: 'api/v1/endpoints',
  Event: 'api/v1/events',
  PersistentVolumeClaim: 'api/v1/persistentvolumeclaims',
  Namespace: 'api/v1/namespaces',
  Node: 'api/v1/nodes',
  Deployment: 'apis/apps/v1/deployments',
  ReplicaSet: 'apis/apps/v1/replicasets',
  StatefulSet: 'apis/apps/v1/statefulsets',
  DaemonSet: 'apis/apps/v1/daemonsets',
  ControllerRevision: 'apis/apps/v1/controllerrevisions',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  PodDisruptionBudget: 'apis/policy/v1/poddisruptionbudgets',
  EndpointSlice: 'apis/discovery.k8s.io/v1/endpointslices',
  HorizontalPodAutoscaler: 'apis/autoscaling/v2/horizontalpodautoscalers',
};

const clusterScoped = new Set(['Namespace', 'Node']);

/** How long a scenario waits for what controllers do, in milliseconds. */
const patienceMs = 25_000;

/** What equals the record has settled if it does not change for so many looks; anything else only after more of them. */
const quietLooks = 5;
const unexpectedQuietLooks = 100;
const lookMs = 60;

/** A namespace in which one scenario takes place. */
export class Stage {
  readonly #nodes: string[] = [];
  readonly #watches: Watch[] = [];

  private constructor(
    readonly server: Server,
    readonly namespace: string,
    readonly recorded: unknown,
  ) {}

  /** Makes a namespace with its default ServiceAccount. `recorded` is what the scenario's file says, if there is one. */
  static async open(server: Server, recorded?: unknown): Promise<Stage> {
    return new Stage(server, await server.namespace(), recorded);
  }

  /** Removes everything. */
  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    for (const node of this.#nodes) await this.server.delete(`/api/v1/nodes/${node}`);
    await this.server.delete(`/api/v1/namespaces/${this.namespace}`);
  }

  /** Creates objects in the namespace. */
  async create(...objects: Any[]): Promise<void> {
    for (const object of objects) ok(await this.server.post(this.#path(object.kind), object));
  }

  /** Applies a merge patch; returns the object. */
  async patch(kind: string, name: string, patch: object, subresource = ''): Promise<Any> {
    return ok(await this.server.patch('merge', this.#path(kind, name, subresource), patch)).body;
  }

  /** Changes the number of replicas. */
  scale(kind: string, name: string, replicas: number): Promise<Any> {
    return this.patch(kind, name, { spec: { replicas } });
  }

  /** Sets the image of the first container, `app`. */
  setImage(kind: string, name: string, image: string): Promise<Any> {
    return this.setTemplate(kind, name, { spec: { containers: [{ name: 'app', image }] } });
  }

  /** Merges something into the pod template. */
  setTemplate(kind: string, name: string, template: object): Promise<Any> {
    return this.patch(kind, name, { spec: { template } });
  }

  /** Deletes an object. */
  async delete(kind: string, name: string, propagationPolicy?: string): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(propagationPolicy && { propagationPolicy }) };
    ok(await this.server.request('DELETE', this.#path(kind, name), { body }));
  }

  /** The object, or undefined if there is none. */
  async get(kind: string, name: string): Promise<Any> {
    const answer = await this.server.get(this.#path(kind, name));
    return answer.status === 404 ? undefined : ok(answer).body;
  }

  /** All objects of a kind, by name. */
  async list(kind: string): Promise<Any[]> {
    const { body } = ok(await this.server.get(this.#path(kind)));
    const { apiVersion } = body;
    return body.items
      .map((item: Any) => ({ ...item, apiVersion, kind }))
      .sort((a: Any, b: Any) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** Waits until `holds`. */
  async until(what: string, holds: () => Promise<unknown>): Promise<void> {
    const giveUpAt = Date.now() + patienceMs;
    while (!(await holds())) {
      if (Date.now() > giveUpAt) throw new Error(`${what} did not come true; ${await this.#describe()}`);
      await sleep(lookMs);
    }
  }

  /** Waits until an object's status has these values. */
  async untilStatus(kind: string, name: string, status: object): Promise<void> {
    await this.until(`${kind} ${name} with ${JSON.stringify(status)}`, async () => {
      const object = await this.get(kind, name);
      return isWithin(status, object?.status) && isObserved(object);
    });
  }

  /** Waits until a condition has that status and reason. */
  async untilCondition(kind: string, name: string, type: string, reason: string): Promise<void> {
    await this.until(`${kind} ${name} with ${type} ${reason}`, async () => {
      const object = await this.get(kind, name);
      return object?.status?.conditions?.some((each: Any) => each.type === type && each.reason === reason);
    });
  }

  /** Waits until an Event with that reason is there. */
  async untilEvent(reason: string): Promise<void> {
    await this.until(`event ${reason}`, async () =>
      (await this.list('Event')).some((event) => event.reason === reason),
    );
  }

  /** Time for controllers to see what nothing shows that they have seen: each kind comes to them over a watch of its own. */
  lookAround(): Promise<void> {
    return sleep(2_000);
  }

  /** Waits until nothing changes any more, and returns what there is, without what differs from run to run. */
  async outcome(options: OutcomeOptions): Promise<object> {
    let last = '';
    let same = 0;
    await this.until('quiet', async () => {
      const now = JSON.stringify(await outcomeOf(this, options));
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= quietLooks && (same >= unexpectedQuietLooks || isPartOf(this.recorded, JSON.parse(now)));
    });
    return JSON.parse(last) as object;
  }

  /** Nodes of the scenario's own, on which nothing else runs, labelled `pool` with the namespace's name. */
  async addNodes(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, () => uniqueName('pool')).sort();
    for (const name of names) {
      const labels = { pool: this.namespace, 'kubernetes.io/hostname': name };
      const taints = [{ key: 'pool', value: this.namespace, effect: 'NoSchedule' }];
      const metadata = { name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } };
      this.#nodes.push(name);
      await this.create({ apiVersion: 'v1', kind: 'Node', metadata, spec: { taints } });
      await this.patch('Node', name, { status: { conditions: [{ type: 'Ready', status: 'True' }] } }, 'status');
    }
    await this.until('the nodes to be ready', async () => {
      const nodes = await Promise.all(names.map((name) => this.get('Node', name)));
      return nodes.every((node) => isReady(node) && node.spec.taints.length === 1);
    });
    return names;
  }

  /** Watches a kind in the namespace from now on; `before` is what there was. */
  async watch(kind: string): Promise<{ watch: Watch; before: Any[] }> {
    const { metadata, items } = ok(await this.server.get(this.#path(kind))).body;
    const watch = await this.server.watch(this.#path(kind), { resourceVersion: metadata.resourceVersion });
    this.#watches.push(watch);
    return { watch, before: items };
  }

  #path(kind: string, name?: string, subresource = ''): string {
    const path = paths[kind];
    if (path === undefined) throw new Error(`where is the kind ${kind}?`);
    const at = path.lastIndexOf('/');
    const scope = clusterScoped.has(kind) ? '' : `/namespaces/${this.namespace}`;
    return [`/${path.slice(0, at)}${scope}${path.slice(at)}`, name, subresource].filter(Boolean).join('/');
  }

  async #describe(): Promise<string> {
    const kinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Pod'];
    const lists = await Promise.all(kinds.map((kind) => this.list(kind)));
    const brief = ({ kind, metadata, spec, status }: Any): object => ({
      [`${kind} ${metadata.name}`]: {
        ...(metadata.deletionTimestamp && { deleting: metadata.finalizers ?? true }),
        ...(spec.replicas !== undefined && { replicas: spec.replicas }),
        status: kind === 'Pod' ? status.phase : status,
      },
    });
    const events = (await this.list('Event')).map(({ reason, message }) => `${reason}: ${message}`);
    return JSON.stringify([...lists.flat().map(brief), events.slice(-10)]);
  }
}

function isObserved(object: Any): boolean {
  const observed = object?.status?.observedGeneration;
  return observed === undefined || observed >= object.metadata.generation;
}

/** Whether a record says of these kinds what the outcome says: at its top, or in one of its parts. */
function isPartOf(recorded: unknown, outcome: object): boolean {
  if (typeof recorded !== 'object' || recorded === null) return false;
  const shared = Object.entries(outcome).filter(([kind]) => kind in recorded);
  if (shared.length > 0) return shared.every(([kind, shown]) => isDeepStrictEqual(shown, (recorded as Any)[kind]));
  return Object.values(recorded).some((part) => isPartOf(part, outcome));
}

function isWithin(wanted: object, status: Any): boolean {
  return Object.entries(wanted).every(([key, value]) => (status?.[key] ?? 0) === value);
}

function ok(answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(answer.text);
  return answer;
}
