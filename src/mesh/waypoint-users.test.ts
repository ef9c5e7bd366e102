import { describe, expect, test } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { dependentPolicies, namedBy } from './waypoint-users.js';

const WAYPOINT = { namespace: 'shop', name: 'wp' };
const USE = 'istio.io/use-waypoint';
const USE_NAMESPACE = 'istio.io/use-waypoint-namespace';

const object = (kind: string, namespace: string | undefined, name: string, labels = {}, spec = {}): PolicyObject => ({
  kind,
  metadata: { name, namespace, labels },
  spec,
});
const namespaces = [
  object('Namespace', undefined, 'shop', { [USE]: 'wp' }),
  object('Namespace', undefined, 'till', { [USE]: 'wp', [USE_NAMESPACE]: 'shop' }),
  object('Namespace', undefined, 'else', { [USE]: 'wp' }),
];

describe('policies that depend on a waypoint', () => {
  const services = [
    object('Service', 'shop', 'web'),
    object('Service', 'shop', 'other', { [USE]: 'own' }),
    object('Service', 'shop', 'out', { [USE]: 'none' }),
    object('Service', 'till', 'pay'),
    object('Service', 'else', 'web'),
  ];
  const serviceEntries = [object('ServiceEntry', 'shop', 'api')];
  const isDependent = (namespace: string, ...targetRefs: object[]): boolean => {
    const policies = [object('AuthorizationPolicy', namespace, 'allow', {}, { targetRefs })];
    return dependentPolicies(WAYPOINT, { policies, namespaces, services, serviceEntries }).length > 0;
  };
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'wp' };
  const service = (name: string): object => ({ kind: 'Service', name });

  test('target it, or what its namespace or itself binds to it', () => {
    expect(isDependent('shop', gateway)).toBe(true);
    expect(isDependent('shop', service('other'), service('web'))).toBe(true);
    expect(isDependent('till', { group: 'core', kind: 'Service', name: 'pay' })).toBe(true);
    expect(isDependent('shop', { group: 'networking.istio.io', kind: 'ServiceEntry', name: 'api' })).toBe(true);
    const single = object('WasmPlugin', 'shop', 'w', {}, { targetRef: gateway });
    expect(dependentPolicies(WAYPOINT, { policies: [single], namespaces, services, serviceEntries })).toEqual([
      'WasmPlugin shop/w',
    ]);
  });

  test('are those that target a Service bound to it, in a namespace that is not', () => {
    const policies = ['free', 'bound'].map((name) =>
      object('AuthorizationPolicy', 'bare', name, {}, { targetRefs: [service(name)] }),
    );
    const options = {
      policies,
      namespaces: [object('Namespace', undefined, 'bare')],
      services: [
        object('Service', 'bare', 'free'),
        object('Service', 'bare', 'bound', { [USE]: 'wp', [USE_NAMESPACE]: 'shop' }),
      ],
      serviceEntries: [],
    };
    expect(dependentPolicies(WAYPOINT, options)).toEqual(['AuthorizationPolicy bare/bound']);
    expect(dependentPolicies({ namespace: 'bare', name: 'none' }, options)).toEqual([]);
  });

  test('are not those whose targets are not told', () => {
    expect(isDependent('shop', { kind: 'Service' })).toBe(false);
    expect(isDependent('shop', { name: 'web' })).toBe(false);
  });

  test('are not those of another namespace, another waypoint, or another kind', () => {
    expect(isDependent('else', gateway)).toBe(false);
    expect(isDependent('else', service('web'))).toBe(false);
    expect(isDependent('shop', { ...gateway, name: 'own' })).toBe(false);
    expect(isDependent('shop', service('other'), service('out'), service('missing'))).toBe(false);
    expect(isDependent('shop', { group: 'example.com', kind: 'Service', name: 'web' })).toBe(false);
    expect(isDependent('shop', { group: 'networking.istio.io', kind: 'Service', name: 'web' })).toBe(false);
  });
});

test('labels of any namespace name a waypoint', () => {
  const objects = [
    ...namespaces,
    object('Service', 'else', 'far', { [USE]: 'wp', [USE_NAMESPACE]: 'shop' }),
    object('Pod', 'shop', 'near', { [USE]: 'wp' }),
    object('Pod', 'shop', 'half', { [USE_NAMESPACE]: 'shop' }),
    object('WorkloadEntry', 'else', 'near', { [USE]: 'wp' }),
  ];
  expect(namedBy(WAYPOINT, objects)).toEqual(['Namespace shop', 'Namespace till', 'Service else/far', 'Pod shop/near']);
});
