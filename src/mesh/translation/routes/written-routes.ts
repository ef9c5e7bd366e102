import { LABEL } from '../../../api/labels.js';
import { serviceAt } from '../../findings/hosts.js';
import { hasTargetRefs } from '../../findings/scope.js';
import { type PolicyObject, asRecord, asRecords, asStrings, objectName, stringAt } from '../../policy-object.js';
import { targetsOf } from '../../waypoint-needs.js';
import { namedSubsets, namespaceRoutes } from './namespace-routes.js';
import type { Remark } from './remarks.js';
import type { RouteScope } from './scope.js';
import type { RouteTranslation } from './virtual-service-routes.js';

/** What a migration writes so that the waypoint does what VirtualServices of the namespace ask of sidecars. */
export interface WrittenRoutes {
  /** HTTPRoutes, and the Services and DestinationRules that stand for subsets; each with the VirtualService that asks for it. */
  readonly written: readonly { readonly object: PolicyObject; readonly source: PolicyObject }[];
  /** VirtualServices for callers in the mesh for which nothing is written, and why. */
  readonly refused: ReadonlyMap<PolicyObject, Remark>;
  /** Whether HTTPRoutes say all that a VirtualService does. */
  says(virtualService: PolicyObject): boolean;
  /** Whether Services stand for the subsets of a DestinationRule wherever a route names one. */
  saysSubsets(rule: PolicyObject): boolean;
}

/**
 * The routes that a migration of a namespace writes. Stricter than {@link namespaceRoutes}, whose objects a person reads before they are
 * applied: nothing in another namespace, nothing that would route a request twice, no way past a policy.
 *
 * The VirtualServices stay. Whichever of the two a proxy carries out, both say the same.
 */
export function writtenRoutes({ namespace, objects }: RouteScope): WrittenRoutes {
  const virtualServices = objects.filter(isVirtualService);
  const routes = namespaceRoutes({ namespace, objects });
  const attached = objects.filter((policy) => isAttached(policy, namespace));
  const entrances = objects.filter((one) => ENTRANCES.has(one.kind));
  const refused = new Map<PolicyObject, Remark>();
  const translations = new Map<PolicyObject, RouteTranslation>();
  const own = virtualServices.filter(({ metadata }) => metadata.namespace === namespace);
  for (const virtualService of own.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const translation = routes.translationOf(virtualService);
    if (!translation) continue;
    const why = refusal(virtualService, translation, { namespace, entrances, attached });
    if (why) refused.set(virtualService, why);
    else translations.set(virtualService, translation);
  }
  const made = new Map<string, WrittenRoutes['written'][number]>();
  for (const [source, translation] of translations)
    for (const object of translation.objects) {
      const key = `${object.kind}/${object.metadata.name}`;
      if (!made.has(key)) made.set(key, { object: passedBy(object), source });
    }
  return {
    written: [...made.values()],
    refused,
    says: (virtualService) => translations.has(virtualService),
    saysSubsets: (rule) => {
      const service = serviceAt(stringAt(asRecord(rule.spec), 'host') ?? '', rule.metadata.namespace ?? '', namespace);
      if (service === undefined || rule.metadata.namespace !== namespace) return false;
      return virtualServices
        .filter(({ metadata, spec }) =>
          namedSubsets(spec, metadata.namespace ?? '', namespace).some((key) => key.startsWith(`${service} `)),
        )
        .every((user) => translations.has(user));
    },
  };
}

const isVirtualService = ({ kind }: PolicyObject): boolean => kind === 'VirtualService';

/** Kinds by which an ingress gateway sends requests to Services. */
const ENTRANCES = new Set(['VirtualService', 'HTTPRoute', 'GRPCRoute']);

/** Kinds that may refuse a request, and take `targetRefs`. */
const DECIDING = new Set(['AuthorizationPolicy', 'RequestAuthentication', 'WasmPlugin', 'TrafficExtension']);

/** Whether a policy is for requests to Services of the namespace, or for a waypoint as a whole. */
function isAttached(policy: PolicyObject, namespace: string): boolean {
  if (!DECIDING.has(policy.kind)) return false;
  if (policy.metadata.namespace === namespace) return hasTargetRefs(policy);
  return targetsOf(policy).some(({ kind }) => kind === 'GatewayClass');
}

/** What else decides whether a translation may be written. */
interface Surroundings {
  readonly namespace: string;
  /** Objects of {@link ENTRANCES}. */
  readonly entrances: readonly PolicyObject[];
  /** Policies that whoever calls a Service for a subset would not meet. */
  readonly attached: readonly PolicyObject[];
}

function refusal(
  virtualService: PolicyObject,
  { refused, objects }: RouteTranslation,
  { namespace, entrances, attached }: Surroundings,
): Remark | undefined {
  if (refused[0]) return refused[0];
  const outside = gatewaysOf(virtualService);
  if (outside[0] !== undefined)
    return { at: 'spec.gateways', message: `${outside[0]} would carry it out, and then the waypoint once more` };
  if (objects.some(({ kind }) => kind === 'ReferenceGrant'))
    return { at: 'spec.http', message: 'names Services of another namespace, which has to grant that' };
  const parents = new Set(
    objects.flatMap(({ kind, spec }) =>
      kind === 'HTTPRoute' ? asRecords(asRecord(spec)['parentRefs']).map(({ name }) => String(name)) : [],
    ),
  );
  const entrance = entrances.find((one) => leadsTo(one, namespace).some((service) => parents.has(service)));
  if (entrance)
    return {
      at: 'spec.hosts',
      message: `${objectName(entrance, namespace)} sends requests of a gateway there, which nobody routes by this today`,
    };
  const subset = objects.find(({ kind }) => kind === 'Service');
  if (subset && attached[0])
    return {
      at: 'spec.http',
      message: `who calls Service ${subset.metadata.name}, which would stand for a subset, does not meet ${objectName(attached[0], namespace)}`,
    };
  return undefined;
}

const gatewaysOf = ({ spec }: PolicyObject): string[] =>
  asStrings(asRecord(spec)['gateways']).filter((gateway) => gateway !== 'mesh');

/** Services of a namespace to which a gateway sends requests by a route; none if it is for callers in the mesh only. */
function leadsTo(route: PolicyObject, namespace: string): string[] {
  const home = route.metadata.namespace ?? '';
  if (isVirtualService(route)) return gatewaysOf(route).length > 0 ? destinationsIn(route.spec, home, namespace) : [];
  const isOfGateway = asRecords(asRecord(route.spec)['parentRefs']).some(
    ({ kind = 'Gateway' }) => kind === 'Gateway' || kind === 'ListenerSet',
  );
  return isOfGateway ? backendsIn(route.spec, home, namespace) : [];
}

/** Wherever a part of a VirtualService has a host to which requests go. */
function destinationsIn(part: unknown, home: string, namespace: string): string[] {
  if (Array.isArray(part)) return part.flatMap((one) => destinationsIn(one, home, namespace));
  const fields = asRecord(part);
  const service = serviceAt(stringAt(fields, 'host') ?? '', home, namespace);
  return [
    ...(service === undefined ? [] : [service]),
    ...Object.values(fields).flatMap((one) => destinationsIn(one, home, namespace)),
  ];
}

/** Wherever a part of a route of the Gateway API has references to backends. */
function backendsIn(part: unknown, home: string, namespace: string): string[] {
  if (Array.isArray(part)) return part.flatMap((one) => backendsIn(one, home, namespace));
  const fields = asRecord(part);
  const refs = [...asRecords(fields['backendRefs']), asRecord(fields['backendRef'])];
  const here = refs.filter((ref) => (stringAt(ref, 'namespace') ?? home) === namespace);
  return [
    ...here.flatMap((ref) => stringAt(ref, 'name') ?? []),
    ...Object.values(fields).flatMap((one) => backendsIn(one, home, namespace)),
  ];
}

/** Nobody has to call a Service that stands for a subset; who does so meets ztunnel, as one who calls its pods. */
function passedBy(object: PolicyObject): PolicyObject {
  if (object.kind !== 'Service') return object;
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [LABEL.useWaypoint]: 'none' } } };
}
