import { expect, it } from 'vitest';
import { invariantBreaches } from '../support/audit.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';
import { NOBODY_ELSE_CALLS, ownAccount, policy, service } from './layer7-policies.js';

/** Pods that use their whole grace period, seconds. */
const drains = { annotations: { 'sidestep.dev/test': 'drain' }, graceSeconds: 6 };

/** Pods that are being deleted, and still answer and call. */
export function draining(cluster: () => Cluster): void {
  const says = (name: string, what: RegExp): Promise<RegExpExecArray> =>
    cluster().until(`${name} says ${what}`, async () => {
      const { status } = await cluster().migration(name);
      return what.exec(status?.nextAction ?? '') ?? undefined;
    });

  it('leaves ambient mode only when the last ambient pod has drained', async () => {
    const name = 'drain-back';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web', drains)));
    await cluster().podsReady(name, 1);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await says(name, /^Waiting: web-\S+ still drains, then the namespace leaves ambient mode\.$/);
    await cluster().ready(name, 'RolledBack');
    expect(invariantBreaches(cluster().audit(), name)).toEqual([]);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });

  it('restarts whom a guard protects, and closes guards, only when no caller drains with its sidecar', async () => {
    const name = 'drain-callers';
    const selector = { matchLabels: { app: 'api' } };
    const deny = { selector, action: 'DENY', rules: [{ to: [{ operation: { paths: ['/headers'] } }] }] };
    await cluster().apply(
      yaml(
        namespace(name),
        policy('AuthorizationPolicy', name, 'no-headers', deny),
        ...ownAccount(name, 'api', drains),
        ...ownAccount(name, 'web', drains),
        service(name, 'api'),
      ),
    );
    await cluster().podsReady(name, 2);
    await cluster().migrate(name, { waypoint: { replicas: { min: 1, max: 1 } }, acknowledge: NOBODY_ELSE_CALLS });
    await says(name, /^Waiting: web-\S+ still drains, then Deployment\/api may be restarted\.$/);
    await says(name, /^Waiting: api-\S+ still drains, then guards choose every pod\.$/);
    await cluster().ready(name, 'Migrated');
    const last = changesIn(cluster(), name).findLast((change) => /deployments|authorizationpolicies/.test(change));
    expect(last).toMatch(/authorizationpolicies\/no-headers-guard/);
  });
}
