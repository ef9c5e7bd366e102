import { rmSync } from 'node:fs';
import { AMBIENT_MIGRATION, type AmbientMigration } from '../../src/api/ambient-migration.js';
import type { Clock } from '../../src/clock.js';
import { Client } from '../../src/kube/client.js';
import { findCondition } from '../../src/kube/conditions.js';
import type { Connection } from '../../src/kube/connection.js';
import {
  type Deployment,
  DEPLOYMENT,
  EVENT,
  type Event,
  POD,
  type Pod,
  STATEFUL_SET,
  type StatefulSet,
} from '../../src/kube/types.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { applyYaml } from '../../scripts/apply-yaml.js';
import { type AmbientWorkload, ambientWorkload } from './ambientz.js';
import type { AuditEntry } from './audit.js';
import { impersonating } from './impersonation.js';
import type { InProcessOperator } from './in-process-operator.js';
import type { Operator } from './operator.js';

/** Which programs a cluster is made of: the real ones, or the stand-ins of src/sandbox. */
export type ClusterKind = 'controlplane' | 'sandbox';

/** A part of a cluster that a test may take away. */
export interface Part {
  /** Ends it at once, as SIGKILL does. What it has stored stays. */
  kill(): Promise<void>;
  /** Starts it again, at the same address, and waits until it serves. */
  start(): Promise<void>;
}

/** How time passes for whoever waits. */
export interface Time extends Clock {
  /**
   * Waits until `look` finds what it looks for.
   *
   * @param look  returns the value when it is there, undefined (or throws) while it is not
   * @param options.timeoutMs  what an idle machine may take; default 30 000
   * @param options.everyMs  how often to look where time cannot be moved; default 50
   * @throws {Error} it is not there in time; names `what` and what was seen last
   */
  until<T>(
    what: string,
    look: () => Promise<T | undefined>,
    options?: { timeoutMs?: number; everyMs?: number },
  ): Promise<T>;
  /** Lets this much time pass, milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Lets time pass until `work` has ended; resolves or rejects as it does. */
  during<T>(what: string, work: Promise<T>): Promise<T>;
}

/** What makes a cluster: one implementation for the real control plane, one for the sandbox. */
export interface ClusterBackend {
  readonly kind: ClusterKind;
  /** Folder of kubeconfigs and logs. */
  readonly dir: string;
  /** Of the administrator. */
  readonly connection: Connection;
  readonly time: Time;
  readonly operator: Operator;
  readonly apiServer: Part;
  /** Control plane of the mesh, with its webhooks. */
  readonly istiod: Part;
  /** http URL of istiod's debug port. */
  readonly istiodUrl: string;
  /** Runs a real kubectl as the administrator; resolves with what it printed. */
  kubectl(args: readonly string[]): Promise<string>;
  /** Another operator against the same cluster; `name` is its identity. */
  secondOperator(name: string): Promise<Operator>;
  /** Every request to the API server so far, in the order in which they were answered. */
  audit(): AuditEntry[];
  /** Kills the operator as soon as the API server has carried out a request of its that is the moment; resolves then. */
  killOperatorAfter(moment: (entry: AuditEntry) => boolean): Promise<void>;
  /** Ends everything but the operators; `dir` stays. */
  stop(): Promise<void>;
}

/** One whose operator runs in this process, where each of its requests can be seen and disturbed. */
export interface InProcessBackend extends ClusterBackend {
  readonly operator: InProcessOperator;
  /** The embedded cluster, where it is one. */
  readonly sandbox?: Sandbox;
}

/** A cluster with the mesh and an operator that is not started yet, as end-to-end tests and the demo use it. */
export class Cluster {
  readonly #backend: ClusterBackend;
  /** A client of the administrator. */
  readonly client: Client;

  constructor(backend: ClusterBackend) {
    this.#backend = backend;
    this.client = new Client({ connection: backend.connection, clock: backend.time });
  }

  get kind(): ClusterKind {
    return this.#backend.kind;
  }

  get dir(): string {
    return this.#backend.dir;
  }

  get operator(): Operator {
    return this.#backend.operator;
  }

  get apiServer(): Part {
    return this.#backend.apiServer;
  }

  get istiod(): Part {
    return this.#backend.istiod;
  }

  get time(): Time {
    return this.#backend.time;
  }

  /** Another operator against the same cluster. */
  secondOperator(name: string): Promise<Operator> {
    return this.#backend.secondOperator(name);
  }

  /** Every request to the API server so far. */
  audit(): AuditEntry[] {
    return this.#backend.audit();
  }

  /** Kills the operator as soon as the API server has carried out a request of its that is the moment; resolves then. */
  killOperatorAfter(moment: (entry: AuditEntry) => boolean): Promise<void> {
    return this.#backend.killOperatorAfter(moment);
  }

  /** A client of somebody else. */
  clientAs(user: string): Client {
    const { connection, time } = this.#backend;
    return new Client({ connection: impersonating(connection, user), clock: time });
  }

  /** Applies YAML as a user would, who forces conflicts. */
  async apply(yaml: string): Promise<void> {
    const options = { client: this.client, fieldManager: 'sidestep-controlplane', clock: this.time };
    await this.time.during('apply', applyYaml(yaml, options));
  }

  /** Runs kubectl as the administrator; returns what it printed. */
  kubectl(...args: string[]): Promise<string> {
    return this.#backend.kubectl(args);
  }

  migration(namespace: string, name = namespace): Promise<AmbientMigration> {
    return this.client.get(AMBIENT_MIGRATION, { namespace, name });
  }

  /** Creates an AmbientMigration named as its namespace, or changes its spec. */
  async migrate(namespace: string, spec: object = {}, name = namespace): Promise<void> {
    await this.apply(
      JSON.stringify({
        apiVersion: 'sidestep.dev/v1alpha1',
        kind: 'AmbientMigration',
        metadata: { name, namespace },
        spec,
      }),
    );
  }

  /** Waits until `look` finds what it looks for; see {@link Time.until}. */
  until<T>(
    what: string,
    look: () => Promise<T | undefined>,
    options: { timeoutMs?: number; everyMs?: number } = {},
  ): Promise<T> {
    return this.time.until(what, look, options);
  }

  /** Waits for a condition of the current generation. */
  async condition(
    namespace: string,
    type: string,
    expected: { status?: 'True' | 'False'; reason?: string },
    options: { timeoutMs?: number; name?: string } = {},
  ): Promise<AmbientMigration> {
    let seen: unknown;
    const what = `${type} ${JSON.stringify(expected)} of ${namespace}`;
    const look = async (): Promise<AmbientMigration | undefined> => {
      const migration = await this.migration(namespace, options.name);
      const condition = findCondition(migration.status?.conditions ?? [], type);
      seen = { phase: migration.status?.phase, next: migration.status?.nextAction, condition };
      const current = condition?.observedGeneration === migration.metadata.generation;
      const matches = Object.entries(expected).every(
        ([key, value]) => condition?.[key as 'status' | 'reason'] === value,
      );
      return current && matches ? migration : undefined;
    };
    return this.until(what, look, { timeoutMs: options.timeoutMs ?? 60_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; seen: ${JSON.stringify(seen)}`);
    });
  }

  ready(
    namespace: string,
    reason: 'Migrated' | 'RolledBack',
    options: { timeoutMs?: number; name?: string } = {},
  ): Promise<AmbientMigration> {
    return this.condition(namespace, 'Ready', { status: 'True', reason }, options);
  }

  /** Pods that are not being deleted. */
  async pods(namespace: string): Promise<Pod[]> {
    const { items } = await this.client.list(POD, { namespace });
    return items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  }

  /** Waits until a namespace has this many ready pods and no others, and their workloads know it. */
  async podsReady(namespace: string, count: number, options: { timeoutMs?: number } = {}): Promise<Pod[]> {
    const look = async (): Promise<Pod[] | undefined> => {
      const pods = await this.pods(namespace);
      const ready = pods.filter((pod) =>
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
      const isAll = ready.length === count && pods.length === count;
      return isAll && (await this.#workloadsKnow(namespace)) ? pods : undefined;
    };
    return this.until(`${count} ready pods in ${namespace}`, look, options);
  }

  /** Whether the status of every workload says what its pods do: it follows a moment later. */
  async #workloadsKnow(namespace: string): Promise<boolean> {
    const deployments = await this.client.list<Deployment>(DEPLOYMENT, { namespace });
    const statefulSets = await this.client.list<StatefulSet>(STATEFUL_SET, { namespace });
    return [...deployments.items, ...statefulSets.items].every(
      ({ spec, status }) => (status?.availableReplicas ?? 0) === (spec?.replicas ?? 1),
    );
  }

  /** Waits for an Event about something in a namespace; returns its note. */
  eventNote(namespace: string, reason: string): Promise<string> {
    return this.until(`Event ${reason} in ${namespace}`, async () => {
      const { items } = await this.client.list<Event>(EVENT, { namespace });
      return items.find((event) => event.reason === reason)?.note;
    });
  }

  /** What istiod sends to ztunnel about a pod; waits a moment for it to be as it is in ambient mode. */
  async ambientWorkload(namespace: string, pod: string): Promise<AmbientWorkload | undefined> {
    const look = (): Promise<AmbientWorkload | undefined> => ambientWorkload(this.#backend.istiodUrl, namespace, pod);
    const settled = async (): Promise<AmbientWorkload | undefined> => {
      const found = await look();
      return found?.tunnelProtocol === 'HBONE' ? found : undefined;
    };
    return this.until('istiod sees the pod', settled, { timeoutMs: 10_000 }).catch(look);
  }

  /** @param keepLogs  leaves `dir` for people to look into, because something failed */
  async stop({ keepLogs = false }: { keepLogs?: boolean } = {}): Promise<void> {
    await this.operator.stop();
    this.client.close();
    await this.#backend.stop();
    if (!keepLogs) rmSync(this.dir, { recursive: true, force: true });
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    /** What the end-to-end tests of a project run on. */
    cluster: ClusterKind;
  }
}
