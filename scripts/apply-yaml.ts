import { parseAllDocuments } from 'yaml';
import { type Clock, delay } from '../src/clock.js';
import type { Client } from '../src/kube/client.js';
import { isNotFound } from '../src/kube/errors.js';
import type { KubeObject, ResourceType } from '../src/kube/resource.js';
import type { CustomResourceDefinition } from '../src/kube/types.js';
import { applyCrd } from '../src/runtime/crd-installer.js';

/** How objects are applied. */
export interface ApplyYamlOptions {
  readonly client: Client;
  readonly fieldManager: string;
  /** For the waits for CRDs. */
  readonly clock: Clock;
  /** Default: no limit but those of each request. */
  readonly signal?: AbortSignal;
}

/** The API server has no such kind. */
export class KindNotServedError extends Error {}

/** How often a kind whose CRD is Established is looked for, ms: it is served a moment later. */
const SERVED_POLL_MS = 100;

/** How long, ms. */
const SERVED_TIMEOUT_MS = 30_000;

/**
 * Applies YAML documents (or JSON) in their order, as `kubectl apply --server-side --force-conflicts` does. The kinds of a
 * CRD are waited for until they are served.
 *
 * @returns the objects as they are now, CRDs left out
 * @throws {ApiError} the API server refuses one; those before it are applied
 * @throws {KindNotServedError} the API server has no such kind
 * @throws {Error} a CRD is not Established after 30 s
 */
export async function applyYaml(yaml: string, options: ApplyYamlOptions): Promise<KubeObject[]> {
  const { client, fieldManager, signal = new AbortController().signal } = options;
  const kinds = new Kinds(client);
  const applied: KubeObject[] = [];
  for (const document of parseAllDocuments(yaml)) {
    const object = document.toJS() as KubeObject | null;
    if (object === null) continue;
    if (object.kind === 'CustomResourceDefinition') {
      await applyCrd(object as CustomResourceDefinition, { ...options, signal });
      await whenServed(object as CustomResourceDefinition, { ...options, signal });
      continue;
    }
    const type = await kinds.typeOf(object);
    applied.push(await client.apply(type, object, { fieldManager, force: true, fieldValidation: 'Strict', signal }));
  }
  return applied;
}

/** Asks discovery once for each group and version. */
class Kinds {
  readonly #client: Client;
  readonly #known = new Map<string, Promise<readonly ResourceType[]>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** @throws {KindNotServedError} */
  async typeOf({ apiVersion, kind }: KubeObject): Promise<ResourceType> {
    const served = this.#known.get(apiVersion) ?? servedTypes(apiVersion, this.#client);
    this.#known.set(apiVersion, served);
    const type = (await served).find((each) => each.kind === kind);
    if (!type) throw new KindNotServedError(`the API server does not serve ${kind} in ${apiVersion}`);
    return type;
  }
}

/** What discovery says of a group and version, subresources left out; nothing if it is not served. */
async function servedTypes(apiVersion: string, client: Client): Promise<ResourceType[]> {
  const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  try {
    const { resources } = (await client.getJson(path)) as {
      resources: { name: string; kind: string; namespaced: boolean }[];
    };
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced }) => ({ group, version, plural: name, kind, namespaced }));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function whenServed(
  { spec }: CustomResourceDefinition,
  { client, clock, signal }: ApplyYamlOptions & { signal: AbortSignal },
): Promise<void> {
  const { group, names, versions } = spec;
  const giveUpAt = clock.now() + SERVED_TIMEOUT_MS;
  for (const { name, served } of versions) {
    const isServed = async (): Promise<boolean> =>
      (await servedTypes(`${group}/${name}`, client)).some(({ kind }) => kind === names.kind);
    while (served && !(await isServed())) {
      if (clock.now() > giveUpAt) throw new Error(`${names.kind} in ${group}/${name} is Established and not served`);
      await delay(clock, SERVED_POLL_MS, signal);
    }
  }
}
