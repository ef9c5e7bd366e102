import { afterAll, beforeAll, expect, inject } from 'vitest';
import { AMBIENT_MIGRATION, type AmbientMigration } from '../../src/api/ambient-migration.js';
import { findCondition } from '../../src/kube/conditions.js';
import { NAMESPACE } from '../../src/kube/types.js';
import { changesOf, invariantBreaches } from '../support/audit.js';
import { Cluster, type ClusterKind, type InProcessBackend } from '../support/cluster.js';
import { deployment, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';
import { askedShare } from '../support/share.js';
import { startInProcess } from '../support/start-cluster.js';
import { restartOperator } from './crashes.js';
import { type Armed, describeWrite, isWriteTo, type Moment, strikeAt, type Target } from './strike.js';

/** Which way a migration goes. */
export type Way = 'there' | 'back';

/** One after the other. */
export const WAYS: readonly Way[] = ['there', 'back'];

/** What is migrated in a campaign, and how. */
export interface Plot {
  /** What there is besides a Deployment and a StatefulSet, in a namespace of that name. */
  readonly objects: (namespace: string) => object[];
  /** Spec of the AmbientMigration, its mode left out. */
  readonly spec: object;
  /** Pods at the end of each way. */
  readonly pods: Readonly<Record<Way, number>>;
  /** Plurals of what is disturbed when it is written; everything, if it says nothing. */
  readonly disturbed?: readonly string[];
}

/** Two workloads, and nothing else. */
const PLAIN: Plot = { objects: () => [], spec: {}, pods: { there: 2, back: 2 } };

const ADDRESSES = /(?<=")\d+(\.\d+){3}(?=")/g;

/** Of content in which the namespace's name stands. */
const HASHES = /(?<="sidestep\.dev\/content-hash":")\w+/g;

/** In marks: which AmbientMigration has asked for what is there. */
const MIGRATIONS = /(?<=\\"migration\\":\\")[0-9a-f]+/g;

/** How late watches bring what has happened, in the campaign with old views, ms. */
const LAG_MS = 5_000;

/** How long a second pass may take to find nothing to write, ms. */
const QUIET_MS: Readonly<Record<ClusterKind, number>> = { sandbox: 30_000, controlplane: 4_000 };

/** How long all that go a way at once may take, ms. */
const PATIENCE_MS = 240_000;

/** How often to look how far they are, ms: on the real control plane it costs them time. */
const LOOK_MS = 500;

/** Kinds that the operator watches, at least: so many lists show an old view. */
const LISTED_KINDS = 25;

/** A namespace in which something is tried. */
export interface Trial {
  readonly name: string;
  /** Where its requests begin in the audit log. */
  readonly since: number;
}

/** Where an operator is to be killed. */
export interface Crash {
  readonly trial: Trial;
  /** At which of its writes to the namespace, from 0. */
  readonly nth: number;
  readonly moment: Moment;
  /** Only writes of this kind count, as `describeWrite` says it; default: all. */
  readonly kind?: string;
}

/** What a way comes to if nobody disturbs it. */
interface Undisturbed {
  readonly state: unknown;
  readonly restarts: readonly string[];
  /** Every write of the operator, as `describeWrite` says it. */
  readonly writes: readonly string[];
}

/**
 * One cluster on which migrations are disturbed, each in a namespace of its own; the project says which cluster. What happens at a write
 * is exact: it is done in the operator's own connection.
 */
export class Campaign {
  readonly cluster: Cluster;
  readonly backend: InProcessBackend;

  readonly #plot: Plot;
  readonly #undisturbed = new Map<Way, Undisturbed>();

  private constructor(backend: InProcessBackend, plot: Plot) {
    this.backend = backend;
    this.#plot = plot;
    this.cluster = new Cluster(backend);
  }

  /** Starts a cluster and an operator, and goes both ways once without a disturbance. */
  static async start(plot: Plot = PLAIN): Promise<Campaign> {
    const campaign = new Campaign(await startInProcess(inject('cluster')), plot);
    await campaign.cluster.operator.start();
    const trial = await campaign.trial('undisturbed');
    const before = await campaign.state(trial);
    for (const way of WAYS) campaign.#undisturbed.set(way, await campaign.#record(trial, way));
    expect(campaign.#undisturbed.get('back')?.state).toEqual(before);
    return campaign;
  }

  async #record(trial: Trial, way: Way): Promise<Undisturbed> {
    const writes: string[] = [];
    const end = this.backend.operator.intercept((request) => {
      if (isWriteTo(request, this.#target(trial))) writes.push(describeWrite(request));
      return undefined;
    });
    await this.go(trial, way);
    await this.arrived([trial], way);
    end();
    return { state: await this.state(trial), restarts: this.#restarts(trial), writes };
  }

  /** Every write of a way that nobody disturbs, as `describeWrite` says it. */
  writes(way: Way): readonly string[] {
    return this.#undisturbed.get(way)?.writes ?? [];
  }

  /** Makes a namespace on sidecars. */
  async trial(name: string): Promise<Trial> {
    const [trial] = await this.trials([name]);
    return trial!;
  }

  /** Makes namespaces on sidecars, all at once. */
  async trials(names: readonly string[]): Promise<Trial[]> {
    const { cluster } = this;
    const since = cluster.audit().length;
    await Promise.all(
      names.map((name) => {
        const workloads = [deployment(name, 'web'), statefulSet(name, 'db')];
        return cluster.apply(yaml(namespace(name), ...workloads, ...this.#plot.objects(name)));
      }),
    );
    await this.#podsReady(names, 'back');
    return names.map((name) => ({ name, since }));
  }

  /** Asks the operator to go that way. */
  async go({ name }: Trial, way: Way): Promise<void> {
    await this.cluster.migrate(name, { ...this.#plot.spec, dataplaneMode: way === 'there' ? 'Ambient' : 'Sidecar' });
  }

  /** Waits until all are there. */
  async arrived(trials: readonly Trial[], way: Way): Promise<void> {
    const reason = way === 'there' ? 'Migrated' : 'RolledBack';
    await this.#untilAll(trials, `are ${reason}`, (_, migration) => isReady(migration, reason));
    await this.#podsReady(
      trials.map(({ name }) => name),
      way,
    );
  }

  /** One after the other: looking costs time, and when the first is ready the others nearly are. */
  async #podsReady(names: readonly string[], way: Way): Promise<void> {
    for (const name of names) await this.cluster.podsReady(name, this.#plot.pods[way]);
  }

  /** The state of a namespace; what is left out see {@link anonymous}. */
  async state(trial: Pick<Trial, 'name'>): Promise<unknown> {
    return this.anonymous(await namespaceState(this.cluster.client, trial.name), trial);
  }

  /** Something of a namespace; its name, addresses, hashes of its content and the uid of its AmbientMigration left out. */
  anonymous(found: unknown, { name }: Pick<Trial, 'name'>): unknown {
    const text = JSON.stringify(found).replaceAll(name, 'NAMESPACE');
    return JSON.parse(
      text.replace(ADDRESSES, 'ADDRESS').replace(HASHES, 'HASH').replace(MIGRATIONS, 'MIGRATION'),
    ) as unknown;
  }

  /** Calls `act` at the `nth` write (from 0) of the operator to the namespace from now on; "before" makes it fail. */
  at(nth: number, moment: Moment, target: Target, act: () => void): Armed {
    return strikeAt(this.backend.operator, nth, moment, this.#target(target), act);
  }

  /**
   * Kills the operator at a write of its in each namespace, while all go that way at once. In one that has had its write, all further
   * ones are refused; when all have, or are there, the operator is killed. (A connection that breaks off would keep Events of the
   * others waiting.)
   *
   * @returns the writes, as `describeWrite` says them; undefined where the way was over before. If all were, it lives
   */
  async crash(crashes: readonly Crash[], way: Way): Promise<readonly (string | undefined)[]> {
    const { operator } = this.backend;
    let alive = crashes.length;
    const armed = crashes.map(({ trial: { name }, nth, moment, kind }) =>
      strikeAt(
        operator,
        nth,
        moment,
        this.#target({ name, kind }),
        () => {
          alive -= 1;
          if (alive === 0) operator.crash();
        },
        'refuse',
      ),
    );
    const trials = crashes.map(({ trial }) => trial);
    const isDead = (index: number): boolean => armed[index]?.write() !== undefined;
    const unmute = operator.intercept((request) =>
      trials.some((trial, index) => isDead(index) && isWriteTo(request, trial)) ? 'refuse' : undefined,
    );
    await Promise.all(trials.map((trial) => this.go(trial, way)));
    await this.#untilAll(trials, 'had the write', (index, migration) => isDead(index) || isReady(migration));
    for (const { disarm } of armed) disarm();
    if (alive < crashes.length) operator.crash();
    unmute();
    return armed.map(({ write }) => write());
  }

  /** Asks to go back at the `nth` write of the way there, and waits until it is back; false if the way has fewer writes. */
  async turnRoundAt(nth: number, moment: Moment, trial: Trial): Promise<boolean> {
    let turned: Promise<void> | undefined;
    const armed = this.at(nth, moment, trial, () => void (turned = this.#turnRound(trial)));
    await this.go(trial, 'there');
    await this.#untilAll([trial], 'had the write', (_, migration) => armed.write() !== undefined || isReady(migration));
    armed.disarm();
    if (turned === undefined) return false;
    await turned;
    await this.#untilAll([trial], 'are back', (_, migration) => isReady(migration));
    await this.#podsReady([trial.name], 'back');
    return true;
  }

  async #turnRound({ name }: Trial): Promise<void> {
    const operations = [{ op: 'add' as const, path: '/spec/dataplaneMode', value: 'Sidecar' }];
    await this.cluster.client.jsonPatch(AMBIENT_MIGRATION, { namespace: name, name }, operations, {
      fieldManager: 'test',
    });
  }

  /** Waits until something is true of the migrations of all. */
  async #untilAll(
    trials: readonly Trial[],
    what: string,
    isTrue: (index: number, migration: AmbientMigration | undefined) => boolean,
  ): Promise<void> {
    const look = async (): Promise<true> => {
      const { items } = await this.cluster.client.list(AMBIENT_MIGRATION);
      const migrations = new Map(items.map((migration) => [migration.metadata.namespace, migration]));
      const missing = trials.filter(({ name }, index) => !isTrue(index, migrations.get(name)));
      if (missing.length === 0) return true;
      throw new Error(
        `not ${missing.map(({ name }) => `${name}: ${migrations.get(name)?.status?.nextAction ?? ''}`).join(', ')}`,
      );
    };
    await this.cluster.until(`all ${what}`, look, { timeoutMs: PATIENCE_MS, everyMs: LOOK_MS });
  }

  #target({ disturbed = this.#plot.disturbed, ...target }: Target): Target {
    return { ...target, disturbed };
  }

  /** Revision of the API server's last change. */
  async revision(): Promise<string> {
    return (await this.cluster.client.list(NAMESPACE)).resourceVersion;
  }

  /** A new operator, without waiting for the Lease of the dead to run out. */
  restart(): Promise<void> {
    return restartOperator(this.cluster);
  }

  /**
   * A new operator that is shown the cluster as it was at `revision`, AmbientMigrations excepted, and whatever has happened since
   * only {@link LAG_MS} later, as from an API server or a connection that lags behind.
   */
  async restartWithOldView(revision: string): Promise<void> {
    const { operator } = this.backend;
    const aged = new Set<string>();
    const stopAgeing = operator.intercept(({ verb, resource, path, query }) => {
      if (verb !== 'list' || resource === AMBIENT_MIGRATION.plural || aged.has(path)) return undefined;
      aged.add(path);
      query.set('resourceVersion', revision);
      query.set('resourceVersionMatch', 'Exact');
      return undefined;
    });
    operator.watchLagMs = LAG_MS;
    await this.restart();
    operator.watchLagMs = 0;
    stopAgeing();
    expect(aged.size, 'lists of an old view').toBeGreaterThan(LISTED_KINDS);
  }

  /** A new operator looks at everything again, and finds nothing to write. */
  async expectQuiet({ name }: Pick<Trial, 'name'>): Promise<void> {
    // An operator whose watches lag has not said yet what it sees last, nor have all others done what follows from it.
    await this.cluster.time.sleep(LAG_MS + 1_000);
    await this.backend.operator.kill('SIGTERM');
    const before = this.cluster.audit().length;
    await this.restart();
    await this.cluster.time.sleep(QUIET_MS[this.cluster.kind]);
    const later = changesOf(this.cluster.audit().slice(before)).filter(
      ({ objectRef }) => objectRef?.resource !== 'leases',
    );
    expect(
      later.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      `writes of a second pass over ${name}`,
    ).toEqual([]);
  }

  /** No pod was Ready outside the mesh, or un-enrolled without a sidecar, since the namespace was made. */
  expectNoBreach({ name, since }: Trial): void {
    expect(invariantBreaches(this.cluster.audit().slice(since), name), `breaches in ${name}`).toEqual([]);
  }

  /** The namespace is as it was on sidecars, before anything was done. */
  async expectAsBefore(trial: Trial): Promise<void> {
    expect(await this.state(trial), `end of ${trial.name}`).toEqual(this.#undisturbed.get('back')?.state);
    this.expectNoBreach(trial);
    await this.expectQuiet(trial);
  }

  /**
   * The namespaces have ended as they do undisturbed, by the same restarts, without a breach, and a second pass writes nothing.
   *
   * @param options.anyOrder  of the restarts: somebody keeps workloads from their turn
   */
  async expectSameEnd(trials: readonly Trial[], way: Way, { anyOrder = false } = {}): Promise<void> {
    const { state, restarts = [] } = this.#undisturbed.get(way) ?? {};
    const ordered = (all: readonly string[]): readonly string[] => (anyOrder ? [...all].sort() : all);
    for (const trial of trials) {
      expect(await this.state(trial), `end of ${trial.name}, ${way}`).toEqual(state);
      expect(ordered(this.#restarts(trial)), `restarts in ${trial.name}, ${way}`).toEqual(ordered(restarts));
      this.expectNoBreach(trial);
    }
    await this.expectQuiet({ name: trials.map(({ name }) => name).join(', ') });
  }

  /** Restarts that the API server has accepted, by workload. */
  #restarts({ name, since }: Trial): string[] {
    return changesOf(this.cluster.audit().slice(since))
      .filter(({ objectRef, responseStatus }) => {
        const isWorkload = objectRef?.resource === 'deployments' || objectRef?.resource === 'statefulsets';
        return (
          isWorkload &&
          objectRef.subresource === undefined &&
          objectRef.namespace === name &&
          (responseStatus?.code ?? 500) < 300
        );
      })
      .map(({ objectRef }) => `${objectRef?.resource ?? ''}/${objectRef?.name ?? ''}`);
  }

  /** Removes the namespace, so that those after it do not pay for it. */
  async end({ name }: Pick<Trial, 'name'>): Promise<void> {
    await this.cluster.client.delete(NAMESPACE, { name });
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }
}

/** Whether a migration is there, for what its spec says now. */
function isReady(migration: AmbientMigration | undefined, reason?: string): boolean {
  const ready = findCondition(migration?.status?.conditions ?? [], 'Ready');
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === migration?.metadata.generation &&
    (reason === undefined || ready.reason === reason)
  );
}

/** Declares that a campaign is started before the tests, and stopped after them. */
export function campaignOf(plot?: Plot): () => Campaign {
  let campaign: Campaign;
  beforeAll(async () => {
    campaign = await Campaign.start(plot);
  });
  afterAll(async () => {
    await campaign?.stop();
  });
  return () => campaign;
}

/**
 * Calls `attempt` for the first write, the second, … (those of the share that is asked for) until it says that there is none; fails if
 * there were too few.
 */
export async function forEachWrite(attempt: (nth: number) => Promise<boolean>, atLeast = 12): Promise<void> {
  const { first, of } = askedShare();
  let nth = first;
  while (await attempt(nth)) nth += of;
  expect(nth, 'writes that there are').toBeGreaterThanOrEqual(atLeast);
}
