import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CONFIG_MAP, DEPLOYMENT } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import { ambient, gateway, GatewayWatcher, NAME } from './waypoint-gateways.js';

const INJECTOR = { namespace: 'istio-system', name: 'istio-sidecar-injector' };

/** What a change of the mesh's configuration does to the waypoints that Sidestep deploys. */
export function waypointTurns(cluster: () => Cluster): void {
  const watcher = new GatewayWatcher(cluster);

  /** Sets the CPU that proxies of waypoints request. */
  async function requestCpu(cpu: string): Promise<void> {
    const { data = {} } = await cluster().client.get(CONFIG_MAP, INJECTOR);
    const values = parse(data['values'] ?? '') as {
      global: { waypoint: { resources: { requests: { cpu: string } } } };
    };
    values.global.waypoint.resources.requests.cpu = cpu;
    const patch = JSON.stringify({ data: { values: JSON.stringify(values) } });
    await cluster().kubectl('patch', 'configmap', '-n', INJECTOR.namespace, INJECTOR.name, '--type=merge', '-p', patch);
  }

  async function cpuOf(namespace: string): Promise<string | undefined> {
    const { spec } = await cluster().client.get(DEPLOYMENT, { namespace, name: NAME });
    const [proxy] = spec.template.spec.containers as { resources?: { requests?: { cpu?: string } } }[];
    return proxy?.resources?.requests?.cpu;
  }

  it('is that of the revision which the namespace names', async () => {
    const name = 'turns-revision';
    const revisionOf = async (): Promise<string | undefined> => {
      const { spec } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: NAME });
      return spec.template.metadata?.annotations?.['istio.io/rev'];
    };
    await cluster().apply(yaml(ambient(name), gateway(name, { gatewayClassName: 'sidestep-waypoint' })));
    await watcher.serving(name, 'True', 'Serving');
    expect(await revisionOf()).toBe('default');
    await cluster().kubectl('label', 'namespace', name, 'istio.io/rev=green');
    // What runs goes on while it is not known what that revision says.
    await watcher.serving(name, 'False', 'MeshConfigurationInvalid');
    expect(await revisionOf()).toBe('default');
    const copies = await Promise.all(
      ['istio', INJECTOR.name].map(async (map) => {
        const { data = {} } = await cluster().client.get(CONFIG_MAP, { ...INJECTOR, name: map });
        const values = parse(data['values'] ?? '{}') as object;
        const green = { ...data, ...(data['values'] && { values: JSON.stringify({ ...values, revision: 'green' }) }) };
        const metadata = { name: `${map}-green`, namespace: INJECTOR.namespace };
        return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: green };
      }),
    );
    await cluster().apply(yaml(...copies));
    await watcher.serving(name, 'True', 'Serving');
    await cluster().until('the revision has reached it', async () => (await revisionOf()) === 'green' || undefined);
    await cluster().kubectl('label', 'namespace', name, 'istio.io/rev-');
    await cluster().until('it is as before', async () => (await revisionOf()) === 'default' || undefined);
    for (const { metadata } of copies) await cluster().client.delete(CONFIG_MAP, metadata);
  });

  it('reaches one after the other; new ones and edits do not wait', async () => {
    const [unable, stuck, second, third] = ['turns-0', 'turns-a', 'turns-b', 'turns-c'];
    await cluster().apply(yaml(...[stuck, second].flatMap((name) => [ambient(name), gateway(name)])));
    await watcher.serving(stuck, 'True', 'Serving');
    await watcher.serving(second, 'True', 'Serving');
    await cluster().podsReady(stuck, 2);
    await cluster().podsReady(second, 2);
    const before = await cpuOf(second);
    // Pods of a namespace with a quota that is used up cannot be replaced.
    const quota = (namespace: string, pods: string) => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'full', namespace },
      spec: { hard: { pods } },
    });
    await cluster().apply(yaml(quota(stuck, '2')));
    // For one that has never had a pod nobody waits.
    await cluster().apply(yaml(ambient(unable), quota(unable, '0'), gateway(unable)));
    await watcher.serving(unable, 'False', 'Deploying');
    await cluster().until('its Deployment is seen', async () => {
      const { status } = await cluster().client.get(DEPLOYMENT, { namespace: unable, name: NAME });
      return (status?.observedGeneration ?? 0) > 0 || undefined;
    });
    try {
      await requestCpu('123m');
      await cluster().until('the first is rolled', async () => (await cpuOf(stuck)) === '123m' || undefined);
      await watcher.serving(second, 'True', 'AwaitingTurn');
      expect(await cpuOf(second)).toBe(before);
      await cluster().apply(yaml(ambient(third), gateway(third)));
      await watcher.serving(third, 'True', 'Serving');
      expect(await cpuOf(third)).toBe('123m');
      expect(await cpuOf(second)).toBe(before);
      await cluster().kubectl('delete', 'resourcequota', '-n', stuck, 'full');
      await watcher.serving(second, 'True', 'Serving');
      expect(await cpuOf(second)).toBe('123m');
      // One for the Deployment as it was, one for what the mesh has changed.
      const { metadata } = await cluster().until('its controller has seen it', async () => {
        const found = await cluster().client.get(DEPLOYMENT, { namespace: second, name: NAME });
        return found.status?.observedGeneration === found.metadata.generation ? found : undefined;
      });
      expect(metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '2' });
    } finally {
      await requestCpu(before ?? '100m');
      await cluster().until(
        'all are as before',
        async () => {
          const found = await Promise.all([stuck, second].map(cpuOf));
          return found.every((cpu) => cpu === before) || undefined;
        },
        { timeoutMs: 120_000 },
      );
      await cluster().kubectl('delete', 'resourcequota', '-n', unable, 'full');
      await watcher.serving(unable, 'True', 'Serving');
    }
  });
}
