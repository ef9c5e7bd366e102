import { setTimeout as delay } from 'node:timers/promises';

import { type AdminApi, AdminApiError } from './admin-api.js';

/** An object to apply; more fields as its kind has them. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

interface Definition extends Manifest {
  spec: { group: string; names: { kind: string }; versions: { name: string; served: boolean }[] };
}

/** What discovery says of a kind. */
interface Served {
  name: string;
  kind: string;
  namespaced: boolean;
}

const fieldManager = 'sidestep-controlplane';
const servedTimeoutMs = 30_000;

/**
 * Applies objects as `kubectl apply --server-side --force-conflicts` does, but all at the same time: kubectl takes seconds for
 * those of a control plane. Namespaces come first, CustomResourceDefinitions are waited for at the end.
 *
 * @throws {AdminApiError} when the API server refuses one of them
 * @throws {Error} when it does not serve a kind, or not the kinds of a CustomResourceDefinition within 30 s
 */
export async function apply(api: AdminApi, objects: readonly Manifest[]): Promise<void> {
  const pathOf = paths(api);
  const send = async (object: Manifest): Promise<void> => {
    await api.apply(`${await pathOf(object)}?fieldManager=${fieldManager}&force=true`, object);
  };
  const isFirst = ({ kind }: Manifest): boolean => kind === 'Namespace';
  await Promise.all(objects.filter(isFirst).map(send));
  await Promise.all(objects.filter((object) => !isFirst(object)).map(send));
  await Promise.all(objects.filter(isDefinition).flatMap((definition) => whenServed(api, definition)));
}

/** Where objects are; asks discovery once for each group and version. */
function paths(api: AdminApi): (object: Manifest) => Promise<string> {
  const known = new Map<string, Promise<Served[]>>();
  return async ({ apiVersion, kind, metadata }) => {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const asked = known.get(root) ?? servedKinds(api, root);
    known.set(root, asked);
    const served = (await asked).find((each) => each.kind === kind && !each.name.includes('/'));
    if (served === undefined) throw new Error(`the API server does not serve ${kind} in ${apiVersion}`);
    const { name, namespace = 'default' } = metadata;
    return `${root}/${served.namespaced ? `namespaces/${namespace}/` : ''}${served.name}/${name}`;
  };
}

const isDefinition = (object: Manifest): object is Definition => object.kind === 'CustomResourceDefinition';

/** Waits until discovery shows the kind in each version. */
function whenServed(api: AdminApi, { spec: { group, names, versions } }: Definition): Promise<void>[] {
  const deadline = performance.now() + servedTimeoutMs;
  return versions
    .filter(({ served }) => served)
    .map(async ({ name }) => {
      while (!(await servedKinds(api, `/apis/${group}/${name}`)).some(({ kind }) => kind === names.kind)) {
        if (performance.now() > deadline) throw new Error(`${names.kind} in ${group}/${name} is not served`);
        await delay(100);
      }
    });
}

/** Kinds of a group and version, and their subresources; none if it is not served. */
async function servedKinds(api: AdminApi, root: string): Promise<Served[]> {
  try {
    return ((await api.get(root)) as { resources: Served[] }).resources;
  } catch (error) {
    if (error instanceof AdminApiError && error.code === 404) return [];
    throw error;
  }
}
