import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { findCondition } from '../../src/kube/conditions.js';
import { NAMESPACE } from '../../src/kube/types.js';
import type { InterceptedRequest } from '../../src/sandbox/api-server/http/faults.js';
import { OPERATOR_USER, changesOf, invariantBreaches, isDryRun, type AuditEntry } from '../support/audit.js';
import { Cluster } from '../support/cluster.js';
import { deployment, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';
import { type SimulatedBackend, simulatedBackend } from '../support/sandbox-backend.js';
import { restartOperator } from './crashes.js';

/** Which way a migration goes. */
export type Way = 'there' | 'back';

/** Before a write reaches the API server, or after it was carried out and before its answer is sent. */
export type Moment = 'before' | 'after';

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

/** How late watches bring what has happened, in the campaign with old views, simulated ms. */
const LAG_MS = 5_000;

/** How long a second pass may take to find nothing to write, simulated ms. */
const QUIET_MS = 30_000;

/** A namespace in which something is tried. */
export interface Trial {
  readonly name: string;
  /** Its state on sidecars, before anything was done; the name left out. */
  readonly before: unknown;
  /** Where its requests begin in the audit log. */
  readonly since: number;
}

/** Whose writes count. */
export interface Target extends Pick<Trial, 'name'> {
  /** Plurals of what is disturbed when it is written; default: what the plot says. */
  readonly disturbed?: readonly string[] | undefined;
}

/** What is armed for one write of the operator. */
export interface Armed {
  /** Whether the write came. */
  readonly reached: boolean;
  disarm(): void;
}

/**
 * One sandbox on which migrations are disturbed, each in a namespace of its own. What happens at a write is exact: it is
 * done within the API server, and time stands still meanwhile.
 */
export class Campaign {
  readonly cluster: Cluster;
  readonly backend: SimulatedBackend;

  /** How a namespace ends on either way if nobody disturbs it, and by which restarts. */
  readonly #undisturbed = new Map<Way, { state: unknown; restarts: string[] }>();

  readonly #plot: Plot;

  private constructor(backend: SimulatedBackend, plot: Plot) {
    this.backend = backend;
    this.#plot = plot;
    this.cluster = new Cluster(backend);
  }

  /** Starts a sandbox and an operator, and goes both ways once without a disturbance. */
  static async start(plot: Plot = PLAIN): Promise<Campaign> {
    const dir = mkdtempSync(join(tmpdir(), 'sidestep-'));
    const campaign = new Campaign(await simulatedBackend({ dir }), plot);
    await campaign.cluster.operator.start();
    const trial = await campaign.trial('undisturbed');
    for (const way of ['there', 'back'] as const) {
      await campaign.go(trial, way);
      await campaign.arrived(trial, way);
      const state = await campaign.state(trial);
      campaign.#undisturbed.set(way, { state, restarts: campaign.#restarts(trial) });
    }
    expect(campaign.#undisturbed.get('back')?.state).toEqual(trial.before);
    return campaign;
  }

  /** Makes a namespace on sidecars. */
  async trial(name: string): Promise<Trial> {
    const { cluster } = this;
    const since = cluster.audit().length;
    const workloads = [deployment(name, 'web'), statefulSet(name, 'db')];
    await cluster.apply(yaml(namespace(name), ...workloads, ...this.#plot.objects(name)));
    await cluster.podsReady(name, this.#plot.pods.back);
    return { name, before: await this.state({ name }), since };
  }

  /** Asks the operator to go that way. */
  async go({ name }: Trial, way: Way): Promise<void> {
    await this.cluster.migrate(name, { ...this.#plot.spec, dataplaneMode: way === 'there' ? 'Ambient' : 'Sidecar' });
  }

  /** Waits until it is there. */
  async arrived({ name }: Trial, way: Way): Promise<void> {
    await this.cluster.ready(name, way === 'there' ? 'Migrated' : 'RolledBack');
    await this.cluster.podsReady(name, this.#plot.pods[way]);
  }

  /** Whether it is there, for what the spec says now. */
  async isReady({ name }: Trial): Promise<boolean> {
    const { metadata, status } = await this.cluster.migration(name);
    const ready = findCondition(status?.conditions ?? [], 'Ready');
    return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  }

  /** The state of a namespace, its name and addresses left out. */
  async state(trial: Pick<Trial, 'name'>): Promise<unknown> {
    return this.anonymous(await namespaceState(this.cluster.client, trial.name), trial);
  }

  /** Something of a namespace; its name, addresses and hashes of its content left out. */
  anonymous(found: unknown, { name }: Pick<Trial, 'name'>): unknown {
    const text = JSON.stringify(found).replaceAll(name, 'NAMESPACE');
    return JSON.parse(text.replace(ADDRESSES, 'ADDRESS').replace(HASHES, 'HASH')) as unknown;
  }

  /** Calls `act` at the `nth` write (from 0) of the operator to the namespace from now on; "before" makes it fail. */
  at(nth: number, moment: Moment, target: Target, act: () => void): Armed {
    const { apiServer } = this.backend.sandbox;
    let seen = 0;
    let reached = false;
    const isNext = (): boolean => {
      if (reached || seen++ < nth) return false;
      reached = true;
      act();
      return true;
    };
    const intercept = (request: InterceptedRequest): { when: 'before'; what: 'reset' } | undefined =>
      isWrite(request) && this.#isDisturbed(request, target) && isNext()
        ? { when: 'before', what: 'reset' }
        : undefined;
    const look = (entry: AuditEntry): void => {
      if (changesOf([entry]).length > 0 && this.#isDisturbed(entry.objectRef, target)) isNext();
    };
    const disarm = moment === 'before' ? apiServer.intercept(intercept) : apiServer.requests.onEntry(look);
    return {
      get reached() {
        return reached;
      },
      disarm,
    };
  }

  /** Notes from now on at which revision the API server was when each write of the operator to the namespace came. */
  revisionsAtWrites({ name }: Pick<Trial, 'name'>): { readonly noted: readonly string[]; end(): void } {
    const { apiServer } = this.backend.sandbox;
    const noted: string[] = [];
    let revision = '';
    const ends = [
      apiServer.cluster.onCommit((commit) => (revision = String(commit.revision))),
      apiServer.intercept((request) => {
        if (isWrite(request) && concerns(request, name)) noted.push(revision);
      }),
    ];
    return { noted, end: () => ends.forEach((end) => end()) };
  }

  #isDisturbed(
    ref: { resource: string; namespace?: string; name?: string } | undefined,
    { name, disturbed = this.#plot.disturbed }: Target,
  ): boolean {
    return concerns(ref, name) && (disturbed === undefined || disturbed.includes(ref?.resource ?? ''));
  }

  /** Kills the operator at the `nth` write of the way and lets time run until then; false if the way has fewer writes. */
  async crashAt(nth: number, moment: Moment, trial: Trial, way: Way): Promise<boolean> {
    const armed = this.at(nth, moment, trial, () => this.backend.operator.crash());
    await this.go(trial, way);
    await this.cluster.until(
      `write ${nth} of ${trial.name}`,
      async () => armed.reached || (await this.isReady(trial)) || undefined,
    );
    armed.disarm();
    return armed.reached;
  }

  /** Asks to go back at the `nth` write of the way there, and waits until it is back; false if the way has fewer writes. */
  async turnRoundAt(nth: number, moment: Moment, trial: Trial): Promise<boolean> {
    let turned: Promise<void> | undefined;
    const armed = this.at(nth, moment, trial, () => void (turned = this.#turnRound(trial)));
    await this.go(trial, 'there');
    await this.cluster.until(
      `write ${nth} of ${trial.name}`,
      async () => armed.reached || (await this.isReady(trial)) || undefined,
    );
    armed.disarm();
    if (!armed.reached) return false;
    await turned;
    await this.cluster.until(`${trial.name} is back`, async () => (await this.isReady(trial)) || undefined, {
      timeoutMs: 60_000,
    });
    await this.cluster.podsReady(trial.name, this.#plot.pods.back);
    return true;
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
    const { operator, sandbox } = this.backend;
    const listed = new Set<string>();
    const stopAgeing = sandbox.apiServer.intercept(({ user, verb, resource, query }) => {
      if (user !== OPERATOR_USER || verb !== 'list' || resource === AMBIENT_MIGRATION.plural || listed.has(resource))
        return;
      listed.add(resource);
      query.set('resourceVersion', revision);
      query.set('resourceVersionMatch', 'Exact');
    });
    operator.watchLagMs = LAG_MS;
    await this.restart();
    operator.watchLagMs = 0;
    stopAgeing();
  }

  async #turnRound({ name }: Trial): Promise<void> {
    const operations = [{ op: 'add' as const, path: '/spec/dataplaneMode', value: 'Sidecar' }];
    await this.cluster.client.jsonPatch(AMBIENT_MIGRATION, { namespace: name, name }, operations, {
      fieldManager: 'test',
    });
  }

  /** A new operator looks at everything again, and finds nothing to write. */
  async expectQuiet({ name }: Pick<Trial, 'name'>): Promise<void> {
    await this.backend.operator.kill('SIGTERM');
    const before = this.cluster.audit().length;
    await this.restart();
    await this.cluster.time.sleep(QUIET_MS);
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

  /** The namespace has ended as it does undisturbed, by the same restarts, without a breach, and a second pass writes nothing. */
  async expectSameEnd(trial: Trial, way: Way): Promise<void> {
    const { state, restarts } = this.#undisturbed.get(way) ?? {};
    expect(await this.state(trial), `end of ${trial.name}, ${way}`).toEqual(state);
    expect(this.#restarts(trial), `restarts in ${trial.name}, ${way}`).toEqual(restarts);
    this.expectNoBreach(trial);
    await this.expectQuiet(trial);
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

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

function isWrite({ user, verb, uri }: InterceptedRequest): boolean {
  return user === OPERATOR_USER && WRITES.has(verb) && !isDryRun({ requestURI: uri });
}

/** Whether an object is the namespace or in it; Events about it are in it too. */
function concerns(ref: { resource: string; namespace?: string; name?: string } | undefined, name: string): boolean {
  return ref?.namespace === name || (ref?.resource === 'namespaces' && ref.name === name);
}

/** Calls `attempt` for the first write, the second, … until it says that there is none; fails if there were too few. */
export async function forEachWrite(attempt: (nth: number) => Promise<boolean>, atLeast = 12): Promise<void> {
  let nth = 0;
  while (await attempt(nth)) nth += 1;
  expect(nth, 'writes that were disturbed').toBeGreaterThanOrEqual(atLeast);
}
