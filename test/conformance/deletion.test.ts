import { expect } from 'vitest';
import { type Answer, eventually, type Server } from './server.js';
import { conformance } from './suite.js';
import { type Review, rule, withWebhooks } from './webhook-server.js';

/** Path of the ConfigMaps of a new namespace. */
async function configMaps(server: Server): Promise<string> {
  return `/api/v1/namespaces/${await server.namespace()}/configmaps`;
}

/** Creates an object and returns it. */
async function create(server: Server, path: string, metadata: object, rest: object = {}): Promise<Answer['body']> {
  const answer = await server.post(path, { metadata, ...rest });
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

interface Owner {
  apiVersion: string;
  kind: string;
  metadata: { name: string; uid: string };
}

const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: Owner, more: object = {}): object => ({
  apiVersion,
  kind,
  name,
  uid,
  ...more,
});

const gone = (server: Server, path: string): Promise<true> =>
  eventually(`the end of ${path}`, async () => ((await server.get(path)).status === 404 ? true : undefined));

/** A pod that no scheduler finds a node for. */
const nowhere = { spec: { containers: [{ name: 'c', image: 'none' }], nodeSelector: { nowhere: 'never' } } };
const waiting = 'example.com/wait';

conformance('deletion', (test) => {
  test('the answer names what is gone; a second deletion is 404', async (server) => {
    const path = await configMaps(server);
    const { metadata } = await create(server, path, { name: 'a' });
    const answer = await server.delete(`${path}/a`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid: metadata.uid },
    });
    const again = await server.delete(`${path}/a`);
    expect(again.status).toBe(404);
    expect(again.body).toMatchObject({
      reason: 'NotFound',
      message: 'configmaps "a" not found',
      details: { name: 'a', kind: 'configmaps' },
    });
  });

  test('some kinds answer with the object instead', async (server) => {
    const ns = await server.namespace();
    await create(server, `/api/v1/namespaces/${ns}/serviceaccounts`, { name: 'a' });
    const account = await server.delete(`/api/v1/namespaces/${ns}/serviceaccounts/a`);
    expect(account.body).toMatchObject({ kind: 'ServiceAccount', metadata: { name: 'a' } });
    await create(server, `/api/v1/namespaces/${ns}/services`, { name: 's' }, { spec: { ports: [{ port: 80 }] } });
    const service = await server.delete(`/api/v1/namespaces/${ns}/services/s`);
    expect(service.body).toMatchObject({ kind: 'Service', metadata: { name: 's' } });
  });

  test('a finalizer holds the object: it is marked, and stays', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    const answer = await server.delete(`${path}/a`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { finalizers: [waiting], deletionGracePeriodSeconds: 0 },
    });
    expect(answer.body.metadata.deletionTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const still = await server.get(`${path}/a`);
    expect(still.body.metadata.deletionTimestamp).toBe(answer.body.metadata.deletionTimestamp);
  });

  test('deleting again changes nothing', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    const first = await server.delete(`${path}/a`);
    const second = await server.delete(`${path}/a`);
    expect(second.status).toBe(200);
    expect(second.body.metadata).toEqual(first.body.metadata);
  });

  test('when the last finalizer goes the object goes; the answer is the object without it', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting, 'example.com/other'] });
    await server.delete(`${path}/a`);
    const one = await server.patch('merge', `${path}/a`, { metadata: { finalizers: [waiting] } });
    expect(one.body.metadata.finalizers).toEqual([waiting]);
    const none = await server.patch('merge', `${path}/a`, { metadata: { finalizers: null } });
    expect(none.status).toBe(200);
    expect(none.body.metadata.finalizers).toBeUndefined();
    expect(none.body.metadata.deletionTimestamp).toBeTruthy();
    expect((await server.get(`${path}/a`)).status).toBe(404);
  });

  test('no finalizer can be added to what is being deleted', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    await server.delete(`${path}/a`);
    const finalizers = [waiting, 'example.com/late'];
    const answer = await server.patch('merge', `${path}/a`, { metadata: { finalizers } });
    expect(answer.status).toBe(422);
    const why =
      'no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/late"}';
    expect(answer.body.message).toBe(`ConfigMap "a" is invalid: metadata.finalizers: Forbidden: ${why}`);
    expect(answer.body.details.causes[0]).toEqual({
      reason: 'FieldValueForbidden',
      message: `Forbidden: ${why}`,
      field: 'metadata.finalizers',
    });
  });

  test('other changes are possible while it waits; the mark cannot be taken back or set', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting], deletionTimestamp: '2020-01-01T00:00:00Z' });
    expect((await server.get(`${path}/a`)).body.metadata.deletionTimestamp).toBeUndefined();
    const marked = await server.delete(`${path}/a`);
    const changed = await server.patch('merge', `${path}/a`, {
      metadata: { deletionTimestamp: null, deletionGracePeriodSeconds: null },
      data: { still: 'here' },
    });
    expect(changed.status).toBe(200);
    expect(changed.body.data).toEqual({ still: 'here' });
    expect(changed.body.metadata.deletionTimestamp).toBe(marked.body.metadata.deletionTimestamp);
    expect(changed.body.metadata.deletionGracePeriodSeconds).toBe(0);
    const other = { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } };
    const kept = await server.patch('merge', `${path}/a`, other);
    expect(kept.body.metadata.deletionTimestamp).toBe(marked.body.metadata.deletionTimestamp);
  });

  test('finalizers are names, of built-in kinds with a domain', async (server) => {
    const path = await configMaps(server);
    const answer = await server.post(path, { metadata: { name: 'a', finalizers: ['mine'] } });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    );
  });

  test('a deletion can insist on uid and version', async (server) => {
    const path = await configMaps(server);
    const { metadata } = await create(server, path, { name: 'a' });
    const wrongUid = await server.delete(`${path}/a`, { body: { preconditions: { uid: 'other' } } });
    expect(wrongUid.status).toBe(409);
    expect(wrongUid.body).toMatchObject({
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    });
    const wrongVersion = await server.delete(`${path}/a`, { body: { preconditions: { resourceVersion: '1' } } });
    expect(wrongVersion.status).toBe(409);
    expect(wrongVersion.body.message).toBe(
      `Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
    const { uid, resourceVersion } = metadata;
    const right = await server.delete(`${path}/a`, { body: { preconditions: { uid, resourceVersion } } });
    expect(right.status).toBe(200);
  });

  test('a new object of the same name is another one', async (server) => {
    const path = await configMaps(server);
    const first = await create(server, path, { name: 'a' });
    await server.delete(`${path}/a`);
    const second = await create(server, path, { name: 'a' });
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    const answer = await server.delete(`${path}/a`, { body: { preconditions: { uid: first.metadata.uid as string } } });
    expect(answer.status).toBe(409);
    const put = await server.put(`${path}/a`, first);
    expect(put.status).toBe(409);
    expect(put.body.message).toContain(`Precondition failed: UID in precondition: ${first.metadata.uid}`);
  });

  test('a dry run deletes nothing', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    await create(server, path, { name: 'b' });
    const held = await server.delete(`${path}/a`, { query: { dryRun: 'All' } });
    expect(held.body.metadata.deletionTimestamp).toBeTruthy();
    const free = await server.delete(`${path}/b`, { body: { dryRun: ['All'] } });
    expect(free.body.status).toBe('Success');
    expect((await server.get(`${path}/a`)).body.metadata.deletionTimestamp).toBeUndefined();
    expect((await server.get(`${path}/b`)).status).toBe(200);
    const unknown = await server.delete(`${path}/b`, { query: { dryRun: 'Some' } });
    expect(unknown.status).toBe(422);
    expect(unknown.body.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    );
  });

  test('options that make no sense are refused', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a' });
    const both = await server.delete(`${path}/a`, { body: { propagationPolicy: 'Orphan', orphanDependents: true } });
    expect(both.status).toBe(422);
    expect(both.body.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    );
    const unknown = await server.delete(`${path}/a`, { query: { propagationPolicy: 'Other' } });
    expect(unknown.status).toBe(422);
    expect(unknown.body.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Other": supported values: "Foreground", "Background", "Orphan", "nil"',
    );
    const seconds = await server.delete(`${path}/a`, { query: { gracePeriodSeconds: 'x' } });
    expect(seconds.status).toBe(400);
    const kind = await server.delete(`${path}/a`, { body: { kind: 'ConfigMap', apiVersion: 'v1' } });
    expect(kind.status).toBe(400);
    expect((await server.get(`${path}/a`)).status).toBe(200);
  });

  test('in the background: the owner goes at once, what it owns follows', async (server) => {
    const path = await configMaps(server);
    const owner = await create(server, path, { name: 'owner' });
    await create(server, path, { name: 'owned', ownerReferences: [ownedBy(owner)] });
    const answer = await server.delete(`${path}/owner`, { query: { propagationPolicy: 'Background' } });
    expect(answer.body.status).toBe('Success');
    expect((await server.get(`${path}/owner`)).status).toBe(404);
    await gone(server, `${path}/owned`);
  });

  test('in the foreground: the owner waits for what blocks it', async (server) => {
    const path = await configMaps(server);
    const owner = await create(server, path, { name: 'owner' });
    const reference = ownedBy(owner, { blockOwnerDeletion: true });
    await create(server, path, { name: 'owned', ownerReferences: [reference], finalizers: [waiting] });
    const answer = await server.delete(`${path}/owner`, { query: { propagationPolicy: 'Foreground' } });
    expect(answer.status).toBe(200);
    expect(answer.body.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(answer.body.metadata.deletionTimestamp).toBeTruthy();
    await eventually('the mark of what it owns', async () => {
      const owned = await server.get(`${path}/owned`);
      return owned.body.metadata.deletionTimestamp ? true : undefined;
    });
    expect((await server.get(`${path}/owner`)).status).toBe(200);
    await server.patch('merge', `${path}/owned`, { metadata: { finalizers: null } });
    await gone(server, `${path}/owner`);
  });

  test('orphans: what it owned stays, without the reference', async (server) => {
    const path = await configMaps(server);
    const owner = await create(server, path, { name: 'owner' });
    await create(server, path, { name: 'owned', ownerReferences: [ownedBy(owner)] });
    const answer = await server.delete(`${path}/owner`, { body: { propagationPolicy: 'Orphan' } });
    expect(answer.body.metadata.finalizers).toEqual(['orphan']);
    await gone(server, `${path}/owner`);
    const owned = await server.get(`${path}/owned`);
    expect(owned.status).toBe(200);
    expect(owned.body.metadata.ownerReferences).toBeUndefined();
  });

  test('the older parameter orphanDependents means the same', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    const orphan = await server.delete(`${path}/a`, { body: { orphanDependents: true } });
    expect([...orphan.body.metadata.finalizers].sort()).toEqual([waiting, 'orphan']);
    await create(server, path, { name: 'b', finalizers: [waiting] });
    const cascade = await server.delete(`${path}/b`, { body: { orphanDependents: false } });
    expect(cascade.status).toBe(202);
    expect(cascade.body.metadata.finalizers).toEqual([waiting]);
  });

  test('what is owned by nobody any more is collected; an owner that is left is enough', async (server) => {
    const path = await configMaps(server);
    const one = await create(server, path, { name: 'one' });
    const two = await create(server, path, { name: 'two' });
    const gonebefore = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'never', uid: 'no-such-uid' } };
    await create(server, path, { name: 'both', ownerReferences: [ownedBy(one), ownedBy(two)] });
    await create(server, path, { name: 'absent', ownerReferences: [ownedBy(gonebefore)] });
    await gone(server, `${path}/absent`);
    await server.delete(`${path}/one`);
    const left = await eventually('the reference to be dropped', async () => {
      const { body } = await server.get(`${path}/both`);
      return body.metadata?.ownerReferences.length === 1 ? body.metadata.ownerReferences : undefined;
    });
    expect(left[0].name).toBe('two');
    await server.delete(`${path}/two`);
    await gone(server, `${path}/both`);
  });

  test('an owner in another namespace is none', async (server) => {
    const [path, other] = [await configMaps(server), await configMaps(server)];
    const owner = await create(server, other, { name: 'owner' });
    await create(server, path, { name: 'owned', ownerReferences: [ownedBy(owner)] });
    await gone(server, `${path}/owned`);
    expect((await server.get(`${other}/owner`)).status).toBe(200);
  });

  test('a pod that runs nowhere goes at once, whatever its grace period', async (server) => {
    const path = `/api/v1/namespaces/${await server.namespace()}/pods`;
    await create(server, path, { name: 'p' }, nowhere);
    const answer = await server.delete(`${path}/p`);
    expect(answer.body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0, generation: 2 } });
    expect(answer.body.metadata.deletionTimestamp).toBeTruthy();
    expect((await server.get(`${path}/p`)).status).toBe(404);
  });

  test('a pod on a node has its grace period, which can be shortened, not prolonged', async (server) => {
    const path = `/api/v1/namespaces/${await server.namespace()}/pods`;
    const spec = {
      ...nowhere.spec,
      nodeSelector: undefined,
      nodeName: 'a-node-that-is-not',
      tolerations: [{ operator: 'Exists' }],
    };
    await create(server, path, { name: 'p', finalizers: [waiting] }, { spec });
    const first = await server.delete(`${path}/p`, { query: { gracePeriodSeconds: 600 } });
    expect(first.body.metadata.deletionGracePeriodSeconds).toBe(600);
    const seconds = (Date.parse(first.body.metadata.deletionTimestamp as string) - Date.now()) / 1_000;
    expect(Math.abs(seconds - 600)).toBeLessThan(30);
    const longer = await server.delete(`${path}/p`, { query: { gracePeriodSeconds: 900 } });
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(600);
    const shorter = await server.delete(`${path}/p`, { query: { gracePeriodSeconds: 60 } });
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(60);
    expect(Date.parse(shorter.body.metadata.deletionTimestamp as string)).toBe(
      Date.parse(first.body.metadata.deletionTimestamp as string) - 540_000,
    );
    await server.patch('merge', `${path}/p`, { metadata: { finalizers: null } });
    expect((await server.get(`${path}/p`)).status).toBe(200);
    await server.delete(`${path}/p`, { query: { gracePeriodSeconds: 0 } });
    expect((await server.get(`${path}/p`)).status).toBe(404);
  });

  test('a collection: what selectors name, in one answer', async (server) => {
    const path = await configMaps(server);
    for (const name of ['a', 'b', 'c'])
      await create(server, path, { name, labels: { keep: name === 'b' ? 'yes' : 'no' } });
    await create(server, path, { name: 'd', labels: { keep: 'no' }, finalizers: [waiting] });
    const answer = await server.delete(path, { query: { labelSelector: 'keep=no' } });
    expect(answer.status).toBe(200);
    expect(answer.body.kind).toBe('ConfigMapList');
    expect(answer.body.items.map(({ metadata }: Owner) => metadata.name)).toEqual(['a', 'c', 'd']);
    expect((await server.get(`${path}/a`)).status).toBe(404);
    expect((await server.get(`${path}/b`)).status).toBe(200);
    expect((await server.get(`${path}/d`)).body.metadata.deletionTimestamp).toBeTruthy();
    expect((await server.delete('/api/v1/namespaces')).status).toBe(405);
  });

  test('a namespace takes everything in it along, and takes in nothing new meanwhile', async (server) => {
    const path = await configMaps(server);
    const ns = path.split('/')[4]!;
    await create(server, path, { name: 'held', finalizers: [waiting] });
    await create(server, path, { name: 'free' });
    const answer = await server.delete(`/api/v1/namespaces/${ns}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      kind: 'Namespace',
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Terminating' },
    });
    expect(answer.body.metadata.deletionGracePeriodSeconds).toBeUndefined();
    const late = await server.post(path, { metadata: { name: 'late' } });
    expect(late.status).toBe(403);
    expect(late.body).toMatchObject({
      reason: 'Forbidden',
      message: `configmaps "late" is forbidden: unable to create new content in namespace ${ns} because it is being terminated`,
      details: {
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${ns} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    });
    await gone(server, `${path}/free`);
    const conditions = await eventually('the reason why it is still there', async () => {
      const { body } = await server.get(`/api/v1/namespaces/${ns}`);
      return body.status?.conditions?.find(({ type }: { type: string }) => type === 'NamespaceFinalizersRemaining');
    });
    expect(conditions).toMatchObject({ status: 'True', reason: 'SomeFinalizersRemain' });
    await server.patch('merge', `${path}/held`, { metadata: { finalizers: null } });
    await gone(server, `/api/v1/namespaces/${ns}`);
  });

  test('nothing can be put into a namespace that does not exist; some namespaces cannot go', async (server) => {
    const answer = await server.post('/api/v1/namespaces/no-such-namespace/configmaps', { metadata: { name: 'a' } });
    expect(answer.status).toBe(404);
    expect(answer.body.message).toBe('namespaces "no-such-namespace" not found');
    const kept = await server.delete('/api/v1/namespaces/default');
    expect(kept.status).toBe(403);
    expect(kept.body.message).toBe('namespaces "default" is forbidden: this namespace may not be deleted');
  });

  test('an update that ends the last finalizer without a deletion deletes nothing', async (server) => {
    const path = await configMaps(server);
    await create(server, path, { name: 'a', finalizers: [waiting] });
    await server.patch('merge', `${path}/a`, { metadata: { finalizers: null } });
    expect((await server.get(`${path}/a`)).status).toBe(200);
  });

  test('the end of the last finalizer is not lost where somebody else writes meanwhile', async (server) => {
    const changing = (path: string): Promise<Answer> =>
      server.patch('merge', path, { metadata: { annotations: { changed: 'meanwhile' } } });
    const answer = async ({ namespace, name, object }: Review): Promise<object> => {
      const isLast = object.metadata.finalizers === undefined;
      if (isLast) await changing(`/api/v1/namespaces/${namespace}/configmaps/${name}`);
      return { allowed: true };
    };
    const hooks = [{ name: 'a', answer, spec: { rules: [rule(['UPDATE'], ['configmaps'])] } }];
    await withWebhooks(server, [{ type: 'validating', hooks }], async ({ namespace }) => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const deleting = async (name: string): Promise<Answer['body']> => {
        await create(server, path, { name, finalizers: [waiting] });
        return (await server.delete(`${path}/${name}`)).body;
      };
      await deleting('patched');
      const patched = await server.patch('merge', `${path}/patched`, { metadata: { finalizers: null } });
      expect(patched.status, patched.text).toBe(200);
      expect((await server.get(`${path}/patched`)).status).toBe(404);
      const body = await deleting('replaced');
      const { finalizers: _finalizers, resourceVersion, ...metadata } = body.metadata;
      // The real server starts from its cache, which this makes wait for the deletion.
      await server.get(`${path}/replaced`, { query: { resourceVersion } });
      const replaced = await server.put(`${path}/replaced`, { ...body, metadata: { ...metadata, resourceVersion } });
      expect([replaced.status, replaced.body.reason]).toEqual([409, 'Conflict']);
      expect((await server.get(`${path}/replaced`)).body.metadata.finalizers).toEqual([waiting]);
    });
  });

  test('the generation counts the deletion', async (server) => {
    const ns = await server.namespace();
    const path = `/apis/apps/v1/namespaces/${ns}/deployments`;
    const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'none' }] } };
    const spec = { replicas: 0, selector: { matchLabels: { app: 'a' } }, template };
    const created = await create(server, path, { name: 'a', finalizers: [waiting] }, { spec });
    expect(created.metadata.generation).toBe(1);
    const marked = await server.delete(`${path}/a`);
    expect(marked.body.metadata.generation).toBe(2);
    await server.patch('merge', `${path}/a`, { metadata: { finalizers: null } });
  });
});
