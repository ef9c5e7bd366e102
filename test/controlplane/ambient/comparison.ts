import { isDeepStrictEqual } from 'node:util';
import { ambientIndex, type IndexSettings, type MeshObjects } from '../../../src/mesh/ambient-index.js';
import type { LocalConfig } from '../../../src/mesh/ztunnel-config.js';
import type { Server } from '../../conformance/server.js';
import { until } from '../../support/until.js';
import { readAmbientz } from './ambientz.js';
import { listMesh } from './mesh-objects.js';

/** Both views of a mesh at about the same time. */
export interface Views {
  readonly objects: MeshObjects;
  readonly ours: LocalConfig;
  readonly istiods: LocalConfig;
}

/** What differs, by key, in each of the views; undefined if nothing does. */
export interface Differences {
  readonly ours: Entries;
  readonly istiods: Entries;
}

/** Reads both views. */
export async function views(server: Server, istiodUrl: string, settings: IndexSettings): Promise<Views> {
  const [objects, istiods] = await Promise.all([listMesh(server), readAmbientz(istiodUrl)]);
  return { objects, istiods, ours: ambientIndex(objects, settings) };
}

/**
 * Reads both views until they are equal where `part` looks, or for too long: istiod sees everything a moment later.
 *
 * @param everyMs  how often; a look at a large mesh costs istiod as much as what it is to do
 */
export async function settled(
  read: () => Promise<Views>,
  part: (config: LocalConfig) => unknown = (config) => config,
  everyMs = 50,
): Promise<Views> {
  let last: Views | undefined;
  const look = async (): Promise<true | undefined> => {
    last = await read();
    return isDeepStrictEqual(part(last.ours), part(last.istiods)) || undefined;
  };
  await until('equal views', look, { everyMs }).catch(() => undefined);
  return last!;
}

/** Every workload, service and policy that differs, and only the fields in which it does. */
export function differences({ ours, istiods }: Pick<Views, 'ours' | 'istiods'>): Differences | undefined {
  const [own, theirs] = [entriesOf(ours), entriesOf(istiods)];
  const keys = [...new Set([...Object.keys(own), ...Object.keys(theirs)])].filter(
    (key) => !isDeepStrictEqual(own[key], theirs[key]),
  );
  if (keys.length === 0) return undefined;
  const of = (entries: Entries, others: Entries): Entries =>
    Object.fromEntries(
      keys.map((key) => {
        const fields = Object.entries(entries[key] ?? { missing: true });
        return [
          key,
          Object.fromEntries(fields.filter(([field, value]) => !isDeepStrictEqual(value, others[key]?.[field]))),
        ];
      }),
    );
  return { ours: of(own, theirs), istiods: of(theirs, own) };
}

type Entries = Record<string, Record<string, unknown>>;

function entriesOf({ workloads, services, policies }: LocalConfig): Entries {
  return Object.fromEntries([
    ...workloads.map((workload) => [`workload ${workload.uid}`, workload] as const),
    ...services.map((service) => [`service ${service.namespace}/${service.hostname}`, service] as const),
    ...policies.map((policy) => [`policy ${policy.namespace}/${policy.name}`, policy] as const),
  ]) as Entries;
}
