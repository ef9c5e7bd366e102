import { expect } from 'vitest';
import type { Answer, Server } from './server.js';
import { conformance } from './suite.js';

const leasesOf = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const coreEvents = (namespace: string): string => `/api/v1/namespaces/${namespace}/events`;
const newEvents = (namespace: string): string => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

const lease = (holderIdentity: string, more = {}) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'leader' },
  spec: {
    holderIdentity,
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-02T03:04:05.678901Z',
    renewTime: '2026-01-02T03:04:06.000000Z',
    leaseTransitions: 0,
    ...more,
  },
});

/** An event as client-go's older recorder writes it. */
const coreEvent = (namespace: string, more = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'web.1' },
  involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace, uid: 'u-1', fieldPath: 'spec' },
  reason: 'Pulled',
  message: 'image is there',
  type: 'Normal',
  source: { component: 'kubelet', host: 'node-1' },
  firstTimestamp: '2026-01-02T03:04:05Z',
  lastTimestamp: '2026-01-02T03:04:06Z',
  count: 2,
  ...more,
});

/** An event as the newer recorder writes it. */
const newEvent = (namespace: string, more = {}) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'web.2' },
  eventTime: '2026-01-02T03:04:05.678901Z',
  reportingController: 'example.com/controller',
  reportingInstance: 'controller-0',
  action: 'Migrate',
  reason: 'Migrated',
  regarding: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace },
  note: 'done',
  type: 'Normal',
  ...more,
});

async function created(server: Server, path: string, body: object): Promise<Answer['body']> {
  const answer = await server.post(path, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

conformance('leases-events', (test) => {
  test('a lease keeps microseconds and its zeros', async (server) => {
    const path = leasesOf(await server.namespace());
    const made = await created(server, path, lease('one'));
    expect(made.spec).toEqual(lease('one').spec);
    expect(made.metadata).not.toHaveProperty('generation');
  });

  test('a time without microseconds is not accepted', async (server) => {
    const path = leasesOf(await server.namespace());
    const answer = await server.post(path, lease('one', { renewTime: '2026-01-02T03:04:05Z' }));
    expect(answer.status).toBe(400);
    expect(answer.body.message).toBe(
      'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    );
  });

  test('of two that take over the same version of a lease, one is told of the conflict', async (server) => {
    const path = leasesOf(await server.namespace());
    const held = await created(server, path, lease('one'));
    const takeOver = (holderIdentity: string) =>
      server.put(`${path}/leader`, { ...held, spec: { ...held.spec, holderIdentity, leaseTransitions: 1 } });
    const answers = await Promise.all([takeOver('two'), takeOver('three')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.message).toBe(
      'Operation cannot be fulfilled on leases.coordination.k8s.io "leader": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  test('an update of a lease must say which version it is of', async (server) => {
    const path = leasesOf(await server.namespace());
    await created(server, path, lease('one'));
    const answer = await server.put(`${path}/leader`, lease('two'));
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'leases.coordination.k8s.io "leader" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  test('an update of a lease that is not there creates it', async (server) => {
    const path = leasesOf(await server.namespace());
    const answer = await server.put(`${path}/leader`, lease('one'));
    expect(answer.status, answer.text).toBe(201);
    expect((await server.get(`${path}/leader`)).body.spec.holderIdentity).toBe('one');
    const versioned = { ...lease('one'), metadata: { name: 'versioned', resourceVersion: '5' } };
    expect((await server.put(`${path}/versioned`, versioned)).status).toBe(201);
  });

  test('what is created has no version, or one that is none', async (server) => {
    const path = leasesOf(await server.namespace());
    const create = (name: string, resourceVersion: string): Promise<Answer> =>
      server.post(path, { ...lease('one'), metadata: { name, resourceVersion } });
    const refused = await create('a', '5');
    expect([refused.status, refused.body.message]).toEqual([
      500,
      'resourceVersion should not be set on objects to be created',
    ]);
    expect((await create('b', '0')).status).toBe(201);
    expect((await create('c', 'x')).status).toBe(201);
  });

  test('a lease is renewed by a patch, and watchers see who holds it', async (server) => {
    const path = leasesOf(await server.namespace());
    const made = await created(server, path, lease('one'));
    const watch = await server.watch(path, { resourceVersion: made.metadata.resourceVersion });
    try {
      const renewTime = '2026-01-02T03:05:00.000001Z';
      await server.patch('merge', `${path}/leader`, { spec: { renewTime } });
      const renewed = await watch.next(({ object }) => object.spec?.renewTime === renewTime);
      expect(renewed).toMatchObject({ type: 'MODIFIED', object: { spec: { holderIdentity: 'one' } } });
    } finally {
      watch.close();
    }
  });

  test('durations and transitions of leases are checked', async (server) => {
    const path = leasesOf(await server.namespace());
    const answer = await server.post(path, lease('one', { leaseDurationSeconds: 0, leaseTransitions: -1 }));
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'Lease.coordination.k8s.io "leader" is invalid: [spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0]',
    );
  });

  test('an event of the core group is seen in the newer one, under the newer names', async (server) => {
    const namespace = await server.namespace();
    await created(server, coreEvents(namespace), coreEvent(namespace));
    const { status, body } = await server.get(`${newEvents(namespace)}/web.1`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      eventTime: null,
      regarding: { kind: 'Pod', name: 'web', fieldPath: 'spec' },
      note: 'image is there',
      deprecatedSource: { component: 'kubelet', host: 'node-1' },
      deprecatedFirstTimestamp: '2026-01-02T03:04:05Z',
      deprecatedLastTimestamp: '2026-01-02T03:04:06Z',
      deprecatedCount: 2,
    });
    for (const field of ['message', 'involvedObject', 'count', 'source']) expect(body).not.toHaveProperty(field);
  });

  test('an event of the newer group is seen in the core one, under the older names', async (server) => {
    const namespace = await server.namespace();
    await created(server, newEvents(namespace), newEvent(namespace));
    const { body } = await server.get(`${coreEvents(namespace)}/web.2`);
    expect(body).toMatchObject({
      apiVersion: 'v1',
      involvedObject: { kind: 'Pod', name: 'web' },
      message: 'done',
      eventTime: '2026-01-02T03:04:05.678901Z',
      firstTimestamp: null,
      lastTimestamp: null,
      source: {},
      action: 'Migrate',
      reportingComponent: 'example.com/controller',
      reportingInstance: 'controller-0',
    });
    const [item] = (await server.get(newEvents(namespace))).body.items;
    expect(item).toMatchObject({ note: 'done', regarding: { name: 'web' } });
  });

  test('an empty event shows what it lacks', async (server) => {
    const namespace = await server.namespace();
    const made = await created(server, coreEvents(namespace), {
      metadata: { name: 'empty' },
      involvedObject: { namespace },
    });
    const { metadata: _metadata, ...rest } = made;
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { namespace },
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    });
  });

  test('an event belongs into the namespace of what it is about', async (server) => {
    const namespace = await server.namespace();
    const about = { involvedObject: { kind: 'Pod', name: 'web', namespace: 'elsewhere' } };
    const answer = await server.post(coreEvents(namespace), coreEvent(namespace, about));
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'Event "web.1" is invalid: involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace',
    );
  });

  test('the newer group wants all of its fields, and none of the older ones', async (server) => {
    const namespace = await server.namespace();
    const bare = { reportingController: '', reportingInstance: '', action: '', deprecatedCount: 3 };
    const answer = await server.post(newEvents(namespace), newEvent(namespace, bare));
    expect(answer.status).toBe(422);
    const fields = answer.body.details.causes.map(({ field }: { field: string }) => field) as string[];
    for (const field of ['reportingController', 'reportingInstance', 'action', 'count'])
      expect(fields).toContain(field);
    const timeless = await server.post(newEvents(namespace), newEvent(namespace, { eventTime: null, type: 'Odd' }));
    expect(timeless.body.details.causes).toEqual([
      { reason: 'FieldValueRequired', message: 'Required value', field: 'eventTime' },
      { reason: 'FieldValueInvalid', message: 'Invalid value: "": has invalid value: Odd', field: 'type' },
    ]);
  });

  test('of an event of the newer group only the series may change', async (server) => {
    const namespace = await server.namespace();
    const path = `${newEvents(namespace)}/web.2`;
    await created(server, newEvents(namespace), newEvent(namespace));
    const series = { count: 2, lastObservedTime: '2026-01-02T03:10:00.000000Z' };
    const again = await server.patch('merge', path, { series });
    expect(again.status, again.text).toBe(200);
    expect(again.body.series).toEqual(series);
    const once = await server.patch('merge', path, { series: { count: 1 } });
    expect(once.body.message).toBe('Event "web.2" is invalid: series.count: Invalid value: "": should be at least 2');
    const other = await server.patch('merge', path, { note: 'done twice' });
    expect(other.status).toBe(422);
    expect(other.body.details.causes[0]).toMatchObject({
      field: 'message',
      message: 'Invalid value: "done twice": field is immutable',
    });
  });

  test('an event of the core group is counted up by a patch', async (server) => {
    const namespace = await server.namespace();
    await created(server, coreEvents(namespace), coreEvent(namespace));
    const patch = { count: 3, lastTimestamp: '2026-01-02T03:11:00Z', message: 'image is there still' };
    const answer = await server.patch('strategic', `${coreEvents(namespace)}/web.1`, patch);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject(patch);
  });

  test('events are found by what they are about, in both groups', async (server) => {
    const namespace = await server.namespace();
    await created(server, coreEvents(namespace), coreEvent(namespace));
    const other = { kind: 'Deployment', name: 'api', namespace };
    const more = { metadata: { name: 'api.1' }, involvedObject: other, type: 'Warning', reason: 'Failed' };
    await created(server, coreEvents(namespace), coreEvent(namespace, more));
    const names = async (path: string, fieldSelector: string): Promise<string[]> => {
      const answer = await server.get(path, { query: { fieldSelector } });
      expect(answer.status, answer.text).toBe(200);
      return answer.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    };
    expect(await names(coreEvents(namespace), 'involvedObject.kind=Pod,involvedObject.name=web')).toEqual(['web.1']);
    expect(await names(coreEvents(namespace), 'type=Warning,involvedObject.namespace!=elsewhere')).toEqual(['api.1']);
    expect(await names(coreEvents(namespace), 'reason=Failed,source=kubelet')).toEqual(['api.1']);
    expect(await names(newEvents(namespace), 'regarding.kind=Pod')).toEqual(['web.1']);
    const unknown = await server.get(coreEvents(namespace), { query: { fieldSelector: 'count=2' } });
    expect(unknown.status).toBe(400);
  });

  test('a watch of one group sees what is written in the other', async (server) => {
    const namespace = await server.namespace();
    const watch = await server.watch(newEvents(namespace));
    try {
      await created(server, coreEvents(namespace), coreEvent(namespace));
      const seen = await watch.next(({ object }) => object.metadata?.name === 'web.1');
      expect(seen).toMatchObject({ type: 'ADDED', object: { apiVersion: 'events.k8s.io/v1', note: 'image is there' } });
      await server.delete(`${coreEvents(namespace)}/web.1`);
      await watch.next(({ type, object }) => type === 'DELETED' && object.metadata.name === 'web.1');
    } finally {
      watch.close();
    }
  });
});
