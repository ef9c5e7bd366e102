import { isAlreadyExists } from '../../../../kube/errors.js';
import { isNamespaceTerminating, serverMessage, type Cluster, type Draft } from '../cluster.js';
import { DEPLOYMENT, REPLICA_SET, type Deployment, type ReplicaSet, type WorkloadCondition } from '../kinds.js';
import type { ObjectEvents } from '../object-events.js';
import { controllerReference, isControlledBy } from '../ownership.js';
import { canonicalTemplate, contentName } from '../template-hash.js';
import {
  findNewSet,
  hashLabel,
  newSetAnnotations,
  newSetChanges,
  nextRevision,
  revisionAnnotation,
} from './revisions.js';
import { fenceposts, newSetSize, wantedReplicas } from './rollout.js';
import { hasDeadline, newCondition, progressing, withCondition } from './status.js';

/** A Deployment and its ReplicaSets, the newest apart. */
export interface Family {
  deployment: Deployment;
  oldSets: ReplicaSet[];
  newSet: ReplicaSet | undefined;
}

/** Finds, numbers and makes the ReplicaSet of a Deployment's current template. */
export class NewReplicaSet {
  constructor(
    readonly cluster: Cluster,
    readonly events: ObjectEvents,
  ) {}

  /** Tells the newest of `sets` apart, and brings its number and annotations, and the Deployment's, up to date. */
  async find(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Family> {
    const newSet = findNewSet(deployment, sets);
    const oldSets = sets.filter((set) => set !== newSet);
    if (newSet === undefined) return { deployment, oldSets, newSet };
    const updated = await this.cluster.change(
      REPLICA_SET,
      newSet,
      newSetChanges(deployment, newSet, nextRevision(oldSets)),
    );
    const found = `Found new replica set "${newSet.metadata.name}"`;
    const told =
      hasDeadline(deployment) && progressing(deployment.status) === undefined
        ? this.#progress('True', 'FoundNewReplicaSet', found)
        : undefined;
    const revision = updated.metadata.annotations?.[revisionAnnotation] ?? '';
    return { deployment: await this.#note(deployment, revision, told), oldSets, newSet: updated };
  }

  /**
   * Makes the ReplicaSet where there is none; undefined if the namespace is being deleted.
   *
   * @throws {Error} it could not be made; the Deployment tells so
   */
  async ensure(family: Family): Promise<Family> {
    if (family.newSet !== undefined) return family;
    const { deployment, oldSets } = family;
    const revision = nextRevision(oldSets);
    const newSet = await this.#create(deployment, this.#draft(deployment, oldSets, revision));
    if (newSet === undefined) return family;
    const { name } = newSet.metadata;
    const replicas = newSet.spec.replicas ?? 0;
    if (replicas > 0) {
      this.events.normal(deployment, 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`);
    }
    const created = hasDeadline(deployment)
      ? this.#progress('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
      : undefined;
    return { deployment: await this.#note(deployment, String(revision), created), oldSets, newSet };
  }

  #draft(deployment: Deployment, oldSets: readonly ReplicaSet[], revision: number): Draft {
    const { name, namespace = '' } = deployment.metadata;
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = contentName(JSON.parse(canonicalTemplate(template)), deployment.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const desired = wantedReplicas(deployment);
    return {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: newSetAnnotations(deployment, revision, { desired, max: desired + fenceposts(deployment).surge }),
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas: newSetSize(deployment, oldSets, 0),
        ...(minReadySeconds !== undefined && { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
  }

  async #create(deployment: Deployment, draft: Draft): Promise<ReplicaSet | undefined> {
    try {
      return await this.cluster.create(REPLICA_SET, draft);
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isAlreadyExists(error)) return this.#existing(deployment, draft, error);
      const message = `Failed to create new replica set "${draft.metadata.name}": ${serverMessage(error)}`;
      this.events.warning(deployment, 'ReplicaSetCreateError', message);
      if (hasDeadline(deployment)) {
        await this.#note(deployment, undefined, this.#progress('False', 'ReplicaSetCreateError', message));
      }
      throw error;
    }
  }

  /** The set that has the name already, if it is ours; else the next try takes another name. */
  async #existing(deployment: Deployment, { metadata }: Draft, error: unknown): Promise<ReplicaSet> {
    const { name = '', namespace = '' } = metadata;
    const set = await this.cluster.client.get<ReplicaSet>(REPLICA_SET, { name, namespace });
    const same =
      canonicalTemplate(set.spec.template, [hashLabel]) === canonicalTemplate(deployment.spec.template, [hashLabel]);
    if (isControlledBy(set, deployment) && same) return set;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await this.cluster.setStatus(DEPLOYMENT, deployment, { ...deployment.status, collisionCount });
    throw error;
  }

  #progress(status: 'True' | 'False', reason: string, message: string): WorkloadCondition {
    const { clock } = this.cluster;
    return newCondition('Progressing', status, reason, message, { ms: clock.now(), text: this.cluster.now() });
  }

  /** Writes the number of the revision and a condition, both by the status subresource, as the real controller does. */
  async #note(
    deployment: Deployment,
    revision: string | undefined,
    condition: WorkloadCondition | undefined,
  ): Promise<Deployment> {
    const conditions = deployment.status?.conditions ?? [];
    const changes = [
      ...(revision === undefined ? [] : [{ path: ['metadata', 'annotations', revisionAnnotation], value: revision }]),
      ...(condition === undefined
        ? []
        : [{ path: ['status', 'conditions'], value: withCondition(conditions, condition) }]),
    ];
    return this.cluster.change(DEPLOYMENT, deployment, changes, 'status');
  }
}
