/** Metadata of a Kubernetes object, the fields that a controller reads. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  /** Opaque; only the server and watches compare it. */
  resourceVersion?: string;
  /** Raised by the server when `spec` changes; some kinds (Namespace, ServiceAccount, ConfigMap) have none. */
  generation?: number;
  /** RFC 3339, as all times in this client: strings are never turned into `Date`. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  /** Dropped from all answers unless a call asks for it (`managedFields: true`). */
  managedFields?: unknown[];
}

/** Names the object that owns another; the garbage collector deletes by it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** What every object has. Objects are plain JSON, exactly as the server sent them. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

interface Named {
  readonly metadata: Pick<ObjectMeta, 'name'>;
}

/** Orders objects of one kind and namespace as the API server lists them. A store has them in the order in which they came. */
export function byName(a: Named, b: Named): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** A kind as the API serves it. `T` is the shape of its objects. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** API group; empty for the core group. */
  group: string;
  version: string;
  /** Name in URLs, lower case, such as `deployments`. */
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Carries `T` for the compiler; never set. */
  readonly __object?: T;
}

/** A kind whose objects are in namespaces. */
export function namespaced<T extends KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
): ResourceType<T> {
  return { group, version, plural, kind, namespaced: true };
}

/** A kind whose objects are in no namespace. */
export function clusterScoped<T extends KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
): ResourceType<T> {
  return { group, version, plural, kind, namespaced: false };
}

/** Names one object of a known kind. */
export interface ObjectRef {
  namespace?: string | undefined;
  name: string;
}

/** `v1` or `apps/v1`: the `apiVersion` of the kind's objects. */
export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** `deployments.apps`, or `pods` for the core group: how RBAC, CRDs and messages call the kind. */
export function resourceName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** API groups that every API server serves by itself, in their stable versions. Groups of CRDs may end in `.k8s.io` as well. */
const BUILT_IN_GROUPS: ReadonlySet<string> = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/**
 * Whether every API server serves the kind, so that a 404 for its collection is not the server's word. Alpha and beta
 * versions may be switched off.
 */
export function isBuiltIn({ group, version }: Pick<ResourceType, 'group' | 'version'>): boolean {
  return BUILT_IN_GROUPS.has(group) && /^v\d+$/.test(version);
}

/**
 * URL path of an object, a subresource or a collection. Without `namespace` the collection of a namespaced kind spans all
 * namespaces; for a cluster-scoped kind `namespace` is ignored.
 *
 * @throws {TypeError} a namespaced object is named without its namespace
 */
export function pathOf(
  type: ResourceType,
  at: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {},
): string {
  const segments = type.group === '' ? ['api', type.version] : ['apis', type.group, type.version];
  if (type.namespaced && at.namespace) segments.push('namespaces', at.namespace);
  else if (type.namespaced && at.name !== undefined) {
    throw new TypeError(`${type.kind} ${at.name} is namespaced, and no namespace was given`);
  }
  segments.push(type.plural);
  if (at.name !== undefined) segments.push(at.name);
  if (at.subresource !== undefined) segments.push(at.subresource);
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

/** `namespace/name`, or `name` for a cluster-scoped object: for logs and messages. */
export function describeRef(ref: ObjectRef): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}
