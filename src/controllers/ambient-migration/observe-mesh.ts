import { leastReplicas } from '../../../cdk8s/waypoint-sizing.js';
import {
  AUTHORIZATION_POLICY,
  DESTINATION_RULE,
  ENVOY_FILTER,
  PEER_AUTHENTICATION,
  PROXY_CONFIG,
  REQUEST_AUTHENTICATION,
  SERVICE_ENTRY,
  SIDECAR,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  VIRTUAL_SERVICE,
  WASM_PLUGIN,
  WORKLOAD_ENTRY,
  WORKLOAD_GROUP,
} from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { GATEWAY_CLASS, GRPC_ROUTE, HTTP_ROUTE, TCP_ROUTE, TLS_ROUTE } from '../../api/gateway-api.js';
import { findCondition } from '../../kube/conditions.js';
import { byName, type KubeObject } from '../../kube/resource.js';
import {
  MUTATING_WEBHOOK_CONFIGURATION,
  NAMESPACE,
  NETWORK_POLICY,
  POD,
  SERVICE,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '../../kube/types.js';
import { hasSidecar, isLive, speaksHbone } from '../../mesh/dataplane.js';
import { type MeshSettings, meshSettings } from '../../mesh/mesh-settings.js';
import { revisionOf } from '../../mesh/revision.js';
import { configMapsOf } from '../../mesh/waypoint-inputs.js';
import type { CallerIdentity } from '../../mesh/waypoint-identity.js';
import { type PolicyObject, asRecord, asRecords, stringAt } from '../../mesh/policy-object.js';
import type { Stores } from '../../runtime/stores.js';
import { classDefaults } from '../class-parameters.js';
import { CNI_CONFIG, type MeshLocation, configuration, parsedKey, revisionObjects } from '../istio-configuration.js';
import { observeInjector } from './observe-injector.js';
import type { EnrolmentConfig, Mesh, Observed } from './observed.js';

/** Istio, Gateway API and NetworkPolicy kinds that may change what a namespace means in ambient mode. */
export const POLICY_KINDS = [
  AUTHORIZATION_POLICY,
  PEER_AUTHENTICATION,
  REQUEST_AUTHENTICATION,
  VIRTUAL_SERVICE,
  DESTINATION_RULE,
  SERVICE_ENTRY,
  SIDECAR,
  ENVOY_FILTER,
  WASM_PLUGIN,
  TRAFFIC_EXTENSION,
  TELEMETRY,
  PROXY_CONFIG,
  WORKLOAD_ENTRY,
  WORKLOAD_GROUP,
  HTTP_ROUTE,
  GRPC_ROUTE,
  TLS_ROUTE,
  TCP_ROUTE,
  NETWORK_POLICY,
  NAMESPACE,
  SERVICE,
] as const;

/** Pod labels of the two DaemonSets of ambient mode (charts `ztunnel` and `istio-cni`). */
export const ZTUNNEL_LABEL = { key: 'app', value: 'ztunnel' } as const;
export const CNI_LABEL = { key: 'k8s-app', value: 'istio-cni-node' } as const;

/** Name of the store index that finds the pods of the two DaemonSets. */
export const COMPONENT_INDEX = 'mesh-component';
/** Name of the store index that finds sidecars that do not speak HBONE. */
export const OLD_SIDECAR_INDEX = 'old-sidecar';
/** Name of the store index of pods with sidecars by `namespace/account`. */
export const SIDECAR_ACCOUNT_INDEX = 'sidecar-account';

/** Every object that policy analysis may have to look at, of the whole cluster, and apart from these what migrations have written. */
export function observePolicies(
  stores: Stores,
  namespace: string,
): Pick<Observed, 'policies' | 'translated' | 'routedElsewhere'> {
  const all = POLICY_KINDS.flatMap((type) => stores.of<KubeObject>(type).list() as readonly PolicyObject[]);
  const translated = all.filter(isTranslated);
  return {
    policies: all.filter((object) => !isTranslated(object)),
    translated: POLICY_KINDS.flatMap((type) =>
      translated.filter(({ kind, metadata }) => kind === type.kind && metadata.namespace === namespace).sort(byName),
    ),
    routedElsewhere: new Set(
      translated.flatMap(({ kind, metadata }) => {
        const source = metadata.annotations?.[OWN_ANNOTATION.translatedFrom]?.split('/').at(-1) ?? '';
        const isElsewhere = metadata.namespace !== namespace;
        return kind === HTTP_ROUTE.kind && isElsewhere ? [`${metadata.namespace ?? ''}/${source}`] : [];
      }),
    ),
  };
}

/** Whether a migration has written an object, for what policies and routes of the namespace ask for. */
export const isTranslated = ({ metadata }: Pick<PolicyObject, 'metadata'>): boolean =>
  metadata.annotations?.[OWN_ANNOTATION.translatedFrom] !== undefined;

/** Accounts of pods with sidecars, those of the namespace itself left out. */
export function observeSidecarAccounts(stores: Stores, namespace: string): CallerIdentity[] {
  return stores
    .of(POD)
    .indexed(SIDECAR_ACCOUNT_INDEX)
    .map((key) => ({ namespace: key.split('/')[0] ?? '', account: key.split('/')[1] ?? '' }))
    .filter((one) => one.namespace !== namespace)
    .sort((a, b) => (`${a.namespace}/${a.account}` < `${b.namespace}/${b.account}` ? -1 : 1));
}

/**
 * The state of Istio as far as a namespace depends on it.
 *
 * @param nodes  names of the nodes that run pods of the namespace
 */
export function observeMesh(
  stores: Stores,
  location: MeshLocation,
  namespace: string,
  nodes: ReadonlySet<string>,
): Mesh {
  const { istioNamespace } = location;
  const label = stores.of(NAMESPACE).get({ name: namespace })?.metadata.labels?.[LABEL.revision];
  const revision = revisionOf(label, revisionObjects(stores, location));
  const config = meshConfig(stores, istioNamespace, revision);
  const { primaryRemote, templates, waypointResources } = observeInjector(stores, location, revision);
  const gatewayClass = stores.of(GATEWAY_CLASS).get({ name: 'istio-waypoint' });
  const without = (component: string): string[] => {
    const ready = nodesWith(component, stores);
    return [...nodes].filter((node) => !ready.has(node)).sort();
  };
  return {
    istioNamespace,
    rootNamespace: config.rootNamespace ?? istioNamespace,
    settings: { ...config.settings, primaryRemote },
    ambientAccepted: findCondition(gatewayClass?.status?.conditions ?? [], 'Accepted')?.status === 'True',
    waypointReplicas: leastReplicas(classDefaults(stores, location)),
    waypointResources,
    injectionTemplates: templates,
    injectsHbone: config.hbone,
    injectors: stores.of(MUTATING_WEBHOOK_CONFIGURATION).list(),
    validatingRevisions: stores
      .of(VALIDATING_WEBHOOK_CONFIGURATION)
      .list()
      .filter((object) => object.webhooks?.some(({ name }) => name.endsWith('validation.istio.io')))
      .map((object) => object.metadata.labels?.[LABEL.revision] ?? 'default'),
    enrolment: enrolmentConfig(stores, istioNamespace),
    nodesWithoutZtunnel: without(ZTUNNEL_LABEL.value),
    nodesWithoutCni: without(CNI_LABEL.value),
    oldSidecars: stores
      .of(POD)
      .byIndex(OLD_SIDECAR_INDEX, 'true')
      .filter((pod) => pod.metadata.namespace !== namespace && isLive(pod) && hasSidecar(pod) && !speaksHbone(pod))
      .map((pod) => `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`)
      .sort(),
  };
}

/** Names of the nodes where a pod of a DaemonSet of ambient mode is ready. */
function nodesWith(component: string, stores: Stores): ReadonlySet<string | undefined> {
  const pods = stores.of(POD).byIndex(COMPONENT_INDEX, component);
  const ready = pods.filter(
    (pod) => isLive(pod) && pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  return new Set(ready.map((pod) => pod.spec?.nodeName));
}

/** @see istio/istio manifests/charts/istio-cni/templates/configmap-cni.yaml */
function enrolmentConfig(stores: Stores, istioNamespace: string): EnrolmentConfig | undefined {
  const found = configuration(stores, { istioNamespace }).get({ namespace: istioNamespace, name: CNI_CONFIG });
  if (found?.data === undefined) return undefined;
  const { data } = found;
  const selectors = parsedKey(found, 'AMBIENT_ENABLEMENT_SELECTOR', '[]');
  return {
    enabled: data['AMBIENT_ENABLED'] === 'true',
    excludedNamespaces: (data['EXCLUDE_NAMESPACES'] ?? '').split(',').map((name) => name.trim()),
    selectors: asRecords(selectors),
  };
}

interface MeshConfig {
  readonly rootNamespace: string | undefined;
  readonly hbone: boolean;
  readonly settings: MeshSettings;
}

/**
 * The mesh configuration of the namespace's revision: ConfigMap `istio`, or `istio-REVISION`, key `mesh`.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/configmap.yaml
 */
function meshConfig(stores: Stores, istioNamespace: string, revision: string): MeshConfig {
  const name = configMapsOf(revision).mesh;
  const found = configuration(stores, { istioNamespace }).get({ namespace: istioNamespace, name });
  const mesh = found ? asRecord(parsedKey(found, 'mesh', '{}')) : {};
  const metadata = asRecord(asRecord(mesh['defaultConfig'])['proxyMetadata']);
  return {
    rootNamespace: stringAt(mesh, 'rootNamespace'),
    hbone: String(metadata['ISTIO_META_ENABLE_HBONE']) === 'true',
    settings: meshSettings(mesh, `ConfigMap/${istioNamespace}/${name}`),
  };
}
