/** Labels of a pod or of a pod template. */
export type Labels = Readonly<Record<string, string>>;

/**
 * An Istio, Gateway API or Kubernetes object as policy analysis reads it. Its `spec` is read field by field with the
 * functions below: a field that a newer CRD brings is seen, and not dropped by a parser.
 */
export interface PolicyObject {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly labels?: Labels | undefined;
    readonly annotations?: Labels | undefined;
    readonly creationTimestamp?: string | undefined;
  };
  readonly spec?: unknown;
}

/** A map, or an empty one for anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** The maps in a list; an empty list for anything else. */
export function asRecords(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : [];
}

/** The strings in a list; an empty list for anything else. */
export function asStrings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}

/** A string field, or undefined. */
export function stringAt(record: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = record[field];
  return typeof value === 'string' ? value : undefined;
}

/** Whether `matchLabels` selects a pod with these labels (Istio's selectors have no expressions). */
export function selects(matchLabels: Readonly<Record<string, unknown>>, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

/** `Kind/name` in the namespace at hand, `Kind/namespace/name` elsewhere: the form of `spec.acknowledge[].object`. */
export function objectName(object: PolicyObject, namespace: string): string {
  const { name, namespace: own } = object.metadata;
  return own === undefined || own === namespace ? `${object.kind}/${name}` : `${object.kind}/${own}/${name}`;
}
