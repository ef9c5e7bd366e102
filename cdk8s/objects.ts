import { ApiObject, App, Chart } from 'cdk8s';
import type { Construct } from 'constructs';

/** A Kubernetes object as plain JSON, ready to be applied. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
  };
  [field: string]: unknown;
}

/** One of the typed classes `k8s.Kube*` of cdk8s-plus-28. */
type TypedKind<Props> = new (scope: Construct, id: string, props: Props) => ApiObject;

interface NamedProps {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/**
 * Collects the objects of one rendering. Every object has an explicit name: cdk8s would derive one from the path of the
 * construct, and renaming a construct would orphan the object.
 */
export class Objects {
  // One App for one rendering: a long-lived one keeps every chart, and becomes slower with each.
  readonly #chart = new Chart(new App(), 'objects', { disableResourceNameHashes: true });
  readonly #given: { readonly construct: ApiObject; readonly props: unknown }[] = [];

  /** Adds an object of a core kind, as cdk8s-plus-28 knows it (Kubernetes 1.28). */
  add<Props extends NamedProps>(kind: TypedKind<Props>, props: Props): this {
    const { name, namespace = '' } = props.metadata ?? {};
    if (name === undefined) throw new Error(`an object of ${kind.name} has no name`);
    this.#given.push({ construct: new kind(this.#chart, [kind.name, namespace, name].join('.'), props), props });
    return this;
  }

  /** Adds an object of any kind, for what is newer than Kubernetes 1.28 or not core. */
  addPlain(manifest: Manifest): this {
    const { kind, metadata } = manifest;
    const construct = new ApiObject(this.#chart, [kind, metadata.namespace ?? '', metadata.name].join('.'), manifest);
    this.#given.push({ construct, props: manifest });
    return this;
  }

  /**
   * The objects as JSON, in the order in which they were added, keys sorted: equal input gives equal text.
   *
   * @throws {Error} if cdk8s has lost a field: its typed classes drop without a word what Kubernetes 1.28 did not know
   */
  render(): Manifest[] {
    for (const { construct, props } of this.#given) {
      const lost = lostFields(props, construct.toJson());
      if (lost.length > 0)
        throw new Error(`${construct.kind} ${construct.name} lost ${lost.join(', ')} when it was rendered`);
    }
    return this.#chart.toJson() as Manifest[];
  }
}

/**
 * Paths of the values in `given` that `rendered` does not have.
 *
 * @see cdk8s-team/cdk8s-core issue 72: fields that a typed class does not know vanish
 */
export function lostFields(given: unknown, rendered: unknown): string[] {
  const found = new Map(leaves(rendered));
  return leaves(given)
    .filter(([path, value]) => found.get(path) !== value)
    .map(([path]) => path);
}

/** Every value with its path. Paths are in lower case, because typed classes spell some names differently (`clusterIp`). */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object') return [[path.toLowerCase(), value]];
  // `IntOrString` and `Quantity` of the typed classes wrap the value that is rendered.
  if (!Array.isArray(value) && value.constructor !== Object && 'value' in value) return leaves(value.value, path);
  return Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
}
