import { createHash } from 'node:crypto';
import type { Manifest } from '../../../cdk8s/objects.js';
import { ZTUNNEL_CONFIG_MAP, isZtunnelConfigMap, ztunnelConfigMaps } from '../../../cdk8s/ztunnel-config-maps.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { applyIfChanged, contentHash } from '../../kube/apply.js';
import { isNotFound } from '../../kube/errors.js';
import { CONFIG_MAP, type ConfigMap } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Stores } from '../../runtime/stores.js';
import { OWN_CONFIG_MAPS, readOwn, withHash } from '../own-config-maps.js';

/** The view of a namespace as it is stored. */
export interface StoredView {
  /** `sidestep-ztunnel` and its parts, found by name, so that none is ever forgotten; by {@link withHash}. */
  readonly configMaps: readonly ConfigMap[];
  /** When `sidestep-ztunnel` last changed, ms; undefined if it is not there, or does not say. */
  readonly writtenAt: number | undefined;
}

/** Reads the view of a namespace from the cache. */
export function storedView(namespace: string, stores: Stores): StoredView {
  const own = stores.of(CONFIG_MAP, OWN_CONFIG_MAPS).list(namespace);
  const configMaps = own.filter(({ metadata }) => isZtunnelConfigMap(metadata.name));
  const at = Date.parse(indexOf(configMaps)?.metadata.annotations?.[OWN_ANNOTATION.writtenAt] ?? '');
  return { configMaps, writtenAt: Number.isNaN(at) ? undefined : at };
}

/**
 * Whether what is stored was made from `source`, and is whole: no part edited, missing or too many.
 *
 * @param source  text that is equal if the file is
 */
export function isCurrent({ configMaps }: StoredView, source: string): boolean {
  return indexOf(configMaps)?.metadata.annotations?.[OWN_ANNOTATION.viewHash] === viewHash(source, configMaps);
}

/**
 * Makes the ConfigMaps of a namespace hold a file. `sidestep-ztunnel` is written after its parts, and its hash is of all of them: so
 * after a crash the view is not current.
 *
 * @throws {NameTakenError} nothing of others is overwritten
 * @throws {ApiError} an answer that a later pass may cure
 */
export async function keep(
  view: { readonly namespace: string; readonly source: string; readonly file: string; readonly stored: StoredView },
  context: ReconcileContext,
): Promise<void> {
  const { namespace, source, file, stored } = view;
  const [index, ...parts] = ztunnelConfigMaps(file, { namespace });
  if (!index) return;
  const annotations = {
    [OWN_ANNOTATION.viewHash]: viewHash(source, [index, ...parts].map(withHash)),
    [OWN_ANNOTATION.writtenAt]: new Date(context.clock.now()).toISOString(),
  };
  const wanted = [...parts, { ...index, metadata: { ...index.metadata, annotations } }];
  const live = await readOwn(
    namespace,
    wanted.map(({ metadata }) => metadata.name),
    context.client,
    { signal: context.signal },
  );
  for (const [at, manifest] of wanted.entries()) await apply(manifest, live[at], context);
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  await remove(
    stored.configMaps.filter(({ metadata }) => !names.has(metadata.name)),
    context,
  );
}

/** Deletes ConfigMaps of ours. */
export async function remove(configMaps: readonly ConfigMap[], { client, signal }: ReconcileContext): Promise<void> {
  for (const { metadata } of configMaps) {
    const { namespace = '', name, uid } = metadata;
    await client
      .delete(CONFIG_MAP, { namespace, name }, { ...(uid !== undefined && { uid }), signal })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

async function apply(
  manifest: Manifest,
  live: ConfigMap | undefined,
  { client, signal, stores }: ReconcileContext,
): Promise<void> {
  const options = { fieldManager: FIELD_MANAGER, hashAnnotation: OWN_ANNOTATION.contentHash, signal };
  const { object } = await applyIfChanged(client, CONFIG_MAP, manifest, live, options);
  stores.of(CONFIG_MAP, OWN_CONFIG_MAPS).record(object);
}

function indexOf(configMaps: readonly ConfigMap[]): ConfigMap | undefined {
  return configMaps.find(({ metadata }) => metadata.name === ZTUNNEL_CONFIG_MAP);
}

/** @param configMaps  by {@link withHash} */
function viewHash(source: string, configMaps: readonly ConfigMap[]): string {
  const held = configMaps.map(({ metadata, data }) => [metadata.name, data?.['hash']]);
  return contentHash([sha256(source), Object.fromEntries(held)]);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
