import { createHash } from 'node:crypto';
import { FINDINGS_CONFIG_MAP, FINDINGS_KEYS } from '../../cdk8s/findings-config-map.js';
import { CONFIG_MAP_KEYS } from '../../cdk8s/ztunnel-config-maps.js';
import { LABEL } from '../api/labels.js';
import type { Client } from '../kube/client.js';
import { isNotFound } from '../kube/errors.js';
import type { CallOptions } from '../kube/options.js';
import { CONFIG_MAP, type ConfigMap } from '../kube/types.js';

/** The ConfigMaps that are watched: ours. */
export const OWN_CONFIG_MAPS = { labelSelector: `${LABEL.managedBy}=sidestep` } as const;

/** What is kept of a ConfigMap: its data is large, and a hash tells whether it is still what we have written. */
export function withHash({ apiVersion, kind, metadata, data = {} }: ConfigMap): ConfigMap {
  return { apiVersion, kind, metadata, data: { hash: dataHash(metadata.name, data) } };
}

/** The hash by which {@link withHash} replaces the data of a ConfigMap of that name. */
export function dataHash(name: string, data: Readonly<Record<string, string>>): string {
  const keys = name === FINDINGS_CONFIG_MAP ? FINDINGS_KEYS : CONFIG_MAP_KEYS;
  // Keys that somebody else has added say nothing.
  const ours = keys.map((key) => data[key] ?? null);
  return createHash('sha256').update(JSON.stringify(ours)).digest('hex');
}

/** A ConfigMap that has a name that we need, and is not ours. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';

  constructor(readonly configMap: string) {
    super(`ConfigMap ${configMap} is not Sidestep's`);
  }
}

/**
 * Reads ConfigMaps afresh, in the order of their names: of those of others the cache has none, and of ours no data.
 *
 * @returns undefined for one that is not there
 * @throws {NameTakenError} one of them is not ours
 */
export async function readOwn(
  namespace: string,
  names: readonly string[],
  client: Client,
  options: CallOptions,
): Promise<(ConfigMap | undefined)[]> {
  const read = (name: string): Promise<ConfigMap | undefined> =>
    client.get(CONFIG_MAP, { namespace, name }, options).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
  const live = await Promise.all(names.map(read));
  const taken = live.find((each) => each && each.metadata.labels?.[LABEL.managedBy] !== 'sidestep');
  if (taken) throw new NameTakenError(taken.metadata.name);
  return live;
}
