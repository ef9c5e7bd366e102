import type { AskedWaypoint } from '../asked-waypoint.js';
import { isGateway } from '../dataplane.js';
import { listedPods } from '../listed-pods.js';
import type { MeshSettings } from '../mesh-settings.js';
import { asPod, labelsIn, type Templated } from '../pod-templates.js';
import { type PolicyObject, asRecord, asRecords, objectName, stringAt } from '../policy-object.js';
import { namespaceRoutes } from './routes/namespace-routes.js';
import type { Remark } from './routes/remarks.js';
import { type WrittenRoutes, writtenRoutes } from './routes/written-routes.js';
import { type AmbientForms, ambientForms, type FormsScope } from './ambient-forms.js';
import { isRouting } from './other-ways.js';
import type { TargetService } from './selection.js';
import { type AccountedPods, type Closed, closedPods, namespacesClosedTo } from './ways-around.js';
import { trafficOf } from '../waypoint-gateway.js';
import { waypointCopies } from './waypoint-copies.js';

/** What the waypoint of a namespace has to be told in place of a policy. */
export interface Translated {
  readonly copies: readonly PolicyObject[];
  /** What they do not mean as the policy does. */
  readonly differences: readonly Remark[];
  /** What they do not say, for it decides nothing. */
  readonly leftOut?: readonly Remark[];
}

/** What can be said to the waypoint of a namespace. */
export interface NamespaceTranslation {
  /** What a migration writes beside policies; none where people do. */
  readonly forms: AmbientForms;
  /** Of the namespace, those on the host network and gateways left out. */
  readonly pods: readonly AccountedPods[];
  /** Pods that take calls of the waypoint only, once they are ambient. */
  readonly closed: readonly Closed[];
  /** Which of other namespaces cannot migrate before this one either. */
  readonly waitingForIt: (namespaces: readonly string[]) => readonly string[];
  /** What a migration writes for VirtualServices; undefined where people do. */
  readonly routes: WrittenRoutes | undefined;
  /** Undefined: sidecars of the namespace do not read the policy, or waypoints do as it is. */
  of(policy: PolicyObject): Translated | undefined;
}

/** A mesh, as far as it decides what a waypoint has to be told. */
interface DeclaredObjects {
  readonly objects: readonly PolicyObject[];
  readonly rootNamespace: string;
  readonly settings: MeshSettings;
}

/** @param templates  what makes the pods of the namespace */
export function namespaceTranslation(
  namespace: string,
  templates: readonly Templated[],
  waypoint: AskedWaypoint,
  { objects, rootNamespace, settings }: DeclaredObjects,
): NamespaceTranslation {
  const routes = namespaceRoutes({ namespace, objects });
  const written = waypoint.isTranslating ? writtenRoutes({ namespace, objects }) : undefined;
  const unmet = new Set(written?.written.map(({ object }) => object.metadata.name));
  const isService = ({ kind, metadata }: PolicyObject): boolean =>
    kind === 'Service' && metadata.namespace === namespace;
  const there = objects.filter(isService);
  const ofNamespace = <T>(kind: string): T[] =>
    objects.filter((one) => one.kind === kind && one.metadata.namespace === namespace) as T[];
  const known = new Set(there.map(({ metadata }) => metadata.name));
  // Who calls a Service that stands for a subset meets its policies, not those of the Service that has the subset.
  const services = [
    ...there,
    ...routes.objects.filter((one) => isService(one) && !known.has(one.metadata.name) && !unmet.has(one.metadata.name)),
  ];
  const pods = templates.flatMap((one) => podGroup(one, namespace));
  const scope: FormsScope = {
    mesh: settings,
    namespace,
    rootNamespace,
    waypoint,
    traffic: trafficThrough(waypoint, objects),
    services: services as unknown as readonly TargetService[],
    pods,
    listedPods: listedPods(ofNamespace('EndpointSlice'), ofNamespace('Pod')),
    routing: [...objects, ...routes.objects].filter(isRouting),
  };
  const forms = waypoint.isTranslating ? ambientForms(objects, scope) : { forms: [], untranslated: [] };
  const formOf = new Map(forms.forms.map((form) => [form.policy, form]));
  return {
    forms,
    pods,
    closed: closedPods(forms, objects, pods, scope),
    waitingForIt: (others) => namespacesClosedTo(pods, others, objects, scope),
    routes: written,
    of: (policy) => {
      const form = formOf.get(policy);
      if (form) return { copies: form.objects, differences: form.lost };
      const route = routes.translationOf(policy);
      if (!route) return waypointCopies(policy, scope);
      const copies = written?.says(policy) === true ? writtenFor(policy, written) : route.objects;
      return { copies, differences: route.refused, leftOut: route.leftOut };
    },
  };
}

const writtenFor = (virtualService: PolicyObject, { written }: WrittenRoutes): PolicyObject[] =>
  written.flatMap(({ object, source }) => (source === virtualService ? [object] : []));

function trafficThrough({ name, namespace, className }: AskedWaypoint, objects: readonly PolicyObject[]): string {
  const gateway = objects.find(
    ({ kind, metadata, spec }) =>
      kind === 'Gateway' &&
      metadata.name === name &&
      metadata.namespace === namespace &&
      stringAt(asRecord(spec), 'gatewayClassName') !== undefined,
  );
  const ofGateway = stringAt(asRecord(gateway?.spec), 'gatewayClassName') ?? className;
  return trafficOf(
    gateway,
    objects.find(({ kind, metadata }) => kind === 'GatewayClass' && metadata.name === ofGateway),
  );
}

function podGroup({ object, template }: Templated, namespace: string): AccountedPods[] {
  const { hostNetwork, containers, serviceAccountName } = asRecord(template['spec']);
  if (hostNetwork === true || isGateway(asPod(template))) return [];
  const ports = asRecords(containers).flatMap((container) => asRecords(container['ports']));
  return [
    {
      name: objectName(object, namespace),
      labels: labelsIn(template),
      account: typeof serviceAccountName === 'string' ? serviceAccountName : 'default',
      ports: ports as unknown as AccountedPods['ports'],
    },
  ];
}
