import type { Parameters } from '../../cdk8s/waypoint-parameters.js';
import type { ConfigMap } from '../kube/types.js';
import { WAYPOINT_CLASS } from '../mesh/waypoint-gateway.js';
import type { Stores } from '../runtime/stores.js';
import { CLASS_DEFAULTS_LABEL, type MeshLocation, configuration, parsedKey } from './istio-configuration.js';

/** What is said of all waypoints, ours included. Of several ConfigMaps for the class the oldest counts. */
export function classDefaults(stores: Stores, location: MeshLocation): readonly Parameters[] {
  const [oldest] = configuration(stores, location)
    .list()
    .filter(({ metadata }) => metadata.labels?.[CLASS_DEFAULTS_LABEL] === WAYPOINT_CLASS)
    .sort((a, b) => age(a).localeCompare(age(b)));
  if (!oldest) return NO_DEFAULTS;
  const known = defaultsOf.get(oldest) ?? [parametersOf(oldest, (key) => valueOf(oldest, key))];
  defaultsOf.set(oldest, known);
  return known;
}

/** Text that is no YAML stays text, and is refused as such where it is applied. */
function valueOf(configMap: ConfigMap, key: string): unknown {
  try {
    return parsedKey(configMap, key, '');
  } catch {
    return configMap.data?.[key];
  }
}

/** By version of the ConfigMap: the same parameters are the same object. */
const defaultsOf = new WeakMap<ConfigMap, readonly Parameters[]>();
const NO_DEFAULTS: readonly Parameters[] = [];

const age = ({ metadata }: ConfigMap): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;

/**
 * What a ConfigMap says.
 *
 * @param value  the one of a key, parsed
 */
export function parametersOf(configMap: ConfigMap, value: (key: string) => unknown): Parameters {
  const { namespace, name } = configMap.metadata;
  const data = Object.fromEntries(Object.keys(configMap.data ?? {}).map((key) => [key, value(key)]));
  return { source: `ConfigMap ${namespace}/${name}`, data };
}
