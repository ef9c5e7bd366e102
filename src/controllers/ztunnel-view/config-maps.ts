import type { Manifest } from '../../../cdk8s/objects.js';
import { ZTUNNEL_CONFIG_MAP, partNames, ztunnelConfigMaps } from '../../../cdk8s/ztunnel-config-maps.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import { ANNOTATION, LABEL } from '../../api/labels.js';
import { applyIfChanged } from '../../kube/apply.js';
import { isNotFound } from '../../kube/errors.js';
import type { KubeObject } from '../../kube/resource.js';
import { CONFIG_MAP, type ConfigMap } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';

/**
 * Reads a ConfigMap of ours: they are not watched, for that would show the operator all ConfigMaps there are.
 *
 * @throws {ApiError} it cannot be read
 */
export async function readConfigMap(
  namespace: string,
  name: string,
  { client, signal }: ReconcileContext,
): Promise<ConfigMap | undefined> {
  return client.get(CONFIG_MAP, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
}

/** Whether we have made it. */
export function isOurs({ metadata }: KubeObject): boolean {
  return metadata.labels?.[LABEL.managedBy] === 'sidestep';
}

/** When its content last changed, ms; undefined for one that does not say. */
export function writtenAt({ metadata }: ConfigMap): number | undefined {
  const at = Date.parse(metadata.annotations?.[ANNOTATION.writtenAt] ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** A ConfigMap that has the name of a part, and is not ours. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';

  constructor(readonly configMap: string) {
    super(`ConfigMap ${configMap} is not Sidestep's`);
  }
}

/**
 * Makes the ConfigMaps of a namespace hold a file. Every part that there is stands in `sidestep-ztunnel` as long as it exists, so
 * that after a crash nothing is forgotten.
 *
 * @param live  `sidestep-ztunnel` as it is
 * @returns how many ConfigMaps were written or deleted
 * @throws {NameTakenError} nothing of others is overwritten
 * @throws {ApiError} an answer that a later pass may cure
 */
export async function keep(
  file: string,
  { namespace, live }: { readonly namespace: string; readonly live: ConfigMap | undefined },
  context: ReconcileContext,
): Promise<number> {
  const render = (at: string): Manifest[] =>
    ztunnelConfigMaps(file, { namespace, annotations: { [ANNOTATION.writtenAt]: at } });
  const now = new Date(context.clock.now()).toISOString();
  // The time of the last change is part of it: with that it is equal unless the content has changed.
  const same = live && render(live.metadata.annotations?.[ANNOTATION.writtenAt] ?? '');
  const [index, ...parts] = same && !isChanged(same[0], live) ? same : render(now);
  const names = parts.map(({ metadata }) => metadata.name);
  const obsolete = partNames(live?.data).filter((name) => !names.includes(name));
  let written = await remove(obsolete, namespace, context);
  const found = await Promise.all(names.map((name) => readConfigMap(namespace, name, context)));
  const taken = found.find((part) => part && !isOurs(part));
  if (taken) throw new NameTakenError(taken.metadata.name);
  for (const [at, manifest] of [index, ...parts].entries()) {
    if (manifest && (await apply(manifest, at === 0 ? live : found[at - 1], context))) written += 1;
  }
  return written;
}

/** Deletes the ConfigMaps of a namespace, the parts first. */
export async function removeAll(live: ConfigMap, namespace: string, context: ReconcileContext): Promise<number> {
  return (
    (await remove(partNames(live.data), namespace, context)) + (await remove([ZTUNNEL_CONFIG_MAP], namespace, context))
  );
}

/** Keys that somebody else has added stay, and say nothing. */
function isChanged(manifest: Manifest | undefined, live: ConfigMap): boolean {
  const data = Object.entries((manifest?.['data'] ?? {}) as Record<string, string>);
  return data.some(([key, text]) => live.data?.[key] !== text);
}

async function apply(
  manifest: Manifest,
  live: ConfigMap | undefined,
  { client, signal }: ReconcileContext,
): Promise<boolean> {
  const options = { fieldManager: FIELD_MANAGER, hashAnnotation: ANNOTATION.contentHash, signal };
  return (await applyIfChanged(client, CONFIG_MAP, manifest, live, options)).outcome !== 'unchanged';
}

async function remove(names: readonly string[], namespace: string, context: ReconcileContext): Promise<number> {
  const { client, signal } = context;
  let removed = 0;
  for (const name of names) {
    const found = await readConfigMap(namespace, name, context);
    if (!found || !isOurs(found)) continue;
    const { uid } = found.metadata;
    await client
      .delete(CONFIG_MAP, { namespace, name }, { ...(uid !== undefined && { uid }), signal })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    removed += 1;
  }
  return removed;
}
