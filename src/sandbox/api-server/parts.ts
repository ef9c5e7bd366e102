import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { AdmissionAttributes, AdmissionChain } from './admission/admission-chain.js';
import type { Authorizer } from './auth/auth-interfaces.js';
import type { ClusterView } from './storage/cluster-view.js';
import type { ApiObject } from './object.js';
import type { RandomNames } from './random.js';
import { type MergedKind, mergedKind } from './merge/merged-kind.js';
import type { Registry } from './registry.js';
import type { ServedResource, User, WriteContext } from './resource.js';
import type { Storage } from './storage/storage.js';
import type { Kind, Projection, Subresources } from './subresource.js';

/** What the handlers share. */
export interface Parts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly storage: Storage;
  readonly registry: Registry;
  readonly view: ClusterView;
  readonly names: RandomNames;
  /** What is going to be stored once admission has validated it, with its storage keys: what it has been given is its own. */
  readonly arriving: Map<ApiObject, string>;
  readonly admission: Pick<AdmissionChain, 'mutate' | 'validate'>;
  readonly authorizer: Authorizer;
  readonly subresources: Subresources;
}

/** A write, without the object itself. */
export interface Write {
  readonly resource: ServedResource;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Of the body: the resource's, or that of a subresource with a form of its own. */
  readonly kind: Kind;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  /** Empty for a create. */
  readonly name: string;
  readonly user: User;
  readonly dryRun: boolean;
  /** Options of the request, for admission; without kind. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Field manager: the parameter, or what the user agent says. */
  readonly manager: string;
  /** A subresource with a form of its own: admission sees that form. */
  readonly projection?: Projection;
  /** The deletion of a collection names no object to admission. */
  readonly collection?: boolean;
  /** Actions of subresources have passed admission already. */
  readonly skipAdmission?: boolean;
  warn(message: string): void;
}

/** What field ownership must know about the kind that is written. */
export function mergedKindOf({ registry }: Parts, { resource, subresource }: Write): MergedKind {
  return mergedKind(resource, subresource, registry.versionsOf(resource.group, resource.plural));
}

/** What strategies may know during a write. */
export function writeContext({ view, clock, arriving }: Parts, write: Write): WriteContext {
  return {
    user: write.user,
    now: clock.now(),
    dryRun: write.dryRun,
    subresource: write.subresource,
    cluster: view,
    arriving: () => [...arriving].flatMap(([object, key]) => (key === write.resource.storageKey ? [object] : [])),
  };
}

const optionsKind = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: undefined };

/** What admission is told about a write. */
export function admissionAttributes(
  { clock }: Parts,
  write: Write,
  operation: AdmissionAttributes['operation'],
  objects: { object?: ApiObject; oldObject?: ApiObject },
): AdmissionAttributes {
  const { resource, subresource, kind, namespace, user, dryRun, options } = write;
  // A namespace is in itself, for admission; a new one by the name that it is going to have.
  const isNamespace = resource.group === '' && resource.plural === 'namespaces';
  const name = write.name || (objects.object?.metadata.name ?? '');
  const within = isNamespace ? name : namespace;
  const named = write.collection ? '' : name;
  return {
    operation,
    resource,
    subresource,
    kind,
    ...(within !== '' && { namespace: within }),
    name: named,
    ...objects,
    user,
    dryRun,
    options: { kind: optionsKind[operation], apiVersion: 'meta.k8s.io/v1', ...options },
    now: clock.now(),
    warn: (message) => write.warn(message),
  };
}
