import { AMBIENT_MIGRATION } from './api/ambient-migration.js';
import { goodbye } from './controllers/ambient-migration/goodbye.js';
import type { ControllerSpec } from './runtime/controller.js';
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
