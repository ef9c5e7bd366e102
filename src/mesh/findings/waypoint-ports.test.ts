import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { LABEL } from '../../api/labels.js';
import type { PolicyObject } from '../policy-object.js';
import { type PolicyScope, policyFindings } from '../policies.js';

const scope = policyScope({ waypoint: WAYPOINT });
const service = (name: string, ports: object[], more: object = {}, labels = {}): PolicyObject =>
  policyObject('Service', { clusterIP: '10.0.0.1', selector: { app: name }, ports, ...more }, { name, labels });
const web = service('web', [{ port: 80, targetPort: 8080 }]);
const policy = (
  rule: object,
  { kind = 'Service', name = 'web', ...metadata }: { kind?: string; name?: string; namespace?: string } = {},
): PolicyObject => policyObject('AuthorizationPolicy', { targetRefs: [{ kind, name }], rules: [rule] }, metadata);
const to = (operation: object): object => ({ to: [{ operation }] });
const found = (objects: PolicyObject[], given: PolicyScope = scope): string[] =>
  foundIn(objects, given).filter((one) => one.startsWith('SST2031'));

describe('a policy for a waypoint that names a port of pods', () => {
  it('is told the port that the waypoint sees, once for each policy', () => {
    const twice = { to: [{ operation: { ports: ['8080', '443'] } }, { operation: { notPorts: ['8080'] } }] };
    const metrics = service('metrics', [{ port: 9090, targetPort: 8080 }]);
    const findings = policyFindings([web, metrics, policy(twice, { kind: 'Gateway', name: 'waypoint' })], scope);
    expect(findings.filter(({ code }) => code === 'SST2031').map(({ message }) => message)).toEqual([
      'AuthorizationPolicy x, fields spec.rules[0].to[0].operation.ports, spec.rules[0].to[1].operation.notPorts: the waypoint compares with ports of Services: 80 instead of 8080 for Service/web, 9090 instead of 8080 for Service/metrics',
    ]);
  });

  it.each<[number, string]>([
    [3, '1 instead of 8080 for Service/s1, 2 instead of 8080 for Service/s2, 3 instead of 8080 for Service/s3'],
    [
      5,
      '1 instead of 8080 for Service/s1, 2 instead of 8080 for Service/s2, 3 instead of 8080 for Service/s3 and 2 more',
    ],
  ])('is told those of %i Services', (count, shown) => {
    const services = Array.from({ length: count }, (_, at) =>
      service(`s${at + 1}`, [{ port: at + 1, targetPort: 8080 }]),
    );
    const theirs = { ...web, metadata: { name: 'web', namespace: 'other' } };
    const objects = [theirs, ...services, policy(to({ ports: ['8080'] }), { kind: 'Gateway', name: 'waypoint' })];
    const [found] = policyFindings(objects, scope).filter(({ code }) => code === 'SST2031');
    expect(found?.message).toBe(
      `AuthorizationPolicy x, field spec.rules[0].to[0].operation.ports: the waypoint compares with ports of Services: ${shown}`,
    );
  });

  it.each<[string, PolicyObject[], string]>([
    ['in an operation', [web, policy(to({ ports: ['8080'] }))], 'SST2031 spec.rules[0].to[0].operation.ports'],
    [
      'in the values of a condition',
      [web, policy({ when: [{ key: 'destination.port', values: ['8080'] }] })],
      'SST2031 spec.rules[0].when[0].values',
    ],
    [
      'in a condition',
      [web, policy({ when: [{ key: 'destination.port', notValues: ['8080'] }] })],
      'SST2031 spec.rules[0].when[0].notValues',
    ],
    [
      'for every waypoint of a class',
      [
        web,
        policy(to({ ports: ['8080'] }), { kind: 'GatewayClass', name: 'istio-waypoint', namespace: 'istio-system' }),
      ],
      'SST2031 spec.rules[0].to[0].operation.ports',
    ],
  ])('%s', (_, objects, expected) => {
    expect(found(objects)).toEqual([expected]);
  });

  it('is found by the name of the port in containers of the pods', () => {
    const named = service('web', [{ port: 80, targetPort: 'http' }]);
    const containerPorts = [
      { labels: { app: 'web' }, name: 'http', port: 8080 },
      { labels: { app: 'web' }, name: 'admin', port: 9000 },
      { labels: { app: 'other' }, name: 'http', port: 7070 },
    ];
    const of = (port: string): string[] => found([named, policy(to({ ports: [port] }))], { ...scope, containerPorts });
    expect(['8080', '9000', '7070'].map((port) => of(port).length)).toEqual([1, 0, 0]);
  });

  it('of another namespace counts for the waypoint that is shared', () => {
    const shared = { ...scope, waypoint: { ...WAYPOINT, namespace: 'edge' } };
    const of = (name: string): string[] =>
      found([web, policy(to({ ports: ['8080'] }), { kind: 'Gateway', name, namespace: 'edge' })], shared);
    expect([of('waypoint').length, of('ingress').length]).toEqual([1, 0]);
  });

  it.each<[string, PolicyObject[], PolicyScope?]>([
    ['it is that of the Service, too', [service('web', [{ port: 8080 }]), policy(to({ ports: ['8080'] }))]],
    [
      'another port of the Service has the number',
      [
        service('web', [
          { port: 80, targetPort: 8080 },
          { port: 8080, targetPort: 9090 },
        ]),
        policy(to({ ports: ['8080'] })),
      ],
    ],
    ['a Service of that name elsewhere is meant', [web, policy(to({ ports: ['8080'] }), { namespace: 'other' })]],
    ['it is that of no pod', [web, policy(to({ ports: ['9999'] }))]],
    [
      'it is another Service that is meant',
      [web, service('api', [{ port: 8080 }]), policy(to({ ports: ['8080'] }), { name: 'api' })],
    ],
    ['other conditions have such values', [web, policy({ when: [{ key: 'request.headers[x]', values: ['8080'] }] })]],
    [
      'callers address the pods',
      [service('web', [{ port: 80, targetPort: 8080 }], { clusterIP: 'None' }), policy(to({ ports: ['8080'] }))],
    ],
    [
      'the Service has no waypoint',
      [
        service('web', [{ port: 80, targetPort: 8080 }], {}, { [LABEL.useWaypoint]: 'none' }),
        policy(to({ ports: ['8080'] })),
      ],
    ],
    ['there is no waypoint', [web, policy(to({ ports: ['8080'] }))], policyScope()],
    [
      'pods are selected, not a waypoint',
      [web, policyObject('AuthorizationPolicy', { rules: [to({ ports: ['8080'] })] })],
    ],
    [
      'the policy decides nothing',
      [
        web,
        {
          ...policy(to({ ports: ['8080'] })),
          metadata: { name: 'x', namespace: 'shop', annotations: { 'istio.io/dry-run': 'true' } },
        },
      ],
    ],
    [
      'a class is named outside the root namespace',
      [web, policy(to({ ports: ['8080'] }), { kind: 'GatewayClass', name: 'istio-waypoint' })],
    ],
  ])('is no finding where %s', (_, objects, given) => {
    expect(found(objects, given)).toEqual([]);
  });
});
