import { describe, expect, test } from 'vitest';
import { gateway as gatewayOf } from '../testing/observed-gateway.js';
import { takenBack } from './taken-back.js';

const judged = (...types: string[]): object =>
  Object.fromEntries(types.map((type) => [`k:{"type":"${type}"}`, { '.': {}, 'f:observedGeneration': {} }]));

const entry = (manager: string, status: object): object => ({ manager, fieldsV1: { 'f:status': status } });

/** What is left of a status of class `sidestep-waypoint`, by field. */
function left(...managedFields: object[]): object {
  const conditions = ['Accepted', 'Programmed', 'sidestep.dev/Serving'].map((type) => ({ type, status: 'True' }));
  const status = { conditions, addresses: [{ value: '10.0.0.1' }], listeners: [{ name: 'mesh' }] };
  const changes = takenBack({ ...gatewayOf(), metadata: { name: 'wp', managedFields }, status } as Parameters<
    typeof takenBack
  >[0]);
  return Object.fromEntries(changes.map(({ path, value }) => [path.at(-1), value]));
}

const LISTENERS = { 'f:listeners': { 'k:{"name":"mesh"}': { 'f:conditions': judged('Accepted') } } };

describe('the status of a Gateway that we do not serve any more', () => {
  test('is empty if all of it was ours', () => {
    const ours = { 'f:conditions': judged('Accepted', 'Programmed', 'sidestep.dev/Serving'), 'f:addresses': {} };
    expect(left(entry('sidestep-status', { ...ours, ...LISTENERS }))).toEqual({
      conditions: undefined,
      addresses: undefined,
      listeners: undefined,
    });
  });

  test('keeps what the controller of its class has said since', () => {
    // We still own the type of a condition that somebody else has set to the same status.
    const ours = {
      'f:conditions': { ...judged('Programmed'), 'k:{"type":"Accepted"}': { 'f:type': {}, 'f:status': {} } },
    };
    const theirs = { 'f:conditions': judged('Accepted'), 'f:addresses': {}, ...LISTENERS };
    expect(left(entry('other', theirs), entry('sidestep-status', ours))).toEqual({
      conditions: [{ type: 'Accepted', status: 'True' }],
      addresses: [{ value: '10.0.0.1' }],
      listeners: [{ name: 'mesh' }],
    });
  });
});
