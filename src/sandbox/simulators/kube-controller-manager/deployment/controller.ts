import { matchesSelector } from '../../../../kube/selectors.js';
import { POD, type Pod } from '../../../../kube/types.js';
import { statesOf } from '../../informers.js';
import type { Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { DEPLOYMENT, REPLICA_SET, type Deployment, type ReplicaSet } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { claim, controllerOf, isControlledBy, ownerKeys } from '../ownership.js';
import { isTerminal } from '../pods.js';
import { NewReplicaSet, type Family } from './new-replica-set.js';
import { annotation, desiredAnnotation, expiredSets, maxAnnotation } from './revisions.js';
import {
  fenceposts,
  isRolling,
  isScalingEvent,
  newSetSize,
  rescale,
  scaleDownOld,
  sizeOf,
  wantedReplicas,
  type Scaling,
} from './rollout.js';
import {
  deadlineInMs,
  deploymentStatus,
  hasDeadline,
  isComplete,
  newCondition,
  progressing,
  rolloutStatus,
  withCondition,
  type Instant,
} from './status.js';

/** Moves pods from one ReplicaSet to the next. Rules: kubernetes/pkg/controller/deployment. */
export class DeploymentController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;
  readonly #newSets: NewReplicaSet;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'deployment-controller');
    this.#newSets = new NewReplicaSet(cluster, this.#events);
    const deployments = cluster.informer(DEPLOYMENT);
    const sets = cluster.informer(REPLICA_SET);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'deployment', [deployments, sets, pods], (key) => this.#sync(key));
    this.loops = [this.#loop];
    deployments.onChange(({ object }) => this.#loop.add(keyOf(object)));
    sets.onChange((change) => {
      for (const set of statesOf(change)) this.#loop.add(...ownerKeys(cluster, DEPLOYMENT, set));
    });
    pods.onChange(({ object, gone }) => {
      if (gone) this.#addWaiting(object);
    });
  }

  /** A Deployment that recreates waits until its last old pod is gone. */
  #addWaiting(pod: Pod): void {
    const owner = controllerOf(pod);
    const { namespace = '' } = pod.metadata;
    if (owner?.kind !== 'ReplicaSet') return;
    const set = this.#cluster.informer(REPLICA_SET).get({ namespace, name: owner.name });
    if (set !== undefined) this.#loop.add(...ownerKeys(this.#cluster, DEPLOYMENT, set));
  }

  async #sync(key: string): Promise<void> {
    const deployment = this.#cluster.informer(DEPLOYMENT).get(refOf(key));
    if (deployment === undefined) return;
    const { selector } = deployment.spec;
    const sets = await claim({
      cluster: this.#cluster,
      ownerType: DEPLOYMENT,
      owner: deployment,
      type: REPLICA_SET,
      candidates: this.#cluster.informer(REPLICA_SET).list(deployment.metadata.namespace),
      matches: ({ metadata }) => matchesSelector(selector, metadata.labels),
    });
    const family = await this.#newSets.find(deployment, sets);
    if (deployment.metadata.deletionTimestamp !== undefined) return this.#report(family);
    const resumed = { ...family, deployment: await this.#notePause(family.deployment) };
    const { newSet, oldSets } = resumed;
    const all = newSet === undefined ? oldSets : [...oldSets, newSet];
    if (deployment.spec.paused === true || isScalingEvent(resumed.deployment, all)) return this.#rescale(resumed);
    return isRolling(deployment) ? this.#roll(resumed) : this.#recreate(resumed);
  }

  /** While paused, and when only the size has changed, no pods move from one set to another. */
  async #rescale(family: Family): Promise<void> {
    const { deployment, oldSets, newSet } = family;
    const scaled = await this.#scale(family, rescale(deployment, oldSets, newSet));
    if (deployment.spec.paused === true) await this.#cleanUp(scaled);
    return this.#report(scaled);
  }

  async #roll(found: Family): Promise<void> {
    const family = await this.#newSets.ensure(found);
    const { deployment, oldSets, newSet } = family;
    if (newSet === undefined) return;
    const wanted = wantedReplicas(deployment);
    const replicas = sizeOf(newSet) > wanted ? wanted : newSetSize(deployment, oldSets, sizeOf(newSet));
    if (replicas !== sizeOf(newSet)) {
      return this.#reportRollout(await this.#scale(family, [{ set: newSet, replicas }]));
    }
    const fewer = scaleDownOld(deployment, oldSets, newSet);
    if (fewer.length > 0) return this.#reportRollout(await this.#scale(family, fewer));
    if (isComplete(deployment, deployment.status)) await this.#cleanUp(family);
    return this.#reportRollout(family);
  }

  async #recreate(family: Family): Promise<void> {
    const active = family.oldSets.filter((set) => sizeOf(set) > 0);
    if (active.length > 0) {
      const scalings = active.map((set) => ({ set, replicas: 0 }));
      return this.#reportRollout(await this.#scale(family, scalings));
    }
    if (this.#oldPodsRemain(family)) return this.#reportRollout(family);
    const ensured = await this.#newSets.ensure(family);
    const { deployment, newSet } = ensured;
    if (newSet === undefined) return;
    const replicas = wantedReplicas(deployment);
    const scaled = replicas === sizeOf(newSet) ? ensured : await this.#scale(ensured, [{ set: newSet, replicas }]);
    if (isComplete(deployment, deployment.status)) await this.#cleanUp(scaled);
    return this.#reportRollout(scaled);
  }

  #oldPodsRemain({ deployment, oldSets }: Family): boolean {
    const pods = this.#cluster.informer(POD).list(deployment.metadata.namespace);
    return oldSets.some(
      (set) => (set.status?.replicas ?? 0) > 0 || pods.some((pod) => isControlledBy(pod, set) && !isTerminal(pod)),
    );
  }

  /** Gives sets their sizes and notes in them what the Deployment wants now; returns the family as it is then. */
  async #scale(family: Family, scalings: readonly Scaling[]): Promise<Family> {
    const { deployment } = family;
    const wanted = wantedReplicas(deployment);
    const scaled = new Map<ReplicaSet, ReplicaSet>();
    for (const { set, replicas } of scalings) {
      const changed = await this.#cluster.change(REPLICA_SET, set, [
        { path: ['spec', 'replicas'], value: replicas },
        annotation(desiredAnnotation, String(wanted)),
        annotation(maxAnnotation, String(wanted + fenceposts(deployment).surge)),
      ]);
      scaled.set(set, changed);
      if (replicas === sizeOf(set)) continue;
      const direction = replicas > sizeOf(set) ? 'up' : 'down';
      const message = `Scaled ${direction} replica set ${set.metadata.name} from ${sizeOf(set)} to ${replicas}`;
      this.#events.normal(deployment, 'ScalingReplicaSet', message);
    }
    const { oldSets, newSet } = family;
    return {
      deployment,
      oldSets: oldSets.map((set) => scaled.get(set) ?? set),
      newSet: newSet && (scaled.get(newSet) ?? newSet),
    };
  }

  async #cleanUp({ deployment, oldSets }: Family): Promise<void> {
    for (const set of expiredSets(deployment, oldSets)) await this.#cluster.delete(REPLICA_SET, set);
  }

  async #notePause(deployment: Deployment): Promise<Deployment> {
    const current = progressing(deployment.status)?.reason;
    const { paused = false } = deployment.spec;
    if (!hasDeadline(deployment) || current === 'ProgressDeadlineExceeded') return deployment;
    if (paused === (current === 'DeploymentPaused')) return deployment;
    const condition = paused
      ? newCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', this.#now())
      : newCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', this.#now());
    const conditions = withCondition(deployment.status?.conditions ?? [], condition);
    return this.#cluster.setStatus(DEPLOYMENT, deployment, { ...deployment.status, conditions });
  }

  async #report({ deployment, oldSets, newSet }: Family): Promise<void> {
    const status = deploymentStatus(deployment, oldSets, newSet, this.#now());
    await this.#cluster.setStatus(DEPLOYMENT, deployment, status);
  }

  async #reportRollout({ deployment, oldSets, newSet }: Family): Promise<void> {
    const now = this.#now();
    const status = rolloutStatus(deployment, oldSets, newSet, now);
    const written = await this.#cluster.setStatus(DEPLOYMENT, deployment, status);
    const waitMs = deadlineInMs(written, status, now.ms);
    if (waitMs !== undefined) this.#loop.addAfter(keyOf(deployment), waitMs);
  }

  #now(): Instant {
    return { ms: this.#cluster.clock.now(), text: this.#cluster.now() };
  }
}
