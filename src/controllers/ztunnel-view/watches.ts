import equal from 'fast-deep-equal';
import { isZtunnelConfigMap } from '../../../cdk8s/ztunnel-config-maps.js';
import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import { type Gateway, GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import { AUTHORIZATION_POLICY, PEER_AUTHENTICATION, SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { KubeObject } from '../../kube/resource.js';
import {
  CONFIG_MAP,
  DAEMON_SET,
  NAMESPACE,
  type Namespace,
  NODE,
  POD,
  type Pod,
  SERVICE,
  type Service,
} from '../../kube/types.js';
import { asRecord, asStrings } from '../../mesh/policy-object.js';
import { serviceOfHost } from '../../mesh/ztunnel-view.js';
import type { Request } from '../../runtime/request.js';
import type { Change } from '../../runtime/store.js';
import type { Stores } from '../../runtime/stores.js';
import { type WatchSpec, generationOrMetadataChanged, metadataChanged, watch } from '../../runtime/watch.js';
import { FOREIGN_ENDPOINTS } from '../foreign-endpoints.js';
import { type MeshLocation, watchConfiguration } from '../istio-configuration.js';
import { OWN_CONFIG_MAPS, withHash } from '../own-config-maps.js';
import { trimPod } from '../stored-pod.js';
import { istiodOf } from './view.js';

/** Name of the index of Namespaces whose view somebody has asked for. */
const ASKED_INDEX = 'ztunnel-view';

/** Name of the index of ServiceEntries by the Services whose host names they have: `namespace/name`. */
const SERVICE_INDEX = 'service-host';

/** A Namespace; that of istiod names the network, and that of a waypoint decides how it is reached. */
export function namespaceWatch(location: MeshLocation): WatchSpec {
  return watch({
    type: NAMESPACE,
    map: ({ metadata: { name } }, stores) => [
      { name },
      ...(name === location.istioNamespace || isSpecial(name, stores, location) ? allViewed(stores) : []),
    ],
    predicate: metadataChanged,
    indexes: { [ASKED_INDEX]: (namespace) => (isAsked(namespace) ? ['true'] : []) },
  });
}

/**
 * Everything else that a namespace's view depends on.
 *
 * @param dependents  the views that were made from objects of a namespace
 */
export function watches(
  location: MeshLocation,
  dependents: (namespace: string) => readonly Request[],
): readonly WatchSpec[] {
  const all = (_: KubeObject, stores: Stores): readonly Request[] => allViewed(stores);
  const views = (object: KubeObject, stores: Stores): readonly Request[] => [
    ...ownView(object, stores),
    ...dependents(object.metadata.namespace ?? ''),
  ];
  // Pods and Services of a namespace with waypoints may be what others go through.
  const concerned = (object: KubeObject, stores: Stores): readonly Request[] =>
    object.metadata.labels?.[LABEL.gatewayName] === undefined ? views(object, stores) : allViewed(stores);
  const ofIstio = ({ metadata }: KubeObject, stores: Stores): readonly Request[] =>
    metadata.namespace === location.istioNamespace ? allViewed(stores) : [];
  // Policies there too; and those of the root namespace hold everywhere.
  const governed = (object: KubeObject, stores: Stores): readonly Request[] =>
    isSpecial(object.metadata.namespace ?? '', stores, location) ? allViewed(stores) : views(object, stores);
  return [
    watch({
      type: AMBIENT_MIGRATION,
      map: ({ metadata }) => [{ name: metadata.namespace ?? '' }],
      predicate: cameOrWent,
    }),
    watch({ type: POD, map: concerned, predicate: viewChanged, transform: trimPod }),
    // Services have no generation.
    watch({
      type: SERVICE,
      map: (service, stores) => [...concerned(service, stores), ...viewsOfHost(service, stores)],
      predicate: specOrMetadataChanged,
    }),
    watch({ ...FOREIGN_ENDPOINTS, map: concerned }),
    watch({ type: NODE, map: all, predicate: metadataChanged, transform: onlyPlace }),
    watch({ type: DAEMON_SET, map: ofIstio, predicate: generationOrMetadataChanged }),
    watch({ type: AUTHORIZATION_POLICY, map: governed, predicate: generationOrMetadataChanged }),
    watch({ type: PEER_AUTHENTICATION, map: governed, predicate: generationOrMetadataChanged }),
    watch({ type: WORKLOAD_ENTRY, map: governed, predicate: generationOrMetadataChanged }),
    // Of the entries of one host, wherever they are, one is canonical. The addresses that istiod gives are in the status.
    watch({ type: SERVICE_ENTRY, map: all, indexes: { [SERVICE_INDEX]: servicesNamed } }),
    // Of the status only the addresses count.
    watch({ type: GATEWAY, map: all, predicate: addressedOtherwise }),
    watch({ type: GATEWAY_CLASS, map: all, predicate: generationOrMetadataChanged }),
    watchConfiguration(location, all),
    // A view that is missing, or that nobody wants.
    watch({
      type: CONFIG_MAP,
      map: ({ metadata }) => (isZtunnelConfigMap(metadata.name) ? [{ name: metadata.namespace ?? '' }] : []),
      predicate: cameOrWent,
      transform: withHash,
      ...OWN_CONFIG_MAPS,
    }),
  ];
}

/** Whether what ztunnel knows of a namespace is kept in it: somebody has asked for it, or it has an AmbientMigration. */
export function isViewed(namespace: Namespace, stores: Stores): boolean {
  return isAsked(namespace) || stores.of(AMBIENT_MIGRATION).list(namespace.metadata.name).length > 0;
}

function isAsked({ metadata }: Namespace): boolean {
  return metadata.annotations?.[OWN_ANNOTATION.ztunnelView] === 'true';
}

/** A Service takes its host name from ServiceEntries, wherever they are. */
function viewsOfHost({ metadata }: Service, stores: Stores): readonly Request[] {
  const entries = stores.of(SERVICE_ENTRY).byIndex(SERVICE_INDEX, `${metadata.namespace ?? ''}/${metadata.name}`);
  return entries.flatMap((entry) => ownView(entry, stores));
}

function servicesNamed({ spec }: KubeObject & { readonly spec?: unknown }): string[] {
  return asStrings(asRecord(spec)['hosts']).flatMap((host) => {
    const service = serviceOfHost(host);
    return service ? [`${service.namespace}/${service.name}`] : [];
  });
}

function ownView({ metadata }: KubeObject, stores: Stores): readonly Request[] {
  const namespace = stores.of(NAMESPACE).get({ name: metadata.namespace ?? '' });
  return namespace && isViewed(namespace, stores) ? [{ name: namespace.metadata.name }] : [];
}

function allViewed(stores: Stores): readonly Request[] {
  const asked = stores
    .of(NAMESPACE)
    .byIndex(ASKED_INDEX, 'true')
    .map(({ metadata }) => metadata.name);
  const migrating = stores
    .of(AMBIENT_MIGRATION)
    .list()
    .map(({ metadata }) => metadata.namespace ?? '');
  return [...new Set([...asked, ...migrating])].map((name) => ({ name }));
}

/** Whether objects in a namespace may count in others: it has waypoints, or is the root namespace. */
function isSpecial(name: string, stores: Stores, location: MeshLocation): boolean {
  return stores.of(GATEWAY).list(name).length > 0 || rootNamespaceOf(stores, location) === name;
}

/** Undefined while istiod's configuration cannot be read: all views are looked at when it can be again. */
function rootNamespaceOf(stores: Stores, location: MeshLocation): string | undefined {
  try {
    return istiodOf(stores, location)?.settings.rootNamespace;
  } catch {
    // The event would be lost for the view of its own namespace, too.
    return undefined;
  }
}

function cameOrWent({ old, new: now }: Change<KubeObject>): boolean {
  return !old || !now;
}

function specOrMetadataChanged(change: Change<Service>): boolean {
  return metadataChanged(change) || !equal(change.old?.spec, change.new?.spec);
}

function addressedOtherwise(change: Change<Gateway>): boolean {
  return generationOrMetadataChanged(change) || !equal(change.old?.status?.addresses, change.new?.status?.addresses);
}

/** A pod changes often, and mostly in what nobody else is told: restarts, and reasons for waiting. */
function viewChanged(change: Change<Pod>): boolean {
  const { old, new: now } = change;
  return metadataChanged(change) || !old || !now || told(old) !== told(now);
}

function told({ spec, status }: Pod): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return JSON.stringify([spec.nodeName, status?.phase, ready, status?.podIPs]);
}

/** Nodes report all the time; only where they are counts. */
function onlyPlace({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, uid, resourceVersion, labels = {} } = metadata;
  const places = Object.entries(labels).filter(([key]) => key.startsWith('topology.'));
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      labels: Object.fromEntries(places),
    },
  };
}
