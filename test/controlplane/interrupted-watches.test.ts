import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { systemClock } from '../../src/clock.js';
import { ARGO_ROLLOUT } from '../../src/kube/argo-rollouts.js';
import { controllers } from '../../src/controllers/index.js';
import { Client } from '../../src/kube/client.js';
import { findCondition } from '../../src/kube/conditions.js';
import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { isNotFound } from '../../src/kube/errors.js';
import { Reflector, type RestartReason } from '../../src/kube/reflector.js';
import { describeRef, type KubeObject, resourceName } from '../../src/kube/resource.js';
import { CONFIG_MAP, NAMESPACE } from '../../src/kube/types.js';
import { silentLogger } from '../../src/log.js';
import { assemble, type Assembly } from '../../src/operator.js';
import type { WatchSpec } from '../../src/runtime/watch.js';
import { SeverableProxy } from '../support/severable-proxy.js';
import { until } from '../support/until.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

/*
 * The operator's watches are cut, the cluster is changed by somebody else before they can come back, and what they began with is
 * gone: the API server was started anew, or etcd has forgotten. Nothing of what happened meanwhile may be missed.
 */

const location = { istioNamespace: 'istio-system' };
const writer = { fieldManager: 'test' };

/** After a long outage a watch may wait for half a minute before it is tried again. */
const timeoutMs = 60_000;

/** A kind, and which part of it. */
type Watched = Pick<WatchSpec, 'type' | 'namespace' | 'labelSelector'>;

/** Kind and scope: of ConfigMaps the operator has two watches. */
function describeWatch({ type, namespace, labelSelector }: Watched): string {
  return [resourceName(type), namespace, labelSelector].filter((part) => part !== undefined).join(' ');
}

/** Every watch of the operator, as it is; Argo, whose API is not served here, excepted. */
const watched: readonly Watched[] = [
  ...new Map(
    controllers(location)
      .flatMap(({ primary, watches }) => [primary, ...watches])
      .filter(({ type }) => type.group !== ARGO_ROLLOUT.group)
      .map((spec): [string, Watched] => [describeWatch(spec), spec]),
  ).values(),
];

/** What a reflector of ours shows of one kind. */
class View {
  readonly watched: Watched;
  readonly restarts: RestartReason[] = [];
  /** Whether it was empty after it had once held something. */
  wasEmptied = false;
  readonly #versions = new Map<string, string | undefined>();

  constructor(watched: Watched) {
    this.watched = watched;
  }

  get kind(): string {
    return describeWatch(this.watched);
  }

  async run(client: Client, signal: AbortSignal): Promise<void> {
    const put = (object: KubeObject): unknown =>
      this.#versions.set(describeRef(object.metadata), object.metadata.resourceVersion);
    const { type, namespace, labelSelector } = this.watched;
    await new Reflector({
      client,
      type,
      namespace,
      labelSelector,
      clock: systemClock,
      log: silentLogger,
      onRestart: (reason) => this.restarts.push(reason),
      handler: {
        replace: (objects) => {
          if (objects.length === 0 && this.#versions.size > 0) this.wasEmptied = true;
          this.#versions.clear();
          for (const object of objects) put(object);
        },
        upsert: put,
        remove: ({ metadata }) => this.#versions.delete(describeRef(metadata)),
      },
    }).run(signal);
  }

  /** Names and versions of what it holds; those of the API server look the same. */
  get content(): string[] {
    return contentOf(this.#versions);
  }
}

const contentOf = (versions: Iterable<readonly [string, string | undefined]>): string[] =>
  [...versions].map(([name, version = '']) => `${name} ${version}`).sort();

interface Interruption {
  readonly title: string;
  readonly apiServerFlags: readonly string[];
  /** While the watches are cut; makes the writes. */
  readonly meanwhile: (
    controlPlane: ControlPlane,
    write: () => Promise<void>,
    revision: () => Promise<string>,
  ) => Promise<void>;
  /** Why watches had to begin anew, among other reasons. */
  readonly reason: RestartReason;
}

const interruptions: readonly Interruption[] = [
  {
    title: 'the API server is killed and started again, and written to as soon as it answers',
    apiServerFlags: [],
    reason: 'error',
    meanwhile: async (controlPlane, write) => {
      const apiServer = controlPlane.component('kube-apiserver');
      await apiServer.kill();
      await Promise.all([apiServer.start(), until('the API server answers', async () => (await write(), true))]);
    },
  },
  {
    title: 'there is no watch cache, and etcd forgets what the watches began with',
    apiServerFlags: ['--watch-cache=false'],
    reason: 'gone',
    meanwhile: async ({ etcdUrl }, write, revision) => {
      await write();
      const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, {
        method: 'POST',
        body: JSON.stringify({ revision: await revision(), physical: true }),
      });
      expect(answer.status, await answer.text()).toBe(200);
    },
  },
];

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
}, 900_000);

describe.each(interruptions)('when $title', ({ apiServerFlags, meanwhile, reason }) => {
  const root = mkdtempSync(join(tmpdir(), 'sidestep-interrupted-'));
  const stop = new AbortController();
  const views = watched.map((each) => new View(each));
  let controlPlane: ControlPlane;
  let proxy: SeverableProxy;
  /** Of the administrator, and not through the proxy. */
  let admin: Client;
  let client: Client;
  let operator: Assembly;
  let running: Promise<unknown>;

  beforeAll(async () => {
    controlPlane = await startControlPlane({ dir: join(root, 'cp'), audit: false, apiServerFlags });
    admin = new Client({ connection: connectionFromKubeConfig({ kubeconfig: controlPlane.kubeconfig }) });
    proxy = await SeverableProxy.start(Number(new URL(controlPlane.server).port));
    const kubeconfig = join(root, 'kubeconfig');
    const direct = readFileSync(controlPlane.operatorKubeconfig, 'utf8');
    writeFileSync(kubeconfig, direct.replace(controlPlane.server, `https://127.0.0.1:${proxy.port}`));
    client = new Client({ connection: connectionFromKubeConfig({ kubeconfig }) });
    operator = assemble({
      connection: connectionFromKubeConfig({ kubeconfig }),
      clock: systemClock,
      log: silentLogger,
      config: { ...location, identity: 'test', leaderElection: false, leaseNamespace: 'sidestep-system' },
    });
    running = Promise.all([operator.operator.start(), ...views.map((view) => view.run(client, stop.signal))]);
  }, 300_000);

  afterAll(async () => {
    stop.abort();
    operator?.operator.stop();
    await running;
    for (const each of [client, admin, operator?.client]) each?.close();
    await proxy?.stop();
    await controlPlane?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const metadata = (namespace: string, name: string): KubeObject['metadata'] => ({ namespace, name });
  const configMap = (name: string, value: string): KubeObject & { data: object } => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(location.istioNamespace, name),
    data: { value },
  });

  async function addNamespace(name: string): Promise<void> {
    await admin.apply(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, writer);
  }

  async function migrate(namespace: string, paused: boolean): Promise<void> {
    const object = {
      apiVersion: 'sidestep.dev/v1alpha1',
      kind: 'AmbientMigration',
      metadata: metadata(namespace, 'web'),
    };
    await admin.apply(AMBIENT_MIGRATION, { ...object, spec: { paused } } as KubeObject, writer);
  }

  /** Waits until the operator has reported on the AmbientMigration as it is now. */
  async function reported(namespace: string): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const { metadata: found, status } = await admin.get(AMBIENT_MIGRATION, metadata(namespace, 'web'));
      return findCondition(status?.conditions ?? [], 'Ready')?.observedGeneration === found.generation || undefined;
    };
    await until(`the operator reports on ${namespace}`, look, { timeoutMs });
  }

  async function seen(view: View): Promise<void> {
    const { type, namespace, labelSelector } = view.watched;
    const look = async (): Promise<true> => {
      const { items } = await admin.list(type, { namespace, labelSelector });
      const actual = items.map((object) => [describeRef(object.metadata), object.metadata.resourceVersion] as const);
      expect(view.content).toEqual(contentOf(actual));
      return true;
    };
    await until(`${view.kind} are seen as they are`, look, { timeoutMs, everyMs: 500 });
  }

  test('nothing of what was done meanwhile is missed', async () => {
    for (const name of ['edited', 'gone']) await addNamespace(name);
    for (const name of ['changed', 'deleted']) await admin.apply(CONFIG_MAP, configMap(name, 'old'), writer);
    await migrate('edited', true);
    await migrate('gone', true);
    await reported('edited');
    await Promise.all(views.map(seen));

    proxy.cut();
    const write = async (): Promise<void> => {
      await admin.apply(CONFIG_MAP, configMap('changed', 'new'), { ...writer, force: true });
      await admin.apply(CONFIG_MAP, configMap('made', 'new'), writer);
      await addNamespace('new');
      await migrate('new', true);
      await migrate('edited', false);
      await admin.delete(AMBIENT_MIGRATION, metadata('gone', 'web')).catch(unlessGone);
      await admin.delete(CONFIG_MAP, metadata(location.istioNamespace, 'deleted')).catch(unlessGone);
    };
    await meanwhile(controlPlane, write, async () => (await admin.list(CONFIG_MAP)).resourceVersion);
    proxy.mend();

    await Promise.all(['edited', 'new'].map(reported));
    await Promise.all(views.map(seen));
    const kindsOf = (which: (view: View) => boolean): string[] => views.filter(which).map(({ kind }) => kind);
    expect(kindsOf(({ wasEmptied }) => wasEmptied)).toEqual([]);
    expect(kindsOf(({ restarts }) => !restarts.includes(reason))).toEqual([]);
  });
});

/** A write that is tried again may have been carried out before. */
function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
