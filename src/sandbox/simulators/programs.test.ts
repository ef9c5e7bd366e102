import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Client } from '../../kube/client.js';
import { NAMESPACE, POD, type Pod } from '../../kube/types.js';
import { AUTHORIZATION_POLICY, GATEWAY, type Gateway } from './istiod/kinds.js';
import { startSandbox, type Sandbox } from '../sandbox.js';

// What can only be seen by ending programs, which nobody can do to the real ones over HTTP.

const dir = mkdtempSync(join(tmpdir(), 'sidestep-programs-'));
let sandbox: Sandbox;
let client: Client;
let count = 0;

beforeAll(async () => {
  sandbox = await startSandbox({ dir });
  client = new Client({ connection: sandbox.connection() });
}, 60_000);
afterEach(async () => {
  await sandbox.istiod.start();
  await sandbox.cniAgent.start();
});
afterAll(async () => {
  client.close();
  await sandbox.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('without istiod no pod is injected, none is made where it should be, and nothing is validated', async () => {
  const namespace = await injectedNamespace();
  await sandbox.istiod.stop();
  await expect(dryRun(namespace)).rejects.toThrow('failed calling webhook "namespace.sidecar-injector.istio.io"');
  await expect(invalidPolicy(namespace)).rejects.toThrow(/failed calling webhook/);
  await expect(fetch(`${sandbox.istiodUrl}/debug/ambientz`)).rejects.toThrow();

  await sandbox.istiod.start();
  const pod = await dryRun(namespace);
  expect(pod.spec.initContainers?.map(({ name }) => name)).toEqual(['istio-init', 'istio-proxy']);
  await expect(invalidPolicy(namespace)).rejects.toThrow(/denied the request/);
  expect((await fetch(`${sandbox.istiodUrl}/debug/ambientz`)).ok).toBe(true);
}, 30_000);

test('what happened while istiod was away is made up for', async () => {
  const namespace = await injectedNamespace();
  await sandbox.istiod.stop();
  const listeners = [{ name: 'mesh', port: 15008, protocol: 'HBONE' }];
  const spec = { gatewayClassName: 'istio-waypoint', listeners };
  const gateway = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'waypoint', namespace },
    spec,
  };
  const created = await client.create<Gateway>(GATEWAY, gateway, { fieldManager: 'test' });
  expect(created.status?.conditions?.map(({ status }) => status)).toEqual(['Unknown', 'Unknown']);

  await sandbox.istiod.start();
  await expect
    .poll(
      async () => {
        const { status } = await client.get<Gateway>(GATEWAY, { namespace, name: 'waypoint' });
        return status?.conditions?.find(({ type }) => type === 'Programmed')?.status;
      },
      { timeout: 20_000 },
    )
    .toBe('True');
}, 40_000);

test('without the CNI agent no pod starts', async () => {
  const { name: namespace } = (await client.create(NAMESPACE, newNamespace({}), { fieldManager: 'test' })).metadata;
  await sandbox.cniAgent.stop();
  await client.create(POD, newPod(namespace), { fieldManager: 'test' });
  const phase = async (): Promise<unknown> => {
    const { spec, status } = await client.get<Pod>(POD, { namespace, name: 'web' });
    return [spec.nodeName !== undefined, status?.phase];
  };
  await expect.poll(phase, { timeout: 10_000 }).toEqual([true, 'Pending']);
  await sandbox.cniAgent.start();
  await expect.poll(phase, { timeout: 10_000 }).toEqual([true, 'Running']);
}, 30_000);

function newNamespace(labels: Record<string, string>): {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
} {
  const metadata = { name: `programs-${++count}`, labels };
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

/** A namespace whose pods get sidecars, with its ServiceAccount. */
async function injectedNamespace(): Promise<string> {
  const object = newNamespace({ 'istio-injection': 'enabled' });
  const { metadata } = await client.create(NAMESPACE, object, { fieldManager: 'test' });
  await expect.poll(() => dryRun(metadata.name).then(() => 'made', String), { timeout: 10_000 }).toBe('made');
  return metadata.name;
}

function newPod(namespace: string): Pod {
  const spec = { containers: [{ name: 'app', image: 'example.com/app:1' }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace }, spec };
}

function dryRun(namespace: string): Promise<Pod> {
  return client.create<Pod>(POD, newPod(namespace), { fieldManager: 'test', dryRun: true });
}

/** As the operator asks whether istiod is alive. */
function invalidPolicy(namespace: string): Promise<unknown> {
  const { kind } = AUTHORIZATION_POLICY;
  const spec = { rules: [{ when: [{ key: 'sidestep.dev/not-an-attribute', values: ['x'] }] }] };
  const object = { apiVersion: 'security.istio.io/v1', kind, metadata: { name: 'invalid', namespace }, spec };
  return client.create(AUTHORIZATION_POLICY, object, { fieldManager: 'test', dryRun: true });
}
