import { describe, expect, it } from 'vitest';
import { type HostPlace, placeOf, serviceAt } from './hosts.js';

describe('a host, seen from namespace shop', () => {
  it.each<[string, string, HostPlace, string?]>([
    ['web', 'shop', 'here', 'web'],
    ['web', 'other', 'elsewhere'],
    ['web.shop.svc', 'other', 'here', 'web'],
    ['web.shop.svc.cluster.local', 'other', 'here', 'web'],
    ['web.shop.svc.example.org', 'other', 'here', 'web'],
    ['web.other.svc', 'shop', 'elsewhere'],
    ['web.other.svc.cluster.local', 'shop', 'elsewhere'],
    ['api.example.com', 'shop', 'external'],
    ['web.shop.svcs.example.com', 'shop', 'external'],
    ['v1.web.shop.svc.cluster.local', 'shop', 'external'],
    ['*', 'other', 'here'],
    ['*.local', 'other', 'here'],
    ['*.svc.cluster.local', 'other', 'here'],
    ['*.svc.example.org', 'other', 'here'],
    ['*.shop.svc', 'other', 'here'],
    ['*.shop.svc.cluster.local', 'other', 'here'],
    ['*.other.svc', 'shop', 'elsewhere'],
    ['*.other.svc.cluster.local', 'shop', 'elsewhere'],
    ['*.example.com', 'shop', 'external'],
  ])('%s of namespace %s is %s', (host, home, place, service) => {
    expect(placeOf(host, home, 'shop')).toBe(place);
    expect(serviceAt(host, home, 'shop')).toBe(service);
  });
});
