import { LABEL } from '../../api/labels.js';
import type { Client } from '../../kube/client.js';
import { isNotFound } from '../../kube/errors.js';
import { referenceTo } from '../../kube/events.js';
import type { EmittedEvent } from '../../kube/events.js';
import type { KubeObject } from '../../kube/resource.js';
import { NAMESPACE, type Namespace } from '../../kube/types.js';
import { enrolmentMark } from './enrolment.js';
import { SNAPSHOT_NAME } from './snapshot.js';

/**
 * The Event that names what stays behind when an AmbientMigration is deleted: nothing that protects traffic is removed.
 *
 * @returns undefined if nothing stays: the namespace goes too, or was never changed
 * @throws {ApiError} the namespace cannot be read
 */
export async function goodbye(migration: KubeObject, client: Client): Promise<EmittedEvent | undefined> {
  const namespace = await findNamespace(migration.metadata.namespace ?? '', client);
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined || !enrolmentMark(namespace)) return undefined;
  const labels = [LABEL.dataplaneMode, LABEL.injection, LABEL.useWaypoint].flatMap((key) => {
    const value = namespace.metadata.labels?.[key];
    return value === undefined ? [] : [`${key}=${value}`];
  });
  return {
    regarding: referenceTo(migration),
    type: 'Normal',
    reason: 'MigrationDeleted',
    note: `The namespace stays as it is: ${labels.join(', ')}; the state before is kept in ControllerRevision ${SNAPSHOT_NAME}. Apply an AmbientMigration again to go on, or with dataplaneMode: Sidecar to roll back.`,
    action: 'Migrate',
  };
}

async function findNamespace(name: string, client: Client): Promise<Namespace | undefined> {
  try {
    return await client.get(NAMESPACE, { name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
