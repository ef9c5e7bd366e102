import { placeOf, serviceAt } from '../../findings/hosts.js';
import { type PolicyObject, asRecord, asRecords, asStrings, objectName, stringAt } from '../../policy-object.js';
import type { Remark } from './remarks.js';
import { concernsMesh } from './parents.js';
import type { RouteScope } from './scope.js';
import { type RouteTranslation, virtualServiceRoutes } from './virtual-service-routes.js';

/** What becomes of the VirtualServices and subsets of a namespace. */
export interface NamespaceRoutes {
  /** Of a VirtualService or a DestinationRule with subsets; undefined: it routes nothing of the namespace. */
  translationOf(policy: PolicyObject): RouteTranslation | undefined;
  /** What all the translations need. */
  readonly objects: readonly PolicyObject[];
}

/** Kinds of objects that say anything about routes. There are many more pods. */
const LOOKED_AT = new Set(['Service', 'VirtualService', 'DestinationRule', 'HTTPRoute', 'GRPCRoute']);

/**
 * Translates all VirtualServices of a namespace. Its subsets become Services with the routes that name them; a DestinationRule has
 * no objects of its own.
 */
export function namespaceRoutes({ namespace, objects }: RouteScope): NamespaceRoutes {
  const scope = { namespace, objects: objects.filter(({ kind }) => LOOKED_AT.has(kind)) };
  const made = new Map<string, PolicyObject>();
  const translations = new Map<string, RouteTranslation>();
  const own = scope.objects.filter(({ kind, metadata }) => isRoute(kind) && metadata.namespace === scope.namespace);
  // In whatever order they were read: of two that clash, the same one is refused.
  for (const object of own.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (!concernsMesh(asRecord(object.spec))) continue;
    const translation = withoutClash(virtualServiceRoutes(object, scope), made);
    for (const one of translation.objects) made.set(keyOf(one), one);
    translations.set(object.metadata.name, translation);
  }
  const users = usersOfSubsets(scope);
  const ofVirtualService = (policy: PolicyObject): RouteTranslation | undefined => {
    const { name, namespace: home = '' } = policy.metadata;
    if (home === scope.namespace) return translations.get(name);
    const hosts = asStrings(asRecord(policy.spec)['hosts']);
    const isHere = hosts.some((host) => placeOf(host, home, scope.namespace) === 'here');
    return concernsMesh(asRecord(policy.spec)) && isHere ? virtualServiceRoutes(policy, scope) : undefined;
  };
  return {
    objects: [...made.values()],
    translationOf: (policy) => {
      if (isRoute(policy.kind)) return ofVirtualService(policy);
      if (policy.kind !== 'DestinationRule') return undefined;
      return { objects: [], refused: subsetsInUse(policy, namespace, users, ofVirtualService), leftOut: [] };
    },
  };
}

const isRoute = (kind: string): boolean => kind === 'VirtualService';
const keyOf = ({ kind, metadata }: PolicyObject): string => `${kind}/${metadata.namespace}/${metadata.name}`;

/** Subsets of two Services may come to one name. */
function withoutClash(translation: RouteTranslation, made: ReadonlyMap<string, PolicyObject>): RouteTranslation {
  const clash = translation.objects.find((object) => {
    const other = made.get(keyOf(object));
    return other !== undefined && JSON.stringify(other) !== JSON.stringify(object);
  });
  if (!clash) return translation;
  const message = `needs another ${clash.kind} ${clash.metadata.name} than other routes`;
  return { ...translation, objects: [], refused: [{ at: 'spec.http', message }] };
}

/** Subsets of a DestinationRule that a route goes on naming, for it is not translated. */
function subsetsInUse(
  rule: PolicyObject,
  namespace: string,
  users: ReadonlyMap<string, readonly PolicyObject[]>,
  translationOf: (virtualService: PolicyObject) => RouteTranslation | undefined,
): Remark[] {
  const host = stringAt(asRecord(rule.spec), 'host') ?? '';
  const service = serviceAt(host, rule.metadata.namespace ?? '', namespace);
  const subsets = asRecords(asRecord(rule.spec)['subsets']);
  if (!service || rule.metadata.namespace !== namespace)
    return subsets.map((_, index) => ({
      at: `spec.subsets[${index}]`,
      message: `${host || 'its host'} is no Service of the namespace of the DestinationRule`,
    }));
  return subsets.flatMap(({ name }, index) =>
    (users.get(`${service} ${String(name)}`) ?? [])
      .filter((user) => translationOf(user)?.refused.length !== 0)
      .map((user) => ({
        at: `spec.subsets[${index}]`,
        message: `${objectName(user, namespace)} names it, and has no translation`,
      })),
  );
}

/** By Service of the namespace and subset: the VirtualServices, of any namespace, that name it. */
function usersOfSubsets({ namespace, objects }: RouteScope): Map<string, PolicyObject[]> {
  const users = new Map<string, PolicyObject[]>();
  for (const user of objects.filter(({ kind, spec }) => isRoute(kind) && concernsMesh(asRecord(spec))))
    for (const key of new Set(namedSubsets(user.spec, user.metadata.namespace ?? '', namespace)))
      users.set(key, [...(users.get(key) ?? []), user]);
  return users;
}

/** `service subset` wherever a part of a VirtualService has a host of the namespace and a subset of it. */
export function namedSubsets(part: unknown, home: string, namespace: string): string[] {
  if (Array.isArray(part)) return part.flatMap((one) => namedSubsets(one, home, namespace));
  const fields = asRecord(part);
  const [host, subset] = [stringAt(fields, 'host'), stringAt(fields, 'subset')];
  if (host === undefined || subset === undefined)
    return Object.values(fields).flatMap((one) => namedSubsets(one, home, namespace));
  const service = serviceAt(host, home, namespace);
  return service === undefined ? [] : [`${service} ${subset}`];
}
