import { parse } from 'yaml';
import { LABEL } from '../api/labels.js';
import type { KubeObject } from '../kube/resource.js';
import {
  CONFIG_MAP,
  type ConfigMap,
  DAEMON_SET,
  MUTATING_WEBHOOK_CONFIGURATION,
  SERVICE,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '../kube/types.js';
import { asRecord } from '../mesh/policy-object.js';
import type { RevisionObjects } from '../mesh/revision.js';
import { configMapsOf } from '../mesh/waypoint-inputs.js';
import { type IstiodConfiguration, ztunnelRevision } from '../mesh/ztunnel-view.js';
import type { Change, Store } from '../runtime/store.js';
import type { Stores } from '../runtime/stores.js';
import { generationOrMetadataChanged, type WatchSpec, watch } from '../runtime/watch.js';

/*
 * What several controllers read of Istio's own configuration, so that they share one watch and one way to read it.
 */

/** Where Istio is installed. */
export interface MeshLocation {
  /** Namespace of istiod, of its ConfigMaps, and (unless the mesh configuration says otherwise) the root namespace. */
  readonly istioNamespace: string;
}

/** ConfigMap of the CNI agent, and the keys in it that decide which pods it enrols. */
export const CNI_CONFIG = 'istio-cni-config';
const CNI_KEYS = ['AMBIENT_ENABLED', 'AMBIENT_ENABLEMENT_SELECTOR', 'EXCLUDE_NAMESPACES'];

/** Keys of the ConfigMaps `istio[-REV]` and `istio-sidecar-injector[-REV]`. */
const ISTIOD_KEYS = ['mesh', 'values', 'config'];

/**
 * Label of a ConfigMap with parameters for all Gateways of a class.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go
 */
export const CLASS_DEFAULTS_LABEL = 'gateway.istio.io/defaults-for-class';

/** A watch of Istio's configuration; `map` says whom a change of it concerns. */
export function watchConfiguration({ istioNamespace }: MeshLocation, map: WatchSpec<ConfigMap>['map']): WatchSpec {
  return watch({
    type: CONFIG_MAP,
    map,
    predicate: configurationChanged,
    namespace: istioNamespace,
    transform: onlyConfiguration,
  });
}

/** The ConfigMaps of {@link watchConfiguration}. */
export function configuration(stores: Stores, { istioNamespace }: MeshLocation): Store<ConfigMap> {
  return stores.of(CONFIG_MAP, { namespace: istioNamespace });
}

/** istiod's leader locks are ConfigMaps too, beside the configuration, and change every few seconds. */
function configurationChanged({ old, new: now }: Change<ConfigMap>): boolean {
  return JSON.stringify(old?.data) !== JSON.stringify(now?.data);
}

/** Of every other ConfigMap only the metadata. */
function onlyConfiguration(object: ConfigMap): ConfigMap {
  const { apiVersion, kind, metadata } = object;
  if (metadata.labels?.[CLASS_DEFAULTS_LABEL] !== undefined) return object;
  const keys = metadata.name === CNI_CONFIG ? CNI_KEYS : ISTIOD_KEYS;
  const data = Object.fromEntries(
    keys.flatMap((key) => (object.data?.[key] === undefined ? [] : [[key, object.data[key]]])),
  );
  return { apiVersion, kind, metadata, ...(Object.keys(data).length > 0 && { data }) };
}

/** By version of the ConfigMap, then by key: they are large, and looked at in every pass. */
const parsedData = new WeakMap<ConfigMap, Map<string, unknown>>();

/**
 * The YAML under a key of a ConfigMap.
 *
 * @param absent  what a missing key means, as YAML
 * @throws {YAMLParseError} it is none
 */
export function parsedKey(configMap: ConfigMap, key: string, absent: string): unknown {
  const known = parsedData.get(configMap) ?? new Map<string, unknown>();
  parsedData.set(configMap, known);
  if (!known.has(key)) known.set(key, parse(configMap.data?.[key] ?? absent));
  return known.get(key);
}

/**
 * The configuration of the istiod that ztunnel asks; undefined if it is not there.
 *
 * @throws {YAMLParseError} it is no YAML
 */
export function istiodConfiguration(stores: Stores, location: MeshLocation): IstiodConfiguration | undefined {
  const { istioNamespace: namespace } = location;
  const names = configMapsOf(ztunnelRevision(stores.of(DAEMON_SET).list(namespace)));
  const configMaps = configuration(stores, location);
  const mesh = configMaps.get({ namespace, name: names.mesh });
  const injector = configMaps.get({ namespace, name: names.injector });
  if (!mesh || !injector) return undefined;
  return { mesh: asRecord(parsedKey(mesh, 'mesh', '{}')), values: asRecord(parsedKey(injector, 'values', '{}')) };
}

/** What {@link revisionOf} reads. */
export function revisionObjects(stores: Stores, { istioNamespace }: MeshLocation): RevisionObjects {
  return {
    injectors: stores.of(MUTATING_WEBHOOK_CONFIGURATION).list(),
    validators: stores.of(VALIDATING_WEBHOOK_CONFIGURATION).list(),
    services: stores.of(SERVICE).list(istioNamespace),
  };
}

/** Watches of {@link revisionObjects}; `map` says whom a change of them concerns. */
export function watchRevisions({ istioNamespace }: MeshLocation, map: WatchSpec['map']): readonly WatchSpec[] {
  const predicate = generationOrMetadataChanged;
  return [
    watch({ type: MUTATING_WEBHOOK_CONFIGURATION, map, predicate }),
    watch({ type: VALIDATING_WEBHOOK_CONFIGURATION, map, predicate }),
    watch({
      type: SERVICE,
      map: (service, stores) => (isOfRevision(service, istioNamespace) ? map(service, stores) : []),
      predicate,
    }),
  ];
}

const isOfRevision = ({ metadata }: KubeObject, istioNamespace: string): boolean =>
  metadata.namespace === istioNamespace && metadata.labels?.[LABEL.revision] !== undefined;
