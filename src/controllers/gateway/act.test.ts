import { expect, test } from 'vitest';
import type { Gateway } from '../../api/gateway-api.js';
import type { KubeObject } from '../../kube/resource.js';
import { type Deployment, SERVICE } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { gateway, observed, owned } from '../testing/observed-gateway.js';
import { act } from './act.js';
import type { Action } from './decision.js';

const seen = (object: KubeObject, resourceVersion: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

/**
 * Carries the actions out on a Gateway and a Deployment of version 1.
 *
 * @param version  that the API server answers each write with
 * @returns how many are said to have written something, and what was asked of the API server
 */
async function carriedOut(actions: readonly Action[], version: string): Promise<{ written: number; asked: string[] }> {
  const asked: string[] = [];
  const live = seen(gateway(), '1') as Gateway;
  const answer = (verb: string) => (): Promise<KubeObject> => {
    asked.push(verb);
    return Promise.resolve(seen(live, version));
  };
  const context = {
    client: { jsonPatch: answer('patch'), apply: answer('apply'), delete: answer('delete') },
    stores: { of: () => ({ get: () => live, record: () => {} }) },
    events: { emit: () => {} },
    signal: new AbortController().signal,
  } as unknown as ReconcileContext;
  return { written: await act(actions, observed({ gateway: live }), context), asked };
}

test('what admission undoes is no reason to look again at once: the next pass would only write the same', async () => {
  const deployment = seen(owned('wp', {}, { spec: { replicas: 0 } }), '1') as Deployment;
  const actions: Action[] = [
    { type: 'hold' },
    { type: 'set-parameters', name: 'wp-sidestep' },
    { type: 'set-address', host: 'wp.shop.svc.cluster.local' },
    { type: 'scale', deployment, replicas: 2 },
  ];
  expect(await carriedOut(actions, '1')).toMatchObject({ written: 0, asked: ['patch', 'patch', 'apply', 'patch'] });
  expect(await carriedOut(actions, '2')).toMatchObject({ written: 4 });
});

test('what is being deleted is not deleted again: the load balancer of a cloud takes minutes to go', async () => {
  const object = owned('wp-istio', {});
  const going = { ...object, metadata: { ...object.metadata, deletionTimestamp: 'now' } };
  const remove = (target: KubeObject): Action => ({ type: 'delete', target: { type: SERVICE, object: target } });
  expect(await carriedOut([remove(going)], '1')).toEqual({ written: 0, asked: [] });
  expect(await carriedOut([remove(object)], '1')).toEqual({ written: 1, asked: ['delete'] });
});
