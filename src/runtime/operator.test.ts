import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceEvent } from '@dot-i/k8s-operator';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.js';
import { ApiError } from '../kube/errors.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { CUSTOM_RESOURCE_DEFINITION } from '../kube/types.js';
import { silentLogger } from '../log.js';
import { ManagedOperator } from './operator.js';
import { Operator } from './operator-package.js';
import { MemoryApi } from './testing/memory-api.js';

const WIDGET: ResourceType = { group: 'acme.io', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };
const FINALIZER = 'acme.io/cleanup';

let clock: FakeClock;
let api: MemoryApi;
let directory: string;
let operator: WidgetOperator;
let ended: Promise<unknown>;

/** Written as the package's own examples are; only the constructor knows of our engine. */
class WidgetOperator extends ManagedOperator {
  readonly seen: string[] = [];
  failures = 0;
  onSeen: (event: ResourceEvent) => Promise<void> = async () => {};

  protected override async init(): Promise<void> {
    const crd = await this.registerCustomResourceDefinition(join(directory, 'widget.yaml'));
    await this.watchResource(crd.group, 'v1', crd.plural, async (event) => {
      if (this.failures > 0) {
        this.failures -= 1;
        throw new Error('handler failed');
      }
      this.seen.push(`${event.type} ${event.meta.name} ${event.meta.id}`);
      await this.onSeen(event);
    });
  }

  status = (event: ResourceEvent, status: unknown): Promise<unknown> => this.setResourceStatus(event.meta, status);
  patch = (event: ResourceEvent, status: unknown): Promise<unknown> => this.patchResourceStatus(event.meta, status);
  finalizer = (event: ResourceEvent, action: () => Promise<void>): Promise<boolean> =>
    this.handleResourceFinalizer(event, FINALIZER, action);
  kubernetesClient = (): unknown => this.k8sApi.listNode();
}

beforeEach(async () => {
  clock = new FakeClock();
  api = new MemoryApi().serve(WIDGET, CUSTOM_RESOURCE_DEFINITION);
  directory = await mkdtemp(join(tmpdir(), 'operator-test-'));
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.acme.io' },
  };
  const spec = {
    group: 'acme.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true }],
  };
  await writeFile(join(directory, 'widget.yaml'), JSON.stringify({ ...crd, spec }));
  api.put(CUSTOM_RESOURCE_DEFINITION, {
    ...crd,
    spec,
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  });
  const { KUBECONFIG } = process.env;
  process.env['KUBECONFIG'] = join(directory, 'there-is-none');
  operator = new WidgetOperator({
    client: api.client(),
    clock,
    log: silentLogger,
    component: 'widget-operator',
    identity: 'pod',
  });
  if (KUBECONFIG === undefined) delete process.env['KUBECONFIG'];
  else process.env['KUBECONFIG'] = KUBECONFIG;
});

afterEach(async () => {
  operator.stop();
  await clock.advance(60_000);
  await ended;
  await rm(directory, { recursive: true });
});

async function run(): Promise<void> {
  ended = operator.start();
  while (operator.manager?.state !== 'leading') await settle();
  await settle();
}

function widget(
  name: string,
  fields: { spec?: object; status?: object; metadata?: Partial<KubeObject['metadata']> } = {},
) {
  return { ...fields, metadata: { namespace: 'shop', name, ...fields.metadata } };
}

const stored = (name: string) => api.get(WIDGET, `shop/${name}`) as (KubeObject & { status?: unknown }) | undefined;

describe('an operator of @dot-i/k8s-operator on our engine', () => {
  test('is one, needs no kubeconfig, and says what to use instead of the other client', async () => {
    expect(operator).toBeInstanceOf(Operator);
    expect(() => operator.kubernetesClient()).toThrow('use this.client');
    await run();
  });

  test('tells what is there, comes, changes and goes', async () => {
    api.put(WIDGET, widget('old'));
    await run();
    api.put(WIDGET, widget('new'));
    await settle();
    api.put(WIDGET, widget('new', { spec: { size: 2 } }));
    await settle();
    api.delete(WIDGET, 'shop/old');
    await settle();
    expect(operator.seen).toEqual([
      'ADDED old widgets.acme.io/v1',
      'ADDED new widgets.acme.io/v1',
      'MODIFIED new widgets.acme.io/v1',
      'DELETED old widgets.acme.io/v1',
    ]);
  });

  test('tells a failed event again, with what is there by then, and one that was deleted meanwhile as deleted', async () => {
    operator.failures = 2;
    api.put(WIDGET, widget('a'));
    await run();
    expect(operator.seen).toEqual([]);
    api.put(WIDGET, widget('a', { spec: { size: 2 } }));
    await clock.advance(1_000);
    expect(operator.seen).toEqual(['ADDED a widgets.acme.io/v1']);
    operator.failures = 1;
    api.put(WIDGET, widget('b'));
    await settle();
    api.delete(WIDGET, 'shop/b');
    await clock.advance(1_000);
    expect(operator.seen.slice(1)).toEqual(['DELETED b widgets.acme.io/v1']);
  });

  test('one object is never handled twice at a time, and many changes meanwhile are one event', async () => {
    let end: () => void = () => {};
    operator.onSeen = () => new Promise((resolve) => (end = resolve));
    await run();
    api.put(WIDGET, widget('a'));
    await settle();
    for (let size = 0; size < 10; size += 1) api.put(WIDGET, widget('a', { spec: { size } }));
    await settle();
    expect(operator.seen).toHaveLength(1);
    end();
    await settle();
    expect(operator.seen).toEqual(['ADDED a widgets.acme.io/v1', 'MODIFIED a widgets.acme.io/v1']);
    end();
  });

  test('writes a status, skips one that is the same, and throws when the object has changed', async () => {
    const results: unknown[] = [];
    operator.onSeen = async (event) => {
      if (operator.seen.length > 1) return;
      results.push(await operator.patch(event, { phase: 'Busy' }));
      results.push(await operator.status(event, { phase: 'Ready' }).catch((error: unknown) => error));
    };
    api.put(WIDGET, widget('a', { status: { count: 1, phase: 'New' } }));
    await run();
    expect(stored('a')?.status).toEqual({ count: 1, phase: 'Busy' });
    expect(results).toEqual([
      expect.objectContaining({ id: 'widgets.acme.io/v1', resourceVersion: stored('a')?.metadata.resourceVersion }),
      expect.any(ApiError),
    ]);
    operator.onSeen = async (event) => void (await operator.status(event, { count: 1, phase: 'Busy' }));
    const before = api.writes.length;
    api.put(WIDGET, widget('a', { status: { count: 1, phase: 'Busy' }, metadata: { labels: { changed: 'yes' } } }));
    await settle();
    expect(api.writes.length).toBe(before);
  });

  test('a finalizer is added, its action runs before it is removed, and a failing action keeps it', async () => {
    let cleanups = 0;
    operator.onSeen = async (event) => {
      const isDone = await operator.finalizer(event, async () => {
        cleanups += 1;
        if (cleanups === 1) throw new Error('cleanup failed');
      });
      if (!isDone) operator.seen.push('work');
    };
    await run();
    api.put(WIDGET, widget('a'));
    await settle();
    expect(stored('a')?.metadata.finalizers).toEqual([FINALIZER]);
    expect(operator.seen).toContain('work');
    api.put(
      WIDGET,
      widget('a', { metadata: { finalizers: [FINALIZER, 'other'], deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    );
    await settle();
    expect(stored('a')?.metadata.finalizers).toEqual([FINALIZER, 'other']);
    await clock.advance(1_000);
    expect(stored('a')?.metadata.finalizers).toEqual(['other']);
    expect(cleanups).toBe(2);
  });

  test('stop lets a handler end, and start resolves', async () => {
    let end: () => void = () => {};
    operator.onSeen = () => new Promise((resolve) => (end = resolve));
    api.put(WIDGET, widget('a'));
    await run();
    let isStopped = false;
    const stopping = ended.then(() => (isStopped = true));
    operator.stop();
    await clock.advance(1_000);
    expect(isStopped).toBe(false);
    end();
    await stopping;
  });
});
