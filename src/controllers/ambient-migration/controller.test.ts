import { expect, it } from 'vitest';
import { injectors } from '../../../test/support/observed.js';
import type { AmbientMigration } from '../../api/ambient-migration.js';
import { findCondition } from '../../kube/conditions.js';
import { ApiError } from '../../kube/errors.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { silentLogger } from '../../log.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { ambientMigration } from './controller.js';

const object = (kind: string, name: string, rest: object, namespace?: string): KubeObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, namespace, generation: 1 }, ...rest }) as KubeObject;

/** A healthy mesh, and a namespace that is about to be migrated. */
const WORLD: readonly KubeObject[] = [
  object('AmbientMigration', 'shop', { spec: {}, status: { observedGeneration: 1 } }, 'shop'),
  { ...object('Namespace', 'shop', {}), metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } } },
  object('Deployment', 'web', { spec: { replicas: 0, template: { spec: { containers: [] } } } }, 'shop'),
  object('GatewayClass', 'istio-waypoint', { status: { conditions: [{ type: 'Accepted', status: 'True' }] } }),
  object('ConfigMap', 'istio', { data: { mesh: 'defaultConfig: {proxyMetadata: {ISTIO_META_ENABLE_HBONE: "true"}}' } }),
  ...injectors(),
];

it('tells of dry runs that fail, and tries again', async () => {
  const list = (type: ResourceType): KubeObject[] => WORLD.filter(({ kind }) => kind === type.kind);
  const of = (type: ResourceType): unknown => ({
    list: () => list(type),
    get: ({ name }: { name: string }) => list(type).find(({ metadata }) => metadata.name === name),
    byIndex: () => [],
    indexed: () => [],
    record: () => undefined,
  });
  const written: AmbientMigration[] = [];
  const client = {
    create: async () => {
      throw new ApiError('POST pods: etcdserver: request timed out', { code: 500, reason: 'InternalError' });
    },
    apply: async (_: ResourceType, body: AmbientMigration) => {
      written.push(body);
      return body;
    },
  };
  const context = {
    client,
    stores: { of },
    log: silentLogger,
    signal: new AbortController().signal,
    clock: { now: () => 0 },
    events: { emit: () => undefined },
  } as unknown as ReconcileContext;
  const controller = ambientMigration({ istioNamespace: 'istio-system' });
  await expect(controller.reconcile({ namespace: 'shop', name: 'shop' }, context)).rejects.toThrow('etcdserver');
  expect(written.map(({ status }) => findCondition(status?.conditions, 'Ready'))).toMatchObject([
    { status: 'False', reason: 'ReconcileFailed', message: expect.stringContaining('etcdserver') as string },
  ]);
});
