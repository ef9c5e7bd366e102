import { LABEL } from '../../api/labels.js';
import { OWN_LABEL } from '../../api/own-labels.js';
import type { Client } from '../../kube/client.js';
import { isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import type { EmittedEvent } from '../../kube/events.js';
import type { KubeObject } from '../../kube/resource.js';
import { CONTROLLER_REVISION, NAMESPACE, type Namespace } from '../../kube/types.js';
import { enrolmentMark } from './enrolment.js';
import { snapshotNumber } from './snapshot.js';

/**
 * The Event that names what stays behind when an AmbientMigration is deleted: nothing that protects traffic is removed.
 *
 * @returns undefined if nothing stays: the namespace goes too, or was never changed
 * @throws {ApiError} the namespace or its snapshots cannot be read
 */
export async function goodbye(migration: KubeObject, client: Client): Promise<EmittedEvent | undefined> {
  const namespace = await findNamespace(migration.metadata.namespace ?? '', client);
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined || !enrolmentMark(namespace)) return undefined;
  const labels = [LABEL.dataplaneMode, LABEL.injection, LABEL.useWaypoint].flatMap((key) => {
    const value = namespace.metadata.labels?.[key];
    return value === undefined ? [] : [`${key}=${value}`];
  });
  const kept = await newestSnapshot(namespace.metadata.name, client);
  const before = kept === undefined ? '' : `; the state before is kept in ControllerRevision ${kept}`;
  return {
    regarding: referenceTo(migration),
    type: 'Normal',
    reason: 'MigrationDeleted',
    note: `The namespace stays as it is: ${labels.join(', ')}${before}. Apply an AmbientMigration again to go on, or with dataplaneMode: Sidecar to roll back.`,
    action: 'Migrate',
  };
}

async function newestSnapshot(namespace: string, client: Client): Promise<string | undefined> {
  const { items } = await client.list(CONTROLLER_REVISION, { namespace, labelSelector: OWN_LABEL.snapshot });
  const numbered = items.map(({ metadata: { name } }) => ({ name, number: snapshotNumber(name) ?? 0 }));
  return numbered.sort((a, b) => b.number - a.number)[0]?.name;
}

async function findNamespace(name: string, client: Client): Promise<Namespace | undefined> {
  try {
    return await client.get(NAMESPACE, { name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
