import { describe, expect, test } from 'vitest';
import { GATEWAY } from '../api/gateway-api.js';
import { ApiError } from '../kube/errors.js';
import { NAMESPACE } from '../kube/types.js';
import type { Step } from '../mesh/created-waypoint.js';
import type { ReconcileContext } from '../runtime/controller.js';
import { type Call, MemoryApi } from '../runtime/testing/memory-api.js';
import { carryOut } from './created-waypoint.js';

/**
 * A namespace `web` with Gateways of these names; every write but those that `answer` lets fail is carried out.
 *
 * @param metadata  of the Gateways
 */
async function carriedOut(
  steps: readonly Step[],
  answer: (call: Call) => number | undefined,
  { api = new MemoryApi(), metadata = {} }: { api?: MemoryApi; metadata?: object } = {},
): Promise<string[]> {
  api.serve(NAMESPACE, GATEWAY);
  const labels = { 'istio.io/use-waypoint': 'new', 'istio.io/rev': 'green' };
  const object = api.put(NAMESPACE, { metadata: { name: 'web', labels } });
  for (const name of ['idle', 'old']) api.put(GATEWAY, { metadata: { ...metadata, namespace: 'web', name } });
  const client = api.client((call) => {
    const code = call.verb === 'get' ? undefined : answer(call);
    const taken = call.verb === 'create' ? 'AlreadyExists' : 'Conflict';
    if (code !== undefined) throw new ApiError('no', { code, reason: code === 409 ? taken : 'Forbidden' });
  });
  const context = {
    client,
    stores: {
      of: (type: typeof GATEWAY) => ({
        get: ({ namespace, name }: { namespace?: string; name: string }) =>
          api.get(type, namespace === undefined ? name : `${namespace}/${name}`),
        record: () => {},
      }),
    },
    log: { info: () => {} },
    events: { emit: () => {} },
    signal: new AbortController().signal,
  } as unknown as ReconcileContext;
  const owner = { type: NAMESPACE, name: 'web', namespace: 'web', object, refusal: undefined };
  const error: unknown = await carryOut(steps, owner, context).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return [...api.writes, ...(error instanceof ApiError ? [`then ${error.code}`] : [])];
}

const STEPS: readonly Step[] = [
  { type: 'create', name: 'new' },
  { type: 'remember', created: ['new'], missing: undefined },
  { type: 'mark-unused', name: 'idle', sinceMs: 0 },
  { type: 'delete', name: 'old' },
];
const MARK = 'jsonPatch gateways.gateway.networking.k8s.io web/idle';

describe('the steps for a waypoint, one of which is refused', () => {
  const create = ({ verb }: Call): boolean => verb === 'create';
  const remember = ({ kind }: Call): boolean => kind === 'namespaces';
  const mark = ({ name }: Call): boolean => name === 'idle';

  test('are all carried out if none is', async () => {
    expect(await carriedOut(STEPS, () => undefined)).toHaveLength(4);
  });

  test.each([403, 409])('what was not made is not remembered, and nothing is deleted that is (%i)', async (code) => {
    const writes = await carriedOut(STEPS, (call) => (create(call) ? code : undefined));
    expect(writes).toEqual([MARK, ...(code === 403 ? ['then 403'] : [])]);
  });

  test.each([403, 409])('nothing is deleted before it is forgotten (%i)', async (code) => {
    const writes = await carriedOut(STEPS, (call) => (remember(call) ? code : undefined));
    expect(writes.filter((write) => write.startsWith('delete'))).toEqual([]);
    expect(writes).toContain(MARK);
  });

  test.each([403, 409])('another Gateway is no reason to leave one (%i)', async (code) => {
    const writes = await carriedOut(STEPS, (call) => (mark(call) ? code : undefined));
    expect(writes.map((write) => write.split(' ')[0])).toEqual(['create', 'jsonPatch', 'delete', 'then']);
  });
});

describe('the revision of a waypoint', () => {
  const REVISION = 'istio.io/rev';
  const owns = { 'f:metadata': { 'f:labels': { [`f:${REVISION}`]: {} } } };
  const made = {
    labels: { 'app.kubernetes.io/managed-by': 'sidestep', [REVISION]: 'blue' },
    annotations: { 'sidestep.dev/created-for': 'Namespace/web' },
    managedFields: [{ manager: 'sidestep', operation: 'Update', fieldsV1: owns }],
  };

  test.each<[string, object, string]>([
    ['is that of its namespace', made, 'green'],
    [
      'stays where somebody has declared it',
      { ...made, managedFields: [{ manager: 'kubectl-label', fieldsV1: owns }] },
      'blue',
    ],
    ['stays if the Gateway is somebody else’s by now', { ...made, annotations: {} }, 'blue'],
  ])('%s', async (_, metadata, expected) => {
    const api = new MemoryApi();
    await carriedOut([{ type: 'follow-revision', name: 'old' }], () => undefined, { api, metadata });
    expect(api.get(GATEWAY, 'web/old')?.metadata.labels?.[REVISION]).toBe(expected);
  });
});
