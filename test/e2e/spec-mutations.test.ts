import equal from 'fast-deep-equal';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  AMBIENT_MIGRATION,
  type AmbientMigration,
  ambientMigration,
  parseAmbientMigrationSpec,
} from '../../src/api/ambient-migration.js';
import { GATEWAY } from '../../src/api/gateway-api.js';
import { structuralSchema } from '../../src/api/structural-schema.js';
import { CONFIG_MAP } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';
import { soundSpec } from '../support/spec-values.js';
import { startCluster } from '../support/start-cluster.js';

const MUTATIONS = 200;

/** The same changes each day; another number tries others. */
const SEED = 20_261_121;

/*
 * One AmbientMigration whose spec changes again and again, whatever the migration is doing: each change is taken notice of,
 * and in the end the namespace is as if only the last one had ever been made (github.com/xlab-uiuc/acto calls it the
 * differential oracle).
 */

describe('an AmbientMigration whose spec changes', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ kind: inject('cluster') });
    await cluster.operator.start();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it(`${MUTATIONS} times ends as if there had been the last change alone`, async () => {
    const [changed, direct] = ['mutations', 'mutations-direct'];
    for (const name of [changed, direct]) await deploy(cluster, name);
    const before = await state(cluster, changed);
    expect(before).toEqual(await state(cluster, direct));

    for (const name of [changed, direct]) await cluster.migrate(name, { paused: true });
    const errorsBefore = await errors(cluster);
    const phases = new Set<string>();
    for (const [spec, pauseMs] of mutations()) {
      const { metadata } = await replaceSpec(cluster, changed, spec);
      await cluster.until(`generation ${metadata.generation} observed after ${JSON.stringify(spec)}`, async () => {
        const { status } = await cluster.migration(changed);
        if (status?.observedGeneration !== metadata.generation) return undefined;
        phases.add(status?.phase ?? '');
        return true;
      });
      await cluster.time.sleep(pauseMs);
    }
    expect(cluster.operator.running).toBe(true);
    expect(await errors(cluster)).toEqual(errorsBefore);
    // The changes must have met the migration in several of its phases, or they show little.
    expect([...phases].length, [...phases].join()).toBeGreaterThanOrEqual(5);

    for (const [spec, reason] of [
      [{ waypoint: { provision: 'Always', replicas: { min: 1, max: 1 } } }, 'Migrated'],
      [{ dataplaneMode: 'Sidecar' }, 'RolledBack'],
    ] as const) {
      for (const name of [changed, direct]) await replaceSpec(cluster, name, spec);
      for (const name of [changed, direct]) await cluster.ready(name, reason);
      const same = async (): Promise<true | undefined> =>
        equal(await state(cluster, changed), await state(cluster, direct)) ? true : undefined;
      await cluster.until('the same state by both ways', same).catch(() => undefined);
      expect(await state(cluster, changed)).toEqual(await state(cluster, direct));
    }
    // The pods of the waypoint go last.
    const asBefore = async (): Promise<true | undefined> =>
      equal(await state(cluster, changed), before) ? true : undefined;
    await cluster.until('the state of before', asBefore).catch(() => undefined);
    expect(await state(cluster, changed)).toEqual(before);
  });
});

/** Specs that the API server takes, each with how long it is left alone. */
function mutations(): [spec: object, pauseMs: number][] {
  const sound = soundSpec(structuralSchema(ambientMigration.definition.spec, 'spec')).filter(isTaken);
  return fc.sample(fc.tuple(sound, fc.integer({ min: 0, max: 500 })), { numRuns: MUTATIONS, seed: SEED });
}

function isTaken(spec: object): boolean {
  try {
    parseAmbientMigrationSpec({ spec });
    return true;
  } catch {
    return false;
  }
}

function replaceSpec(cluster: Cluster, name: string, spec: object): Promise<AmbientMigration> {
  return cluster.client.jsonPatch(
    AMBIENT_MIGRATION,
    { namespace: name, name },
    [{ op: 'add', path: '/spec', value: spec }],
    { fieldManager: 'tester' },
  );
}

async function deploy(cluster: Cluster, name: string): Promise<void> {
  await cluster.apply(
    yaml(namespace(name), deployment(name, 'web'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: name },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
    }),
  );
  await cluster.podsReady(name, 1);
}

/** A namespace with what migrations create in it, without what tells two of the same content apart. */
async function state(cluster: Cluster, name: string): Promise<unknown> {
  const { items: gateways } = await cluster.client.list(GATEWAY, { namespace: name });
  const { items: configMaps } = await cluster.client.list(CONFIG_MAP, { namespace: name });
  const all = {
    ...((await namespaceState(cluster.client, name)) as object),
    gateways: gateways.map(({ metadata, spec }) => [metadata.name, metadata.labels, metadata.annotations, spec]),
    configMaps: configMaps
      // The view of ztunnel tells pods by their names; findings are listed once there is a migration.
      .filter(({ metadata }) => !['sidestep-ztunnel', 'sidestep-findings'].includes(metadata.name))
      .map(({ metadata, data }) => [metadata.name, data]),
  };
  const text = JSON.stringify(all)
    .replaceAll(name, 'NAMESPACE')
    .replaceAll(/"[0-9]+([.][0-9]+){3}"/g, '"ADDRESS"')
    // Marks name the spec that asked for them.
    .replaceAll(/\\"generation\\":[0-9]+,\\"migration\\":\\"[0-9a-f]+\\",\\"attempt\\":[0-9]+/g, 'ASKER');
  return JSON.parse(text) as unknown;
}

/** Reconciles that failed so far; conflicts are none. */
async function errors(cluster: Cluster): Promise<string[]> {
  return (
    (await cluster.operator.metrics()).match(/^controller_runtime_reconcile_(errors|panics|timeouts)_total\{.*$/gm) ??
    []
  );
}
