import type { Any } from './any-object.js';
import { configMap, deployment } from './objects.js';
import { scenarios } from './scenarios.js';
import type { Stage } from './stage.js';

const all = ['Deployment', 'ReplicaSet', 'Pod', 'ConfigMap'];

async function start(stage: Stage): Promise<void> {
  await stage.create(deployment({ replicas: 2 }));
  await stage.untilStatus('Deployment', 'web', { availableReplicas: 2 });
}

const whenGone = (stage: Stage, kind: string, name: string): Promise<void> =>
  stage.until(`${kind} ${name} to be gone`, async () => (await stage.get(kind, name)) === undefined);

/** A reference to an object as an owner. */
async function ownedBy(stage: Stage, name: string, more: object = {}): Promise<Any> {
  const { uid } = (await stage.get('ConfigMap', name)).metadata;
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, ...more };
}

scenarios('owners', (scenario) => {
  scenario('what a deleted Deployment owned goes in the background', async (stage) => {
    await start(stage);
    await stage.delete('Deployment', 'web');
    await stage.until('no pods', async () => (await stage.list('Pod')).length === 0);
    return stage.outcome({ kinds: ['Deployment', 'ReplicaSet', 'Pod'] });
  });

  scenario('in the foreground the owner goes last', async (stage) => {
    await start(stage);
    const deployments = await stage.watch('Deployment');
    const pods = await stage.watch('Pod');
    await stage.delete('Deployment', 'web', 'Foreground');
    await whenGone(stage, 'Deployment', 'web');
    const marked = deployments.watch.events.find(({ object }) => object.metadata.deletionTimestamp !== undefined);
    const podsLeft = pods.before.length - pods.watch.events.filter(({ type }) => type === 'DELETED').length;
    const { finalizers } = marked!.object.metadata;
    return { finalizers, podsLeft, ...(await stage.outcome({ kinds: ['Deployment', 'ReplicaSet', 'Pod'] })) };
  });

  scenario('orphans stay without their owner', async (stage) => {
    await start(stage);
    const [set] = await stage.list('ReplicaSet');
    await stage.delete('Deployment', 'web', 'Orphan');
    await whenGone(stage, 'Deployment', 'web');
    await stage.delete('ReplicaSet', set.metadata.name, 'Orphan');
    await whenGone(stage, 'ReplicaSet', set.metadata.name);
    return stage.outcome({ kinds: ['Deployment', 'ReplicaSet', 'Pod'] });
  });

  scenario('an object whose owner was never there goes', async (stage) => {
    const uid = '00000000-0000-4000-8000-000000000000';
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid }];
    await stage.create(configMap('child', { ownerReferences }));
    await whenGone(stage, 'ConfigMap', 'child');
    return stage.outcome({ kinds: ['Deployment'] });
  });

  scenario('an object with another owner stays, without the one that is gone', async (stage) => {
    await stage.create(configMap('first'), configMap('second'));
    const ownerReferences = [await ownedBy(stage, 'first'), await ownedBy(stage, 'second')];
    await stage.create(configMap('child', { ownerReferences }));
    await stage.delete('ConfigMap', 'first');
    await stage.until(
      'one owner',
      async () => (await stage.get('ConfigMap', 'child')).metadata.ownerReferences.length === 1,
    );
    const one = await stage.outcome({ kinds: ['ConfigMap'] });
    await stage.delete('ConfigMap', 'second');
    await whenGone(stage, 'ConfigMap', 'child');
    return { one, none: await stage.outcome({ kinds: ['ConfigMap'] }) };
  });

  scenario('a dependent with a finalizer holds its owner back', async (stage) => {
    await stage.create(configMap('owner'));
    const ownerReferences = [await ownedBy(stage, 'owner', { blockOwnerDeletion: true })];
    await stage.create(configMap('child', { ownerReferences, finalizers: ['example.com/hold'] }));
    await stage.delete('ConfigMap', 'owner', 'Foreground');
    await stage.until(
      'the child to go',
      async () => (await stage.get('ConfigMap', 'child')).metadata.deletionTimestamp,
    );
    const held = await stage.outcome({ kinds: ['ConfigMap'] });
    await stage.patch('ConfigMap', 'child', { metadata: { finalizers: null } });
    await whenGone(stage, 'ConfigMap', 'owner');
    return { held, then: await stage.outcome({ kinds: ['ConfigMap'] }) };
  });

  scenario('a dependent that does not block does not hold its owner back', async (stage) => {
    await stage.create(configMap('owner'));
    const ownerReferences = [await ownedBy(stage, 'owner')];
    await stage.create(configMap('child', { ownerReferences, finalizers: ['example.com/hold'] }));
    await stage.delete('ConfigMap', 'owner', 'Foreground');
    await whenGone(stage, 'ConfigMap', 'owner');
    await stage.until(
      'the child to go',
      async () => (await stage.get('ConfigMap', 'child')).metadata.deletionTimestamp,
    );
    return stage.outcome({ kinds: ['ConfigMap'] });
  });
});

scenarios('namespaces', (scenario) => {
  scenario('a new namespace gets its account and the certificate authority', async (stage) => {
    const name = 'kube-root-ca.crt';
    await stage.until('the certificate', async () => (await stage.get('ConfigMap', name)) !== undefined);
    const certificate = (await stage.get('ConfigMap', name)).data['ca.crt'];
    await stage.patch('ConfigMap', name, { data: { 'ca.crt': 'changed', more: 'x' } });
    await stage.until('the certificate to come back', async () => {
      const { data } = await stage.get('ConfigMap', name);
      return data['ca.crt'] === certificate && data.more === undefined;
    });
    await stage.delete('ServiceAccount', 'default');
    await stage.until(
      'the account to come back',
      async () => (await stage.get('ServiceAccount', 'default')) !== undefined,
    );
    const isPem = certificate.startsWith('-----BEGIN CERTIFICATE-----');
    return { isPem, ...(await stage.outcome({ kinds: ['ConfigMap', 'ServiceAccount'] })) };
  });

  scenario('a deleted namespace takes everything along', async (stage) => {
    await start(stage);
    await stage.create(configMap('settings'));
    await stage.delete('Namespace', stage.namespace);
    await whenGone(stage, 'Namespace', stage.namespace);
    return stage.outcome({ kinds: all });
  });

  scenario('a finalizer holds the namespace back', async (stage) => {
    await stage.create(configMap('held', { finalizers: ['example.com/hold'] }));
    await stage.delete('Namespace', stage.namespace);
    await stage.untilCondition('Namespace', stage.namespace, 'NamespaceFinalizersRemaining', 'SomeFinalizersRemain');
    const { status } = await stage.get('Namespace', stage.namespace);
    const conditions = status.conditions.map(
      (each: Any) => `${each.type}=${each.status} ${each.reason}: ${each.message}`,
    );
    await stage.patch('ConfigMap', 'held', { metadata: { finalizers: null } });
    await whenGone(stage, 'Namespace', stage.namespace);
    return { phase: status.phase, conditions };
  });
});
