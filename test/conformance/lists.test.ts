import { expect } from 'vitest';
import { type Answer, eventually, type Server, uniqueName } from './server.js';
import { conformance } from './suite.js';

/** Makes ConfigMaps in a new namespace; `extra` adds to their metadata. */
async function configMaps(server: Server, names: string[], extra: object = {}): Promise<string> {
  const ns = await server.namespace();
  // The controller's own ConfigMap comes some time later, and would be counted.
  await eventually('kube-root-ca.crt or nothing', async () => {
    const gone = await server.delete(`/api/v1/namespaces/${ns}/configmaps/kube-root-ca.crt`);
    return gone.status === 200 || gone.status === 404 ? true : undefined;
  });
  for (const name of names) await create(server, ns, name, extra);
  return `/api/v1/namespaces/${ns}/configmaps`;
}

async function create(server: Server, ns: string, name: string, extra: object = {}): Promise<Answer> {
  const metadata = { name, labels: { made: 'here' }, ...extra };
  const answer = await server.post(`/api/v1/namespaces/${ns}/configmaps`, { metadata, data: { of: name } });
  expect(answer.status).toBe(201);
  return answer;
}

/** Leaves out what others make in each namespace. */
const ours = { labelSelector: 'made=here' };

const namesOf = (answer: Answer): string[] =>
  answer.body.items.map((item: { metadata: { name: string } }) => item.metadata.name);

/** Asks until the server has forgotten the version that is asked for: it does so every few seconds. */
const forgotten = (ask: () => Promise<Answer>): Promise<Answer> =>
  eventually('410', async () => {
    const answer = await ask();
    return answer.status === 410 ? answer : undefined;
  });

conformance('lists', (test) => {
  test('items come in the order of their names, without kind and apiVersion', async (server) => {
    const path = await configMaps(server, ['c', 'a', 'b-1', 'b']);
    const answer = await server.get(path, { query: ours });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(namesOf(answer)).toEqual(['a', 'b', 'b-1', 'c']);
    expect(answer.body.items[0].kind).toBeUndefined();
    expect(answer.body.items[0].apiVersion).toBeUndefined();
    expect(Number(answer.body.metadata.resourceVersion)).toBeGreaterThan(0);
  });

  test('an empty collection has an empty list of items, also in a namespace that does not exist', async (server) => {
    const answer = await server.get(`/api/v1/namespaces/${uniqueName('none')}/pods`);
    expect(answer.status).toBe(200);
    expect(answer.body.items).toEqual([]);
    expect(answer.body.kind).toBe('PodList');
  });

  test('a list of all namespaces goes by namespace, then name', async (server) => {
    const mark = uniqueName('mark');
    const spaces = [await server.namespace(), await server.namespace()].sort();
    for (const ns of [...spaces].reverse()) {
      for (const name of ['b', 'a']) await create(server, ns, name, { labels: { mark } });
    }
    const answer = await server.get('/api/v1/configmaps', { query: { labelSelector: `mark=${mark}` } });
    const seen = answer.body.items.map(({ metadata }: Answer['body']) => `${metadata.namespace}/${metadata.name}`);
    expect(seen).toEqual(spaces.flatMap((ns) => [`${ns}/a`, `${ns}/b`]));
  });

  test('a limit gives a page, a continue token and the number of the remaining items', async (server) => {
    const path = await configMaps(server, ['a', 'b', 'c', 'd', 'e']);
    const all = await server.get(path);
    const total = all.body.items.length as number;
    const first = await server.get(path, { query: { limit: 2 } });
    expect(first.body.items).toHaveLength(2);
    expect(first.body.metadata.remainingItemCount).toBe(total - 2);
    expect(first.body.metadata.continue).toMatch(/^[\w-]+$/);
    const names = namesOf(first);
    let page = first;
    while (page.body.metadata.continue) {
      page = await server.get(path, { query: { limit: 2, continue: page.body.metadata.continue as string } });
      expect(page.status).toBe(200);
      expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      names.push(...namesOf(page));
    }
    expect(names).toEqual(namesOf(all));
    expect(page.body.metadata.remainingItemCount).toBeUndefined();
  });

  test('with a selector the number of the remaining items is not told', async (server) => {
    const path = await configMaps(server, ['a', 'b', 'c']);
    const page = await server.get(path, { query: { ...ours, limit: 1 } });
    expect(namesOf(page)).toEqual(['a']);
    expect(page.body.metadata.continue).toBeTruthy();
    expect(page.body.metadata.remainingItemCount).toBeUndefined();
    const rest = await server.get(path, { query: { ...ours, continue: page.body.metadata.continue as string } });
    expect(namesOf(rest)).toEqual(['b', 'c']);
    expect(rest.body.metadata.continue).toBeUndefined();
  });

  test('later pages show the state of the first one', async (server) => {
    const path = await configMaps(server, ['a', 'c', 'd']);
    const first = await server.get(path, { query: { ...ours, limit: 1 } });
    await server.delete(`${path}/c`);
    await server.post(path, { metadata: { name: 'b', labels: { made: 'here' } } });
    await server.patch('merge', `${path}/d`, { data: { of: 'changed' } });
    const token = first.body.metadata.continue as string;
    const rest = await server.get(path, { query: { ...ours, continue: token } });
    expect(namesOf(rest)).toEqual(['c', 'd']);
    expect(rest.body.items[1].data.of).toBe('d');
    expect(namesOf(await server.get(path, { query: ours }))).toEqual(['a', 'b', 'd']);
  });

  test('a continue token that nobody made is refused', async (server) => {
    const answer = await server.get('/api/v1/configmaps', { query: { limit: 1, continue: 'abc' } });
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toBe('BadRequest');
    expect(answer.body.message).toMatch(/^invalid continue token: continue key is not valid: /);
  });

  test('a continue token does not go together with a version', async (server) => {
    const path = await configMaps(server, ['a', 'b']);
    const first = await server.get(path, { query: { limit: 1 } });
    const query = { limit: 1, continue: first.body.metadata.continue as string, resourceVersion: 5 };
    const answer = await server.get(path, { query });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toBe('specifying resource version is not allowed when using continue');
  });

  test('a token of a forgotten version is answered with 410 and a token that goes on with the present', async (server) => {
    const path = await configMaps(server, ['a', 'b', 'c']);
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start: 'a\u0000' })).toString('base64url');
    const expired = await forgotten(() => server.get(path, { query: { ...ours, limit: 10, continue: token } }));
    expect(expired.body.reason).toBe('Expired');
    expect(expired.body.message).toBe(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
        'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
        'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
        'deleted between the time the first chunk was returned and now may show up in the list.',
    );
    const query = { ...ours, limit: 10, continue: expired.body.metadata.continue as string };
    const rest = await server.get(path, { query });
    expect(rest.status).toBe(200);
    expect(namesOf(rest)).toEqual(['b', 'c']);
  });

  test('an exact version gives the state of then', async (server) => {
    const path = await configMaps(server, ['a', 'b']);
    const before = await server.get(path, { query: ours });
    await server.delete(`${path}/a`);
    await server.post(path, { metadata: { name: 'c', labels: { made: 'here' } } });
    const version = before.body.metadata.resourceVersion as string;
    const query = { ...ours, resourceVersion: version, resourceVersionMatch: 'Exact' };
    const then = await server.get(path, { query });
    expect(namesOf(then)).toEqual(['a', 'b']);
    expect(then.body.metadata.resourceVersion).toBe(version);
  });

  test('a limit with a version means exactly that version', async (server) => {
    const path = await configMaps(server, ['a', 'b']);
    const before = await server.get(path, { query: ours });
    await server.delete(`${path}/a`);
    const query = { ...ours, resourceVersion: before.body.metadata.resourceVersion as string, limit: 5 };
    expect(namesOf(await server.get(path, { query }))).toEqual(['a', 'b']);
  });

  test('version 0 makes the server ignore a limit, except for events', async (server) => {
    const path = await configMaps(server, ['a', 'b', 'c']);
    const answer = await eventually('the cache', async () => {
      const list = await server.get(path, { query: { ...ours, resourceVersion: 0, limit: 1 } });
      return list.body.items.length === 3 ? list : undefined;
    });
    expect(answer.body.metadata.continue).toBeUndefined();
    const first = await server.get(path, { query: { ...ours, limit: 1 } });
    const query = { ...ours, limit: 1, resourceVersion: 0, continue: first.body.metadata.continue as string };
    expect(namesOf(await server.get(path, { query }))).toEqual(['b', 'c']);
    const namespace = path.split('/')[4]!;
    const events = `/api/v1/namespaces/${namespace}/events`;
    for (const name of ['a', 'b']) await server.post(events, { metadata: { name }, involvedObject: { namespace } });
    const page = await server.get(events, { query: { resourceVersion: 0, limit: 1 } });
    expect(namesOf(page)).toEqual(['a']);
    expect(page.body.metadata.continue).toBeTruthy();
  });

  test('a version without more, and NotOlderThan, give the present', async (server) => {
    const path = await configMaps(server, ['a']);
    const before = await server.get(path, { query: ours });
    const created = await server.post(path, { metadata: { name: 'b', labels: { made: 'here' } } });
    const { resourceVersion } = created.body.metadata as { resourceVersion: string };
    for (const match of [{}, { resourceVersionMatch: 'NotOlderThan' }]) {
      const query = { ...ours, resourceVersion, ...match };
      expect(namesOf(await server.get(path, { query }))).toEqual(['a', 'b']);
    }
    const old = { ...ours, resourceVersion: before.body.metadata.resourceVersion as string };
    expect((await server.get(path, { query: old })).status).toBe(200);
    expect((await server.get(path, { query: { ...ours, resourceVersion: 0 } })).status).toBe(200);
  });

  test('a forgotten version is answered with 410', async (server) => {
    const query = { resourceVersion: 1, resourceVersionMatch: 'Exact' };
    const answer = await forgotten(() => server.get('/api/v1/configmaps', { query }));
    expect(answer.body).toMatchObject({
      reason: 'Expired',
      message: 'The resourceVersion for the provided list is too old.',
    });
  });

  test('a version that is yet to come is answered with 504, for lists and for single objects', async (server) => {
    const path = await configMaps(server, ['a']);
    for (const at of [path, `${path}/a`]) {
      const answer = await server.get(at, { query: { resourceVersion: 999_999_999 } });
      expect(answer.status).toBe(504);
      expect(answer.body).toMatchObject({
        reason: 'Timeout',
        message: expect.stringMatching(/^Timeout: Too large resource version: 999999999, current: \d+$/),
        details: {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
      });
      expect(answer.headers['retry-after']).toBe('1');
    }
  });

  test('a version that is no number is refused', async (server) => {
    const answer = await server.get('/api/v1/configmaps', { query: { resourceVersion: 'x' } });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain('Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax');
  });

  test('parameters that do not go together are refused, each with its field', async (server) => {
    const refused: [Record<string, string | number | boolean>, string, string][] = [
      [
        { resourceVersionMatch: 'Exact' },
        'resourceVersionMatch',
        'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
      ],
      [
        { resourceVersionMatch: 'Exact', resourceVersion: 0 },
        'resourceVersionMatch',
        'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
      ],
      [
        { resourceVersionMatch: 'Newest', resourceVersion: 5 },
        'resourceVersionMatch',
        'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
      ],
      [
        { sendInitialEvents: true },
        'sendInitialEvents',
        'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
      ],
    ];
    for (const [query, field, message] of refused) {
      const answer = await server.get('/api/v1/configmaps', { query });
      expect(answer.status).toBe(422);
      expect(answer.body.message).toBe(`ListOptions.meta.k8s.io "" is invalid: ${message}`);
      expect(answer.body.details.causes[0].field).toBe(field);
    }
    const answer = await server.get('/api/v1/configmaps', { query: { limit: 'many' } });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toBe('strconv.ParseInt: parsing "many": invalid syntax');
  });

  test('label selectors: equality, sets, existence', async (server) => {
    const path = await configMaps(server, []);
    const ns = path.split('/')[4]!;
    await create(server, ns, 'a', { labels: { app: 'web', tier: 'front' } });
    await create(server, ns, 'b', { labels: { app: 'web', tier: 'back' } });
    await create(server, ns, 'c', { labels: { app: 'db', size: '10' } });
    const selected: Record<string, string[]> = {
      'app=web': ['a', 'b'],
      'app==web,tier!=back': ['a'],
      'app in (web, db),tier': ['a', 'b'],
      'app,tier notin (front)': ['b', 'c'],
      'app,!tier': ['c'],
      'size>5': ['c'],
      'size<5': [],
    };
    for (const [labelSelector, names] of Object.entries(selected)) {
      expect(namesOf(await server.get(path, { query: { labelSelector } })), labelSelector).toEqual(names);
    }
  });

  test('a label selector that cannot be read is refused', async (server) => {
    const refused: Record<string, string> = {
      'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
      'a in b': "unable to parse requirement: found 'b' expected: '('",
      'a in (b': "unable to parse requirement: found '', expected: ',' or ')'",
      'a,': "found '', expected: identifier after ','",
      ',a': "found ',', expected: !, identifier, or 'end of string'",
      'size>x':
        "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    };
    for (const [labelSelector, message] of Object.entries(refused)) {
      const answer = await server.get('/api/v1/configmaps', { query: { labelSelector } });
      expect(answer.status, labelSelector).toBe(400);
      expect(answer.body.message).toBe(message);
    }
    const badKey = await server.get('/api/v1/configmaps', { query: { labelSelector: '-a=b' } });
    expect(badKey.status).toBe(400);
    expect(badKey.body.message).toMatch(
      /^unable to parse requirement: <?.*Invalid value: "-a": name part must consist of/,
    );
  });

  test('field selectors: name and namespace of every kind, more of some', async (server) => {
    const path = await configMaps(server, ['a', 'b', 'c']);
    const ns = path.split('/')[4]!;
    const byName = await server.get(path, { query: { fieldSelector: 'metadata.name=b' } });
    expect(namesOf(byName)).toEqual(['b']);
    const others = await server.get('/api/v1/configmaps', {
      query: { ...ours, fieldSelector: `metadata.namespace=${ns},metadata.name!=b` },
    });
    expect(namesOf(others)).toEqual(['a', 'c']);
    await server.post(`/api/v1/namespaces/${ns}/secrets`, { metadata: { name: 's' }, type: 'example.com/mine' });
    const secrets = await server.get(`/api/v1/namespaces/${ns}/secrets`, {
      query: { fieldSelector: 'type=example.com/mine' },
    });
    expect(namesOf(secrets)).toEqual(['s']);
  });

  test('a field that cannot be selected by is refused', async (server) => {
    const plain = await server.get('/api/v1/configmaps', { query: { fieldSelector: 'data=x' } });
    expect(plain.status).toBe(400);
    expect(plain.body.message).toBe('"data" is not a known field selector: only "metadata.name", "metadata.namespace"');
    const pods = await server.get('/api/v1/pods', { query: { fieldSelector: 'spec.image=x' } });
    expect(pods.status).toBe(400);
    expect(pods.body.message).toBe('field label not supported: spec.image');
    const unreadable = await server.get('/api/v1/configmaps', { query: { fieldSelector: 'metadata.name' } });
    expect(unreadable.body.message).toBe("invalid selector: 'metadata.name'; can't understand 'metadata.name'");
  });

  test('lists and objects can be had as metadata only, and as YAML', async (server) => {
    const path = await configMaps(server, ['a']);
    const accept = (as: string): object => ({
      headers: { accept: `application/json;as=${as};g=meta.k8s.io;v=v1` },
    });
    const list = await server.get(path, { query: ours, ...accept('PartialObjectMetadataList') });
    expect(list.body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(list.body.items[0]).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'a' },
    });
    expect(list.body.items[0].data).toBeUndefined();
    const object = await server.get(`${path}/a`, accept('PartialObjectMetadata'));
    expect(Object.keys(object.body).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
    const yaml = await server.get(`${path}/a`, { headers: { accept: 'application/yaml' } });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(yaml.text).toContain('\nkind: ConfigMap\n');
  });

  test('what the client accepts is taken in its order; nothing acceptable is 406', async (server) => {
    const path = await configMaps(server, ['a']);
    const table = await server.get(path, {
      headers: {
        accept: 'application/json;as=Unknown;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1',
      },
    });
    expect(table.body.kind).toBe('Table');
    const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
    const refused = await server.get(`${path}/a`, { headers: { accept: 'text/html' } });
    expect(refused.status).toBe(406);
    expect(refused.body.reason).toBe('NotAcceptable');
    expect(refused.body.message).toBe(`406: Not Acceptable\n\nAvailable representations: ${types}`);
    const accept = 'application/json;as=Unknown;g=meta.k8s.io;v=v1';
    const unknown = await server.get(path, { headers: { accept } });
    expect(unknown.status).toBe(406);
    expect(unknown.body.message).toBe(`only the following media types are accepted: ${types}`);
  });

  test('what is not served is 404: as a Status in a known group and version, else as text', async (server) => {
    for (const path of ['/api/v1/nothings', '/apis/apps/v1/nothings', '/api/v1/namespaces/default/nodes']) {
      const answer = await server.get(path);
      expect(answer.status, path).toBe(404);
      expect(answer.body.message).toBe('the server could not find the requested resource');
    }
    for (const path of ['/apis/nobody.example.com/v1/things', '/nowhere']) {
      const answer = await server.get(path);
      expect(answer.status, path).toBe(404);
      expect(answer.text).toBe('404 page not found\n');
    }
    expect((await server.post('/api/v1/namespaces/default/configmaps/x', {})).status).toBe(405);
    expect((await server.delete('/api/v1/configmaps')).status).toBe(405);
  });
});
