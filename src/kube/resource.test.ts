import { describe, expect, it } from 'vitest';

import { apiVersionOf, describeRef, pathOf, resourceName } from './resource.js';
import { DEPLOYMENT, NAMESPACE, POD } from './types.js';

describe('names of a kind', () => {
  it('leave the core group out', () => {
    expect([apiVersionOf(POD), resourceName(POD)]).toEqual(['v1', 'pods']);
    expect([apiVersionOf(DEPLOYMENT), resourceName(DEPLOYMENT)]).toEqual(['apps/v1', 'deployments.apps']);
  });
});

describe('pathOf', () => {
  it.each([
    [pathOf(POD), '/api/v1/pods'],
    [pathOf(POD, { namespace: 'shop' }), '/api/v1/namespaces/shop/pods'],
    [pathOf(POD, { namespace: 'shop', name: 'a', subresource: 'eviction' }), '/api/v1/namespaces/shop/pods/a/eviction'],
    [pathOf(DEPLOYMENT, { namespace: 'shop', name: 'web' }), '/apis/apps/v1/namespaces/shop/deployments/web'],
    [pathOf(NAMESPACE, { name: 'shop' }), '/api/v1/namespaces/shop'],
    [pathOf(NAMESPACE, { namespace: 'ignored', name: 'shop' }), '/api/v1/namespaces/shop'],
    [pathOf(POD, { namespace: 'shop', name: 'a/../b' }), '/api/v1/namespaces/shop/pods/a%2F..%2Fb'],
  ])('makes %s', (actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('refuses a namespaced object without its namespace, rather than asking for another one', () => {
    expect(() => pathOf(POD, { name: 'a' })).toThrow('Pod a is namespaced');
  });
});

describe('describeRef', () => {
  it('shows the namespace if there is one', () => {
    expect([describeRef({ namespace: 'shop', name: 'a' }), describeRef({ name: 'a' })]).toEqual(['shop/a', 'a']);
  });
});
