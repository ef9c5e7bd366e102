import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AMBIENT_MIGRATION, type AmbientMigration } from '../../src/api/ambient-migration.js';
import { Client } from '../../src/kube/client.js';
import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { findCondition } from '../../src/kube/conditions.js';
import { EVENT, type Event, POD, type Pod } from '../../src/kube/types.js';
import { type ControlPlane, startControlPlane } from '../controlplane/control-plane.js';
import { apply, kubectl } from '../controlplane/kubectl.js';
import { type AuditEntry, readAudit } from './audit.js';
import { OperatorProcess } from './operator.js';
import { until } from './until.js';

/** The real control plane with an operator beside it, as end-to-end tests and the demo use it. */
export class Cluster {
  readonly controlPlane: ControlPlane;
  readonly operator: OperatorProcess;
  /** A client of the administrator. */
  readonly client: Client;

  private constructor(controlPlane: ControlPlane, operator: OperatorProcess) {
    this.controlPlane = controlPlane;
    this.operator = operator;
    this.client = new Client({ connection: connectionFromKubeConfig({ kubeconfig: controlPlane.kubeconfig }) });
  }

  /** Starts the control plane; the operator is created, and started by whoever wants it. */
  static async start(options: { dir?: string; log?: (line: string) => void } = {}): Promise<Cluster> {
    const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'sidestep-'));
    const controlPlane = await startControlPlane({ dir, ...(options.log && { log: options.log }) });
    const operator = await OperatorProcess.create({ dir, kubeconfig: controlPlane.operatorKubeconfig });
    return new Cluster(controlPlane, operator);
  }

  /** Another operator against the same cluster. */
  secondOperator(name: string): Promise<OperatorProcess> {
    return OperatorProcess.create({
      dir: this.controlPlane.dir,
      kubeconfig: this.controlPlane.operatorKubeconfig,
      name,
    });
  }

  /** Applies YAML as a user would. */
  apply(yaml: string): Promise<void> {
    return apply(this.#target, yaml);
  }

  /** Applies YAML as somebody else. */
  applyAs(user: string, yaml: string, ...flags: string[]): Promise<string> {
    return kubectl(this.#target, ['apply', '--server-side', '-f', '-', `--as=${user}`, ...flags], yaml);
  }

  /** Creates an object as somebody else. */
  createAs(user: string, json: string, ...flags: string[]): Promise<string> {
    return kubectl(this.#target, ['create', '-f', '-', `--as=${user}`, ...flags], json);
  }

  /** Runs kubectl as the administrator; returns what it printed. */
  kubectl(...args: string[]): Promise<string> {
    return kubectl(this.#target, args);
  }

  get #target(): { kubectl: string; kubeconfig: string } {
    return { kubectl: this.controlPlane.kubectl, kubeconfig: this.controlPlane.kubeconfig };
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
    return until(what, look, { timeoutMs: options.timeoutMs ?? 60_000 }).catch((error: unknown) => {
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

  /** Waits until a namespace has this many ready pods and no others. */
  async podsReady(namespace: string, count: number): Promise<Pod[]> {
    return until(`${count} ready pods in ${namespace}`, async () => {
      const pods = await this.pods(namespace);
      const ready = pods.filter((pod) =>
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
      return ready.length === count && pods.length === count ? pods : undefined;
    });
  }

  /** Waits for an Event about something in a namespace; returns its note. */
  eventNote(namespace: string, reason: string): Promise<string> {
    return until(`Event ${reason} in ${namespace}`, async () => {
      const { items } = await this.client.list<Event>(EVENT, { namespace });
      return items.find((event) => event.reason === reason)?.note;
    });
  }

  /** Every request to the API server so far. */
  audit(): AuditEntry[] {
    return readAudit(this.controlPlane.auditLog);
  }

  /** @param keepLogs  leaves `controlPlane.dir` for people to look into, because something failed */
  async stop({ keepLogs = false }: { keepLogs?: boolean } = {}): Promise<void> {
    this.client.close();
    await this.operator.stop();
    await this.controlPlane.stop();
    if (!keepLogs) rmSync(this.controlPlane.dir, { recursive: true, force: true });
  }
}
