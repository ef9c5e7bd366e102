import { isEqual } from '../json.js';
import type { Clock } from '../../../clock.js';
import type { Logger } from '../../../log.js';
import type { ClusterView, Commit } from '../storage/cluster-view.js';
import { customResources } from './custom-resource.js';
import { cleanupFinalizer } from './definition.js';
import { definitionStatus } from './definition-names.js';
import type { Definition } from './definition-object.js';
import { StatusError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import type { Operations } from '../operations.js';

const definitions = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };

/**
 * The part of the API server that lives off CustomResourceDefinitions: gives them their status, serves what they define,
 * and takes their objects along when they go. All of it happens a moment after the write, as in the real server.
 */
export class DefinitionController {
  /** Definitions that are being looked after; another change meanwhile is seen in the same turn. */
  readonly #scheduled = new Set<string>();

  constructor(
    private readonly parts: {
      readonly clock: Clock;
      readonly log: Logger;
      readonly cluster: ClusterView;
      readonly registry: Registry;
      readonly operations: Operations;
    },
  ) {}

  /** Starts to follow all changes. */
  start(): void {
    const storageKey = `${definitions.group}/${definitions.plural}`;
    this.parts.cluster.onCommit((commit) => {
      if (commit.storageKey === storageKey) this.#onDefinition(commit);
      else if (commit.type === 'DELETED') this.#onObjectGone(commit);
    });
  }

  #onDefinition({ type, object, previous }: Commit): void {
    const { registry } = this.parts;
    if (type === 'DELETED') {
      const { group, names } = specOf(object);
      registry.remove(group, names.plural);
      // Names that were taken may be free now.
      for (const other of this.parts.cluster.list(definitions)) this.#schedule(other.metadata.name);
      return;
    }
    if (isEstablished(object) && !servesTheSame(object, previous)) this.#serve(object);
    this.#schedule(object.metadata.name);
  }

  #serve(definition: ApiObject): void {
    const { registry } = this.parts;
    const { group, names } = specOf(definition);
    const resources = customResources(definition);
    const versions = new Set(resources.map(({ version }) => version));
    if (registry.versionsOf(group, names.plural).some(({ version }) => !versions.has(version))) {
      registry.remove(group, names.plural);
    }
    registry.add(resources);
  }

  #schedule(name: string): void {
    if (this.#scheduled.has(name)) return;
    this.#scheduled.add(name);
    this.parts.clock.schedule(0, () => {
      this.#scheduled.delete(name);
      this.#lookAfter(name).catch((error: unknown) => {
        this.parts.log.error({ err: error, definition: name }, 'definition not looked after');
      });
    });
  }

  async #lookAfter(name: string): Promise<void> {
    const { cluster, operations, clock } = this.parts;
    const definition = cluster.get(definitions, { name });
    if (!definition) return;
    const others = cluster.list(definitions).filter((other) => other.metadata.name !== name);
    const next = definitionStatus(definition, others, clock.now());
    if (!isEqual(next.status, definition.status)) {
      const resource = operations.find(definitions.group, definitions.plural)!;
      operations.update(resource, { name }, (object) => (object.status = next.status), { subresource: 'status' });
      return;
    }
    if (definition.metadata.deletionTimestamp !== undefined) await this.#takeAlong(definition);
  }

  /** Deletes the objects of a definition that is being deleted, then lets it go. */
  async #takeAlong(definition: ApiObject): Promise<void> {
    const { cluster, operations } = this.parts;
    const { name, finalizers } = definition.metadata;
    if (!finalizers?.includes(cleanupFinalizer)) return;
    const { group, names } = specOf(definition);
    const resource = operations.find(group, names.plural);
    for (const { metadata } of resource ? cluster.list({ group, plural: names.plural }) : []) {
      if (metadata.deletionTimestamp === undefined) await ignoreMissing(operations.delete(resource!, metadata, {}));
    }
    // Objects with finalizers of their own hold the definition; it is looked at again when they are gone.
    if (resource && cluster.list({ group, plural: names.plural }).length > 0) return;
    operations.update(operations.find(definitions.group, definitions.plural)!, { name }, ({ metadata }) => {
      metadata.finalizers = metadata.finalizers!.filter((finalizer) => finalizer !== cleanupFinalizer);
    });
  }

  #onObjectGone({ storageKey }: Commit): void {
    for (const { metadata, spec } of this.parts.cluster.list(definitions)) {
      if (metadata.deletionTimestamp === undefined) continue;
      const { group, names } = spec as Definition['spec'];
      if (this.parts.registry.findAny(group, names.plural)?.storageKey === storageKey) this.#schedule(metadata.name);
    }
  }
}

const specOf = (definition: ApiObject): Definition['spec'] => (definition as Definition).spec;

function isEstablished({ status }: ApiObject): boolean {
  const { conditions } = (status ?? {}) as { conditions?: ({ type: string; status: string } | null)[] | null };
  return (conditions ?? []).some((condition) => condition?.type === 'Established' && condition.status === 'True');
}

/** Whether what is served stays as it was: replacing it would end its watches. */
function servesTheSame(definition: ApiObject, previous: ApiObject | undefined): boolean {
  if (!previous || !isEstablished(previous)) return false;
  const accepted = ({ status }: ApiObject): unknown =>
    (status as { acceptedNames?: unknown } | undefined)?.acceptedNames;
  const deleted = ({ metadata }: ApiObject): boolean => metadata.deletionTimestamp !== undefined;
  return (
    isEqual(definition.spec, previous.spec) &&
    isEqual(accepted(definition), accepted(previous)) &&
    deleted(definition) === deleted(previous)
  );
}

async function ignoreMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
}
