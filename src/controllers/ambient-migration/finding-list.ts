import {
  FINDINGS_CONFIG_MAP,
  type FindingsData,
  findingsConfigMap,
  findingsData,
} from '../../../cdk8s/findings-config-map.js';
import type { AmbientMigration } from '../../api/ambient-migration.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { referenceTo } from '../../kube/events.js';
import { CONFIG_MAP, type ConfigMap } from '../../kube/types.js';
import { isAcknowledged } from '../../mesh/findings.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { type Result, requeueAfter } from '../../runtime/result.js';
import type { Change } from '../../runtime/store.js';
import { NameTakenError, OWN_CONFIG_MAPS, dataHash, readOwn } from '../own-config-maps.js';
import type { Plan } from './plan.js';
import { shownFindings } from './finding-report.js';
import type { Observed } from './observed.js';

/** How long until a write that has failed is tried again, ms: whatever keeps it from the API server must not slow the migration. */
const RETRY_MS = 60_000;

/** How long a call may take, ms: an admission webhook could hold it much longer. */
const TIMEOUT_MS = 5_000;

/**
 * Keeps all findings about namespaces in their ConfigMaps `sidestep-findings`. No migration hangs on them: where one cannot be written, an
 * Event of the AmbientMigration says so.
 */
export class FindingLists {
  /** By namespace, ms. */
  readonly #failedAt = new Map<string, number>();

  /**
   * Makes the ConfigMap hold the findings; asks nothing of the API server while it does. Never throws.
   *
   * @returns when to look again; undefined if nothing is left to do
   */
  async keep(observed: Observed, plan: Plan, context: ReconcileContext): Promise<Result | undefined> {
    const namespace = observed.namespace.metadata.name;
    const failedAt = this.#failedAt.get(namespace);
    const waitMs = failedAt === undefined ? 0 : failedAt + RETRY_MS - context.clock.now();
    if (waitMs > 0) return requeueAfter(waitMs, 'FindingsNotWritten');
    try {
      await write(wantedData(observed, plan), observed.migration, context);
      this.#failedAt.delete(namespace);
      return undefined;
    } catch (error) {
      if (context.signal.aborted) return undefined;
      this.#failedAt.set(namespace, context.clock.now());
      report(error, observed, context);
      return requeueAfter(RETRY_MS, 'FindingsNotWritten');
    }
  }

  forget(namespace: string): void {
    this.#failedAt.delete(namespace);
  }
}

/** Whether somebody has deleted the list, or holds something else in it than we have written. */
export function isListLost({ old, new: now }: Change<ConfigMap>): boolean {
  const name = (now ?? old)?.metadata.name;
  return (
    name === FINDINGS_CONFIG_MAP && (!now || now.metadata.annotations?.[OWN_ANNOTATION.contentHash] !== hashOf(now))
  );
}

function wantedData(observed: Observed, plan: Plan): FindingsData {
  const { acknowledge } = observed.spec;
  return findingsData(
    shownFindings(observed, plan).map((finding) => ({ finding, acknowledged: isAcknowledged(finding, acknowledge) })),
  );
}

async function write(
  data: FindingsData,
  { apiVersion, kind, metadata: { namespace = '', name, uid = '' } }: AmbientMigration,
  { client, stores, signal }: ReconcileContext,
): Promise<void> {
  const store = stores.of(CONFIG_MAP, OWN_CONFIG_MAPS);
  const stored = store.get({ namespace, name: FINDINGS_CONFIG_MAP });
  const hash = dataHash(FINDINGS_CONFIG_MAP, data);
  const isOwned = stored?.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  // Before it is rendered: most passes find it as it should be.
  if (stored && isOwned && hashOf(stored) === hash) return;
  const limits = { signal, timeoutMs: TIMEOUT_MS };
  if (!stored) await readOwn(namespace, [FINDINGS_CONFIG_MAP], client, limits);
  const manifest = findingsConfigMap(data, {
    namespace,
    owner: { apiVersion, kind, name, uid },
    annotations: { [OWN_ANNOTATION.contentHash]: hash },
  });
  const options = { ...limits, fieldManager: FIELD_MANAGER, force: true };
  store.record(await client.apply<ConfigMap>(CONFIG_MAP, manifest, options));
}

function report(error: unknown, { migration }: Observed, { events, log }: ReconcileContext): void {
  const isTaken = error instanceof NameTakenError;
  log.error({ err: error }, 'the list of findings cannot be written, and the migration goes on');
  events.emit({
    regarding: referenceTo(migration),
    type: 'Warning',
    reason: isTaken ? 'NameTaken' : 'FindingsNotWritten',
    note: isTaken
      ? `ConfigMap ${error.configMap} exists and is not Sidestep's, so it is left alone: rename it to see all findings there`
      : `ConfigMap ${FINDINGS_CONFIG_MAP} with all findings cannot be written: ${String(error)}. The migration goes on`,
    action: 'Report',
  });
}

/** @param configMap  as the cache holds it */
function hashOf({ data }: ConfigMap): string | undefined {
  return data?.['hash'];
}
