import { matchesSelector } from '../../../../kube/selectors.js';
import { CONTROLLER_REVISION, POD, type ControllerRevision, type Pod } from '../../../../kube/types.js';
import { statesOf } from '../../informers.js';
import { NODE, type Node } from '../../nodes.js';
import type { Cluster } from '../cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from '../control-loop.js';
import { byRevision, createRevision, holds } from '../controller-history.js';
import { DAEMON_SET, type DaemonSet } from '../kinds.js';
import { ObjectEvents } from '../object-events.js';
import { claim, ownerKeys } from '../ownership.js';
import { PodControl } from '../pod-control.js';
import { nextAvailableInMs, podFromTemplate } from '../pods.js';
import { eligibility, templateOn } from './eligibility.js';
import { daemonSetStatus, placement, rollingStep, type Daemons, type Work } from './placement.js';

const hashLabel = 'controller-revision-hash';

/** The API server counts templates in the annotation; pods tell theirs. */
const generationAnnotation = 'deprecated.daemonset.template.generation';
const generationLabel = 'pod-template-generation';

/** Failed pods of one node are replaced after 1 s, 2 s … 15 min. */
const firstBackoffMs = 1_000;
const maxBackoffMs = 900_000;

/** Keeps one pod on each node. Rules: kubernetes/pkg/controller/daemon. */
export class DaemonSetController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #events: ObjectEvents;
  readonly #podControl: PodControl;
  /** By uid of the set and name of the node: until when failed pods are left alone. */
  readonly #backoff = new Map<string, { untilMs: number; delayMs: number }>();

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    this.#events = new ObjectEvents(cluster, log, 'daemonset-controller');
    this.#podControl = new PodControl(cluster, this.#events);
    const sets = cluster.informer(DAEMON_SET);
    const pods = cluster.informer(POD);
    const nodes = cluster.informer(NODE);
    const revisions = cluster.informer(CONTROLLER_REVISION);
    this.#loop = new ControlLoop({ cluster, log }, 'daemon-set', [sets, pods, nodes, revisions], (key) =>
      this.#sync(key),
    );
    this.loops = [this.#loop];
    sets.onChange(({ object }) => this.#loop.add(keyOf(object)));
    pods.onChange((change) => {
      for (const pod of statesOf(change)) this.#loop.add(...ownerKeys(cluster, DAEMON_SET, pod));
    });
    nodes.onChange(({ object, before, gone }) => this.#addConcerned(object, gone ? undefined : before, gone));
  }

  /** Sets for which the change of a node makes a difference; heartbeats make none. */
  #addConcerned(node: Node, before: Node | undefined, gone: boolean): void {
    for (const set of this.#cluster.informer(DAEMON_SET).list()) {
      const now = eligibility(set, node);
      const then = before === undefined ? undefined : eligibility(set, before);
      const same = then?.shouldRun === now.shouldRun && then.mayStay === now.mayStay;
      if (gone || !same) this.#loop.add(keyOf(set));
    }
  }

  async #sync(key: string): Promise<void> {
    const set = this.#cluster.informer(DAEMON_SET).get(refOf(key));
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const { current, old } = await this.#history(set);
    const hash = current.metadata.labels?.[hashLabel] ?? '';
    const generation = set.metadata.annotations?.[generationAnnotation];
    const isUpdated = ({ metadata: { labels = {} } }: Pod): boolean =>
      labels[hashLabel] === hash || (generation !== undefined && labels[generationLabel] === generation);
    const look = async (): Promise<Daemons> => ({
      set,
      nodes: this.#cluster.informer(NODE).list(),
      pods: await this.#claimPods(set),
      isUpdated,
      nowMs: this.#cluster.clock.now(),
    });
    try {
      await this.#carryOut(set, placement(await look()), hash);
      const { type = 'RollingUpdate' } = set.spec.updateStrategy ?? {};
      if (type === 'RollingUpdate') await this.#carryOut(set, rollingStep(await look()), hash);
      await this.#truncate(set, old);
    } finally {
      await this.#report(await look());
    }
  }

  #claimPods(set: DaemonSet): Promise<Pod[]> {
    return claim({
      cluster: this.#cluster,
      ownerType: DAEMON_SET,
      owner: set,
      type: POD,
      candidates: this.#cluster.informer(POD).list(set.metadata.namespace),
      matches: ({ metadata }) => matchesSelector(set.spec.selector, metadata.labels),
    });
  }

  async #carryOut(set: DaemonSet, work: Work, hash: string): Promise<void> {
    for (const pod of work.delete) await this.#podControl.delete(set, pod);
    for (const pod of work.ended) await this.#deleteEnded(set, pod);
    const generation = set.metadata.annotations?.[generationAnnotation];
    const labels = { [hashLabel]: hash, ...(generation !== undefined && { [generationLabel]: generation }) };
    for (const node of work.create) {
      const template = templateOn(set.spec.template, node, labels);
      const created = await this.#podControl.create(set, podFromTemplate(template, set));
      if (created === undefined) return;
    }
  }

  async #deleteEnded(set: DaemonSet, pod: Pod): Promise<void> {
    const { namespace, name } = pod.metadata;
    const { nodeName = '' } = pod.spec;
    if (pod.status?.phase === 'Failed') {
      const waitMs = this.#backOff(`${set.metadata.uid}/${nodeName}`);
      if (waitMs > 0) return this.#loop.addAfter(keyOf(set), waitMs);
      const message = `Found failed daemon pod ${namespace}/${name} on node ${nodeName}, will try to kill it`;
      this.#events.warning(set, 'FailedDaemonPod', message);
    } else {
      const message = `Found succeeded daemon pod ${namespace}/${name} on node ${nodeName}, will try to delete it`;
      this.#events.normal(set, 'SucceededDaemonPod', message);
    }
    await this.#podControl.delete(set, pod);
  }

  /** How long to wait before the next failed pod goes, 0 for not at all; then the next wait is longer. */
  #backOff(key: string): number {
    const now = this.#cluster.clock.now();
    const before = this.#backoff.get(key);
    if (before !== undefined && now < before.untilMs) return before.untilMs - now;
    const delayMs = before === undefined ? firstBackoffMs : Math.min(maxBackoffMs, before.delayMs * 2);
    this.#backoff.set(key, { untilMs: now + delayMs, delayMs });
    return 0;
  }

  async #report(daemons: Daemons): Promise<void> {
    const { set, pods, nowMs } = daemons;
    await this.#cluster.setStatus(DAEMON_SET, set, daemonSetStatus(daemons));
    const waitMs = nextAvailableInMs(pods, set.spec.minReadySeconds ?? 0, nowMs);
    if (waitMs !== undefined) this.#loop.addAfter(keyOf(set), waitMs);
  }

  /** The revision of the current template, made or given the highest number, and all others. */
  async #history(set: DaemonSet): Promise<{ current: ControllerRevision; old: ControllerRevision[] }> {
    const all = await claim({
      cluster: this.#cluster,
      ownerType: DAEMON_SET,
      owner: set,
      type: CONTROLLER_REVISION,
      candidates: this.#cluster.informer(CONTROLLER_REVISION).list(set.metadata.namespace),
      matches: ({ metadata }) => matchesSelector(set.spec.selector, metadata.labels),
    });
    const { template } = set.spec;
    const known = all
      .filter((revision) => holds(revision, template))
      .sort(byRevision)
      .at(-1);
    const old = all.filter((revision) => revision !== known).sort(byRevision);
    const revision = (old.at(-1)?.revision ?? 0) + 1;
    if (known === undefined) {
      const collisions = set.status?.collisionCount ?? 0;
      const made = await createRevision(this.#cluster, { owner: set, template, revision, hashLabel, collisions });
      return { current: made.created, old };
    }
    if (known.revision >= revision) return { current: known, old };
    const changes = [{ path: ['revision'], value: revision }];
    return { current: await this.#cluster.change(CONTROLLER_REVISION, known, changes), old };
  }

  async #truncate(set: DaemonSet, old: readonly ControllerRevision[]): Promise<void> {
    const pods = await this.#claimPods(set);
    const live = new Set(pods.map(({ metadata }) => metadata.labels?.[hashLabel]));
    let surplus = old.length - (set.spec.revisionHistoryLimit ?? 10);
    for (const revision of old) {
      if (surplus <= 0) return;
      if (live.has(revision.metadata.labels?.[hashLabel])) continue;
      await this.#cluster.delete(CONTROLLER_REVISION, revision);
      surplus--;
    }
  }
}
