import { resourceName, type KubeObject, type ResourceType } from '../kube/resource.js';
import { AbsentKinds } from './absent-kinds.js';
import { Informer, type InformerOptions } from './informer.js';
import type { Store } from './store.js';
import type { Scope, Stores } from './stores.js';
import type { WatchSpec } from './watch.js';

/**
 * All informers of a manager: one for each kind and scope, however many controllers watch it. Every one runs until the
 * manager stops, whatever happens to its kind.
 */
export class Informers implements Stores {
  readonly #options: InformerOptions;
  readonly #byScope = new Map<string, Informer>();
  /** `plural.group` → the informers of its scopes; mappings look stores up for every object at start. */
  readonly #byKind = new Map<string, Informer[]>();
  readonly #absentKinds: AbsentKinds;

  constructor(options: InformerOptions) {
    this.#options = options;
    this.#absentKinds = new AbsentKinds(options);
  }

  /**
   * The informer of a watch, made if it is the first of its scope.
   *
   * @throws {Error} it contradicts another watch of the same scope; see `Informer.extend`
   */
  declare(spec: WatchSpec): Informer {
    const scope = scopeKey(spec.type, spec);
    const held = this.#byScope.get(scope);
    if (held) {
      held.extend(spec);
      return held;
    }
    const informer = new Informer(spec, this.#options);
    this.#absentKinds.add(informer);
    this.#byScope.set(scope, informer);
    this.#byKind.set(informer.kind, [...(this.#byKind.get(informer.kind) ?? []), informer]);
    return informer;
  }

  of<T extends KubeObject>(type: ResourceType<T>, scope?: Scope): Store<T> {
    const scoped = scope && this.#byScope.get(scopeKey(type, scope));
    const [first, second] = scope ? [scoped] : (this.#byKind.get(resourceName(type)) ?? []);
    if (!first) throw new Error(`no controller declares a watch of ${resourceName(type)}, so it cannot be read`);
    if (second)
      throw new Error(
        `${resourceName(type)} is watched in several scopes, so the type does not say which store is meant`,
      );
    // The phantom type of the informer was widened when the watch was declared; the kind is the same.
    return first as unknown as Store<T>;
  }

  get all(): readonly Informer[] {
    return [...this.#byScope.values()];
  }

  /** `plural.group` of those whose first list is not in. */
  get unsynced(): readonly string[] {
    return this.all.filter((informer) => !informer.synced).map((informer) => informer.kind);
  }

  /**
   * Runs all informers until `signal` is aborted.
   *
   * @throws what no informer should: one of them ended although nobody stopped it
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all.map((informer) => informer.run(signal)), this.#absentKinds.run(signal)]);
    if (!signal.aborted) throw new Error('a watch ended although nobody stopped it');
  }

  /** Resolves when every first list is in. */
  async whenSynced(): Promise<void> {
    await Promise.all(this.all.map((informer) => informer.whenSynced()));
  }
}

function scopeKey(type: ResourceType, { namespace = '', labelSelector = '' }: Scope): string {
  return [type.version, resourceName(type), namespace, labelSelector].join(' ');
}
