import { describe, expect, test } from 'vitest';
import { type Condition, findCondition } from '../../../src/kube/conditions.js';
import { gateway } from '../../simulators/istiod-objects.js';
import { webPod } from './objects.js';
import type { Stage } from './stage.js';

/** Who injects pods, and which istiod serves a Gateway: §2.3 and §3.4. */
export function whoServes(stage: () => Stage, canary: { revision: string; tag: string }): void {
  describe('§2.3: istio-injection=disabled beside istio.io/rev, which is kept', () => {
    const disabled = { 'istio-injection': 'disabled' };
    const owned = { 'istio.io/rev': canary.revision };

    async function isInjected(namespace: string): Promise<boolean> {
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const { body } = await stage().server.post(path, webPod(), { query: { dryRun: 'All' } });
      return body.metadata.annotations?.['sidecar.istio.io/status'] !== undefined;
    }

    test('stops the injection by the revision', async () => {
      expect(await isInjected(await stage().open(owned))).toBe(true);
      expect(await isInjected(await stage().open({ ...owned, ...disabled }))).toBe(false);
    });

    test('leaves the Gateways of the namespace to the revision', async () => {
      const namespace = await stage().open({ ...owned, ...disabled }, gateway());
      await stage().deployment(namespace, 'waypoint', canary.tag);
    });

    test('istio.io/rev that is removed instead gives a waypoint to the default revision, which restarts it', async () => {
      const namespace = await stage().open(owned, gateway());
      const { metadata } = await stage().deployment(namespace, 'waypoint', canary.tag);
      await stage().server.patch('merge', `/api/v1/namespaces/${namespace}`, {
        metadata: { labels: { 'istio.io/rev': null } },
      });
      const after = await stage().found(
        namespace,
        ['apps/v1', 'Deployment', 'waypoint'],
        ({ spec }) => !JSON.stringify(spec).includes(canary.tag),
      );
      expect(after.metadata.uid).toBe(metadata.uid);
      expect(after.metadata.generation).toBeGreaterThan(metadata.generation as number);
    });
  });

  describe('§3.4: the annotation gateway.istio.io/controller-version', () => {
    const version = 'gateway.istio.io/controller-version';
    const gateways = 'gateway.networking.k8s.io/v1';

    test.each(['6', 'sidestep'])('%s keeps istiod from deploying, but not from the status', async (value) => {
      const namespace = await stage().open({}, gateway('backed-off', {}, { annotations: { [version]: value } }));
      await stage().add(namespace, gateway('known', {}, { annotations: { [version]: '5' } }));
      await stage().deployment(namespace, 'known');
      expect(await stage().names(namespace, 'apps/v1', 'Deployment')).toEqual(['known']);
      const { status } = await stage().found(
        namespace,
        [gateways, 'Gateway', 'backed-off'],
        ({ status }) => findCondition<Condition>(status?.conditions, 'Programmed')?.reason === 'AddressNotUsable',
      );
      expect(status.addresses).toBeUndefined();
    });

    test('makes istiod let go what it has deployed: it stays, and is not made again', async () => {
      const namespace = await stage().open({}, gateway('let-go'), gateway('kept'));
      const first = await Promise.all(['let-go', 'kept'].map((name) => stage().deployment(namespace, name)));
      const { server } = stage();
      const path = `/apis/${gateways}/namespaces/${namespace}/gateways/let-go`;
      await server.patch('merge', path, { metadata: { annotations: { [version]: 'sidestep' } } });
      // Gateways and Deployments come to istiod by different watches: this one shows that it has seen the annotation.
      await stage().add(namespace, gateway('later'));
      await stage().deployment(namespace, 'later');
      for (const { metadata } of first)
        await server.delete(`/apis/apps/v1/namespaces/${namespace}/deployments/${metadata.name}`);
      await stage().found(
        namespace,
        ['apps/v1', 'Deployment', 'kept'],
        ({ metadata }) => metadata.uid !== first[1]!.metadata.uid && !metadata.deletionTimestamp,
      );
      expect(await stage().names(namespace, 'apps/v1', 'Deployment')).toEqual(['kept', 'later']);
      expect(await stage().names(namespace, 'v1', 'Service')).toContain('let-go');
    });
  });
}
