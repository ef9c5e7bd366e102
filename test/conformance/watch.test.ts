import { expect } from 'vitest';
import { type Answer, eventually, type SeenEvent, type Server, uniqueName, type Watch } from './server.js';
import { conformance } from './suite.js';

/** ConfigMaps of a new namespace, which only the case makes: what others put into each namespace is left out by a label. */
class Collection {
  private constructor(
    readonly server: Server,
    readonly namespace: string,
  ) {}

  static async of(server: Server): Promise<Collection> {
    return new Collection(server, await server.namespace());
  }

  get path(): string {
    return `/api/v1/namespaces/${this.namespace}/configmaps`;
  }

  async create(name: string, labels: Record<string, string> = {}): Promise<string> {
    return versionOf(
      await this.server.post(this.path, { metadata: { name, labels: { made: 'here', ...labels } } }),
      201,
    );
  }

  async change(name: string, patch: object): Promise<string> {
    return versionOf(await this.server.patch('merge', `${this.path}/${name}`, patch), 200);
  }

  async delete(name: string): Promise<void> {
    expect((await this.server.delete(`${this.path}/${name}`)).status).toBe(200);
  }

  /** A version from which a watch can start. */
  async version(): Promise<string> {
    return versionOf(await this.server.get(this.path), 200);
  }

  watch(query: Record<string, string | number | boolean> = {}, headers: Record<string, string> = {}): Promise<Watch> {
    return this.server.watch(this.path, { labelSelector: 'made=here', ...query }, { headers });
  }
}

function versionOf(answer: Answer, status: number): string {
  expect(answer.status).toBe(status);
  return answer.body.metadata.resourceVersion as string;
}

const about =
  (type: string, name: string) =>
  (event: SeenEvent): boolean =>
    event.type === type && event.object.metadata?.name === name;

/** Events in short: `ADDED a`. */
const short = (watch: Watch): string[] =>
  watch.events.map(({ type, object }) => (type === 'BOOKMARK' ? type : `${type} ${object.metadata?.name ?? ''}`));

const versions = (watch: Watch): number[] => watch.events.map(({ object }) => Number(object.metadata.resourceVersion));

/** Defines a kind of its own; its changes begin at the version that is returned. */
async function definition(server: Server): Promise<{ path: string; name: string }> {
  const group = `${uniqueName('watch')}.example.com`;
  const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' };
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema },
    subresources: { status: {} },
  };
  const name = `things.${group}`;
  const answer = await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: { group, scope: 'Cluster', names, versions: [version] },
  });
  expect(answer.status).toBe(201);
  const path = `/apis/${group}/v1/things`;
  await eventually('the new kind', async () => ((await server.get(path)).status === 200 ? true : undefined));
  return { path, name };
}

conformance('watch', (test) => {
  test('from a version: every change after it, in order', async (server) => {
    const maps = await Collection.of(server);
    const first = await maps.create('a');
    await maps.change('a', { data: { step: '2' } });
    await maps.create('b');
    await maps.delete('a');
    const watch = await maps.watch({ resourceVersion: first });
    expect(watch.status).toBe(200);
    await watch.next(about('DELETED', 'a'));
    await maps.create('c');
    await watch.next(about('ADDED', 'c'));
    watch.close();
    expect(short(watch)).toEqual(['MODIFIED a', 'ADDED b', 'DELETED a', 'ADDED c']);
    expect(versions(watch)).toEqual([...versions(watch)].sort((one, other) => one - other));
    expect(versions(watch).every((version) => version > Number(first))).toBe(true);
  });

  test('without a version: what is there as ADDED, then the changes', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    await maps.create('b');
    const watch = await maps.watch();
    await watch.next(about('ADDED', 'b'));
    await maps.change('a', { data: { step: '2' } });
    await watch.next(about('MODIFIED', 'a'));
    watch.close();
    expect(short(watch).sort()).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a']);
  });

  test('from version 0: what is there as ADDED, in any state, then the changes', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const watch = await maps.watch({ resourceVersion: 0 });
    await watch.next(about('ADDED', 'a'));
    await maps.delete('a');
    await watch.next(about('DELETED', 'a'));
    watch.close();
  });

  test('an event carries the whole object, a deletion the last state with the version of the deletion', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.version();
    await maps.create('a');
    const changed = await maps.change('a', { data: { step: '2' } });
    await maps.delete('a');
    const watch = await maps.watch({ resourceVersion: from });
    const deleted = await watch.next(about('DELETED', 'a'));
    watch.close();
    expect(deleted.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { step: '2' } });
    expect(Number(deleted.object.metadata.resourceVersion)).toBeGreaterThan(Number(changed));
    expect(watch.events[0]!.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } });
  });

  test('an object that begins to match a label selector is ADDED', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a', { colour: 'red' });
    const watch = await maps.watch({ resourceVersion: from, labelSelector: 'colour=blue' });
    await maps.change('a', { metadata: { labels: { colour: 'blue' } } });
    const added = await watch.next(about('ADDED', 'a'));
    expect(added.object.metadata.labels.colour).toBe('blue');
    await maps.change('a', { data: { step: '3' } });
    await watch.next(about('MODIFIED', 'a'));
    watch.close();
    expect(short(watch)).toEqual(['ADDED a', 'MODIFIED a']);
  });

  test('an object that matches no more is DELETED: as it was, with the version of the change', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a', { colour: 'red' });
    const left = await maps.change('a', { metadata: { labels: { colour: 'blue' } }, data: { step: '2' } });
    await maps.change('a', { data: { step: '3' } });
    await maps.change('a', { metadata: { labels: { colour: 'red' } } });
    const watch = await maps.watch({ resourceVersion: from, labelSelector: 'colour=red' });
    await watch.next(about('ADDED', 'a'));
    watch.close();
    expect(short(watch)).toEqual(['DELETED a', 'ADDED a']);
    const [{ object }] = watch.events as [SeenEvent];
    expect(object.metadata.labels.colour).toBe('red');
    expect(object.data).toBeUndefined();
    expect(object.metadata.resourceVersion).toBe(left);
  });

  test('fields select as well: pods enter and leave by their phase', async (server) => {
    const ns = await server.namespace();
    const path = `/api/v1/namespaces/${ns}/pods`;
    const spec = { containers: [{ name: 'c', image: 'none' }], nodeSelector: { nowhere: 'never' } };
    const created = await server.post(path, { metadata: { name: 'p' }, spec });
    const watch = await server.watch(path, {
      resourceVersion: versionOf(created, 201),
      fieldSelector: 'status.phase=Failed',
    });
    await server.patch('merge', `${path}/p/status`, { status: { phase: 'Failed' } });
    await watch.next(about('ADDED', 'p'));
    await server.delete(`${path}/p`, { query: { gracePeriodSeconds: 0 } });
    await watch.next(about('DELETED', 'p'));
    watch.close();
    expect(short(watch)[0]).toBe('ADDED p');
  });

  test('one object by name', async (server) => {
    const maps = await Collection.of(server);
    const watch = await maps.watch({ fieldSelector: 'metadata.name=b' });
    await maps.create('a');
    await maps.create('b');
    await watch.next(about('ADDED', 'b'));
    await maps.delete('a');
    await maps.delete('b');
    await watch.next(about('DELETED', 'b'));
    watch.close();
    expect(short(watch)).toEqual(['ADDED b', 'DELETED b']);
  });

  test('a namespace sees its own, all namespaces see everything', async (server) => {
    const [one, other] = [await Collection.of(server), await Collection.of(server)];
    const mark = uniqueName('mark');
    const everywhere = await server.watch('/api/v1/configmaps', { labelSelector: `mark=${mark}` });
    const here = await one.watch({ labelSelector: `mark=${mark}` });
    await other.create('a', { mark });
    await one.create('b', { mark });
    await here.next(about('ADDED', 'b'));
    await everywhere.next(about('ADDED', 'b'));
    for (const watch of [here, everywhere]) watch.close();
    expect(short(here)).toEqual(['ADDED b']);
    expect(short(everywhere)).toEqual(['ADDED a', 'ADDED b']);
  });

  test('what changes nothing makes no event', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a');
    const same = await maps.change('a', { metadata: { labels: { made: 'here' } } });
    expect(same).toBe(from);
    await maps.change('a', { data: { step: '2' } });
    const watch = await maps.watch({ resourceVersion: from });
    await watch.next(about('MODIFIED', 'a'));
    watch.close();
    expect(watch.events).toHaveLength(1);
    expect(watch.events[0]!.object.data).toEqual({ step: '2' });
  });

  test('a dry run makes no event', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a');
    const dryRun = { query: { dryRun: 'All' } };
    await server.post(maps.path, { metadata: { name: 'b', labels: { made: 'here' } } }, dryRun);
    await server.patch('merge', `${maps.path}/a`, { data: { step: '2' } }, dryRun);
    await server.delete(`${maps.path}/a`, dryRun);
    await maps.create('c');
    const watch = await maps.watch({ resourceVersion: from });
    await watch.next(about('ADDED', 'c'));
    watch.close();
    expect(short(watch)).toEqual(['ADDED c']);
  });

  test('a change of the status is an event like any other', async (server) => {
    const { path, name } = await definition(server);
    const created = await server.post(path, { apiVersion: apiVersionOf(path), kind: 'Thing', metadata: { name: 'a' } });
    const watch = await server.watch(path, { resourceVersion: versionOf(created, 201) });
    await server.patch('merge', `${path}/a/status`, { status: { ready: true } });
    const event = await watch.next(about('MODIFIED', 'a'));
    watch.close();
    expect(event.object.status).toEqual({ ready: true });
    await server.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
  });

  test('a deletion that waits for finalizers is MODIFIED first, DELETED at its end', async (server) => {
    const maps = await Collection.of(server);
    const metadata = { name: 'a', labels: { made: 'here' }, finalizers: ['example.com/wait'] };
    const from = versionOf(await server.post(maps.path, { metadata }), 201);
    await maps.delete('a');
    await maps.change('a', { metadata: { finalizers: null } });
    const watch = await maps.watch({ resourceVersion: from });
    const deleted = await watch.next(about('DELETED', 'a'));
    watch.close();
    expect(short(watch)).toEqual(['MODIFIED a', 'DELETED a']);
    expect(watch.events[0]!.object.metadata.deletionTimestamp).toBeTruthy();
    expect(watch.events[0]!.object.metadata.finalizers).toEqual(['example.com/wait']);
    expect(deleted.object.metadata.deletionTimestamp).toBeTruthy();
  });

  test('deleting a collection makes an event for each object', async (server) => {
    const maps = await Collection.of(server);
    for (const name of ['a', 'b']) await maps.create(name);
    const from = await maps.create('c');
    const watch = await maps.watch({ resourceVersion: from });
    await server.delete(maps.path, { query: { labelSelector: 'made=here' } });
    for (const name of ['a', 'b', 'c']) await watch.next(about('DELETED', name));
    watch.close();
    expect(watch.events).toHaveLength(3);
  });

  test('a version that is forgotten is answered in the stream: 410 Expired', async (server) => {
    // A kind of its own: the history of a new kind begins with it.
    const { path, name } = await definition(server);
    const watch = await eventually('an answer', async () => {
      const opened = await server.watch(path, { resourceVersion: 1, timeoutSeconds: 5 });
      if (opened.status === 200) return opened;
      opened.close();
      return undefined;
    });
    const event = await watch.next(({ type }) => type === 'ERROR');
    await watch.ended;
    expect(event.object).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 });
    expect(event.object.message).toMatch(/^too old resource version: 1 \(\d+\)$/);
    expect(watch.events).toHaveLength(1);
    await server.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
  });

  test('initial events end with a bookmark that says so', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const latest = await maps.create('b');
    const watch = await maps.watch({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    const end = await watch.next(({ type }) => type === 'BOOKMARK');
    expect(short(watch)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK']);
    expect(end.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
    expect(Number(end.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(latest));
    await maps.change('a', { data: { step: '2' } });
    await watch.next(about('MODIFIED', 'a'));
    watch.close();
  });

  test('a watch can go on from the version of a bookmark', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const first = await maps.watch({ allowWatchBookmarks: true });
    const { object } = await first.next(({ type }) => type === 'BOOKMARK');
    first.close();
    await maps.create('b');
    const second = await maps.watch({ resourceVersion: object.metadata.resourceVersion as string });
    await second.next(about('ADDED', 'b'));
    second.close();
    expect(short(second)).toEqual(['ADDED b']);
  });

  test('shortly before its time is over a watch gets a bookmark, then it ends', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a');
    const watch = await maps.watch({ resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds: 4 });
    await watch.ended;
    expect(new Set(short(watch))).toEqual(new Set(['BOOKMARK']));
    expect(Number(watch.events[0]!.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(from));
    expect(watch.events[0]!.object.metadata.annotations).toBeUndefined();
  });

  test('who has not asked for bookmarks gets none, and no end of initial events', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const watch = await maps.watch({ timeoutSeconds: 3 });
    await watch.ended;
    expect(short(watch)).toEqual(['ADDED a']);
  });

  test('without initial events only changes come', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.create('a');
    const watch = await maps.watch({
      resourceVersion: from,
      sendInitialEvents: false,
      resourceVersionMatch: 'NotOlderThan',
    });
    await maps.create('b');
    await watch.next(about('ADDED', 'b'));
    watch.close();
    expect(short(watch)).toEqual(['ADDED b']);
  });

  test('a watch from a version that is yet to come is silent until it comes', async (server) => {
    const maps = await Collection.of(server);
    const watch = await maps.watch({ resourceVersion: 999_999_999, allowWatchBookmarks: true, timeoutSeconds: 4 });
    await maps.create('a');
    await watch.ended;
    expect(short(watch)).toEqual([]);
  });

  test('initial events of a version that is yet to come: 504 in the stream', async (server) => {
    const maps = await Collection.of(server);
    const watch = await maps.watch({
      resourceVersion: 999_999_999,
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
    });
    const event = await watch.next(({ type }) => type === 'ERROR');
    watch.close();
    expect(event.object).toMatchObject({ reason: 'Timeout', code: 504 });
    expect(event.object.message).toMatch(/^Timeout: Too large resource version: 999999999, current: \d+$/);
  });

  test('parameters that do not go together are refused before the stream begins', async (server) => {
    const refused: [Record<string, string | boolean>, string][] = [
      [{ sendInitialEvents: true }, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
      [
        { resourceVersionMatch: 'NotOlderThan' },
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ],
    ];
    for (const [query, why] of refused) {
      const answer = await server.get('/api/v1/configmaps', { query: { watch: true, timeoutSeconds: 1, ...query } });
      expect(answer.status).toBe(422);
      expect(answer.body.message).toBe(
        `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ${why}`,
      );
    }
    const selector = { watch: true, timeoutSeconds: 1, labelSelector: 'a b' };
    expect((await server.get('/api/v1/configmaps', { query: selector })).status).toBe(400);
    const version = { watch: true, timeoutSeconds: 1, resourceVersion: 'x' };
    const answer = await server.get('/api/v1/configmaps', { query: version });
    expect(answer.body.message).toBe(
      'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    );
  });

  test('events as tables: columns come once, then rows only', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const watch = await maps.watch({}, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
    await watch.next(({ object }) => object.rows?.[0]?.object.metadata.name === 'a');
    await maps.change('a', { data: { x: '1', y: '2' } });
    await watch.next(({ type }) => type === 'MODIFIED');
    watch.close();
    const [first, second] = watch.events.map(({ object }) => object);
    expect(first.kind).toBe('Table');
    expect(first.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Data', 'Age']);
    expect(second.columnDefinitions).toBeNull();
    expect(second.rows[0].cells.slice(0, 2)).toEqual(['a', 2]);
    expect(second.rows[0].object.kind).toBe('PartialObjectMetadata');
  });

  test('events as metadata only', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const watch = await maps.watch({}, { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' });
    const { object } = await watch.next(about('ADDED', 'a'));
    watch.close();
    expect(object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
    expect(Object.keys(object).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
  });

  test('objects of custom kinds are watched alike', async (server) => {
    const { path, name } = await definition(server);
    const watch = await eventually('a watch', async () => {
      const opened = await server.watch(path);
      if (opened.status === 200) return opened;
      opened.close();
      return undefined;
    });
    const body = { apiVersion: apiVersionOf(path), kind: 'Thing', metadata: { name: 'a' }, spec: { size: 1 } };
    expect((await server.post(path, body)).status).toBe(201);
    const added = await watch.next(about('ADDED', 'a'));
    expect(added.object).toMatchObject({ kind: 'Thing', spec: { size: 1 } });
    await server.delete(`${path}/a`);
    await watch.next(about('DELETED', 'a'));
    watch.close();
    await server.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
  });

  test('a name in the path is a get, whatever the parameter says', async (server) => {
    const maps = await Collection.of(server);
    await maps.create('a');
    const answer = await server.get(`${maps.path}/a`, { query: { watch: true } });
    expect(answer.status).toBe(200);
    expect(answer.body.kind).toBe('ConfigMap');
  });

  test('two watches of the same collection see the same order', async (server) => {
    const maps = await Collection.of(server);
    const from = await maps.version();
    const [one, other] = [await maps.watch({ resourceVersion: from }), await maps.watch({ resourceVersion: from })];
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => maps.create(name)));
    await maps.create('last');
    for (const watch of [one, other]) {
      await watch.next(about('ADDED', 'last'));
      watch.close();
    }
    expect(short(one)).toEqual(short(other));
    expect(versions(one)).toEqual([...versions(one)].sort((a, b) => a - b));
  });
});

/** `group/version` of a path below `/apis`. */
function apiVersionOf(path: string): string {
  return path.split('/').slice(2, 4).join('/');
}
