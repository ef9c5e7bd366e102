import { isRecord } from '../json.js';
import { type PathElement, compareElements, display } from './path-element.js';

/** A path to a field; empty for the object itself. */
export type FieldPath = readonly PathElement[];

/** `fieldsV1` of a managed fields entry: each key is a path element, `.` says that the field itself belongs to the set. */
export interface FieldsV1 {
  [element: string]: FieldsV1;
}

/**
 * A set of field paths. A field and what lies below it are different members. Operations return new sets and may share
 * parts with the old ones; {@link insert} is for sets under construction.
 *
 * Source of the rules: structured-merge-diff, fieldpath/set.go
 */
export class FieldSet {
  readonly #members: Set<PathElement>;
  readonly #children: Map<PathElement, FieldSet>;

  constructor(members: Iterable<PathElement> = [], children: Iterable<[PathElement, FieldSet]> = []) {
    this.#members = new Set(members);
    this.#children = new Map();
    for (const [element, child] of children) if (!child.empty) this.#children.set(element, child);
  }

  static of(...paths: FieldPath[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  /** @throws {Error} when it is no `fieldsV1` */
  static fromFieldsV1(fields: unknown): FieldSet {
    if (!isRecord(fields)) throw new Error('fieldsV1 is not an object');
    const set = new FieldSet();
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.') continue;
      if (!/^[fkvi]:/.test(element) || !isRecord(below)) throw new Error(`invalid path element ${element}`);
      const names = Object.keys(below);
      if (names.length === 0 || '.' in below) set.#members.add(element);
      const child = FieldSet.fromFieldsV1(below);
      if (!child.empty) set.#children.set(element, child);
    }
    return set;
  }

  toFieldsV1(): FieldsV1 {
    const fields: FieldsV1 = {};
    const elements = new Set([...this.#members, ...this.#children.keys()]);
    for (const element of [...elements].sort(compareElements)) {
      const child = this.#children.get(element);
      fields[element] = child ? { ...(this.#members.has(element) && { '.': {} }), ...child.toFieldsV1() } : {};
    }
    return fields;
  }

  get empty(): boolean {
    if (this.#members.size > 0) return false;
    for (const child of this.#children.values()) if (!child.empty) return false;
    return true;
  }

  /** Adds a path; the empty one is ignored. */
  insert(path: FieldPath): void {
    const last = path.at(-1);
    if (last === undefined) return;
    let set: FieldSet = this; // eslint-disable-line @typescript-eslint/no-this-alias -- walks down from here
    for (const element of path.slice(0, -1)) {
      let child = set.#children.get(element);
      if (!child) set.#children.set(element, (child = new FieldSet()));
      set = child;
    }
    set.#members.add(last);
  }

  /** Whether the element itself, directly below, belongs to the set. */
  has(element: PathElement): boolean {
    return this.#members.has(element);
  }

  /** What lies below an element; empty if nothing does. */
  below(element: PathElement): FieldSet {
    return this.#children.get(element) ?? nothing;
  }

  /** Elements directly below that belong to the set. */
  get members(): ReadonlySet<PathElement> {
    return this.#members;
  }

  /** Elements with something below them. */
  get parents(): Iterable<PathElement> {
    return this.#children.keys();
  }

  union(other: FieldSet): FieldSet {
    const children = new Map(this.#children);
    for (const [element, child] of other.#children) {
      const own = children.get(element);
      children.set(element, own ? own.union(child) : child);
    }
    return new FieldSet([...this.#members, ...other.#members], children);
  }

  intersection(other: FieldSet): FieldSet {
    const members = [...this.#members].filter((element) => other.#members.has(element));
    return new FieldSet(
      members,
      [...this.#children].map(([element, child]) => [element, child.intersection(other.below(element))]),
    );
  }

  /** Without the paths of the other set; what lies below them stays. */
  difference(other: FieldSet): FieldSet {
    return new FieldSet(
      [...this.#members].filter((element) => !other.#members.has(element)),
      [...this.#children].map(([element, child]) => [element, child.difference(other.below(element))]),
    );
  }

  /** Without the paths of the other set and all that lies below them. */
  without(other: FieldSet): FieldSet {
    return new FieldSet(
      [...this.#members].filter((element) => !other.#members.has(element)),
      [...this.#children]
        .filter(([element]) => !other.#members.has(element))
        .map(([element, child]) => [element, child.without(other.below(element))]),
    );
  }

  /** All paths, parents before what lies below them, sorted. */
  paths(): FieldPath[] {
    return [
      ...[...this.#members].sort(compareElements).map((element) => [element]),
      ...[...this.#children.keys()].sort(compareElements).flatMap((element) =>
        this.below(element)
          .paths()
          .map((path) => [element, ...path]),
      ),
    ];
  }
}

const nothing = new FieldSet();

/** How a path looks in messages: `.spec.containers[name="web"].image`. */
export function displayPath(path: FieldPath): string {
  return path.map(display).join('');
}
