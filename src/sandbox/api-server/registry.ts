import type { ServedResource } from './resource.js';

/** What the API serves now. Custom resources come and go. */
export class Registry {
  #resources: readonly ServedResource[] = [];
  readonly #byPath = new Map<string, ServedResource>();
  readonly #listeners = new Set<() => void>();

  /** Serves more. A resource of the same group, version and plural is replaced. */
  add(resources: readonly ServedResource[]): void {
    const paths = new Set(resources.map(pathOf));
    this.#resources = [...this.#resources.filter((resource) => !paths.has(pathOf(resource))), ...resources];
    for (const resource of resources) this.#byPath.set(pathOf(resource), resource);
    this.#changed();
  }

  /** Serves all versions of a resource no more. */
  remove(group: string, plural: string): void {
    const gone = this.#resources.filter((resource) => resource.group === group && resource.plural === plural);
    if (gone.length === 0) return;
    this.#resources = this.#resources.filter((resource) => !gone.includes(resource));
    for (const resource of gone) this.#byPath.delete(pathOf(resource));
    this.#changed();
  }

  /** What serves a plural in a version. */
  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(pathOf({ group, version, plural }));
  }

  /** What serves a plural, in the version that was registered first. */
  findAny(group: string, plural: string): ServedResource | undefined {
    return this.#resources.find((resource) => resource.group === group && resource.plural === plural);
  }

  /** What serves a plural, in all versions. */
  versionsOf(group: string, plural: string): readonly ServedResource[] {
    return this.#resources.filter((resource) => resource.group === group && resource.plural === plural);
  }

  /** Everything, in the order of registration. */
  all(): readonly ServedResource[] {
    return this.#resources;
  }

  /** Whether a path below the group is the API's: all versions of built-in groups, those that are served of others. */
  hasBuiltinGroup(group: string, version: string): boolean {
    return this.#resources.some(
      (resource) => resource.group === group && (!resource.custom || resource.version === version),
    );
  }

  /** Whether a kind is built in. */
  hasBuiltinKind(group: string, version: string, kind: string): boolean {
    return this.#resources.some(
      (resource) =>
        resource.group === group && resource.version === version && resource.kind === kind && !resource.custom,
    );
  }

  /** Calls back after each change. */
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function pathOf({ group, version, plural }: { group: string; version: string; plural: string }): string {
  return `${group}/${version}/${plural}`;
}
