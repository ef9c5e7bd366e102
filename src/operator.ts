import { AMBIENT_MIGRATION } from './api/ambient-migration.js';
import { FIELD_MANAGER } from './api/field-managers.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { goodbye } from './controllers/ambient-migration/goodbye.js';
import { controllers } from './controllers/index.js';
import { LEASE_NAME } from './controllers/rbac.js';
import { Client } from './kube/client.js';
import type { Connection } from './kube/connection.js';
import type { Logger } from './log.js';
import type { ControllerSpec } from './runtime/controller.js';
import { Metrics } from './runtime/metrics.js';
import { ManagedOperator, type ManagedOperatorOptions } from './runtime/operator.js';

/**
 * Sidestep as an `Operator` of `@dot-i/k8s-operator`, run by our engine. Its controllers are registered as such; the one
 * thing that only an event can tell, that an AmbientMigration was deleted, is watched in the package's own way.
 */
export class SidestepOperator extends ManagedOperator {
  readonly #controllers: readonly ControllerSpec[];

  constructor(options: ManagedOperatorOptions, controllers: readonly ControllerSpec[]) {
    super({ ...options, types: [AMBIENT_MIGRATION] });
    this.#controllers = controllers;
  }

  protected override async init(): Promise<void> {
    for (const controller of this.#controllers) this.registerController(controller);
    const { group, version, plural } = AMBIENT_MIGRATION;
    await this.watchResource(group, version, plural, async ({ type, object, meta }) => {
      if (type.toString() !== 'DELETED') return;
      const { apiVersion, kind, name, namespace } = meta;
      const uid = object.metadata?.uid;
      const metadata = { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
      const event = await goodbye({ apiVersion, kind, metadata }, this.client);
      if (event) this.events.emit(event);
    });
  }
}

/** The operator with what it runs on. */
export interface Assembly {
  readonly operator: SidestepOperator;
  /** To be closed when the operator has ended. */
  readonly client: Client;
  readonly metrics: Metrics;
}

/** Puts the operator together; nothing runs yet. */
export function assemble(options: {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Logger;
  /** Without `probes`, it serves none. */
  readonly config: Omit<Config, 'kubeconfig' | 'logLevel' | 'probes'> & Partial<Pick<Config, 'probes'>>;
}): Assembly {
  const { connection, clock, log, config } = options;
  const metrics = new Metrics();
  const onResponse = metrics.observeResponse.bind(metrics);
  const client = new Client({ connection, log, clock, userAgent: 'sidestep', onResponse });
  const { identity, istioNamespace, leaderElection, leaseNamespace, probes } = config;
  const managed = {
    client,
    clock,
    log,
    component: FIELD_MANAGER,
    identity,
    metrics,
    ...(probes && { probes }),
    ...(leaderElection && { leaderElection: { namespace: leaseNamespace, name: LEASE_NAME } }),
  };
  return { operator: new SidestepOperator(managed, controllers({ istioNamespace })), client, metrics };
}
