import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { configOf, type IndexSettings } from '../../src/mesh/ambient-index.js';
import { Server } from '../conformance/server.js';
import { ambientCases } from './ambient/cases/all.js';
import type { AmbientCase } from './ambient/cases/case.js';
import { generateMesh, generateRoot } from './ambient/generator.js';
import { firedRules } from './ambient/rules.js';
import { differences, settled, type Views, views } from './ambient/comparison.js';
import {
  create,
  type MeshObject,
  namespace,
  remoteGateway,
  remove,
  service,
  serviceEntry,
  touchPeers,
  unservedClass,
  waypoint,
  workloadEntry,
} from './ambient/objects.js';
import { MeshRecorder } from './ambient/recording.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

/*
 * Our ambient index against the real istiod's: every workload, service and policy of the whole mesh is the same, whatever is in
 * it. With `RECORD_GOLDEN=1` it writes down what istiod says of some namespaces, for src/mesh/ambient-index/recorded.test.ts.
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
const batchSize = 64;
const batches = 5;
/** Namespaces of each of the first two batches that are recorded. */
const recordedOfBatch = 12;

const recorder = new MeshRecorder();
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
  if (process.env.RECORD_GOLDEN === '1') recorder.write();
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
  if (changesPeers(objects)) await touchPeers(server);
}

async function removeFromRoot(objects: readonly MeshObject[]): Promise<void> {
  await remove(server, objects);
  if (changesPeers(objects)) await touchPeers(server);
}

const changesPeers = (objects: readonly MeshObject[]): boolean =>
  objects.some(({ kind }) => kind === 'PeerAuthentication');

const read = (of = settings): Promise<Views> => views(server, controlPlane.istiodUrl, of);

describe('ztunnel is told by us what istiod tells it', () => {
  const cases = ambientCases.map((of, index): AmbientCase & { name: string } => ({ ...of, name: `case-${index + 1}` }));

  beforeAll(async () => {
    await Promise.all(
      cases.map(({ name, marks, objects }) =>
        create(server, [namespace(name, marks), ...inNamespace(name, objects(name))]),
      ),
    );
  });

  test.each(cases)('$title', async ({ title, name, root = [], look, is }) => {
    const objects = inNamespace(settings.rootNamespace, root);
    await createInRoot(objects);
    try {
      const ready = await settled(
        () => read(),
        (config) => {
          const seen = configOf(config, name);
          return [seen, look(seen)];
        },
      );
      const [ours, istiods] = [ready.ours, ready.istiods].map((config) => configOf(config, name));
      expect(ours).toEqual(istiods);
      expect(look(istiods!)).toEqual(is(name));
      recorder.add(title, name, ready, settings);
    } finally {
      await removeFromRoot(objects);
    }
  });

  test('all cases together', async () => {
    expect(differences(await settled(() => read()))).toBeUndefined();
  });
});

describe('in generated meshes ztunnel is told by us what istiod tells it', () => {
  const fired = new Map<string, number>();

  test.each(Array.from({ length: batches }, (_, batch) => batch))('batch %i', async (batch) => {
    const meshes = Array.from({ length: batchSize }, (_, index) => generateMesh(3000 + batch * batchSize + index));
    const roots = inNamespace(settings.rootNamespace, generateRoot(batch));
    await Promise.all(
      meshes.map(({ name, marks, objects }) => create(server, [namespace(name, marks), ...inNamespace(name, objects)])),
    );
    await createInRoot(roots);
    const last = await settled(() => read(), undefined, 1500);
    expect(differences(last)).toBeUndefined();
    const names = meshes.map(({ name }) => name);
    if (batch < 2) for (const name of names.slice(0, recordedOfBatch)) recorder.add(name, name, last, settings);
    const { rootNamespace } = settings;
    const counts = firedRules(last.objects, last.istiods, { namespaces: names, rootNamespace });
    for (const [rule, count] of Object.entries(counts)) fired.set(rule, (fired.get(rule) ?? 0) + count);
    await remove(server, roots);
  });

  test('every rule has fired often enough', () => {
    console.table(Object.fromEntries(fired));
    expect(batches * batchSize).toBeGreaterThanOrEqual(300);
    expect([...fired].filter(([, count]) => count < 20)).toEqual([]);
  });
});

test('with other settings of the mesh ztunnel is told by us what istiod tells it', async () => {
  const others: IndexSettings = {
    ...settings,
    trustDomain: 'td.example.org',
    serviceEntryVisibility: {
      defaultVisibility: 'PUBLIC',
      policies: [
        { visibility: 'NONE', matchingRules: [{ namespaceSelector: { matchLabels: { hosts: 'none' } } }] },
        { visibility: 'NAMESPACE', matchingRules: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] },
      ],
    },
  };
  const network = { 'topology.istio.io/network': 'near' };
  await server.patch('merge', '/api/v1/namespaces/istio-system', { metadata: { labels: network } });
  await setMesh({ trustDomain: others.trustDomain, serviceEntryVisibility: others.serviceEntryVisibility });
  const binding = { 'istio.io/use-waypoint': 'open', 'istio.io/use-waypoint-namespace': 'shared' };
  const hosts = (resolution: string, host: string): object => ({
    hosts: [host],
    ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
    resolution,
  });
  await create(server, [
    namespace('hides-all', { labels: { hosts: 'none' } }),
    namespace('hides', { labels: { team: 'a', ...binding } }),
    ...inNamespace('hides-all', [serviceEntry('gone', hosts('DNS', 'gone.example.com'))]),
    ...inNamespace('hides', [
      serviceEntry('own', hosts('DNS', 'own.example.com')),
      service('seen', { ports: [{ port: 80 }] }),
      workloadEntry('far', { address: '10.9.9.9', network: 'far' }),
    ]),
    ...inNamespace('shared', [remoteGateway('to-far', 'far', [{ type: 'IPAddress', value: '10.7.7.7' }])]),
  ]);
  await touchPeers(server);
  const last = await settled(() => read(others), undefined, 1500);
  expect(differences(last)).toBeUndefined();
  expect(last.istiods.services.some(({ hostname }) => hostname === 'gone.example.com')).toBe(false);
  const seen = configOf(last.istiods, 'hides');
  expect(seen.services.find(({ name }) => name === 'own')).toMatchObject({ visibility: 'Namespace' });
  expect(seen.services.find(({ name }) => name === 'own')).not.toHaveProperty('waypoint');
  expect(seen.services.find(({ name }) => name === 'seen')).toHaveProperty('waypoint');
  expect(seen.workloads.find(({ name }) => name === 'far')).toMatchObject({
    trustDomain: 'td.example.org',
    network: 'far',
    networkGateway: { destination: 'far/10.7.7.7', hboneMtlsPort: 15008 },
  });
  expect(seen.services.find(({ name }) => name === 'seen')!.vips[0]).toMatch(/^near\/10\./);
  for (const name of ['hides', 'hides-all']) recorder.add(`other settings of the mesh: ${name}`, name, last, others);
});

/** Changes the mesh configuration. */
async function setMesh(changes: object): Promise<void> {
  const path = '/api/v1/namespaces/istio-system/configmaps/istio';
  const { body } = await server.get(path);
  const mesh = stringify({ ...(parse(body.data.mesh) as object), ...changes });
  const answer = await server.patch('merge', path, { data: { mesh } });
  expect(answer.status, answer.text).toBe(200);
}
