import { describe, expect, it } from 'vitest';

import { apiVersionOf, describeRef, isBuiltIn, pathOf, resourceName } from './resource.js';
import { CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT, LEASE, NAMESPACE, POD, POD_DISRUPTION_BUDGET } from './types.js';

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

describe('isBuiltIn', () => {
  it.each([POD, DEPLOYMENT, POD_DISRUPTION_BUDGET, LEASE, CUSTOM_RESOURCE_DEFINITION])('holds for $plural', (type) => {
    expect(isBuiltIn(type)).toBe(true);
  });

  it.each([
    ['gateway.networking.k8s.io', 'v1'],
    ['snapshot.storage.k8s.io', 'v1'],
    ['metrics.k8s.io', 'v1'],
    ['argoproj.io', 'v1alpha1'],
    ['networking.k8s.io', 'v1beta1'],
  ])('does not hold for %s/%s', (group, version) => {
    expect(isBuiltIn({ group, version })).toBe(false);
  });
});

describe('describeRef', () => {
  it('shows the namespace if there is one', () => {
    expect([describeRef({ namespace: 'shop', name: 'a' }), describeRef({ name: 'a' })]).toEqual(['shop/a', 'a']);
  });
});
