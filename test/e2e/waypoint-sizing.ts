import { expect, it } from 'vitest';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import type { KubeObject } from '../../src/kube/resource.js';
import { CONFIG_MAP, DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER } from '../../src/kube/types.js';
import { OPERATOR_USER, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import { ambient, gateway, GatewayWatcher, NAME, OURS, WAYPOINT_OF_ISTIOD } from './waypoint-gateways.js';

/** What an autoscaler may take to look at a new Deployment, and istiod to deploy. Milliseconds. */
const BAR_MS = 25_000;

/** Waypoints of class `istio-waypoint`, which istiod deploys and Sidestep sizes. */
export function sizedWaypoints(cluster: () => Cluster): void {
  const watcher = new GatewayWatcher(cluster);
  const parameters = { namespace: '', name: `${NAME}-sidestep` };

  const sized = (name: string, spec: object = {}, annotations: object = {}): string =>
    yaml(ambient(name), gateway(name, { gatewayClassName: 'istio-waypoint', ...spec }, { annotations }));

  const configMapGone = (namespace: string): Promise<unknown> =>
    cluster().until('the end of the ConfigMap', () =>
      cluster()
        .client.get(CONFIG_MAP, { ...parameters, namespace })
        .then(() => undefined, isNotFound),
    );

  it('get their size from an annotation, and everything they consist of from istiod', async () => {
    const name = 'sized-annotation';
    const startMs = cluster().time.now();
    await cluster().apply(sized(name, {}, { 'sidestep.dev/sizing': '{"replicas":{"min":3,"max":4}}' }));
    await watcher.serving(name, 'True', 'Sized');
    // Where time is real, it says more of the machine.
    if (cluster().kind === 'sandbox') expect(cluster().time.now() - startMs).toBeLessThan(BAR_MS);
    await watcher.deployed(name, ...OURS);
    await cluster().podsReady(name, 3);
    const deployed = await Promise.all(
      [DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER].map((type) =>
        cluster().client.get<KubeObject>(type, { namespace: name, name: NAME }),
      ),
    );
    for (const { metadata } of deployed) {
      expect(metadata.labels).toMatchObject({ 'gateway.istio.io/managed': 'istio.io-mesh-controller' });
    }
    const touched = writesOf(cluster().audit())
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.namespace === name)
      .map(({ objectRef }) => objectRef?.resource);
    expect(
      touched.filter((resource = '') => !['configmaps', 'gateways', 'events', 'namespaces'].includes(resource)),
    ).toEqual([]);
    expect(touched).toContain('configmaps');
  });

  it('say what is wrong with the annotation, and with parameters of somebody else', async () => {
    const name = 'sized-wrong';
    await cluster().apply(sized(name, {}, { 'sidestep.dev/sizing': '{"replicas":{"min":3,"max":2}}' }));
    const invalid = await watcher.serving(name, 'False', 'SizingInvalid');
    expect(findCondition(invalid.status?.conditions, 'sidestep.dev/Serving')).toMatchObject({
      message: expect.stringMatching(/replicas: min must not be above max/),
    });
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/sizing={}', '--overwrite');
    await watcher.serving(name, 'True', 'Sized');
    const parametersRef = { group: '', kind: 'ConfigMap', name: 'own' };
    const own = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'own', namespace: name }, data: {} };
    await cluster().apply(yaml(own));
    await cluster().apply(sized(name, { infrastructure: { parametersRef } }, { 'sidestep.dev/sizing': '{}' }));
    const { spec } = await watcher.serving(name, 'False', 'ParametersTaken');
    expect(spec.infrastructure?.parametersRef).toEqual(parametersRef);
    await configMapGone(name);
  });

  it('are given up when nobody asks any more, and put right when somebody has changed what is ours', async () => {
    const name = 'sized-given-up';
    await cluster().apply(sized(name));
    await watcher.deployed(name, ...WAYPOINT_OF_ISTIOD);
    expect((await watcher.read(name)).spec.infrastructure).toBeUndefined();
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve=true');
    await watcher.serving(name, 'True', 'Sized');
    const withoutReference = '[{"op": "remove", "path": "/spec/infrastructure"}]';
    await cluster().kubectl('patch', 'gateway', '-n', name, NAME, '--type=json', '-p', withoutReference);
    await cluster().kubectl('delete', 'configmap', '-n', name, `${NAME}-sidestep`);
    await watcher.serving(name, 'True', 'Sized');
    await cluster().until('the ConfigMap', () => cluster().client.get(CONFIG_MAP, { ...parameters, namespace: name }), {
      timeoutMs: 120_000,
    });
    await cluster().kubectl('annotate', 'gateway', '-n', name, NAME, 'sidestep.dev/serve-');
    await configMapGone(name);
    await cluster().until('nothing is said of it any more', async () => {
      const { spec, status } = await watcher.read(name);
      const isSaid = findCondition(status?.conditions, 'sidestep.dev/Serving') !== undefined;
      return (!isSaid && spec.infrastructure === undefined) || undefined;
    });
  });
}
