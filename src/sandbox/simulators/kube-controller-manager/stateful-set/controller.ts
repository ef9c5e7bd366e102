import { isAlreadyExists } from '../../../../kube/errors.js';
import { matchesSelector } from '../../../../kube/selectors.js';
import { CONTROLLER_REVISION, POD, type ControllerRevision, type Pod } from '../../../../kube/types.js';
import { statesOf } from '../../informers.js';
import { serverMessage, type Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { byRevision, createRevision, holds, templateOf } from '../controller-history.js';
import { PERSISTENT_VOLUME_CLAIM, STATEFUL_SET, type StatefulSet } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { claim, controllerOf, ownerKeys } from '../ownership.js';
import { nextAvailableInMs } from '../pods.js';
import { claimsFor, missingIdentity, ordinalOf, podFor, podName, podRevision } from './identity.js';
import { statefulSetStatus, stepsOf, type Step } from './steps.js';

const hashLabel = 'controller.kubernetes.io/hash';

/** The revisions of a set, and the two that count. */
interface Revisions {
  all: ControllerRevision[];
  current: ControllerRevision;
  update: ControllerRevision;
  collisions: number;
}

/** Keeps numbered pods, one after the other. Rules: kubernetes/pkg/controller/statefulset. */
export class StatefulSetController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'statefulset-controller');
    const sets = cluster.informer(STATEFUL_SET);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop(
      { cluster, log },
      'stateful-set',
      [sets, pods, cluster.informer(CONTROLLER_REVISION), cluster.informer(PERSISTENT_VOLUME_CLAIM)],
      (key) => this.#sync(key),
    );
    this.loops = [this.#loop];
    sets.onChange(({ object }) => this.#loop.add(keyOf(object)));
    pods.onChange((change) => {
      for (const pod of statesOf(change)) this.#loop.add(...ownerKeys(cluster, STATEFUL_SET, pod));
    });
  }

  async #sync(key: string): Promise<void> {
    const set = this.#cluster.informer(STATEFUL_SET).get(refOf(key));
    if (set === undefined) return;
    const own = { cluster: this.#cluster, ownerType: STATEFUL_SET, owner: set };
    const { selector } = set.spec;
    const owned = await claim({
      ...own,
      type: CONTROLLER_REVISION,
      candidates: this.#cluster.informer(CONTROLLER_REVISION).list(set.metadata.namespace),
      matches: ({ metadata }) => matchesSelector(selector, metadata.labels),
    });
    const pods = await claim({
      ...own,
      type: POD,
      candidates: this.#cluster.informer(POD).list(set.metadata.namespace),
      matches: (pod) => matchesSelector(selector, pod.metadata.labels) && ordinalOf(set, pod) >= 0,
    });
    const revisions = await this.#revisions(set, owned.sort(byRevision));
    await this.#advance(set, pods, revisions);
    await this.#truncate(set, pods, revisions);
  }

  /** Does what is to be done, and reports, also when something was refused. */
  async #advance(set: StatefulSet, pods: Pod[], revisions: Revisions): Promise<void> {
    const nowMs = this.#cluster.clock.now();
    const situation = { set, pods, updateRevision: revisions.update.metadata.name, nowMs };
    const steps = set.metadata.deletionTimestamp === undefined ? stepsOf(situation) : [];
    try {
      for (const step of steps) await this.#carryOut(set, revisions, step);
    } finally {
      const { current, collisions } = revisions;
      const seen = this.#seenAgain(set, pods);
      const status = statefulSetStatus({
        ...situation,
        pods: seen,
        currentRevision: current.metadata.name,
        collisions,
      });
      await this.#cluster.setStatus(STATEFUL_SET, set, status);
      const waitMs = nextAvailableInMs(seen, set.spec.minReadySeconds ?? 0, nowMs);
      if (waitMs !== undefined) this.#loop.addAfter(keyOf(set), waitMs);
    }
  }

  /** The pods of the set as they are known after the steps. */
  #seenAgain(set: StatefulSet, pods: readonly Pod[]): Pod[] {
    const before = new Set(pods.map(({ metadata }) => metadata.uid));
    return this.#cluster
      .informer(POD)
      .list(set.metadata.namespace)
      .filter((pod) => before.has(pod.metadata.uid) || controllerOf(pod)?.uid === set.metadata.uid)
      .filter((pod) => ordinalOf(set, pod) >= 0);
  }

  async #carryOut(set: StatefulSet, revisions: Revisions, step: Step): Promise<void> {
    switch (step.do) {
      case 'create':
        return this.#create(set, revisions, step.ordinal);
      case 'claims':
        return this.#createClaims(set, step.ordinal);
      case 'identity':
        return this.#repairIdentity(set, step.pod);
      case 'delete':
        return this.#told(set, step.pod.metadata.name, 'Delete', () => this.#cluster.delete(POD, step.pod));
    }
  }

  async #create(set: StatefulSet, { current, update }: Revisions, ordinal: number): Promise<void> {
    const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
    const start = set.spec.ordinals?.start ?? 0;
    const older = type === 'RollingUpdate' && ordinal < start + (rollingUpdate?.partition ?? 0);
    const revision = older ? current : update;
    const pod = podFor(set, ordinal, { name: revision.metadata.name, template: templateOf(revision) });
    await this.#createClaims(set, ordinal);
    await this.#told(set, podName(set, ordinal), 'Create', () => this.#cluster.create(POD, pod));
  }

  async #createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    const known = this.#cluster.informer(PERSISTENT_VOLUME_CLAIM);
    for (const draft of claimsFor(set, ordinal)) {
      const { name } = draft.metadata;
      const existing = known.get({ namespace: set.metadata.namespace, name });
      if (existing?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
      if (existing !== undefined) continue;
      const about = `Create Claim ${name} Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
      try {
        await this.#cluster.create(PERSISTENT_VOLUME_CLAIM, draft);
        this.#events.normal(set, 'SuccessfulCreate', `${about} success`);
      } catch (error) {
        if (isAlreadyExists(error)) throw error;
        this.#events.warning(set, 'FailedCreate', `${about} failed error: ${serverMessage(error)}`);
        throw error;
      }
    }
  }

  async #repairIdentity(set: StatefulSet, pod: Pod): Promise<void> {
    const changes = Object.entries(missingIdentity(set, pod)).map(([label, value]) => ({
      path: ['metadata', 'labels', label],
      value,
    }));
    if (changes.length === 0) return;
    await this.#told(set, pod.metadata.name, 'Update', () => this.#cluster.change(POD, pod, changes));
  }

  /** Does something to a pod and tells of it in an Event. */
  async #told(
    set: StatefulSet,
    pod: string,
    verb: 'Create' | 'Update' | 'Delete',
    act: () => Promise<unknown>,
  ): Promise<void> {
    const about = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    try {
      await act();
      this.#events.normal(set, `Successful${verb}`, `${about} successful`);
    } catch (error) {
      if (isAlreadyExists(error)) throw error;
      this.#events.warning(set, `Failed${verb}`, `${about} failed error: ${serverMessage(error)}`);
      throw error;
    }
  }

  /** The revision of the current template, made or brought to the end if it is not the newest, and that of before. */
  async #revisions(set: StatefulSet, all: ControllerRevision[]): Promise<Revisions> {
    const { template } = set.spec;
    const newest = all.at(-1);
    const revision = (newest?.revision ?? 0) + 1;
    const equal = all.filter((candidate) => holds(candidate, template)).at(-1);
    let collisions = set.status?.collisionCount ?? 0;
    let update: ControllerRevision;
    if (equal === undefined) {
      const made = await createRevision(this.#cluster, { owner: set, template, revision, hashLabel, collisions });
      update = made.created;
      collisions = made.collisions;
    } else if (equal === newest) {
      update = equal;
    } else {
      update = await this.#cluster.change(CONTROLLER_REVISION, equal, [{ path: ['revision'], value: revision }]);
    }
    const current = all.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    return { all, current, update, collisions };
  }

  /** Deletes the oldest revisions that neither count nor have pods, beyond the limit. */
  async #truncate(set: StatefulSet, pods: Pod[], { all, current, update }: Revisions): Promise<void> {
    const live = new Set([current.metadata.name, update.metadata.name, ...pods.map(podRevision)]);
    const history = all.filter(({ metadata }) => !live.has(metadata.name));
    const surplus = history.length - (set.spec.revisionHistoryLimit ?? 10);
    for (const revision of history.slice(0, Math.max(0, surplus))) {
      await this.#cluster.delete(CONTROLLER_REVISION, revision);
    }
  }
}
