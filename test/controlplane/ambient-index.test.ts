import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { configOf, type IndexSettings } from '../../src/mesh/ambient-index.js';
import { Server } from '../conformance/server.js';
import { ambientCases, type AmbientCase } from './ambient-cases.js';
import { generateMesh, generateRoot } from './ambient-generator.js';
import { firedRules } from './ambient-rules.js';
import { differences, settled, type Views, views } from './ambient-comparison.js';
import { create, type MeshObject, namespace, remove, touchPeers, unservedClass, waypoint } from './ambient-objects.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

/*
 * Our ambient index against the real istiod's: every workload, service and policy of the whole mesh is the same, whatever is in
 * it.
 */

const root = mkdtempSync(join(tmpdir(), 'sidestep-ambient-'));
const settings: IndexSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

/** Namespaces that are there at once before they are compared. */
const batchSize = 32;
const batches = 10;

let controlPlane: ControlPlane;
let server: Server;

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
  controlPlane = await startControlPlane({ dir: join(root, 'cp'), audit: false, log: (line) => console.log(line) });
  server = new Server(controlPlane.kubeconfig);
  await withoutValidation();
  await server.patch('merge', '/api/v1/nodes/node-1', {
    metadata: { labels: { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': 'eu-1' } },
  });
  await create(server, [
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: unservedClass },
      spec: { controllerName: 'example.com/nobody' },
    },
    namespace('shared'),
    ...inNamespace('shared', [waypoint('open', {}, { from: 'All' }), waypoint('closed')]),
  ]);
}, 900_000);

afterAll(async () => {
  server?.close();
  await controlPlane?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** istiod's webhook refuses what older ones let through, and what is written while no istiod runs. */
async function withoutValidation(): Promise<void> {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const { body } = await server.get(path);
  for (const { metadata } of body.items as MeshObject[]) {
    if (metadata.name.startsWith('istio')) await server.delete(`${path}/${metadata.name}`);
  }
}

function inNamespace(namespace: string, objects: readonly MeshObject[]): MeshObject[] {
  return objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
}

async function createInRoot(objects: readonly MeshObject[]): Promise<void> {
  await create(server, objects);
  await touchPeers(server, objects);
}

async function removeFromRoot(objects: readonly MeshObject[]): Promise<void> {
  await remove(server, objects);
  await touchPeers(server, objects);
}

const read = (): Promise<Views> => views(server, controlPlane.istiodUrl, settings);

describe('ztunnel is told by us what istiod tells it', () => {
  const cases = ambientCases.map((of, index): AmbientCase & { name: string } => ({ ...of, name: `case-${index + 1}` }));

  beforeAll(async () => {
    await Promise.all(
      cases.map(({ name, marks, objects }) =>
        create(server, [namespace(name, marks), ...inNamespace(name, objects(name))]),
      ),
    );
  });

  test.each(cases)('$title', async ({ name, root = [], look, is }) => {
    const objects = inNamespace(settings.rootNamespace, root);
    await createInRoot(objects);
    try {
      const ready = await settled(read, (config) => {
        const seen = configOf(config, name);
        return [seen, look(seen)];
      });
      const [ours, istiods] = [ready.ours, ready.istiods].map((config) => configOf(config, name));
      expect(ours).toEqual(istiods);
      expect(look(istiods!)).toEqual(is(name));
    } finally {
      await removeFromRoot(objects);
    }
  });

  test('all cases together', async () => {
    expect(differences(await settled(read))).toBeUndefined();
  });
});

describe('in generated meshes ztunnel is told by us what istiod tells it', () => {
  const fired = new Map<string, number>();

  test.each(Array.from({ length: batches }, (_, batch) => batch))('batch %i', async (batch) => {
    const meshes = Array.from({ length: batchSize }, (_, index) => generateMesh(1000 + batch * batchSize + index));
    const roots = inNamespace(settings.rootNamespace, generateRoot(batch));
    await Promise.all(
      meshes.map(({ name, marks, objects }) => create(server, [namespace(name, marks), ...inNamespace(name, objects)])),
    );
    await createInRoot(roots);
    const last = await settled(read);
    expect(differences(last)).toBeUndefined();
    const names = meshes.map(({ name }) => name);
    const { rootNamespace } = settings;
    const counts = firedRules(last.objects, last.istiods, { namespaces: names, rootNamespace });
    for (const [rule, count] of Object.entries(counts)) fired.set(rule, (fired.get(rule) ?? 0) + count);
    await removeFromRoot(roots);
  });

  test('every rule has fired often enough', () => {
    console.table(Object.fromEntries(fired));
    expect(batches * batchSize).toBeGreaterThanOrEqual(300);
    expect([...fired].filter(([, count]) => count < 20)).toEqual([]);
  });
});
