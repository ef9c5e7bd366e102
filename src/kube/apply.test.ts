import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock } from '../../test/support/fake-clock.js';
import { StubApiServer, type RecordedRequest } from '../../test/support/stub-api-server.js';
import { applyIfChanged, contentHash } from './apply.js';
import { Client } from './client.js';
import type { KubeObject } from './resource.js';
import { applyStatus } from './status.js';
import { isSubset, uncoveredFields } from './subset.js';
import { CONFIG_MAP, DEPLOYMENT, type ConfigMap, type Deployment } from './types.js';

const options = { fieldManager: 'tester', hashAnnotation: 'example.com/hash' };

const desired = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'shop' },
  data: { key: 'value' },
} satisfies ConfigMap;

let server: StubApiServer;
let client: Client;
let version: number;

beforeEach(async () => {
  server = await StubApiServer.start();
  client = new Client({ connection: server.connection(), clock: new FakeClock() });
  version = 1;
  server.on({ method: 'PATCH' }, stored, Infinity);
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** Answers an apply with what was applied, as a server does that knew nothing of the object. */
function stored(request: RecordedRequest) {
  const body = request.body as KubeObject;
  const metadata = { ...body.metadata, uid: 'u1', resourceVersion: String(version++) };
  return { body: { ...body, metadata } };
}

describe('applyIfChanged', () => {
  it('creates, leaves alone what is as desired, and configures what is not', async () => {
    const first = await applyIfChanged<ConfigMap>(client, CONFIG_MAP, desired, undefined, options);
    expect(first.outcome).toBe('created');
    expect(server.requests[0]?.query).toEqual({ fieldManager: 'tester', force: 'true' });

    const again = await applyIfChanged(client, CONFIG_MAP, desired, first.object, options);
    expect(again).toEqual({ object: first.object, outcome: 'unchanged' });

    const changed = { ...desired, data: { key: 'other' } };
    const second = await applyIfChanged(client, CONFIG_MAP, changed, first.object, options);
    expect(second.outcome).toBe('configured');
    expect(server.requests).toHaveLength(2);
  });

  it('applies when a field is given up, though everything desired is there', async () => {
    const { object } = await applyIfChanged<ConfigMap>(client, CONFIG_MAP, desired, undefined, options);
    const less = { ...desired, data: {} };
    await applyIfChanged(client, CONFIG_MAP, less, object, options);
    expect(server.requests).toHaveLength(2);
  });

  it('applies when somebody changed a field of ours, and not for fields of others', async () => {
    const { object } = await applyIfChanged<ConfigMap>(client, CONFIG_MAP, desired, undefined, options);
    const foreign = { ...object, data: { ...object.data, more: 'x' } };
    expect((await applyIfChanged(client, CONFIG_MAP, desired, foreign, options)).outcome).toBe('unchanged');
    const drifted = { ...object, data: { key: 'edited' } };
    expect((await applyIfChanged(client, CONFIG_MAP, desired, drifted, options)).outcome).toBe('configured');
  });

  it('says unchanged when the server found nothing to change', async () => {
    const live = { ...desired, metadata: { ...desired.metadata, uid: 'u1', resourceVersion: '1' } };
    expect((await applyIfChanged<ConfigMap>(client, CONFIG_MAP, desired, live, options)).outcome).toBe('unchanged');
  });

  it('keeps the annotations that are desired, and changes nothing that it was given', async () => {
    const annotated = { ...desired, metadata: { ...desired.metadata, annotations: { mine: 'yes' } } };
    const copy = structuredClone(annotated);
    const { object } = await applyIfChanged<ConfigMap>(client, CONFIG_MAP, annotated, undefined, options);
    expect(object.metadata.annotations).toEqual({ mine: 'yes', 'example.com/hash': contentHash(annotated) });
    expect(annotated).toEqual(copy);
  });
});

describe('contentHash', () => {
  it('does not depend on the order of keys, but on that of lists', () => {
    expect(contentHash({ a: 1, b: { c: 2, d: 3 } })).toBe(contentHash({ b: { d: 3, c: 2 }, a: 1 }));
    expect(contentHash([1, 2])).not.toBe(contentHash([2, 1]));
  });
});

describe('isSubset', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['fields that only the server has', { a: 1 }, { a: 1, b: 2 }, true],
    ['a different value', { a: 1 }, { a: 2 }, false],
    ['a missing field', { a: 1 }, {}, false],
    [
      'empty values, which the server leaves out',
      { a: {}, b: [], c: '', d: false, e: 0, f: null, g: { h: {} } },
      {},
      true,
    ],
    ['a text where a map should be', { a: { b: 1 } }, { a: 'b' }, false],
    ['a number where a text should be', { a: '1' }, { a: 1 }, false],
    [
      'defaults within the elements of a list',
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80, protocol: 'TCP' }] },
      true,
    ],
    ['an element more in a list of ours', { rules: [{ a: 1 }] }, { rules: [{ a: 1 }, {}] }, false],
    ['another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, false],
    [
      'a container that a webhook has added',
      { containers: [{ name: 'app', image: 'x' }] },
      { containers: [{ name: 'proxy' }, { name: 'app', image: 'x', tty: false }] },
      true,
    ],
    ['a finalizer of somebody else', { finalizers: ['a'] }, { finalizers: ['b', 'a'] }, true],
    ['a finalizer that is missing', { finalizers: ['a'] }, { finalizers: ['b'] }, false],
    [
      'a quantity in its shortest form',
      { limits: { cpu: '1000m', memory: '1024Mi' } },
      { limits: { cpu: '1', memory: '1Gi' } },
      true,
    ],
    ['a quantity as a number', { limits: { cpu: 1 } }, { limits: { cpu: '1' } }, true],
    ['another quantity', { limits: { cpu: '100m' } }, { limits: { cpu: '200m' } }, false],
    ['a label that looks like a quantity', { labels: { a: '1000m' } }, { labels: { a: '1' } }, false],
  ])('for %s', (_what, wanted, live, expected) => {
    expect(isSubset(wanted, live)).toBe(expected);
  });
});

describe('where lists are only ours', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['a field more in an element', { rules: [{ to: [1] }] }, { rules: [{ to: [1], from: [2] }] }, false],
    ['a field more, further inside', { rules: [{ to: [{ a: 1 }] }] }, { rules: [{ to: [{ a: 1, b: 2 }] }] }, false],
    ['an empty field more', { rules: [{ to: [1] }] }, { rules: [{ to: [1], from: [] }] }, true],
    ['a field more outside of lists', { spec: { rules: [] } }, { spec: { action: 'DENY' }, status: {} }, true],
    ['a finalizer of somebody else', { finalizers: ['a'] }, { finalizers: ['b', 'a'] }, true],
  ])('%s', (_what, wanted, live, expected) => {
    expect(isSubset(wanted, live, { ownLists: true })).toBe(expected);
    expect(uncoveredFields(wanted, live, { ownLists: true })).toEqual(expected ? [] : [['rules']]);
  });
});

describe('uncoveredFields', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['nothing of a subset', { a: { b: 1 }, c: {} }, { a: { b: 1, d: 2 } }, []],
    ['each field that differs or is missing', { a: { b: 1, c: 2, d: 3 } }, { a: { b: 9, d: 3 } }, ['a.b', 'a.c']],
    ['each field of a map that is missing', { a: { b: 1, c: {} } }, {}, ['a.b']],
    ['a map in whose place there is something else', { a: { b: 1 } }, { a: 'x' }, ['a']],
    ['a list as a whole', { rules: [{ a: 1 }, { b: 1 }] }, { rules: [{ a: 1 }] }, ['rules']],
    [
      'no other spelling of a quantity',
      { limits: { cpu: '1000m', memory: '1' } },
      { limits: { cpu: 1 } },
      ['limits.memory'],
    ],
  ])('names %s', (_what, wanted, live, expected) => {
    expect(uncoveredFields(wanted, live).map((path) => path.join('.'))).toEqual(expected);
    expect(isSubset(wanted, live)).toBe(expected.length === 0);
  });
});

describe('applyStatus', () => {
  const live = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', resourceVersion: '5', labels: { a: 'b' } },
    spec: { selector: {}, template: { spec: { containers: [] } } },
    status: { replicas: 2 },
  } satisfies Deployment;

  it('sends the whole status and nothing else, forced', async () => {
    const { written } = await applyStatus<Deployment>(client, DEPLOYMENT, live, { replicas: 3 }, { fieldManager: 's' });
    expect(written).toBe(true);
    expect(server.requests).toMatchObject([
      { path: '/apis/apps/v1/namespaces/shop/deployments/web/status', query: { fieldManager: 's', force: 'true' } },
    ]);
    expect(server.requests[0]?.body).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      status: { replicas: 3 },
    });
  });

  it('sends nothing when the status is so already', async () => {
    const status = { replicas: 2, conditions: undefined };
    const result = await applyStatus<Deployment>(client, DEPLOYMENT, live, status, { fieldManager: 's' });
    expect(result).toEqual({ object: live, written: false });
    expect(server.requests).toEqual([]);
  });
});
